"""When two pieces are of the same task."""

import hashlib
from datetime import date


def task_of(
    *, assessment_id: int | None, title: str, kind: int, assessor_id: int | None, day: date
) -> int:
    """
    Return the number that pieces of one task share: its assessment, else its title, else its
    kind, assessor and day.

    Assessments keep their id; the others get a negative number made from what names them, so
    that the two never meet.
    """
    if assessment_id is not None:
        return assessment_id
    name = " ".join(title.casefold().split()) or f"\x1f{kind}\x1f{assessor_id}\x1f{day}"
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return -1 - (int.from_bytes(digest) >> 1)
