"""
One number for everything that a state was decided from.

Plain arithmetic modulo 2**64, so that a bulk road over arrays can make the same number: each row
is a weighted sum of its fields, mixed; the rows of all kinds are added, so their order is nothing.
Only what is known at the instant takes part. Instants are microseconds and days are days since
1970; None is -1.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from mastery.engine.values import Judgement, Logs, PolicyInForce, Rating

ENGINE_VERSION = 1  # of the meaning: raise it when the same logs may give another state
_WORD = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15  # odd: field i is weighted with (2i + 1) * _STEP
_WEIGHTS = tuple((2 * i + 1) * _STEP & _WORD for i in range(32))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
_KINDS = {
    "confirmation": 1,
    "refusal": 2,
    "override": 3,
    "override_end": 4,
    "reopening": 5,
    "prior_standing": 6,
    "own_target": 7,
}


def fingerprint(logs: Logs, at: datetime) -> int:
    """Return the signed 64-bit number of what is known in ``logs`` at ``at``."""
    total = ENGINE_VERSION
    for rating in logs.ratings:
        if rating.recorded_at <= at:
            total += _mixed(_of_rating(rating, at))
    for judgement in logs.judgements:
        if judgement.recorded_at <= at:
            total += _mixed(_of_judgement(judgement))
    for place, entry in enumerate(logs.policies):
        if entry.starts_at is None or entry.starts_at <= at:
            total += _mixed(_of_policy(place, entry))
    total &= _WORD
    return total - (1 << 64) if total >> 63 else total


def _of_rating(rating: Rating, at: datetime) -> Iterable[int]:
    return (
        1,
        rating.id,
        rating.chain,
        rating.piece,
        _number(rating.points),
        rating.mark,
        rating.demonstrated_on.toordinal() - _EPOCH_DAY,
        rating.position,
        _instant(rating.recorded_at, at),
        _instant(rating.first_recorded_at, at),
        _instant(rating.voided_at, at),
        _instant(rating.released_at, at),
        _instant(rating.confirmed_at, at),
        rating.needs_confirmation,
        rating.task,
        rating.kind,
        rating.purpose,
        rating.application,
        rating.conditions,
        _number(rating.assessor),
        rating.scale,
        rating.policy_version,
    )


def _of_judgement(judgement: Judgement) -> Iterable[int]:
    starts_on, ends_at = judgement.starts_on, judgement.ends_at
    return (
        2,
        judgement.id,
        _KINDS[judgement.kind],
        _instant(judgement.recorded_at, judgement.recorded_at),
        _number(judgement.saw_rating),
        _number(judgement.mastered),
        _number(judgement.level),
        -1 if starts_on is None else starts_on.toordinal() - _EPOCH_DAY,
        _instant(ends_at, ends_at),
    )


def _of_policy(place: int, entry: PolicyInForce) -> Iterable[int]:
    starts_at = entry.starts_at
    return 3, place, entry.version.id, entry.recompute, _instant(starts_at, starts_at)


def _number(value: int | None) -> int:
    return -1 if value is None else value


def _instant(when: datetime | None, at: datetime | None) -> int:
    """Return the microseconds of ``when``, or -1 if it has not happened by ``at``."""
    if when is None or at is None or when > at:
        return -1
    return (when - _EPOCH) // _MICROSECOND


def _mixed(fields: Iterable[int]) -> int:
    """Return the weighted sum of ``fields``, with every bit of it spread over the word."""
    word = sum(map(int.__mul__, fields, _WEIGHTS)) & _WORD
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 & _WORD
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB & _WORD
    return word ^ (word >> 31)
