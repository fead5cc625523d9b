"""One PostgreSQL server, run as a foreground child on a private Unix socket."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from runner import processes
from runner.accounts import Account, as_account, make_folder
from runner.problem import Problem

DATABASE = "cairn"
OWNER = "cairn_owner"  # owns the database and migrates
APPLICATION = "cairn_app"  # what the product connects as; has what it is granted and no more

RESTART_PATIENCE = 15  # seconds; orphans of a killed server need about 1.5 to go
ORPHAN_PATIENCE = 3  # seconds; one that still lets people in after this is there to stay
RECOVERY_PATIENCE = 300  # seconds; replaying the log after a crash
STILL_THERE = ("already exists", "is still in use", "already in use")

THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

ROLES = f"""
SELECT 'CREATE ROLE {OWNER} LOGIN'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{OWNER}') \\gexec
SELECT 'CREATE ROLE {APPLICATION} LOGIN'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APPLICATION}') \\gexec
SELECT 'CREATE DATABASE {DATABASE} OWNER {OWNER}'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}') \\gexec
REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE {DATABASE} TO {APPLICATION};
"""


class Postgres:
    """
    The server whose files are in ``data``.

    Whoever can open ``sockets`` may connect as anyone: the folder is the lock, and only the
    servers' own user (and root) can open it.
    """

    def __init__(
        self,
        *,
        programs: Path,
        data: Path,
        sockets: Path,
        log: Path,
        account: Account | None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.programs = programs
        self.data = data
        self.sockets = sockets
        self.log = log
        self.account = account
        self.settings = dict(settings or {})
        self.process: processes.Process | None = None

    def url(self, role: str, database: str = DATABASE) -> str:
        """Return the libpq URI by which ``role`` connects."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.sockets), safe='')}"

    def initialise(self, *, major: int) -> None:
        """Make the files of a new server; a half-made one is never left under the final name."""
        if self.data.exists():
            return
        new = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        make_folder(new, self.account)
        locale = ["--locale=C.UTF-8"]
        if major >= 17:  # same order on every machine, whatever its C library
            locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command = [
            *(self.programs / "initdb", "-D", new, "-U", "postgres", "-E", "UTF8", *locale),
            *("--auth-local=trust", "--auth-host=reject", "--no-instructions"),
            *(("--no-sync",) if self.settings.get("fsync") == "off" else ()),
        ]
        made = subprocess.run(  # type: ignore[call-overload]
            [str(part) for part in command],
            capture_output=True,
            text=True,
            cwd="/",
            env=clean_environment(),
            check=False,
            **as_account(self.account),
        )
        if made.returncode:
            shutil.rmtree(new, ignore_errors=True)
            raise Problem(f"PostgreSQL could not make its files in {self.data}:\n{made.stderr}")
        new.rename(self.data)

    def start(self) -> None:
        """
        Start the server and wait until it answers.

        One that runs already is on its way out, or is adopted when it stays.
        :raises Problem: if it does not answer, with the end of its log.
        """
        if self._adopt():
            return
        deadline = time.monotonic() + RESTART_PATIENCE
        while True:
            started_at = self.log.stat().st_size if self.log.exists() else 0
            self.process = self._spawn()
            processes.wait_until(lambda: self.accepts() or not self._is_alive(), RECOVERY_PATIENCE)
            if self._is_alive():
                return
            said = self.log.read_bytes()[started_at:].decode(errors="replace")
            in_the_way = any(text in said for text in STILL_THERE)
            if not in_the_way or time.monotonic() > deadline:
                raise Problem(
                    f"PostgreSQL did not start. The end of {self.log}:\n{processes.tail(self.log)}"
                )
            time.sleep(0.2)

    def _adopt(self) -> bool:
        if not self.accepts() or processes.wait_until(lambda: not self.accepts(), ORPHAN_PATIENCE):
            return False
        pid = self.running_pid()
        if pid is not None:
            self.process = processes.Foreign(pid)
        return pid is not None

    def _spawn(self) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": '"{}"'.format(str(self.sockets).replace('"', '""')),
            "unix_socket_permissions": "0700",
            "port": "5432",
            "log_line_prefix": "%m [%p] ",
            **self.settings,
        }
        return processes.spawn(
            [
                *(self.programs / "postgres", "-D", self.data),
                *(part for name, text in settings.items() for part in ("-c", f"{name}={text}")),
            ],
            log=self.log,
            death_signal=signal.SIGINT,
            account=self.account,
            environment=clean_environment(),
        )

    def _is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def accepts(self) -> bool:
        """Test if a server answers on the socket and lets people in."""
        answer = subprocess.run(
            [self.programs / "pg_isready", "-q", "-U", "postgres", "-h", self.sockets, "-t", "3"],
            env=clean_environment(),
            check=False,
        )
        return answer.returncode == 0

    def running_pid(self) -> int | None:
        """Return the process of a server already running on these files, whoever started it."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int((self.data / "postmaster.pid").read_text().splitlines()[0])
            if (
                processes.is_running(pid)
                and b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes()
            ):
                return pid
        return None

    def stop(self) -> None:
        """Stop the server we started: clients are cut off, what was committed is on disk."""
        if self.process is not None:
            processes.stop(self.process, signal.SIGINT, grace=30)
            self.process = None

    def prepare(self) -> None:
        """Make the two roles and the database where they are missing."""
        self.run_sql(ROLES)

    def run_sql(self, sql: str, database: str = "postgres") -> str:
        """
        Run ``sql`` (psql's language) as the superuser and return the rows, tab-separated.

        :raises Problem: with the server's words, if any statement fails.
        """
        done = subprocess.run(
            [
                *(self.programs / "psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v"),
                *("ON_ERROR_STOP=1", "-U", "postgres", "-h", self.sockets, "-d", database),
            ],
            input=sql,
            capture_output=True,
            text=True,
            env=clean_environment(),
            check=False,
        )
        if done.returncode:
            raise Problem(f"PostgreSQL refused: {done.stderr.strip()}")
        return done.stdout


def clean_environment() -> dict[str, str]:
    """Return our environment without what would redirect PostgreSQL's programs."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("PG", "LC_", "LD_")) and name not in {"LANG", "LANGUAGE", "TZ"}
    }
    return {**kept, "LC_ALL": "C"}
