"""All checks, one after the other: what has to pass before a change is shared."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence

from runner.installation import PYTHON, ROOT
from runner.throwaway import ThrowAway

# Two processes; the tests that share one set of real processes stay together.
XDIST = ("-n", "2", "--dist", "loadgroup")


def steps(arguments: Sequence[str]) -> dict[str, list[str]]:
    """Return each step's name and command; ``arguments`` are added to pytest's."""
    python = str(PYTHON)
    lint_imports = "import sys; from importlinter.cli import lint_imports_command as main; main()"
    return {
        "format": [python, "-m", "ruff", "format", "--check", "."],
        "lint": [python, "-m", "ruff", "check", "."],
        "types": [python, "-m", "mypy"],
        "contracts": [python, "-c", lint_imports],
        "migrations": [python, "manage.py", "makemigrations", "--check", "--dry-run"],
        "tests": [python, "-m", "pytest", *XDIST, "--cov", "--cov-branch", *arguments],
    }


def run_all(arguments: Sequence[str]) -> int:
    """Run every step, whatever fails, and return 1 if any did."""
    services = ThrowAway()
    environment = {**os.environ, **services.start(), **services.marks()}
    results: dict[str, tuple[int, float]] = {}
    try:
        for name, command in steps(arguments).items():
            print(f"── {name}", flush=True)
            began = time.monotonic()
            code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
            results[name] = (code, time.monotonic() - began)
    finally:
        services.stop()
    return _summary(results)


def _summary(results: dict[str, tuple[int, float]]) -> int:
    print("── summary")
    for name, (code, seconds) in results.items():
        print(f"   {'ok' if code == 0 else 'FAILED':7} {name:11} {seconds:6.1f} s")
    failed = [name for name, (code, _) in results.items() if code]
    if failed:
        print(f"{len(failed)} of {len(results)} failed: {', '.join(failed)}.", file=sys.stderr)
        return 1
    print("Everything passed.")
    return 0
