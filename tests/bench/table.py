"""One measured row, and the table of them."""

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any


@dataclass(frozen=True, slots=True)
class Measured:
    """Ours against a yardstick, medians in seconds."""

    work: str
    yardstick: str
    ours: float
    theirs: float
    times: int
    asked: float | None = None  # the ratio that is to be met, where there is one

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"ratio": round(self.ratio, 2)}


def interleaved(
    ours: Callable[[], object], theirs: Callable[[], object], *, times: int
) -> tuple[float, float]:
    """Return the median seconds of both sides, run in turns."""
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(times):
        for side, run in zip(took, (ours, theirs), strict=True):
            began = perf_counter()
            run()
            side.append(perf_counter() - began)
    return statistics.median(took[0]), statistics.median(took[1])


def print_table(rows: list[Measured]) -> None:
    print(f"{'work':<58}{'ours':>11}{'yardstick':>11}{'ratio':>8}{'asked':>7}  of what")
    for row in rows:
        asked = "-" if row.asked is None else f"{row.asked:g}"
        print(
            f"{row.work:<58}{row.ours * 1000:>8.1f} ms{row.theirs * 1000:>8.1f} ms"
            f"{row.ratio:>8.1f}{asked:>7}  {row.yardstick}"
        )
