"""Room in the pages of the tables that are rewritten most, and vacuum in time for the queue."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("mastery", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE mastery_masterystate SET (fillfactor = 50);"
            "ALTER TABLE mastery_recomputerequest SET (fillfactor = 70,"
            " autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 200);",
            "ALTER TABLE mastery_masterystate RESET (fillfactor);"
            "ALTER TABLE mastery_recomputerequest RESET (fillfactor,"
            " autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);",
        )
    ]
