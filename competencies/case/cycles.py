"""Loops in what depends on what."""

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def find_cycle(depends_on: Mapping[Node, Iterable[Node]]) -> tuple[Node, ...] | None:
    """
    Return one loop of ``depends_on``, or None where there is none.

    Each node of the answer depends on the next, the last on the first. Visits each node and
    each link once; no recursion, so depth has no limit.
    """
    done: set[Node] = set()
    for start in depends_on:
        if start in done:
            continue
        path: list[Node] = [start]
        on_path = {start}
        waiting = [iter(depends_on.get(start, ()))]
        while waiting:
            following = next(waiting[-1], None)
            if following is None:
                waiting.pop()
                left = path.pop()
                on_path.discard(left)
                done.add(left)
            elif following in on_path:
                return tuple(path[path.index(following) :])
            elif following not in done:
                path.append(following)
                on_path.add(following)
                waiting.append(iter(depends_on.get(following, ())))
    return None


__all__ = ["find_cycle"]
