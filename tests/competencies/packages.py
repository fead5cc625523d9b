"""Small CASE packages to test with: valid 1.1 by default, so that a test names what matters."""

import json
import os
import uuid
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

CHANGED = "2026-01-05T08:00:00Z"
SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def ident(name: str) -> str:
    """Return the identifier of what a test calls ``name``: a lower-case UUID."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def link(name: str) -> dict[str, str]:
    return {"title": name, "identifier": ident(name), "uri": f"https://example.org/{ident(name)}"}


def item(name: str, **more: Any) -> dict[str, Any]:
    """Return an item with ``name`` as its code; ``kind`` is its type."""
    kind = more.pop("kind", "Standard")
    return {
        "identifier": ident(name),
        "uri": f"https://example.org/{ident(name)}",
        "fullStatement": f"Statement of {name}",
        "humanCodingScheme": name,
        "lastChangeDateTime": CHANGED,
        **({"CFItemType": kind} if kind else {}),
        **more,
    }


def association(origin: str, kind: str, destination: str, **more: Any) -> dict[str, Any]:
    name = f"{origin} {kind} {destination}"
    return {
        "identifier": ident(name),
        "associationType": kind,
        "uri": f"https://example.org/{ident(name)}",
        "originNodeURI": link(origin),
        "destinationNodeURI": link(destination),
        "lastChangeDateTime": CHANGED,
        **more,
    }


def child(name: str, parent: str = "framework", *, sequence: int | None = None) -> dict[str, Any]:
    more = {} if sequence is None else {"sequenceNumber": sequence}
    return association(name, "isChildOf", parent, **more)


def package(
    items: list[dict[str, Any]], associations: list[dict[str, Any]], **more: Any
) -> dict[str, Any]:
    """Return a package; ``document={…}`` changes fields of its document."""
    document = {
        "identifier": ident("framework"),
        "uri": f"https://example.org/{ident('framework')}",
        "creator": "A school",
        "title": "Arithmetic",
        "lastChangeDateTime": CHANGED,
        **more.pop("document", {}),
    }
    return {
        "CFDocument": document,
        "CFItems": deepcopy(items),
        "CFAssociations": deepcopy(associations),
        **more,
    }


def arithmetic(**more: Any) -> dict[str, Any]:
    """Return A (a domain) with the standards A.1 and A.2, of which A.2 has the component A.2.a."""
    return package(
        [
            item("A", kind="Domain"),
            item("A.1"),
            item("A.2"),
            item("A.2.a", kind="Component"),
        ],
        [
            child("A", sequence=1),
            child("A.1", "A", sequence=1),
            child("A.2", "A", sequence=2),
            child("A.2.a", "A.2", sequence=1),
        ],
        **more,
    )


def write(folder: Path, content: Any, name: str = "framework.json") -> Path:
    """Write ``content``, JSON unless it is text or bytes already; return the file."""
    file = folder / name
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def shared_file(name: str) -> Path:
    """Return a real file, or skip the test and say where it was looked for."""
    folder = Path(os.environ.get("CAIRN_SHARED_DATA") or SHARED)
    if not (folder / name).exists():
        pytest.skip(f"REAL DATA ABSENT: no {name} in {folder}; set CAIRN_SHARED_DATA.")
    return folder / name
