"""
CASE identifiers: lower-case UUIDs by the standard, other things in real files.

What is no UUID gets one minted from it, always the same one, so that loading a file again, or
another file that names the same thing, finds it.
"""

import re
import uuid
from dataclasses import dataclass

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.")


@dataclass(frozen=True, slots=True)
class Identity:
    """``external_id`` is what the source wrote, where that was no UUID, else empty."""

    uuid: uuid.UUID
    external_id: str = ""
    deviation: str = ""  # the code of what had to be tolerated


def identify(text: str, *, within: str) -> Identity:
    """
    Return the UUID that ``text`` names.

    A URI means the same everywhere; any other name means something only ``within`` its
    document, the identifier of which is part of what the UUID is minted from.
    """
    plain = text.strip()
    if _UUID.fullmatch(plain):
        return Identity(uuid.UUID(plain))
    lowered = plain.lower().removeprefix("urn:uuid:").strip("{}")
    if _UUID.fullmatch(lowered):
        return Identity(uuid.UUID(lowered), deviation="identifier_not_lower_case")
    name = plain if _URI.match(plain) else f"{within}#{plain}"
    return Identity(uuid.uuid5(uuid.NAMESPACE_URL, name), plain, "identifier_not_uuid")


__all__ = ["Identity", "identify"]
