"""What ``./run`` can do, and how it is asked."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runner import installation
from runner.installation import DEVELOPMENT, PYTHON, ROOT, RUN
from runner.problem import Problem

HELP = """\
Cairn: competency-based gradebook and mastery tracker.

    ./run demo                 a working school at http://127.0.0.1:8000
    ./run serve                the same without the demo data
    ./run manage COMMAND …     one of Django's or Cairn's commands; help lists them
    ./run backup [FILE]        everything in the database, in one file
    ./run restore FILE         … back into an empty place

    ./run test [ARGUMENTS]     the tests (pytest's arguments)
    ./run check                format, lint, types, contracts, migrations and tests
    ./run bench [ARGUMENTS]    the speed measurements

Options
    --data DIR     where the data is kept; also CAIRN_DATA (default: .data)
    --port PORT    of the web server, for serve and demo (default: 8000; 0: any free one)
    --host HOST    that it listens on (default: 127.0.0.1, this machine only)

Everything needed is installed into .venv at the first use. PostgreSQL and the broker are started
for you unless DATABASE_URL and CELERY_BROKER_URL name your own. See docs/operating.md.
"""

OPTIONS = {"--data", "--into", "--port", "--host"}
FOR_DEVELOPMENT = {"test", "check", "bench"}
SERVING = {"serve", "demo"}
ON_DATA = {"manage", "backup", "restore"}
# Django's commands that make the tables, or need none.
WITHOUT_TABLES = {"help", "migrate", "makemigrations", "showmigrations", "check", "flush"}


@dataclass
class Options:
    """What stands before or beside a command."""

    data: Path = field(default_factory=lambda: Path(os.environ.get("CAIRN_DATA") or ROOT / ".data"))
    host: str = "127.0.0.1"
    port: int = 8000

    def set(self, name: str, text: str) -> None:
        """:raises Problem: if ``text`` cannot be the value of ``name``."""
        if name == "--host":
            self.host = text
        elif name in {"--data", "--into"}:
            self.data = Path(text)
        elif text.isdigit() and int(text) < 65536:
            self.port = int(text)
        else:
            raise Problem(f"--port is a number from 0 to 65535, not {text!r}.")


def main(arguments: Sequence[str]) -> int:
    """Do what ``arguments`` ask and return the exit code."""
    try:
        return _dispatch(list(arguments))
    except Problem as problem:
        print(f"run: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _dispatch(arguments: list[str]) -> int:
    options, command, rest = _parse(arguments)
    if command in {"", "help"}:
        print(HELP)
        return 0
    known = FOR_DEVELOPMENT | SERVING | ON_DATA
    if command not in known:
        print(
            f"run: there is no command {command!r}. Known: {', '.join(sorted(known))}. "
            "./run --help says what they do.",
            file=sys.stderr,
        )
        return 2
    installation.enter(DEVELOPMENT if command in FOR_DEVELOPMENT else RUN, arguments)
    if command in SERVING:
        return _serve(options)
    if command in ON_DATA:
        return {"manage": _manage, "backup": _backup, "restore": _restore}[command](options, rest)
    return _develop(command, rest)


def _parse(arguments: list[str]) -> tuple[Options, str, list[str]]:
    """
    Split ``arguments`` into our options, the command and what belongs to the command.

    ``manage`` has our options before its first argument only; test, check and bench none.
    :raises Problem: for what cannot be meant.
    """
    options = Options()
    command = ""
    rest = list(arguments)
    files: list[str] = []
    while rest:
        if command in FOR_DEVELOPMENT or (command == "manage" and not _is_option(rest[0])):
            return options, command, rest
        word = rest.pop(0)
        if _is_option(word):
            name, equals, value = word.partition("=")
            if not equals and not rest:
                raise Problem(f"{name} needs a value. ./run --help says more.")
            options.set(name, value if equals else rest.pop(0))
        elif word in {"-h", "--help"}:
            return options, "help", []
        elif not command:
            command = word
        elif word.startswith("-") or command not in ON_DATA or files:
            raise Problem(f"{command} does not take {word!r}. ./run --help says more.")
        else:
            files.append(word)
    return options, command, files


def _is_option(word: str) -> bool:
    return word.partition("=")[0] in OPTIONS


def _serve(options: Options) -> int:
    from runner.services import Services
    from runner.supervisor import serve

    serve(Services(options.data), host=options.host, port=options.port)
    return 0


def _manage(options: Options, rest: list[str]) -> int:
    from runner.services import Services, manage

    if not rest:
        rest = ["help"]
    services = Services(options.data)
    with services.database_for(f"manage {rest[0]}"):
        if rest[0] not in WITHOUT_TABLES:
            services.bring_up_to_date()
        return run_in_front(manage(*rest), services.environment(owner=True))


def _backup(options: Options, rest: list[str]) -> int:
    from runner import backup

    backup.make(options.data, Path(rest[0]) if rest else None)
    return 0


def _restore(options: Options, rest: list[str]) -> int:
    from runner import backup

    if not rest:
        raise Problem("restore which FILE? One made by ./run backup.")
    backup.restore(options.data, Path(rest[0]))
    return 0


def _develop(command: str, rest: list[str]) -> int:
    from runner import check

    os.chdir(ROOT)
    if command == "check":
        return check.run_all(rest)
    if command == "test":
        return run_in_front([str(PYTHON), "-m", "pytest", *check.XDIST, *rest], dict(os.environ))
    return run_in_front([str(PYTHON), "-m", "tests.bench", *rest], dict(os.environ))


def run_in_front(command: list[str], environment: dict[str, str]) -> int:
    """Run ``command`` on our terminal, Ctrl-C included, and return its exit code."""
    from runner.processes import follow_parent

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the command's, not ours
    try:
        with subprocess.Popen(
            command,
            env=environment,
            preexec_fn=_then_interruptible(follow_parent(signal.SIGTERM)),  # noqa: PLW1509
        ) as process:
            return _exit_code(process.wait())
    finally:
        with contextlib.suppress(TypeError):
            signal.signal(signal.SIGINT, before)


def _then_interruptible(follow: Callable[[], None]) -> Callable[[], None]:
    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        follow()

    return prepare


def _exit_code(code: int) -> int:
    return 128 - code if code < 0 else code
