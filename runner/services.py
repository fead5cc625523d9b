"""The servers of one installation, and the environment by which the product finds them."""

import hashlib
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runner import binaries
from runner.broker import Broker
from runner.installation import PYTHON, ROOT
from runner.places import Places
from runner.postgres import APPLICATION, OWNER, Postgres
from runner.problem import Problem

GUEST_PATIENCE = 90  # seconds to wait for a server that another command is starting


def is_given(name: str) -> bool:
    """Test if the user has set ``name``, or ``NAME_FILE``, for the product."""
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


class Services:
    """PostgreSQL and the broker, each only where the user has not named one of their own."""

    def __init__(self, data: Path) -> None:
        self.places = Places(data)
        account = self.places.account
        self.postgres: Postgres | None = None
        self.broker: Broker | None = None
        if not is_given("DATABASE_URL"):
            self.postgres = Postgres(
                programs=binaries.find_postgres(account, major=self._major_of_data()),
                data=self.places.postgres,
                sockets=self.places.sockets,
                log=self.places.log("postgres"),
                account=account,
            )
        if not is_given("CELERY_BROKER_URL"):
            self.broker = Broker(
                program=binaries.find_broker(account),
                data=self.places.broker,
                socket=self.places.sockets / "broker.sock",
                log=self.places.log("broker"),
                account=account,
            )

    def _major_of_data(self) -> int | None:
        """Return the major version of PostgreSQL that made the data, if there is any."""
        try:
            major = int((self.places.postgres / "PG_VERSION").read_text())
        except (FileNotFoundError, ValueError):
            return None
        try:
            binaries.find_postgres(self.places.account, major=major)
        except Problem as problem:
            raise Problem(
                f"The data in {self.places.data} was made by PostgreSQL {major}, which is not "
                f"here.\nSet PG_BIN to the programs of PostgreSQL {major}, make a backup with "
                "./run backup FILE, unset it, and restore that with ./run restore FILE --data DIR "
                f"into a new folder.\n({problem})"
            ) from None
        return major

    def start_database(self) -> None:
        if self.postgres is not None:
            self.postgres.initialise(major=binaries.major_version(self.postgres.programs))
            self.postgres.start()
            self.postgres.prepare()

    def stop_database(self) -> None:
        if self.postgres is not None:
            self.postgres.stop()

    def environment(self, *, owner: bool, host: str = "127.0.0.1") -> dict[str, str]:
        """
        Return the environment of a program of the product.

        ``owner`` adds the role that may change the schema; what serves people never has it.
        """
        result = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }
        if self.postgres is not None:
            result["DATABASE_URL"] = self.postgres.url(APPLICATION)
            result["DATABASE_OWNER_URL"] = self.postgres.url(OWNER)
        if not owner:
            result.pop("DATABASE_OWNER_URL", None)
            result.pop("DATABASE_OWNER_URL_FILE", None)
        if self.broker is not None:
            result["CELERY_BROKER_URL"] = self.broker.url()
        if not is_given("SECRET_KEY"):
            result["SECRET_KEY"] = self.places.secret_key()
        if not is_given("ALLOWED_HOSTS"):
            result["ALLOWED_HOSTS"] = "localhost,127.0.0.1,[::1]"
        if is_loopback(host):
            result.setdefault("CAIRN_INSECURE_COOKIES", "1")
        result.setdefault("STATIC_ROOT", str(self.places.static))
        return result

    @contextmanager
    def database_for(self, what: str) -> Iterator[None]:
        """
        Have the database running: join the one that runs, or start it and stop it after.

        Whoever started it waits for guests before stopping it.
        """
        if self.postgres is None:
            yield
            return
        deadline = time.monotonic() + GUEST_PATIENCE
        while True:
            with self.places.servers_lock(what) as ours:
                if ours:
                    with self._own_database():
                        yield
                    return
            with self.places.guest():
                if self.postgres.accepts():
                    yield
                    return
            if time.monotonic() > deadline:
                pid, holder = self.places.lock_holder()
                raise Problem(
                    f"The database is in use by {holder} (process {pid}) and does not answer."
                )
            time.sleep(0.1)

    @contextmanager
    def _own_database(self) -> Iterator[None]:
        try:
            self.start_database()
            yield
        finally:
            if self.places.has_guests():
                print("Another command is still using the database; waiting for it …", flush=True)
            with self.places.no_guests():
                self.stop_database()

    def bring_up_to_date(self) -> None:
        """
        Make or update the tables of an embedded database, where that was not done yet.

        A note beside the data says for which migrations it was done, so that it costs nothing
        the next time.

        :raises Problem: if the migrations fail.
        """
        if self.postgres is None:
            return
        wanted = _fingerprint(sorted(ROOT.glob("*/migrations/*.py")))
        note = self.places.data / "migrated"
        if note.exists() and note.read_text() == wanted:
            return
        done = subprocess.run(
            manage("migrate", "--no-input", "--verbosity", "0"),
            env=self.environment(owner=True),
            check=False,
        )
        if done.returncode:
            raise Problem("The tables could not be made; what PostgreSQL said stands above.")
        note.write_text(wanted)


def _fingerprint(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def is_loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")


def manage(*arguments: str) -> list[str]:
    """Return the command line of one of Django's commands."""
    return [str(PYTHON), str(ROOT / "manage.py"), *arguments]
