"""Which items a piece of evidence is rated on, and which merely hold others together."""

from collections.abc import Collection

_RATED = {
    "benchmark", "component", "competency", "content standard", "expectation", "indicator",
    "learning objective", "learning outcome", "learning target", "objective", "outcome",
    "performance expectation", "performance indicator", "skill", "standard",
    "student expectation", "sub standard", "substandard",
}  # fmt: skip
_CONTAINERS = {
    "area", "category", "cluster", "conceptual category", "course", "discipline", "document",
    "domain", "framework", "grade", "grade band", "grade level", "level", "section", "strand",
    "sub domain", "sub strand", "subdomain", "subject", "substrand", "theme", "topic", "unit",
}  # fmt: skip


def plain_type(item_type: str) -> str:
    """Return a type as it is compared: no case, hyphens or surrounding space, one of a thing."""
    plain = " ".join(item_type.replace("-", " ").replace("_", " ").casefold().split())
    if plain.endswith("ies"):
        return plain.removesuffix("ies") + "y"
    return plain if plain.endswith("ss") else plain.removesuffix("s")


def is_rated(item_type: str, *, has_children: bool, chosen: Collection[str] | None) -> bool:
    """
    Test if evidence is rated on an item of this type.

    ``chosen`` are the only types that are, as :func:`plain_type` writes them. Without it a
    container (domain, cluster…) is not, a standard or component is, also with parts of its
    own; any other type, or none, is rated where it has no parts.
    """
    plain = plain_type(item_type)
    if chosen is not None:
        return plain in chosen
    if plain in _CONTAINERS:
        return False
    return plain in _RATED or not has_children


__all__ = ["is_rated", "plain_type"]
