"""What the database itself keeps: a lock row for every student, columns that are set once."""

from django.db import migrations

LOCK_WITH_STUDENT = """
CREATE FUNCTION students_make_lock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO students_studentlock (student_id) VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER students_make_lock AFTER INSERT ON students_student
    FOR EACH ROW EXECUTE FUNCTION students_make_lock();
"""

# The columns named as the trigger's arguments are set together, once: as soon as the first of
# them has a value, none of them changes any more.
SET_ONCE = """
CREATE FUNCTION cairn_set_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    IF to_jsonb(OLD) ->> TG_ARGV[0] IS NULL THEN
        RETURN NEW;
    END IF;
    FOREACH name IN ARRAY TG_ARGV LOOP
        IF to_jsonb(OLD) -> name IS DISTINCT FROM to_jsonb(NEW) -> name THEN
            RAISE EXCEPTION '%.% is set once and never changed', TG_TABLE_NAME, name
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("students", "0001_initial")]

    operations = [
        migrations.RunSQL(
            LOCK_WITH_STUDENT,
            "DROP TRIGGER students_make_lock ON students_student;"
            "DROP FUNCTION students_make_lock();",
        ),
        migrations.RunSQL(SET_ONCE, "DROP FUNCTION cairn_set_once();"),
    ]
