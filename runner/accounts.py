"""
Which user the servers run as.

PostgreSQL refuses to run as root, and nothing here adds a user: root lends the servers to an
account that every system has. Anyone else runs them as themselves.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from runner.problem import Problem

SPARE_ACCOUNTS = ("nobody", "daemon")


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged user that root drops to."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """Return the account for the servers, or None when the current user is not root."""
    if os.geteuid() != 0:
        return None
    for name in SPARE_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise Problem("PostgreSQL does not run as root, and there is no user 'nobody' to lend it to.")


def as_account(account: Account | None) -> dict[str, object]:
    """Return the arguments by which ``subprocess`` drops to ``account``."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def can_enter(folder: Path, account: Account | None) -> bool:
    """Test if ``account`` can reach ``folder``: a closed folder above it is enough to stop it."""
    if account is None:
        return os.access(folder, os.X_OK)
    probe = ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]
    options = as_account(account)
    done = subprocess.run(probe, cwd="/", stderr=subprocess.DEVNULL, check=False, **options)  # type: ignore[call-overload]
    return bool(done.returncode == 0)


def make_folder(folder: Path, account: Account | None, mode: int = 0o700) -> None:
    """Make ``folder`` with exactly ``mode``, owned by ``account``."""
    folder.mkdir(exist_ok=True)
    folder.chmod(mode)
    if account is not None:
        os.chown(folder, account.uid, account.gid)
