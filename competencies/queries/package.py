"""A framework as a CASE package: what came in goes out as it came."""

from typing import Any

from competencies.case.writing import (
    association_object,
    document_object,
    instant,
    item_object,
)
from competencies.models import Association, Competency, Framework, ParentEdge
from competencies.queries.clock import database_clock


def framework_package(framework: Framework) -> dict[str, Any]:
    """
    Return the CFPackage of a framework as it is now, without what is retired.

    What was imported is word for word as its source wrote it, deviations included; what was
    made here follows the standard. Where an item has no isChildOf in its source because the
    source had none, it has none here. Four queries.
    """
    now = instant(database_clock())
    rows = Competency.objects.filter(framework=framework, retired_at__isnull=True)
    items = {row.pk: row for row in rows.order_by("pk")}
    edges = ParentEdge.objects.filter(framework=framework, until__isnull=True).order_by("pk")
    links = Association.objects.filter(framework=framework).order_by("pk")
    document = framework.source or {"CFDocument": _document(framework, now)}
    is_imported = bool(framework.source)
    return {
        **document,
        "CFItems": [row.source or _item(row, now) for row in items.values()],
        "CFAssociations": [
            *(
                edge.source or _edge(edge, framework, items, now)
                for edge in edges
                if edge.source or not (is_imported and _is_implied(edge, items))
            ),
            *(link.source or _link(link, now) for link in links),
        ],
    }


def _is_implied(edge: ParentEdge, items: dict[int, Competency]) -> bool:
    """Test if no association ever said it: an imported item that was part of nothing."""
    return edge.parent_id is None and bool(items[edge.child_id].source)


def _document(framework: Framework, now: str) -> dict[str, Any]:
    return document_object(
        framework.identifier,
        title=framework.title,
        creator=framework.creator,
        changed=framework.last_change or now,
        publisher=framework.publisher,
        description=framework.description,
        version=framework.version,
        adoptionStatus=framework.adoption_status,
        language=framework.language,
        officialSourceURL=framework.official_source_url,
    )


def _item(row: Competency, now: str) -> dict[str, Any]:
    return item_object(
        row.identifier,
        statement=row.statement,
        changed=row.last_change or now,
        humanCodingScheme=row.code,
        abbreviatedStatement=row.abbreviated_statement,
        listEnumeration=row.list_enumeration,
        CFItemType=row.kind,
        educationLevel=row.grade_levels,
        notes=row.notes,
        language=row.language,
    )


def _edge(
    edge: ParentEdge, framework: Framework, items: dict[int, Competency], now: str
) -> dict[str, Any]:
    parent = framework if edge.parent_id is None else items[edge.parent_id]
    return association_object(
        edge.identifier,
        "isChildOf",
        origin=_end(items[edge.child_id]),
        destination=_end(parent),
        changed=now,
        sequenceNumber=edge.position,
    )


def _end(node: Framework | Competency) -> tuple[str, str]:
    return node.external_id or str(node.identifier), str(node)


def _link(link: Association, now: str) -> dict[str, Any]:
    return association_object(
        link.identifier,
        link.kind,
        origin=(link.origin, link.origin),
        destination=(link.destination, link.destination),
        changed=now,
    )


__all__ = ["framework_package"]
