"""Policies as the engine reads them."""

from collections.abc import Collection, Iterable, Mapping

from competencies.models import Level, PolicyVersion
from competencies.queries.policies import InForce
from mastery.engine import values


def engine_versions(version_ids: Collection[int]) -> dict[int, values.PolicyVersion]:
    """Return policy versions as plain values, with their scales; two queries."""
    rows = list(PolicyVersion.objects.filter(pk__in=version_ids).select_related("policy"))
    scales = _scales({row.scale_id for row in rows})
    return {row.pk: _version(row, scales[row.scale_id]) for row in rows}


def timeline(
    entries: Iterable[InForce], versions: Mapping[int, values.PolicyVersion]
) -> tuple[values.PolicyInForce, ...]:
    """Return what judges a competency from when, for the engine."""
    return tuple(
        values.PolicyInForce(
            starts_at=entry.starts_at,
            version=versions[entry.version_id],
            recompute=entry.recompute,
            by=None if entry.placed_by is None else str(entry.placed_by),
        )
        for entry in entries
    )


def _scales(scale_ids: Collection[int]) -> dict[int, values.Scale]:
    levels: dict[int, list[values.Level]] = {}
    for level in Level.objects.filter(scale__in=scale_ids).order_by("scale", "position"):
        levels.setdefault(level.scale_id, []).append(
            values.Level(position=level.position, name=level.name, points=level.points)
        )
    return {number: values.Scale(id=number, levels=tuple(of)) for number, of in levels.items()}


def _version(row: PolicyVersion, scale: values.Scale) -> values.PolicyVersion:
    return values.PolicyVersion(
        id=row.pk,
        name=row.policy.name,
        number=row.number,
        scale=scale,
        method=values.Method(name=row.method, n=row.n, m=row.m, p=row.weight_p, q=row.weight_q),
        target=row.target,
        cuts=tuple(row.cuts),
        minimum_pieces=row.minimum_pieces,
        gates=tuple(values.Gate(kind=gate["kind"], need=gate["need"]) for gate in row.gates),
        purposes=frozenset(row.purposes),
        kinds=frozenset(row.kinds),
        rater_rule=row.rater_rule,
        reassessment=row.reassessment,
        confirmation=row.confirmation,
        decides=row.decides,
        refresh_months=row.refresh_months,
    )
