"""
Child processes that cannot outlive us.

Each runs in a session of its own, so Ctrl-C reaches only the supervisor, which stops them in
order; and each asks the kernel for a signal when its parent dies, so that ``kill -9`` of the
supervisor stops them too.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from runner.accounts import Account, as_account

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None

LARGE_LOG = 5_000_000  # bytes; then it is put aside as .1 at the next start


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    death_signal: signal.Signals,
    account: Account | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """
    Start ``command`` in a new session, its output appended to ``log``.

    ``death_signal`` is what it gets when this process ends without stopping it.
    """
    with open_log(log) as output:
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=pass_fds,
            cwd=folder or "/",
            env=dict(environment) if environment is not None else None,
            # We have one thread, and what runs before the program is a single system call.
            preexec_fn=follow_parent(death_signal),  # noqa: PLW1509
            **as_account(account),
        )


def follow_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """Return what a child runs before its program: after dropping root, which clears the wish."""
    parent = os.getpid()

    def follow() -> None:
        if _libc is None:
            return
        _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return follow


def open_log(log: Path) -> IO[bytes]:
    """Open ``log`` to append; a large one is put aside first."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LARGE_LOG:
            log.replace(log.with_suffix(".log.1"))
    return log.open("ab")


class Foreign:
    """A process that we did not start and take over, with the part of Popen that we use."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode = 0

    def poll(self) -> int | None:
        return None if is_running(self.pid) else self.returncode

    def send_signal(self, kind: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, kind)

    def wait(self, timeout: float = 10) -> int:
        if not wait_until(lambda: self.poll() is not None, timeout):
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        return self.returncode


Process = subprocess.Popen[bytes] | Foreign


def stop(process: Process, polite: signal.Signals = signal.SIGTERM, *, grace: float) -> None:
    """Ask ``process`` to end, and after ``grace`` seconds end it and all of its session."""
    if process.poll() is None:
        process.send_signal(polite)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace)
    end_session(process.pid)
    process.wait()


def end_session(leader: int) -> None:
    """Kill what is left of the process group that ``leader`` began."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def is_running(pid: int) -> bool:
    """Test if ``pid`` is a live process (a zombie is not)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for ``condition``, and return whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.03)
    return True


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of ``log``, indented, for an error message."""
    try:
        text = log.read_bytes()[-20_000:].decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
