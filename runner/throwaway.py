"""PostgreSQL and a broker for one run of the tests: nothing synced to disk, nothing kept."""

import atexit
import contextlib
import os
import re
import secrets
import shutil
import tempfile
from pathlib import Path

from runner import binaries, processes
from runner.accounts import Account, can_enter, make_folder, server_account
from runner.broker import Broker
from runner.postgres import APPLICATION, OWNER, THROW_AWAY, Postgres
from runner.problem import Problem

PREFIX = "cairn-tests"
READY = "CAIRN_TEST_SERVICES"  # the folder of services that run already


class ThrowAway:
    """Both servers in one temporary folder, gone with this process however it ends."""

    def __init__(self, *, durable: bool = False) -> None:
        """``durable``: synced to disk as a real one is, for measuring."""
        account = server_account()
        self.folder = temporary_folder(account)
        for name in ("sockets", "broker"):
            make_folder(self.folder / name, account)
        (self.folder / "static").mkdir()
        programs = binaries.find_postgres(account)
        self.postgres = Postgres(
            programs=programs,
            data=self.folder / "postgres",
            sockets=self.folder / "sockets",
            log=self.folder / "postgres.log",
            account=account,
            settings={**({} if durable else THROW_AWAY), "max_connections": "100"},
        )
        self.broker = Broker(
            program=binaries.find_broker(account),
            data=self.folder / "broker",
            socket=self.folder / "sockets" / "broker.sock",
            log=self.folder / "broker.log",
            account=account,
            durable=durable,
        )
        self._pid = os.getpid()

    def start(self) -> dict[str, str]:
        """Start both and return the environment by which the product finds them."""
        atexit.register(self.stop)
        self.postgres.initialise(major=binaries.major_version(self.postgres.programs))
        self.postgres.start()
        self.postgres.prepare()
        self.postgres.run_sql(f"ALTER ROLE {OWNER} CREATEDB; GRANT {APPLICATION} TO {OWNER};")
        self.broker.start()
        return {
            "DATABASE_URL": self.postgres.url(APPLICATION),
            "DATABASE_OWNER_URL": self.postgres.url(OWNER),
            "CELERY_BROKER_URL": self.broker.url(),
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
            "CAIRN_INSECURE_COOKIES": "1",
            "STATIC_ROOT": str(self.folder / "static"),
        }

    def marks(self) -> dict[str, str]:
        """
        Return what tells tests/services.py, in every process that follows, that both run.

        The tests make their own database, so they connect as the owner; see tests/roles.py.
        """
        return {READY: str(self.folder), "CAIRN_AS_OWNER": "1"}

    def stop(self) -> None:
        """Stop both and remove their files. A forked child that exits leaves them alone."""
        if os.getpid() != self._pid:
            return
        atexit.unregister(self.stop)
        self.broker.stop()
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def temporary_folder(account: Account | None) -> Path:
    """
    Return a new folder that ``account`` may enter, with a name short enough for sockets.

    It bears our process number: should we be killed, a later run removes it.
    """
    for place in dict.fromkeys([tempfile.gettempdir(), "/tmp", "/var/tmp"]):
        if len(os.fsencode(place)) > 50 or not os.access(place, os.W_OK):
            continue
        _sweep(Path(place))
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}-{os.getpid()}-", dir=place))
        folder.chmod(0o711)
        if can_enter(folder, account):
            return folder
        folder.rmdir()
    raise Problem(
        "No temporary folder can be used. Set TMPDIR to a folder that every user may enter."
    )


def _sweep(place: Path) -> None:
    """Remove what runs that were killed have left in ``place``."""
    for folder in place.glob(f"{PREFIX}-*-*"):
        owner = re.match(rf"{PREFIX}-(\d+)-", folder.name)
        if owner and not processes.is_running(int(owner[1])):
            with contextlib.suppress(OSError):
                shutil.rmtree(folder, ignore_errors=True)
