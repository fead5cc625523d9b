"""
What the application's role may do to each table, granted by the owner after each migration.

Append-only by privilege: a trigger alone can be switched off by a session's setting, a missing
GRANT cannot. A table not named here may be read and written freely.
"""

from typing import Any

from django.conf import settings
from django.db import connections

# table → columns that may be updated; INSERT and SELECT are always granted, DELETE never.
APPEND_ONLY: dict[str, tuple[str, ...]] = {
    "assessments_evidence": ("released_at", "confirmed_at", "confirmed_by_id"),
    "assessments_rating": ("voided_at", "voided_by_id", "void_reason"),
    "assessments_feedback": (),
    "assessments_comment": (),
    "assessments_selfassessment": (),
    "assessments_submission": (),
    "assessments_artefact": (),
    "competencies_scale": ("name",),
    "competencies_level": (),
    "competencies_policyversion": (),
    "competencies_policyplacement": (),
    "competencies_rolluprule": (),
    "competencies_parentedge": ("until",),
    "competencies_prerequisite": ("until",),
    "mastery_judgement": (),
    "mastery_advancement": (),
    "mastery_supportevent": (),
    "mastery_reportsnapshot": (),
    "students_historyentry": (),
}
# The owner's own: the application may look, no more.
READ_ONLY = ("django_migrations",)


def grant_after_migrate(*, using: str, **_: Any) -> None:
    """Grant anew. Does nothing where owner and application are one role, as in a test's set-up."""
    grant_all(using=using, role=settings.APPLICATION_ROLE)


def grant_all(*, using: str, role: str) -> None:
    """
    Give ``role`` exactly what this page says, on every table of the schema.

    Idempotent; one statement a table.
    """
    with connections[using].cursor() as cursor:
        quoted = connections[using].ops.quote_name(role)
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {quoted}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quoted}")
        cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {quoted}")
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'GRANT {_rights(table)} ON public."{table}" TO {quoted}')


def _rights(table: str) -> str:
    if table in READ_ONLY:
        return "SELECT"
    if table not in APPEND_ONLY:
        return "SELECT, INSERT, UPDATE, DELETE"
    columns = APPEND_ONLY[table]
    return "SELECT, INSERT" + (f", UPDATE ({', '.join(columns)})" if columns else "")


__all__ = ["APPEND_ONLY", "READ_ONLY", "grant_after_migrate", "grant_all"]
