"""Append-only means that the database refuses, not that nobody thought of it."""

import pytest
from django.db import ProgrammingError, connection, transaction

from config.privileges import APPEND_ONLY

pytestmark = pytest.mark.django_db


def test_the_suite_runs_as_the_plain_role():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("cairn_app",)


@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}"])
def test_nothing_append_only_can_be_emptied(table, statement):
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))


@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
def test_only_the_columns_that_are_set_once_can_be_updated(table):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.column_privileges"
            " WHERE grantee = 'cairn_app' AND table_name = %s AND privilege_type = 'UPDATE'",
            [table],
        )
        assert {name for (name,) in cursor.fetchall()} == set(APPEND_ONLY[table])
