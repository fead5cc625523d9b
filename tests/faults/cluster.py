"""A whole installation to break: PostgreSQL that survives a crash, a broker, worker and beat."""

import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from runner import binaries, processes
from runner.accounts import make_folder, server_account
from runner.broker import Broker
from runner.postgres import APPLICATION, OWNER, Postgres
from runner.throwaway import temporary_folder

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30  # seconds; a budget for a slow machine, never a measurement

LEASE_SECONDS = 2.0
TIME_LIMIT_SECONDS = 3
# What tests/services.py and pytest have set for themselves.
OURS = re.compile(r"^(DATABASE_.*|CELERY_.*|CAIRN_.*|PYTEST_.*|COV.*|DJANGO_.*)$")


class Cluster:
    """Every process is our child, or a child's child, and dies with us."""

    def __init__(self) -> None:
        account = server_account()
        self.folder = temporary_folder(account)
        for name in ("sockets", "broker"):
            make_folder(self.folder / name, account)
        # What was acknowledged must survive a crash of the server, though not one of the machine.
        self.postgres = Postgres(
            programs=binaries.find_postgres(account),
            data=self.folder / "postgres",
            sockets=self.folder / "sockets",
            log=self.folder / "postgres.log",
            account=account,
            settings={"max_connections": "100", "fsync": "off"},
        )
        self.broker = Broker(
            program=binaries.find_broker(account),
            data=self.folder / "broker",
            socket=self.folder / "sockets" / "broker.sock",
            log=self.folder / "broker.log",
            account=account,
            durable=False,
        )
        self.celery: dict[str, subprocess.Popen[bytes]] = {}
        self.others: list[subprocess.Popen[bytes]] = []
        kept = {name: text for name, text in os.environ.items() if not OURS.match(name)}
        self.environment = {
            **kept,
            "DATABASE_URL": self.postgres.url(APPLICATION),
            "DATABASE_OWNER_URL": self.postgres.url(OWNER),
            "CELERY_BROKER_URL": self.broker.url(),
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ALLOWED_HOSTS": "localhost",
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "CAIRN_SWEEP_SECONDS": "1",
            "CAIRN_TASK_TIME_LIMIT": str(TIME_LIMIT_SECONDS),
            "FAULTS_LEASE_SECONDS": str(LEASE_SECONDS),
            "FAULTS_DELAY_SECONDS": "0.1",
        }

    def start(self) -> None:
        self.postgres.initialise(major=binaries.major_version(self.postgres.programs))
        self.postgres.start()
        self.postgres.prepare()
        subprocess.run(
            [sys.executable, ROOT / "manage.py", "migrate", "--verbosity", "0"],
            env={**self.environment, "DJANGO_SETTINGS_MODULE": "config.settings"},
            check=True,
        )
        self.broker.start()
        self.start_worker()
        self.start_beat()

    def mend(self) -> None:
        """Start again what a fault has left dead, so that each test finds everything running."""
        if self.postgres.process is None or self.postgres.process.poll() is not None:
            self.postgres.start()
        if self.broker.process is None or self.broker.process.poll() is not None:
            self.broker.start()
        self.signal_broker(signal.SIGCONT)
        for name, start in (("worker", self.start_worker), ("beat", self.start_beat)):
            if self.celery[name].poll() is not None:
                start()

    def stop(self) -> None:
        for process in [*self.others, *self.celery.values()]:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            processes.stop(process, signal.SIGKILL, grace=5)
        self.broker.stop()
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # The worker and beat

    def start_worker(self) -> None:
        options = ["--pool", "prefork", "--concurrency", "2", "--without-gossip"]
        self._start_celery("worker", *options, "--without-mingle")

    def start_beat(self) -> None:
        self._start_celery("beat", "--pidfile", "", "-s", str(self.folder / "schedule"))

    def _start_celery(self, name: str, *options: str) -> None:
        self.celery[name] = self._spawn(
            name, "-m", "celery", "-A", "config", name, *options, "--loglevel", "WARNING"
        )

    def kill_worker(self) -> None:
        """Kill the worker and everything of its session at once, as a machine that fails does."""
        processes.end_session(self.celery["worker"].pid)
        self.celery["worker"].wait()

    def pool_children(self) -> list[int]:
        """Return the processes in which the worker runs its tasks."""
        pid = self.celery["worker"].pid
        with contextlib.suppress(OSError):
            return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return []

    def kill_pool_child(self) -> None:
        for pid in self.pool_children()[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    # The servers

    def crash_database(self) -> None:
        """Crash PostgreSQL, as ``pg_ctl -m immediate`` does, and start it again."""
        assert self.postgres.process is not None
        self.postgres.process.send_signal(signal.SIGQUIT)
        self.postgres.process.wait()
        self.postgres.process = None
        self.postgres.start()

    def signal_broker(self, kind: signal.Signals) -> None:
        assert self.broker.process is not None
        self.broker.process.send_signal(kind)

    def kill_broker(self) -> None:
        self.signal_broker(signal.SIGKILL)
        assert self.broker.process is not None
        self.broker.process.wait()

    def flush_broker(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(PATIENCE)
            asking.connect(str(self.broker.socket))
            asking.sendall(b"FLUSHALL\r\n")
            assert asking.recv(5) == b"+OK\r\n"

    def stop_beat(self) -> None:
        processes.stop(self.celery["beat"], grace=5)

    def said(self, name: str) -> str:
        """Return the log of a process or server."""
        log = self.folder / f"{name}.log"
        return log.read_text(errors="replace") if log.exists() else ""

    # Programs of the tests

    def spawn(self, name: str, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start one of our programs on this installation."""
        process = self._spawn(name, "-m", module, *arguments)
        self.others.append(process)
        return process

    def _spawn(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        return processes.spawn(
            [sys.executable, *arguments],
            log=self.folder / f"{name}.log",
            death_signal=signal.SIGKILL,
            environment=self.environment,
            folder=ROOT,
        )


def every(seconds: float, *, during: float) -> Iterator[None]:
    """Yield each ``seconds`` for ``during`` seconds: the rhythm of the faults."""
    end = time.monotonic() + during
    while time.monotonic() < end:
        time.sleep(seconds)
        yield
