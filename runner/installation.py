"""
The virtual environment in .venv, made from the lock files and kept in step with them.

A file in it names the locks that it holds. Without that file it is half made, and made anew.
"""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runner.problem import Problem

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
MARKER = VENV / "cairn-installed"
REQUIREMENTS = ROOT / "requirements"

# dev.lock holds everything that run.lock does, at the same versions.
RUN, DEVELOPMENT = "run", "dev"


def is_inside() -> bool:
    """Test if this very process runs in .venv."""
    return Path(sys.prefix).resolve() == VENV.resolve()


def ensure(kind: str) -> None:
    """
    Make .venv hold the packages of ``kind``. Quick when it does; others wait while one installs.

    :raises Problem: if they cannot be installed.
    """
    if _holds(kind):
        return
    if not os.access(ROOT, os.W_OK):
        raise Problem(f"{VENV} is missing or out of date, and {ROOT} is not yours to write in.")
    with _alone():
        if not _holds(kind):
            _install(kind)


def _holds(kind: str) -> bool:
    marks = _marks()
    return _is_usable(marks) and marks.get(kind) == _hash(kind)


def _is_usable(marks: dict[str, str]) -> bool:
    """Test if .venv was finished and stands where it was made (its programs name the place)."""
    return PYTHON.exists() and marks.get("folder") == str(VENV)


def _marks() -> dict[str, str]:
    try:
        lines = MARKER.read_text().splitlines()
    except OSError:
        return {}
    return dict(line.split(" ", 1) for line in lines if " " in line)


def _hash(kind: str) -> str:
    return hashlib.sha256((REQUIREMENTS / f"{kind}.lock").read_bytes()).hexdigest()


def mark(*kinds: str) -> None:
    """Write down that .venv holds ``kinds``, all at once."""
    lines = [f"folder {VENV}", *(f"{kind} {_hash(kind)}" for kind in kinds)]
    new = MARKER.with_suffix(".new")
    new.write_text("\n".join(lines) + "\n")
    new.replace(MARKER)


def _install(kind: str) -> None:
    marks = _marks()
    if not _is_usable(marks):
        _make_anew()
    if DEVELOPMENT in marks:
        kind = DEVELOPMENT  # what was there for development stays
    MARKER.unlink(missing_ok=True)
    print("Installing what Cairn needs into .venv (once; about a minute) …", flush=True)
    lock = REQUIREMENTS / f"{kind}.lock"
    _pip("install", "--require-hashes", "--no-input", "-r", str(lock))
    _remove_strangers(lock)
    _find_project()
    mark(*((RUN, DEVELOPMENT) if kind == DEVELOPMENT else (RUN,)))


def _make_anew() -> None:
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise Problem(
            "This Python cannot make virtual environments. Install its venv module "
            "(Debian, Ubuntu: apt-get install python3-venv) and try again."
        )
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        raise Problem(f"python3 -m venv failed:\n{made.stdout}{made.stderr}")


def _pip(*arguments: str) -> None:
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        print(done.stdout, file=sys.stderr)
        raise Problem(
            "The packages could not be installed (see above). Is there a way to a package index?"
        )


def _remove_strangers(lock: Path) -> None:
    """Remove what an earlier lock had and this one has not."""
    wanted = {_normal(name) for name in re.findall(r"^([\w.-]+)==", lock.read_text(), re.MULTILINE)}
    listed = subprocess.run(
        [str(PYTHON), "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    here = {line.split("==")[0] for line in listed.splitlines() if "==" in line}
    strangers = [n for n in here if _normal(n) not in wanted | {"pip", "setuptools", "wheel"}]
    if strangers:
        _pip("uninstall", "--yes", *strangers)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _find_project() -> None:
    """Let the programs in .venv/bin import the project, wherever they are started."""
    for packages in VENV.glob("lib/python*/site-packages"):
        (packages / "cairn.pth").write_text(f"{ROOT}\n")


@contextmanager
def _alone() -> Iterator[None]:
    """Hold a lock on the requirements folder, which needs no file of its own."""
    handle = os.open(REQUIREMENTS, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another ./run is installing; waiting for it …", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def enter(kind: str, arguments: list[str]) -> None:
    """Go on in .venv with the same ``arguments``. Does not return, unless we are there already."""
    if is_inside() and _holds(kind):
        return
    ensure(kind)
    os.execv(PYTHON, [str(PYTHON), str(ROOT / "runner"), *arguments])
