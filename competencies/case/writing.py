"""Objects of a package for what did not come from one; the rest goes out as it came in."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

# What the product makes itself has no address on the web.
_URI = "urn:uuid:{}"


def instant(at: datetime) -> str:
    """Return an instant as the standard writes it."""
    return at.isoformat().replace("+00:00", "Z")


def document_object(
    identifier: uuid.UUID, *, title: str, creator: str, changed: str, **more: str
) -> dict[str, Any]:
    return {
        "identifier": str(identifier),
        "uri": _URI.format(identifier),
        "creator": creator or "unknown",
        "title": title,
        "lastChangeDateTime": changed,
        **_said(more),
    }


def item_object(
    identifier: uuid.UUID, *, statement: str, changed: str, **more: object
) -> dict[str, Any]:
    return {
        "identifier": str(identifier),
        "uri": _URI.format(identifier),
        "fullStatement": statement,
        "lastChangeDateTime": changed,
        **_said(more),
    }


def association_object(
    identifier: uuid.UUID,
    kind: str,
    *,
    origin: tuple[str, str],
    destination: tuple[str, str],
    changed: str,
    **more: object,
) -> dict[str, Any]:
    """Return an association; each end is (identifier, title)."""
    return {
        "identifier": str(identifier),
        "associationType": kind,
        "uri": _URI.format(identifier),
        "originNodeURI": _node(*origin),
        "destinationNodeURI": _node(*destination),
        "lastChangeDateTime": changed,
        **_said(more),
    }


def _node(identifier: str, title: str) -> dict[str, str]:
    return {"title": title, "identifier": identifier, "uri": _URI.format(identifier)}


def _said(fields: Mapping[str, object]) -> dict[str, object]:
    """Leave out what is empty: null is never valid. A number is said even where it is 0."""
    return {key: value for key, value in fields.items() if value not in ("", [], None)}


__all__ = ["association_object", "document_object", "instant", "item_object"]
