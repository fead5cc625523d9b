"""
Making a table equal to what a roster says, by set: new, changed, absent and returned rows.

Rows are compared before they are written, so that an import that brings nothing new rewrites
no row. Two queries for every chunk of a thousand rows, and the writes that are needed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from django.db.models import Q
from django.db.models.functions import Now

from students.models import District
from students.models.fields import FromRoster
from students.oneroster.columns import PREFIX
from students.oneroster.manifest import Mode
from students.oneroster.tables import Row
from students.problems import Progress, Summary

CHUNK = 1000  # rows read, compared and written at a time
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Run:
    """One import as it goes on: whose, what it counted, who watches."""

    district: District
    summary: Summary
    progress: Progress


Wanted = tuple[str, dict[str, Any]]  # the roster's identifier, values by attribute


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    remaining = iter(items)
    while chunk := list(islice(remaining, size)):
        yield chunk


def sync(
    run: Run,
    kind: str,
    model: type[FromRoster],
    wanted: Iterable[Wanted],
    *,
    at_first: Callable[[], dict[str, Any]] = dict,
    once_more: Mapping[str, Any] | None = None,
) -> None:
    """
    Create or change a row for each of ``wanted``; a deactivated row comes back.

    ``at_first`` makes values for a new row only. ``once_more`` are values that a row takes when
    anything of it changes: what a person added to it does not outlive what it was added to.
    """
    for chunk in chunks(wanted):
        held = {
            row.sourced_id: row
            for row in _all(model).filter(
                district=run.district, sourced_id__in=[key for key, _ in chunk]
            )
        }
        new, changed = [], []
        for key, values in chunk:
            row = held.get(key)
            if row is None:
                first = {"district": run.district, "sourced_id": key, **at_first()}
                new.append(model(**{**first, **values}))
            elif _apply(row, values, once_more or {}):
                changed.append(row)
        # Changes first: they may let go of what a new row takes.
        write_changes(model, changed, (*_names(chunk), *(once_more or {})))
        _all(model).bulk_create(new)
        run.summary.count("created", kind, len(new))
        run.summary.count("changed", kind, len(changed))
        run.summary.count("unchanged", kind, len(chunk) - len(new) - len(changed))
        run.progress.advance(len(chunk))


def write_changes(model: type[Any], rows: list[Any], names: Iterable[str]) -> None:
    """Write the columns ``names`` of rows that exist, many in one statement."""
    if rows:
        # An upsert by primary key; bulk_update's long CASE takes ten times as long.
        model._base_manager.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["pk"],
            update_fields=sorted({*names, "deactivated_at"}),
        )


def retire_absent(
    run: Run, kind: str, model: type[FromRoster], listed: set[str], among: Q | None = None
) -> None:
    """Deactivate the roster's rows that are no longer ``listed``, only those ``among`` if given."""
    rows = _active(model, run.district)
    if among is not None:
        rows = rows.filter(among)
    absent = [
        pk for pk, key in rows.values_list("pk", "sourced_id").iterator() if key not in listed
    ]
    retire(run, kind, model, absent)


def retire_named(run: Run, kind: str, model: type[FromRoster], named: Iterable[str]) -> None:
    """Deactivate the rows that a delta says are to be deleted; one that is not there is fine."""
    for chunk in chunks(named):
        count = (
            _active(model, run.district).filter(sourced_id__in=chunk).update(deactivated_at=Now())
        )
        if count:
            run.summary.count("deactivated", kind, count)


def retire(run: Run, kind: str, model: type[FromRoster], ids: list[int]) -> None:
    for chunk in chunks(ids):
        _all(model).filter(pk__in=chunk).update(deactivated_at=Now())
    if ids:
        run.summary.count("deactivated", kind, len(ids))


def finish(
    run: Run,
    kind: str,
    model: type[FromRoster],
    *,
    mode: Mode,
    listed: set[str],
    leaving: Iterable[str],
) -> None:
    """Deactivate what a file leaves out, if it is complete, or says is to be deleted."""
    if mode == "bulk":
        retire_absent(run, kind, model, listed)
    else:
        retire_named(run, kind, model, leaving)


def row_ids(model: type[FromRoster], district: District) -> dict[str, int]:
    """Return the row of every roster identifier of the district, active or not. One query."""
    return dict(
        _all(model)
        .filter(district=district)
        .exclude(sourced_id="")
        .values_list("sourced_id", "pk")
        .iterator()
    )


def leftover(row: Row, modelled: Iterable[str]) -> dict[str, str]:
    """Return what the row holds besides the columns ``modelled``, to be kept as it came."""
    known = {*PREFIX, *modelled}
    return {name: value for name, value in row.items() if name not in known}


def _names(chunk: list[Wanted]) -> list[str]:
    return [name.removesuffix("_id") for name in chunk[0][1]]


def _apply(row: FromRoster, values: dict[str, Any], once_more: Mapping[str, Any]) -> bool:
    """Set what differs on ``row``; return whether anything did."""
    differs = row.deactivated_at is not None
    row.deactivated_at = None
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
            differs = True
    if differs:
        for name, value in once_more.items():
            setattr(row, name, value)
    return differs


def _all(model: type[FromRoster]) -> Any:
    return model._base_manager.all()


def _active(model: type[FromRoster], district: District) -> Any:
    return _all(model).filter(district=district, deactivated_at__isnull=True).exclude(sourced_id="")
