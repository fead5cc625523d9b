"""Where everything of one installation lies, and who is using it."""

import contextlib
import fcntl
import hashlib
import os
import pwd
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runner.accounts import Account, can_enter, make_folder, server_account
from runner.problem import Problem

LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432")  # bytes; the kernel's limit is 108 with a zero
OPEN_PLACE = Path("/var/lib/cairn")  # root's, for servers whose data is in a closed folder


class Places:
    """
    The data folder: ``servers/`` is the servers' own, everything else is ours.

    Where root's servers run as another user and the data folder is below one that this user
    cannot enter (such as /root), ``servers`` is a link to a folder in /var/lib/cairn.
    """

    def __init__(self, data: Path) -> None:
        self.data = data.absolute()
        self.account = server_account()
        self.logs = self.data / "logs"
        self.static = self.data / "static"
        self._make()
        self.servers = self._servers()
        self.account = self._owner_of_old_data() or self.account
        self.postgres = self.servers / "postgres"
        self.broker = self.servers / "broker"
        self.sockets = self._sockets()
        make_folder(self.broker, self.account)

    def _make(self) -> None:
        try:
            if not self.data.exists():
                self.data.mkdir(parents=True)
                self.data.chmod(0o700 if self.account is None else 0o711)
            for folder in (self.logs, self.static, self.data / "beat"):
                folder.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise Problem(
                f"The data folder {self.data} cannot be used: {error.strerror}."
            ) from None
        if not os.access(self.data, os.W_OK | os.X_OK):
            raise Problem(
                f"The data folder {self.data} belongs to another user. Name one with --data DIR."
            )

    def _servers(self) -> Path:
        link = self.data / "servers"
        try:
            if not link.exists() and not link.is_symlink():
                if can_enter(self.data, self.account):
                    make_folder(link, None, 0o700 if self.account is None else 0o711)
                else:
                    link.symlink_to(_open_folder(self.data))
            return link.resolve(strict=True)
        except OSError as error:
            raise Problem(f"The servers' folder {link} cannot be used: {error}.") from None

    def _owner_of_old_data(self) -> Account | None:
        """Return who made the data, where we are root and may be anyone; refuse it otherwise."""
        try:
            owner = (self.servers / "postgres").stat().st_uid
        except FileNotFoundError:
            return None
        except PermissionError:
            owner = -1
        if os.geteuid() == 0 and owner not in {0, -1}:
            entry = pwd.getpwuid(owner)
            return Account(entry.pw_name, owner, entry.pw_gid)
        if owner != os.geteuid():
            raise Problem(
                f"The data in {self.data} was made by another user. Start Cairn as that user, or "
                "name another folder with --data DIR."
            )
        return None

    def _sockets(self) -> Path:
        """Return the sockets' closed folder: in the data folder, or in /tmp if its name is long."""
        folder = self.servers / "sockets"
        if len(os.fsencode(folder)) > LONGEST_SOCKET_FOLDER or "," in str(folder):
            key = hashlib.sha256(os.fsencode(self.servers)).hexdigest()[:16]
            folder = Path("/tmp", f"cairn-{os.geteuid()}-{key}")
        make_folder(folder, self.account)
        found = folder.lstat()
        owner = os.geteuid() if self.account is None else self.account.uid
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
            raise Problem(f"{folder} is not ours. Remove it, or name a shorter --data DIR.")
        return folder

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def secret_key(self) -> str:
        """Return the secret of this installation, made the first time and kept for its owner."""
        path = self.data / "secret_key"
        with contextlib.suppress(FileNotFoundError):
            return path.read_text().strip()
        with contextlib.suppress(FileExistsError):
            handle, new = tempfile.mkstemp(dir=self.data)
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(60) + "\n")
            os.link(new, path)
        Path(new).unlink()
        return path.read_text().strip()

    @contextmanager
    def servers_lock(self, what: str) -> Iterator[bool]:
        """
        Hold the right to start and stop the servers, unless another process has it.

        Yields whether we have it. ``what`` is written down for whoever comes second.
        """
        with _locked(self.data / "lock", fcntl.LOCK_EX | fcntl.LOCK_NB) as handle:
            if handle is not None:
                os.truncate(handle, 0)
                os.pwrite(handle, f"{os.getpid()} {what}\n".encode(), 0)
            yield handle is not None

    def lock_holder(self) -> tuple[str, str]:
        """Return process and command of whoever holds the servers' lock."""
        with contextlib.suppress(OSError, ValueError):
            pid, what = (self.data / "lock").read_text().split(maxsplit=1)
            return pid, what.strip()
        return "?", "another command"

    @contextmanager
    def guest(self) -> Iterator[None]:
        """Be counted among those who use servers that another process started."""
        with _locked(self.data / "guests", fcntl.LOCK_SH):
            yield

    def has_guests(self) -> bool:
        with _locked(self.data / "guests", fcntl.LOCK_EX | fcntl.LOCK_NB) as handle:
            return handle is None

    @contextmanager
    def no_guests(self) -> Iterator[None]:
        """Wait until nobody else uses our servers, and let nobody in."""
        with _locked(self.data / "guests", fcntl.LOCK_EX):
            yield


@contextmanager
def _locked(path: Path, how: int) -> Iterator[int | None]:
    """Lock ``path`` and yield its handle, or None if it is taken. The kernel frees it if we die."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, how)
        except BlockingIOError:
            yield None
        else:
            yield handle
    finally:
        os.close(handle)


def _open_folder(data: Path) -> Path:
    """Make a folder in /var/lib/cairn for the servers of ``data``, with a note that says so."""
    folder = OPEN_PLACE / f"servers-{secrets.token_hex(8)}"
    folder.mkdir(parents=True, mode=0o711)
    folder.chmod(0o711)
    (folder / "README").write_text(f"The servers' files of the Cairn data folder {data}.\n")
    return folder
