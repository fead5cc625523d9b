"""One installation in a temporary folder, driven by ./run as a person would."""

import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runner import processes

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90  # seconds; a budget for a slow machine, never a measurement

# What tests/services.py and pytest have set, which a person's terminal has not.
OURS = re.compile(
    r"^(DATABASE_.*|CELERY_.*|SECRET_KEY|ALLOWED_HOSTS|CAIRN_.*|PYTEST_.*|COV.*|DJANGO_.*)$"
)


class Installation:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.output = folder / "serve.log"

    def run(self, *arguments: str, data: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            [ROOT / "run", *arguments],
            env=self._environment(data or self.data),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        """Have ``./run serve`` answer on our port; the caller may end it as it likes."""
        with self.output.open("ab") as output:
            server = subprocess.Popen(
                [ROOT / "run", "serve", "--port", str(self.port)],
                env=self._environment(self.data),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            assert processes.wait_until(
                lambda: self.answers() or server.poll() is not None, PATIENCE
            ), self.said()
            assert server.poll() is None, self.said()
            yield server
        finally:
            server.send_signal(signal.SIGKILL)
            server.wait()

    def _environment(self, data: Path) -> dict[str, str]:
        kept = {name: text for name, text in os.environ.items() if not OURS.match(name)}
        return {**kept, "CAIRN_DATA": str(data)}

    def said(self) -> str:
        return self.output.read_text()

    def answers(self) -> bool:
        return self.get("/health/live") == (200, "ok")

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body, or (0, "") if nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as got:
                return got.status, got.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def running(self, word: str = "") -> list[int]:
        """List the processes that name our folder, in their arguments or their environment."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                arguments = (entry / "cmdline").read_bytes()
                whole = arguments + (entry / "environ").read_bytes()
            except OSError:
                continue
            ours = os.fsencode(self.folder) in whole
            if ours and word.encode() in arguments and processes.is_running(int(entry.name)):
                found.append(int(entry.name))
        return found

    def nothing_is_left(self) -> bool:
        return processes.wait_until(lambda: not self.running(), 30)

    def postgres_pid(self) -> int:
        return int((self.data / "servers/postgres/postmaster.pid").read_text().split()[0])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_end(process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.returncode is not None, "it did not end"
    return process.returncode
