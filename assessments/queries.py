"""Reads of evidence and ratings."""

from collections.abc import Collection

from assessments.models import Rating


def live_ratings(rating_ids: Collection[int]) -> dict[int, Rating]:
    """
    Return for each id the rating that stands now in its chain: the last of the chain.

    Two queries. A voided last one is returned too: its chain has ended.
    """
    chains = dict(Rating.objects.filter(pk__in=rating_ids).values_list("pk", "chain"))
    rows = Rating.objects.filter(
        student_id__in=Rating.objects.filter(pk__in=rating_ids).values("student_id"),
        chain__in=set(chains.values()),
    ).order_by("recorded_at", "pk")
    last = {row.chain: row for row in rows}
    return {number: last[chain] for number, chain in chains.items()}
