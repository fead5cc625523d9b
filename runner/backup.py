"""
Everything in the database, in one file, and back into an empty place.

The file is a tar of ``manifest.json`` (what it is and what it needs) and ``database.dump``
(PostgreSQL's custom format). It is read again before it gets its name, so a backup that exists
is one that can be listed.
"""

import hashlib
import json
import os
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from runner import binaries
from runner.installation import ROOT
from runner.postgres import OWNER, clean_environment
from runner.problem import Problem
from runner.services import Services, is_given, manage

FORMAT = 1
DUMP, MANIFEST = "database.dump", "manifest.json"
NOT_A_BACKUP = "is not a backup made by ./run backup"


@dataclass(frozen=True, slots=True)
class Database:
    """A database and the programs that reach it. The password is never on a command line."""

    programs: Path
    url: str
    environment: dict[str, str]

    def run(self, program: str, *arguments: str) -> str:
        """
        Run one of PostgreSQL's programs on the database and return what it prints.

        :raises Problem: with its own words, if it fails.
        """
        done = subprocess.run(
            [str(self.programs / program), "--no-password", f"--dbname={self.url}", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Problem(f"{program} failed:\n{done.stderr.strip()}")
        return done.stdout

    def value(self, sql: str) -> str:
        return self.run("psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql).strip()


def make(data: Path, file: Path | None) -> None:
    """
    Write everything in the database to ``file``, beside a running installation or alone.

    :raises Problem: if there is nothing to back up, or the file cannot be written or read again.
    """
    now = datetime.now(UTC)
    target = (file or Path(f"cairn-{now:%Y-%m-%d-%H%M%S}.backup")).absolute()
    if target.exists():
        raise Problem(f"{target} exists already. Name another file.")
    if not target.parent.is_dir():
        raise Problem(f"There is no folder {target.parent}.")
    if not is_given("DATABASE_URL") and not (data / "servers" / "postgres").exists():
        raise Problem(f"There is no data in {data}.")

    services = Services(data)
    with services.database_for("backup"), tempfile.TemporaryDirectory(dir=target.parent) as work:
        database = _database(services)
        dump = Path(work, DUMP)
        print("Writing the database …", flush=True)
        database.run("pg_dump", "--format=custom", "--no-owner", "--no-acl", f"--file={dump}")
        manifest = _manifest(database, dump, now)
        whole = Path(work, "whole")
        _pack(whole, dump, manifest)
        dump.unlink()
        print("Reading it again …", flush=True)
        with _unpacked(whole, Path(work)) as (_, again):
            tables = _tables(database.programs, again)
        whole.replace(target)
    print(f"{target}: {tables} tables, {target.stat().st_size / 1e6:.1f} MB.")
    print("It holds pupils' data: keep it as safe as the database.")


def restore(data: Path, file: Path) -> None:
    """
    Put the backup ``file`` into the empty place ``data``, and bring its schema up to date.

    All or nothing: the file is checked first, and the rows come in one transaction.
    :raises Problem: if the file is no backup of ours, or if there is data already.
    """
    if not file.is_file():
        raise Problem(f"There is no file {file}.")
    with tempfile.TemporaryDirectory() as work, _unpacked(file, Path(work)) as (manifest, dump):
        _refuse_newer(manifest)
        services = Services(data)
        with services.database_for("restore"):
            database = _database(services)
            tables = _tables(database.programs, dump)
            _refuse_data(database, services)
            print(f"Restoring {tables} tables, saved {manifest['made_at']} …", flush=True)
            database.run(
                *("pg_restore", "--no-owner", "--no-acl", "--exit-on-error"),
                *("--single-transaction", str(dump)),
            )
            print("Bringing the schema and the privileges up to date …", flush=True)
            migrated = subprocess.run(
                manage("migrate", "--no-input", "--verbosity", "0"),
                env=services.environment(owner=True),
                check=False,
            )
            if migrated.returncode:
                raise Problem("The data is there, but its schema could not be brought up to date.")
    print(f"Restored into {services.places.data}. Sessions are not kept: people sign in again.")


def _database(services: Services) -> Database:
    """Return the installation's database as its owner sees it."""
    if services.postgres is not None:
        return Database(
            services.postgres.programs, services.postgres.url(OWNER), clean_environment()
        )
    url = _given("DATABASE_OWNER_URL") or _given("DATABASE_URL")
    parts = urlsplit(url)
    environment = clean_environment()
    if parts.password:
        environment["PGPASSWORD"] = unquote(parts.password)
        where = parts.netloc.replace(f":{parts.password}@", "@", 1)
        url = urlunsplit(parts._replace(netloc=where))
    return Database(binaries.find_postgres(services.places.account), url, environment)


def _given(name: str) -> str:
    if file := os.environ.get(f"{name}_FILE"):
        return os.environ.get(name) or Path(file).read_text().strip()
    return os.environ.get(name, "")


def _manifest(database: Database, dump: Path, now: datetime) -> dict[str, Any]:
    server = int(database.value("SHOW server_version_num")) // 10000
    applied = database.value(
        "SELECT app || '.' || name FROM django_migrations ORDER BY app, name"
        if database.value("SELECT to_regclass('public.django_migrations')")
        else "SELECT WHERE false"
    )
    return {
        "format": FORMAT,
        "product": "Cairn",
        "version": product_version(),
        "made_at": now.isoformat(timespec="seconds"),
        "postgresql": server,
        "needs": [
            f"Cairn {product_version()} or newer",
            f"PostgreSQL {server} or newer",
            "the same SECRET_KEY, if people are to stay signed in (it is not in this file)",
        ],
        "migrations": applied.splitlines(),
        "sha256": _sha256(dump),
    }


def product_version() -> str:
    found = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    return found[1] if found else "unknown"


def _pack(whole: Path, dump: Path, manifest: dict[str, Any]) -> None:
    (dump.parent / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    with os.fdopen(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            for path in (dump.parent / MANIFEST, dump):
                entry = tar.gettarinfo(str(path), arcname=path.name)
                entry.uid = entry.gid = 0
                entry.uname = entry.gname = ""
                with path.open("rb") as content:
                    tar.addfile(entry, content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _unpacked(file: Path, work: Path) -> Iterator[tuple[dict[str, Any], Path]]:
    """
    Yield the manifest and the dump of ``file``, once its parts are known to be whole.

    :raises Problem: if it is not one of ours, or damaged.
    """
    dump = work / f"again-{DUMP}"
    try:
        with tarfile.open(file, mode="r:") as tar:
            manifest = json.loads(_part(tar, MANIFEST).read(1_000_000))
            with dump.open("wb") as target:
                content = _part(tar, DUMP)
                while block := content.read(1 << 20):
                    target.write(block)
    except (tarfile.TarError, ValueError, KeyError, EOFError) as error:
        raise Problem(f"{file} {NOT_A_BACKUP} ({error}).") from None
    if not isinstance(manifest, dict) or manifest.get("product") != "Cairn":
        raise Problem(f"{file} {NOT_A_BACKUP}.")
    if manifest.get("format") != FORMAT:
        raise Problem(f"{file} has format {manifest.get('format')}; this version reads {FORMAT}.")
    if manifest.get("sha256") != _sha256(dump):
        raise Problem(f"{file} is damaged: its contents are not what was written.")
    yield manifest, dump


def _part(tar: tarfile.TarFile, name: str) -> Any:
    part = tar.extractfile(name)
    if part is None:
        raise KeyError(name)
    return part


def _tables(programs: Path, dump: Path) -> int:
    """
    Return how many tables' rows ``dump`` holds, by reading its table of contents.

    :raises Problem: if PostgreSQL's own program cannot read it.
    """
    listed = subprocess.run(
        [str(programs / "pg_restore"), "--list", str(dump)],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        raise Problem(f"The backup cannot be read: {listed.stderr.strip()}")
    return len(re.findall(r"^\d+; \d+ \d+ TABLE DATA ", listed.stdout, re.MULTILINE))


def _refuse_newer(manifest: dict[str, Any]) -> None:
    """Refuse a backup with migrations that this version does not have."""
    unknown = [
        name
        for name in manifest.get("migrations", [])
        for app, _, migration in [name.partition(".")]
        if (ROOT / app).is_dir() and not (ROOT / app / "migrations" / f"{migration}.py").exists()
    ]
    if unknown:
        raise Problem(
            f"The backup was made by a newer Cairn ({manifest.get('version')}): this one does not "
            f"know {', '.join(unknown[:3])}. Restore it with that version."
        )


def _refuse_data(database: Database, services: Services) -> None:
    tables = int(database.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
    if not tables:
        return
    if services.postgres is None:
        raise Problem("The database of DATABASE_URL is not empty. Name an empty one.")
    raise Problem(
        f"There is data in {services.places.data} already, and nothing of it was changed. "
        "Restore into another folder: ./run restore FILE --data DIR."
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


__all__ = ["make", "product_version", "restore"]
