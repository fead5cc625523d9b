"""Links between competencies are ended once and never opened again."""

from django.db import migrations


def ended_once(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_once BEFORE UPDATE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION cairn_set_once('until');",
        f"DROP TRIGGER {table}_once ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("competencies", "0001_initial"), ("students", "0002_rules")]

    operations = [ended_once("competencies_parentedge"), ended_once("competencies_prerequisite")]
