"""Starts every part in order, keeps them running, and stops them in reverse."""

import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from runner import processes
from runner.installation import PYTHON, ROOT
from runner.problem import Problem
from runner.services import Services, is_loopback, manage

LOCK_PATIENCE = 60  # seconds to wait for a short command that holds the servers
READY_PATIENCE = 60  # seconds until the address is printed anyway, with what is missing
PORT_PATIENCE = 2  # seconds; a web server whose supervisor was killed needs a moment to go
LONGEST_PAUSE = 30  # seconds between attempts to start a part that keeps ending
STEADY = 60  # seconds of running after which earlier ends are forgotten


class Stopped(BaseException):
    """We were asked to end."""


class Part:
    """One child that is started, watched and stopped."""

    def __init__(
        self,
        name: str,
        *,
        start: Callable[[], processes.Process | None],
        stop: Callable[[], None],
        log: Path,
    ) -> None:
        self.name = name
        self.log = log
        self._start = start
        self._stop = stop
        self.process: processes.Process | None = None
        self._ends = 0
        self._started_at = 0.0
        self._start_again_at = 0.0

    def start(self) -> None:
        self._started_at = time.monotonic()
        self.process = self._start()

    def stop(self) -> None:
        self._stop()

    def look_after(self) -> None:
        """Start the part again if it has ended, later each time."""
        if self.process is None or self.process.poll() is None:
            return
        now = time.monotonic()
        if not self._start_again_at:
            processes.end_session(self.process.pid)
            self._ends = self._ends + 1 if now - self._started_at < STEADY else 1
            pause = min(2 ** (self._ends - 1), LONGEST_PAUSE)
            self._start_again_at = now + pause
            say(f"{self.name} ended ({_how(self.process.returncode)}); again in {pause} s.")
            say(processes.tail(self.log, 5))
        elif now >= self._start_again_at:
            self._start_again_at = 0.0
            try:
                self.start()
            except Problem as problem:
                say(str(problem))
            else:
                say(f"{self.name} is running again.")


class Supervisor:
    """All parts of one installation, while they run."""

    def __init__(self, services: Services, *, host: str, port: int) -> None:
        self.services = services
        self.host = host
        self.listener = _listen(host, port)
        self.port = self.listener.getsockname()[1]
        self.parts: list[Part] = []

    def run(self) -> None:
        """Serve until we are asked to stop. Whatever happens, nothing is left running."""
        with _signals():
            try:
                self._start_all()
                self._announce()
                while True:
                    self._look_after()
                    time.sleep(0.2)
            except Stopped:
                pass
            finally:
                self._stop_all()

    def _start_all(self) -> None:
        services = self.services
        if services.postgres is not None:
            self._begin("PostgreSQL", self._start_postgres, services.postgres.stop, "postgres")
        if services.broker is not None:
            self._begin("the broker", self._start_broker, services.broker.stop, "broker")
        self._prepare()
        celery = [str(PYTHON), "-m", "celery", "-A", "config"]
        quiet = ["--loglevel", "WARNING"]
        self._child(
            "the worker",
            "worker",
            [
                *(*celery, "worker", "--pool", "prefork", "--concurrency", "2"),
                *("--without-gossip", "--without-mingle", *quiet),
            ],
            death=signal.SIGKILL,
            grace=15,
        )
        schedule = self.services.places.data / "beat" / "schedule"
        self._child(
            "beat",
            "beat",
            [*celery, "beat", "--pidfile", "", "-s", str(schedule), *quiet],
            death=signal.SIGTERM,
            grace=5,
        )
        self._child(
            "the web server",
            "web",
            [
                *(str(PYTHON), "-m", "gunicorn", "config.wsgi", "--no-control-socket"),
                *("--bind", f"fd://{self.listener.fileno()}", "--worker-class", "gthread"),
                *("--workers", "2", "--threads", "4", "--graceful-timeout", "5"),
            ],
            death=signal.SIGQUIT,
            grace=8,
        )

    def _begin(
        self,
        name: str,
        start: Callable[[], processes.Process | None],
        stop: Callable[[], None],
        log: str,
    ) -> None:
        say(f"Starting {name} …")
        part = Part(name, start=start, stop=stop, log=self.services.places.log(log))
        self.parts.append(part)
        part.start()

    def _start_postgres(self) -> processes.Process | None:
        self.services.start_database()
        assert self.services.postgres is not None
        return self.services.postgres.process

    def _start_broker(self) -> processes.Process | None:
        assert self.services.broker is not None
        self.services.broker.start()
        return self.services.broker.process

    def _child(
        self, name: str, log: str, command: list[str], *, death: signal.Signals, grace: float
    ) -> None:
        """
        Run a program of the product, as the plain role.

        ``death`` is for when we are killed: quick, since the database goes at the same time.
        """
        places = self.services.places
        environment = self.services.environment(owner=False, host=self.host)
        part: Part

        def start() -> subprocess.Popen[bytes]:
            return processes.spawn(
                command,
                log=places.log(log),
                death_signal=death,
                environment=environment,
                folder=ROOT,
                pass_fds=(self.listener.fileno(),) if log == "web" else (),
            )

        def stop() -> None:
            if part.process is not None:
                processes.stop(part.process, grace=grace)

        say(f"Starting {name} …")
        part = Part(name, start=start, stop=stop, log=places.log(log))
        self.parts.append(part)
        part.start()

    def _prepare(self) -> None:
        """Bring the schema up to date as its owner, and collect the static files meanwhile."""
        say("Preparing the database …")
        environment = self.services.environment(owner=True, host=self.host)
        jobs = {
            name: processes.spawn(
                manage(*command),
                log=self.services.places.log(name),
                death_signal=signal.SIGKILL,
                environment=environment,
                folder=ROOT,
            )
            for name, command in {
                "migrate": ["migrate", "--no-input", "--verbosity", "1"],
                "collectstatic": ["collectstatic", "--no-input", "--verbosity", "0"],
            }.items()
        }
        try:
            for name, job in jobs.items():
                if job.wait():
                    log = self.services.places.log(name)
                    raise Problem(f"{name} failed. The end of {log}:\n{processes.tail(log)}")
        finally:
            for job in jobs.values():
                processes.stop(job, grace=0)

    def _announce(self) -> None:
        """Wait until every part answers, and print the address."""
        deadline = time.monotonic() + READY_PATIENCE
        failing = self._failing()
        while failing and time.monotonic() < deadline:
            self._look_after()
            time.sleep(0.2)
            failing = self._failing()
        address = f"http://{self.host}:{self.port}"
        if failing:
            say(f"Cairn is at {address}, but not all of it is ready: {failing}.")
            say(f"The logs are in {self.services.places.logs}.")
        else:
            say(f"Cairn is ready at {address} — Ctrl-C stops it.")
        if not is_loopback(self.host) and "ALLOWED_HOSTS" not in os.environ:
            say("Only this machine's names are answered: set ALLOWED_HOSTS to the others.")

    def _failing(self) -> str:
        """Return what /health/ready finds failing, or nothing."""
        hosts = self.services.environment(owner=False).get("ALLOWED_HOSTS", "").split(",")
        name = hosts[0].strip().lstrip(".").replace("*", "localhost")
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host
        request = urllib.request.Request(
            f"http://{f'[{host}]' if ':' in host else host}:{self.port}/health/ready",
            headers={"Host": name or "localhost"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            opener.open(request, timeout=5).close()
        except urllib.error.HTTPError as error:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                return ", ".join(json.load(error)["failing"])
            return f"the web server answers {error.code}"
        except OSError as error:
            return f"the web server does not answer ({error})"
        return ""

    def _look_after(self) -> None:
        for part in self.parts:
            part.look_after()

    def _stop_all(self) -> None:
        for part in reversed(self.parts):
            say(f"Stopping {part.name} …")
            part.stop()
        self.listener.close()


def serve(services: Services, *, host: str, port: int) -> None:
    """
    Run every part until we are asked to stop.

    :raises Problem: if the data is in use, the port is taken or a part cannot start.
    """
    with _lock(services):
        Supervisor(services, host=host, port=port).run()
    say("Stopped.")


@contextmanager
def _lock(services: Services) -> Iterator[None]:
    """Hold the servers' lock: refuse beside another supervisor, wait for a short command."""
    deadline = time.monotonic() + LOCK_PATIENCE
    waiting = False
    while True:
        with services.places.servers_lock("serve") as ours:
            if ours:
                yield
                return
        pid, holder = services.places.lock_holder()
        if holder == "serve" or time.monotonic() > deadline:
            raise Problem(
                f"Cairn is already running on the data in {services.places.data}: {holder}, "
                f"process {pid}. Stop that, or name another folder with --data DIR."
            )
        if not waiting:
            say(f"Waiting for {holder} (process {pid}) to finish …")
            waiting = True
        time.sleep(0.2)


def _listen(host: str, port: int) -> socket.socket:
    """Open the port ourselves: a port that is taken is found at once, not by a child."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    deadline = time.monotonic() + PORT_PATIENCE
    while True:
        try:
            listener.bind((host, port))
            listener.listen(128)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            listener.close()
            raise Problem(
                f"Port {port} on {host} cannot be used ({error.strerror}). "
                "Name another with --port."
            ) from None
        return listener


@contextmanager
def _signals() -> Iterator[None]:
    """Turn the first request to stop into :class:`Stopped`; later ones change nothing."""
    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def handle(*_: object) -> None:
        for kind in kinds:
            signal.signal(kind, signal.SIG_IGN)
        raise Stopped

    before = {kind: signal.signal(kind, handle) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"


def say(text: str) -> None:
    """Print ``text``; a terminal that is gone must not keep us from stopping everything."""
    with contextlib.suppress(OSError):
        print(text, flush=True)
