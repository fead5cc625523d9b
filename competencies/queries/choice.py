"""Competencies as a person names them at the command line."""

from collections.abc import Sequence

from django.db.models import Q, QuerySet

from competencies.models import Competency, Framework
from students.models import District


class NotFound(Exception):
    """What was named is not there, or is there more than once. Fit to show."""


def named_frameworks(name: str, *, district: District | None) -> list[Framework]:
    """
    Return the frameworks that ``name`` means: all, an identifier, or a title. One query or two.

    Only the district's own and those that all share.

    :raises NotFound: if there is none, or several have the title.
    """
    visible = Framework.objects.filter(Q(district=None) | Q(district=district)).order_by("title")
    if name == "all":
        return list(visible)
    found = list(visible.filter(title__iexact=name)) or list(visible.filter(_identified(name)))
    if not found:
        titles = ", ".join(visible.values_list("title", flat=True)[:20]) or "none yet"
        raise NotFound(f"No framework is called {name}. There are: {titles}.")
    if len(found) > 1:
        ids = ", ".join(str(each.identifier) for each in found)
        raise NotFound(f"{len(found)} frameworks are called {name}; name one by its id: {ids}.")
    return found


def _identified(name: str) -> Q:
    by_source = Q(external_id=name)
    digits = name.lower().removeprefix("urn:uuid:").replace("-", "")
    if len(digits) == 32 and all(digit in "0123456789abcdef" for digit in digits):
        return by_source | Q(identifier=digits)
    return by_source


def rated_competencies(
    frameworks: Sequence[Framework], *, prefixes: Sequence[str] = ()
) -> QuerySet[Competency]:
    """
    Return the competencies in use that evidence is rated on, by code.

    ``prefixes`` keep those whose code begins with one of them. One query for each prefix.

    :raises NotFound: if no code begins with one of the prefixes.
    """
    rated = Competency.objects.filter(
        framework__in=frameworks, is_rated=True, retired_at__isnull=True
    ).order_by("code", "pk")
    if not prefixes:
        return rated
    wanted = Q()
    for prefix in prefixes:
        begins = Q(code__istartswith=prefix)
        if not rated.filter(begins).exists():
            raise NotFound(f"No rated competency has a code that begins with {prefix}.")
        wanted |= begins
    return rated.filter(wanted)


__all__ = ["NotFound", "named_frameworks", "rated_competencies"]
