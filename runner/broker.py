"""
One Valkey (or Redis) server on a private Unix socket.

It may lose everything: PostgreSQL has every request that waits.
"""

import shutil
import signal
import socket
import struct
import subprocess
from pathlib import Path
from urllib.parse import quote

from runner import processes
from runner.accounts import Account
from runner.problem import Problem

PATIENCE = 15  # seconds
ORPHAN_PATIENCE = 5  # seconds


class Broker:
    """The broker whose files are in ``data`` and whose socket is ``socket``."""

    def __init__(
        self,
        *,
        program: Path,
        data: Path,
        socket: Path,
        log: Path,
        account: Account | None,
        durable: bool = True,
    ) -> None:
        self.program = program
        self.data = data
        self.socket = socket
        self.log = log
        self.account = account
        self.durable = durable
        self.process: processes.Process | None = None

    def url(self, number: int = 0) -> str:
        """Return the address that Celery uses; ``number`` is one of sixteen separate spaces."""
        return f"redis+socket://{quote(str(self.socket))}?virtual_host={number}"

    def start(self) -> None:
        """
        Start the server and wait until it answers.

        One that runs already is on its way out, or is adopted when it stays: two servers on
        the same files would spoil them. Messages that cannot be read are put aside.
        :raises Problem: if it does not answer, with the end of its log.
        """
        if not processes.wait_until(lambda: not self.answers(), ORPHAN_PATIENCE):
            self.process = processes.Foreign(self._peer())
            return
        self._attempt()
        if not self.answers() and self.durable:
            aside = self.data / "unreadable"
            shutil.rmtree(aside, ignore_errors=True)
            if (self.data / "appendonlydir").exists():
                (self.data / "appendonlydir").rename(aside)
                self._attempt()
        if not self.answers():
            self.stop()
            raise Problem(
                f"The broker did not start. The end of {self.log}:\n{processes.tail(self.log)}"
            )

    def _attempt(self) -> None:
        process = self.process = self._spawn()
        processes.wait_until(lambda: self.answers() or process.poll() is not None, PATIENCE)

    def _spawn(self) -> subprocess.Popen[bytes]:
        return processes.spawn(
            [
                *(self.program, "--port", "0", "--unixsocket", self.socket),
                *("--unixsocketperm", "700", "--dir", self.data, "--save", ""),
                *("--appendonly", "yes" if self.durable else "no", "--appendfsync", "everysec"),
                *("--maxmemory-policy", "noeviction", "--daemonize", "no", "--logfile", ""),
            ],
            log=self.log,
            death_signal=signal.SIGTERM,
            account=self.account,
        )

    def answers(self) -> bool:
        """Test if the server on the socket answers PING with PONG."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(1)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(7).startswith(b"+PONG")
        except OSError:
            return False

    def _peer(self) -> int:
        """Return the process that listens on the socket."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(str(self.socket))
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            return int(struct.unpack("3i", credentials)[0])

    def stop(self) -> None:
        """Stop the server we started."""
        if self.process is not None:
            processes.stop(self.process, grace=10)
            self.process = None
