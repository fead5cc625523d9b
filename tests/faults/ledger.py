"""What savers were told: one line of JSON for each acknowledged save, and for each surprise."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One acknowledged save, or an ``error`` that a saver may not meet."""

    kind: str  # record, correct, void
    key: str
    evidence: list[str]  # external ids
    rating: int | None = None  # the one that stands now, or is void
    replaces: int | None = None
    seconds: float = 0.0  # of the attempt that succeeded
    attempts: int = 1
    error: str = ""


def write(path: Path, line: Line) -> None:
    with path.open("a") as file:
        file.write(json.dumps(asdict(line)) + "\n")


def read(path: Path) -> Iterator[Line]:
    if path.exists():
        for text in path.read_text().splitlines():
            yield Line(**json.loads(text))
