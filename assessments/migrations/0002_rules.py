"""What the database itself keeps of evidence and ratings."""

from django.db import migrations

SET_ONCE = """
CREATE TRIGGER assessments_evidence_once BEFORE UPDATE ON assessments_evidence
    FOR EACH ROW EXECUTE FUNCTION cairn_set_once('released_at');
CREATE TRIGGER assessments_evidence_confirmed_once BEFORE UPDATE ON assessments_evidence
    FOR EACH ROW EXECUTE FUNCTION cairn_set_once('confirmed_at', 'confirmed_by_id');
CREATE TRIGGER assessments_rating_once BEFORE UPDATE ON assessments_rating
    FOR EACH ROW EXECUTE FUNCTION cairn_set_once('voided_at', 'voided_by_id', 'void_reason');
"""

# One key instead of five: the rating's copies can never differ from its evidence.
COPIES = """
ALTER TABLE assessments_rating ADD CONSTRAINT assessments_rating_copies
    FOREIGN KEY (district_id, evidence_id, student_id, demonstrated_on, position, piece)
    REFERENCES assessments_evidence
        (district_id, id, student_id, demonstrated_on, position, piece);
"""


class Migration(migrations.Migration):
    dependencies = [("assessments", "0001_initial"), ("students", "0002_rules")]

    operations = [
        migrations.RunSQL(
            SET_ONCE,
            "DROP TRIGGER assessments_evidence_once ON assessments_evidence;"
            "DROP TRIGGER assessments_evidence_confirmed_once ON assessments_evidence;"
            "DROP TRIGGER assessments_rating_once ON assessments_rating;",
        ),
        migrations.RunSQL(
            COPIES, "ALTER TABLE assessments_rating DROP CONSTRAINT assessments_rating_copies;"
        ),
    ]
