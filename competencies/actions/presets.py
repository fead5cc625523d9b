"""The scale and the policies that come with the product: a school can begin with them."""

from typing import Any

from competencies.models import Level, Policy, PolicyVersion, Scale
from competencies.queries.policies import DEFAULT_POLICY

_LEVELS = ("Emerging", "Developing", "Proficient", "Extending")
_GATES = [{"kind": "different_tasks", "need": 2}, {"kind": "independent", "need": 1}]
# n of the last m; m None: of all pieces.
_PRESETS: dict[str, tuple[str, int, int | None, bool]] = {
    "quick": ("Quick", 2, None, False),
    DEFAULT_POLICY: ("Two in a row", 2, 2, False),
    "steady": ("Steady", 3, 4, False),
    "teacher-confirms": ("Teacher confirms", 2, 2, True),
}


def ensure_presets(**_: Any) -> None:
    """
    Make what is missing of the product's scale and policies; change nothing that is there.

    Runs after each migration, as the owner, and so after a test emptied the tables too.
    """
    scale, created = Scale.objects.get_or_create(
        district=None, code="four-levels", defaults={"name": "Four levels"}
    )
    if created:
        Level.objects.bulk_create(
            Level(scale=scale, position=position, name=name, points=position * 100)
            for position, name in enumerate(_LEVELS, 1)
        )
    for code, (name, n, m, confirmation) in _PRESETS.items():
        policy, _new = Policy.objects.get_or_create(
            district=None, code=code, defaults={"name": name}
        )
        PolicyVersion.objects.get_or_create(
            policy=policy,
            number=1,
            defaults={
                "scale": scale,
                "target": 3,
                "method": PolicyVersion.Method.N_OF_LAST_M,
                "n": n,
                "m": m,
                "cuts": [position * 10_000 for position in range(1, len(_LEVELS) + 1)],
                "minimum_pieces": 2,
                "gates": _GATES,
                "confirmation": confirmation,
            },
        )
