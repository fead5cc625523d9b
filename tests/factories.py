"""
Rows to test with: valid by default, so that a test names only what matters to it.

``make_student(number="7")`` makes whatever a student needs. Whatever belongs to a district is
made in the district of the first row that the test gives, so that rows fit together:
``make_enrollment(student=ana)`` makes a section in Ana's district. Rows are made past the
actions and their checks; nothing is announced and no state follows.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import factory
from django.db import connection
from django.utils import timezone
from factory.django import DjangoModelFactory

from assessments import models as assessments
from competencies import models as competencies
from mastery import models as mastery
from students import models as students

DAY = date(2026, 3, 2)  # a Monday; when things happened unless a test says otherwise
INSTANT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def next_id(table: str) -> int:
    """Return the next id of ``table``, for rows that name their own id in another column."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [table])
        return cursor.fetchone()[0]


def four_levels() -> competencies.Scale:
    """Return the product's scale: Emerging 1, Developing 2, Proficient 3, Extending 4."""
    return competencies.Scale.objects.get(district=None, code="four-levels")


def preset(code: str = "two-in-a-row") -> competencies.PolicyVersion:
    """Return version 1 of a policy that comes with the product."""
    return competencies.PolicyVersion.objects.get(
        policy__district=None, policy__code=code, number=1
    )


class DistrictFactory(DjangoModelFactory):
    class Meta:
        model = students.District

    code = factory.Sequence("district-{}".format)
    name = factory.LazyAttribute(lambda row: row.code.title())


class InDistrict(DjangoModelFactory):
    """Makes a row in the district of the first row it is given."""

    class Meta:
        abstract = True
        skip_postgeneration_save = True

    district = factory.SubFactory(DistrictFactory)

    @classmethod
    def _generate(cls, strategy: str, params: dict[str, Any]) -> Any:
        found = (getattr(value, "district", None) for value in params.values())
        district = next((value for value in found if value is not None), None)
        if "district" in cls._meta.declarations and district is not None:
            params.setdefault("district", district)
        return super()._generate(strategy, params)


def in_same_district(made_by: type[DjangoModelFactory], **more: Any) -> factory.SubFactory:
    return factory.SubFactory(made_by, district=factory.SelfAttribute("..district"), **more)


# students


class SchoolFactory(InDistrict):
    class Meta:
        model = students.School

    name = factory.Sequence("School {}".format)


class TermFactory(InDistrict):
    class Meta:
        model = students.Term

    title = factory.Sequence("Term {}".format)
    starts_on = date(2025, 9, 1)
    ends_on = date(2026, 7, 1)
    school_year = factory.LazyAttribute(lambda row: row.ends_on.year)


class CourseFactory(InDistrict):
    class Meta:
        model = students.Course

    school = in_same_district(SchoolFactory)
    title = factory.Sequence("Course {}".format)


class SectionFactory(InDistrict):
    """``terms=[…]`` puts the section in terms."""

    class Meta:
        model = students.Section
        skip_postgeneration_save = True

    school = in_same_district(SchoolFactory)
    course = in_same_district(CourseFactory, school=factory.SelfAttribute("..school"))
    title = factory.Sequence("Section {}".format)

    @classmethod
    def _generate(cls, strategy: str, params: dict[str, Any]) -> Any:
        if "course" in params:
            params.setdefault("school", params["course"].school)
        return super()._generate(strategy, params)

    @factory.post_generation
    def terms(self, create: bool, extracted: Any, **more: Any) -> None:
        self.terms.add(*(extracted or ()))


class UserFactory(InDistrict):
    """A person who can sign in where ``password`` is given."""

    class Meta:
        model = students.User

    sign_in_name = factory.Sequence("person{}@district".format)
    given_name = factory.Sequence("Given{}".format)
    family_name = factory.Sequence("Family{}".format)

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> students.User:
        return students.User.objects.create_user(**kwargs)


class StudentFactory(InDistrict):
    class Meta:
        model = students.Student

    user = in_same_district(UserFactory)


class StudentAttributesFactory(DjangoModelFactory):
    class Meta:
        model = students.StudentAttributes

    student = factory.SubFactory(StudentFactory)


class TeachingFactory(InDistrict):
    class Meta:
        model = students.TeachingAssignment

    section = in_same_district(SectionFactory)
    user = in_same_district(UserFactory)
    role = students.TeachingAssignment.Role.LEAD


class EnrollmentFactory(InDistrict):
    class Meta:
        model = students.Enrollment

    section = in_same_district(SectionFactory)
    student = in_same_district(StudentFactory)


class SchoolEnrollmentFactory(InDistrict):
    class Meta:
        model = students.SchoolEnrollment

    school = in_same_district(SchoolFactory)
    student = in_same_district(StudentFactory)
    grade = "07"


class SchoolRoleFactory(InDistrict):
    """An administrator role gives nothing unless ``granted_by`` is given too."""

    class Meta:
        model = students.SchoolRole

    school = in_same_district(SchoolFactory)
    user = in_same_district(UserFactory)
    role = students.SchoolRole.Role.PRINCIPAL


class CaseloadFactory(InDistrict):
    class Meta:
        model = students.Caseload

    user = in_same_district(UserFactory)
    student = in_same_district(StudentFactory)
    role = students.Caseload.Role.COUNSELLOR


class GuardianshipFactory(InDistrict):
    class Meta:
        model = students.Guardianship

    user = in_same_district(UserFactory)
    student = in_same_district(StudentFactory)


class RestrictionFactory(InDistrict):
    class Meta:
        model = students.Restriction

    user = in_same_district(UserFactory)
    student = in_same_district(StudentFactory)
    document = "Court file 1"


class ElevationFactory(InDistrict):
    """From an hour before now to an hour after it."""

    class Meta:
        model = students.Elevation

    user = in_same_district(UserFactory)
    school = in_same_district(SchoolFactory)
    reason = "A parent's complaint"
    starts_at = factory.LazyFunction(lambda: timezone.now() - timedelta(hours=1))
    ends_at = factory.LazyAttribute(lambda row: row.starts_at + timedelta(hours=2))


class JobFactory(InDistrict):
    class Meta:
        model = students.Job

    kind = "import"


class HistoryEntryFactory(InDistrict):
    class Meta:
        model = students.HistoryEntry

    action = "recorded"
    object_type = "evidence"


class IdempotencyKeyFactory(DjangoModelFactory):
    class Meta:
        model = students.IdempotencyKey

    actor = factory.SubFactory(UserFactory)
    key = factory.Sequence("key-{}".format)
    body_hash = bytes(32)


class OutboxMessageFactory(InDistrict):
    class Meta:
        model = students.OutboxMessage

    kind = "notice"
    dedup_key = factory.Sequence("notice-{}".format)


# competencies


class FrameworkFactory(DjangoModelFactory):
    """A published framework, of no district."""

    class Meta:
        model = competencies.Framework

    title = factory.Sequence("Framework {}".format)


class CompetencyFactory(DjangoModelFactory):
    """``parent=…`` puts it below another, in the same framework."""

    class Meta:
        model = competencies.Competency
        skip_postgeneration_save = True

    framework = factory.SubFactory(FrameworkFactory)
    code = factory.Sequence("C.{}".format)
    statement = factory.LazyAttribute(lambda row: f"Can do {row.code}")

    @classmethod
    def _generate(cls, strategy: str, params: dict[str, Any]) -> Any:
        if params.get("parent") is not None:
            params.setdefault("framework", params["parent"].framework)
        return super()._generate(strategy, params)

    @factory.post_generation
    def parent(self, create: bool, extracted: Any, **more: Any) -> None:
        if extracted is not None:
            make_parent_edge(child=self, parent=extracted)


class ParentEdgeFactory(DjangoModelFactory):
    class Meta:
        model = competencies.ParentEdge

    child = factory.SubFactory(CompetencyFactory)
    framework = factory.SelfAttribute("child.framework")


class PrerequisiteFactory(DjangoModelFactory):
    class Meta:
        model = competencies.Prerequisite

    competency = factory.SubFactory(CompetencyFactory)
    requires = factory.SubFactory(
        CompetencyFactory, framework=factory.SelfAttribute("..competency.framework")
    )


class AssociationFactory(DjangoModelFactory):
    class Meta:
        model = competencies.Association

    framework = factory.SubFactory(FrameworkFactory)
    identifier = factory.Faker("uuid4")
    kind = "isRelatedTo"
    origin = "here"
    destination = "there"


class ResourceFactory(InDistrict):
    class Meta:
        model = competencies.Resource

    competency = factory.SubFactory(CompetencyFactory)
    title = factory.Sequence("Resource {}".format)
    url = "https://example.org/"


class ScaleFactory(InDistrict):
    """A scale of a district's own, without levels; see :func:`four_levels`."""

    class Meta:
        model = competencies.Scale

    code = factory.Sequence("scale-{}".format)
    name = factory.Sequence("Scale {}".format)


class LevelFactory(DjangoModelFactory):
    class Meta:
        model = competencies.Level

    scale = factory.SubFactory(ScaleFactory)
    position = factory.LazyAttribute(lambda row: row.scale.levels.count() + 1)
    name = factory.LazyAttribute(lambda row: f"Level {row.position}")
    points = factory.LazyAttribute(lambda row: row.position * 100)


class DescriptorFactory(DjangoModelFactory):
    class Meta:
        model = competencies.Descriptor

    competency = factory.SubFactory(CompetencyFactory)
    level = factory.LazyFunction(lambda: four_levels().levels.get(position=3))
    text = "Does it alone"


class PolicyFactory(InDistrict):
    """A policy of a district's own, without versions; see :func:`preset`."""

    class Meta:
        model = competencies.Policy

    code = factory.Sequence("policy-{}".format)
    name = factory.Sequence("Policy {}".format)


class PolicyVersionFactory(DjangoModelFactory):
    """Two in a row, both at Proficient, without gates."""

    class Meta:
        model = competencies.PolicyVersion

    policy = factory.SubFactory(PolicyFactory)
    number = factory.LazyAttribute(lambda row: row.policy.versions.count() + 1)
    scale = factory.LazyFunction(four_levels)
    target = 3
    method = competencies.PolicyVersion.Method.N_OF_LAST_M
    n = 2
    m = 2
    cuts = factory.LazyFunction(lambda: [10_000, 20_000, 30_000, 40_000])


class PolicyPlacementFactory(InDistrict):
    """The default of a district, from :data:`INSTANT` on."""

    class Meta:
        model = competencies.PolicyPlacement

    version = factory.SubFactory(PolicyVersionFactory)
    recorded_at = INSTANT
    starts_at = factory.SelfAttribute("recorded_at")


class RollupRuleFactory(InDistrict):
    class Meta:
        model = competencies.RollupRule

    competency = factory.SubFactory(CompetencyFactory)
    rule = competencies.RollupRule.Rule.ALL
    recorded_at = INSTANT


class ExpectationFactory(InDistrict):
    """Of a new section, unless a course, section, student, or school with grade is given."""

    class Meta:
        model = competencies.Expectation

    competency = factory.SubFactory(CompetencyFactory)
    starts_on = date(2025, 9, 1)

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        if not {"course", "section", "school", "student"} & kwargs.keys():
            kwargs["section"] = make_section(district=kwargs["district"])
        return super()._create(model_class, *args, **kwargs)


# assessments


class AssessmentFactory(InDistrict):
    """``competencies=[…]`` names what it can show."""

    class Meta:
        model = assessments.Assessment
        skip_postgeneration_save = True

    section = in_same_district(SectionFactory)
    title = factory.Sequence("Assessment {}".format)

    @factory.post_generation
    def competencies(self, create: bool, extracted: Any, **more: Any) -> None:
        self.competencies.add(*(extracted or ()))


class AssessmentPartFactory(DjangoModelFactory):
    class Meta:
        model = assessments.AssessmentPart

    assessment = factory.SubFactory(AssessmentFactory)
    position = factory.LazyAttribute(lambda row: row.assessment.parts.count() + 1)
    name = factory.LazyAttribute(lambda row: f"Part {row.position}")


# What a rating repeats of its evidence.
COPIED = ("student", "demonstrated_on", "kind", "purpose", "application", "setting")
COPIED += ("conditions", "recorded_at")


class EvidenceFactory(InDistrict):
    """A released observation; ``released_at=None`` for one that only teachers see."""

    class Meta:
        model = assessments.Evidence

    id = factory.LazyFunction(lambda: next_id("assessments_evidence"))
    student = in_same_district(StudentFactory)
    demonstrated_on = DAY
    position = factory.SelfAttribute("id")
    piece = factory.SelfAttribute("id")
    recorded_at = INSTANT
    released_at = factory.SelfAttribute("recorded_at")


class RatingFactory(InDistrict):
    """
    Proficient, under the product's default policy.

    What it copies from its evidence goes to the evidence made for it: ``make_rating(student=ana,
    conditions=Conditions.GROUP)``.
    """

    class Meta:
        model = assessments.Rating

    id = factory.LazyFunction(lambda: next_id("assessments_rating"))
    evidence = in_same_district(EvidenceFactory)
    student = factory.SelfAttribute("evidence.student")
    competency = factory.SubFactory(CompetencyFactory)
    points = factory.LazyAttribute(
        lambda row: Decimal(3) if row.mark == assessments.Mark.RATED else None
    )
    mark = assessments.Mark.RATED
    demonstrated_on = factory.SelfAttribute("evidence.demonstrated_on")
    position = factory.SelfAttribute("evidence.position")
    piece = factory.SelfAttribute("evidence.piece")
    chain = factory.SelfAttribute("id")
    # Its own task, unless it is from an assessment.
    task = factory.LazyAttribute(lambda row: row.evidence.assessment_id or -row.piece)
    kind = factory.SelfAttribute("evidence.kind")
    purpose = factory.SelfAttribute("evidence.purpose")
    application = factory.SelfAttribute("evidence.application")
    setting = factory.SelfAttribute("evidence.setting")
    conditions = factory.SelfAttribute("evidence.conditions")
    assessor = factory.SelfAttribute("evidence.recorded_by")
    policy_version = factory.LazyFunction(preset)
    scale = factory.SelfAttribute("policy_version.scale")
    recorded_at = factory.SelfAttribute("evidence.recorded_at")
    first_recorded_at = factory.SelfAttribute("recorded_at")

    @classmethod
    def _generate(cls, strategy: str, params: dict[str, Any]) -> Any:
        if "evidence" not in params:
            copied = {f"evidence__{name}": params[name] for name in COPIED if name in params}
            params = copied | params
        return super()._generate(strategy, params)


class FeedbackFactory(InDistrict):
    class Meta:
        model = assessments.Feedback

    evidence = in_same_district(EvidenceFactory)
    text = "Say why, too."
    said_by = in_same_district(UserFactory)


class CommentFactory(InDistrict):
    class Meta:
        model = assessments.Comment

    evidence = in_same_district(EvidenceFactory)
    text = "Was ill the week before."
    said_by = in_same_district(UserFactory)


class ArtefactFactory(InDistrict):
    class Meta:
        model = assessments.Artefact

    evidence = in_same_district(EvidenceFactory)
    name = "page.pdf"
    content_type = "application/pdf"
    size = 1000
    sha256 = "0" * 64
    added_by = in_same_district(UserFactory)


class SelfAssessmentFactory(InDistrict):
    class Meta:
        model = assessments.SelfAssessment

    student = in_same_district(StudentFactory)
    competency = factory.SubFactory(CompetencyFactory)
    level = 3


class SubmissionFactory(InDistrict):
    class Meta:
        model = assessments.Submission

    assessment = in_same_district(AssessmentFactory)
    student = in_same_district(StudentFactory)


# mastery


class MasteryStateFactory(InDistrict):
    """A state as a recompute might have left it; nothing says that the logs agree."""

    class Meta:
        model = mastery.MasteryState

    student = in_same_district(StudentFactory)
    competency = factory.SubFactory(CompetencyFactory)
    decision = "not_yet"
    basis = ""
    inputs_hash = 0
    engine_version = 1
    computed_at = INSTANT


class AdvancementFactory(InDistrict):
    class Meta:
        model = mastery.Advancement

    student = in_same_district(StudentFactory)
    competency = factory.SubFactory(CompetencyFactory)
    number = 1
    kind = "mastered"
    basis = "evidence"
    mastered_on = DAY
    decided_at = INSTANT
    cause = "rating"


class OpeningFactory(InDistrict):
    class Meta:
        model = mastery.Opening

    student = in_same_district(StudentFactory)
    competency = factory.SubFactory(CompetencyFactory)
    opened_at = INSTANT


class JudgementFactory(InDistrict):
    """An override to mastered."""

    class Meta:
        model = mastery.Judgement

    student = in_same_district(StudentFactory)
    competency = factory.SubFactory(CompetencyFactory)
    kind = mastery.Judgement.Kind.OVERRIDE
    mastered = True
    reason = "Seen in the workshop"
    recorded_at = INSTANT
    recorded_by = in_same_district(UserFactory)


class PlanFactory(InDistrict):
    class Meta:
        model = mastery.Plan

    student = in_same_district(StudentFactory)
    competency = factory.SubFactory(CompetencyFactory)
    recorded_by = in_same_district(UserFactory)


class SupportEventFactory(InDistrict):
    class Meta:
        model = mastery.SupportEvent

    student = in_same_district(StudentFactory)
    competency = factory.SubFactory(CompetencyFactory)
    kind = mastery.SupportEvent.Kind.NEEDED


class RecomputeRequestFactory(DjangoModelFactory):
    """``student`` and ``competency`` rows may be given in place of their ids."""

    class Meta:
        model = mastery.RecomputeRequest

    class Params:
        student = factory.SubFactory(StudentFactory)
        competency = factory.SubFactory(CompetencyFactory)

    student_id = factory.SelfAttribute("student.pk")
    competency_id = factory.SelfAttribute("competency.pk")
    district_id = factory.SelfAttribute("student.district_id")


class HeartbeatFactory(DjangoModelFactory):
    class Meta:
        model = mastery.Heartbeat

    name = factory.Sequence("part-{}".format)


class ReportSnapshotFactory(InDistrict):
    class Meta:
        model = mastery.ReportSnapshot

    kind = "school"
    figures = factory.LazyFunction(dict)


make_district = DistrictFactory.create
make_school = SchoolFactory.create
make_term = TermFactory.create
make_course = CourseFactory.create
make_section = SectionFactory.create
make_user = UserFactory.create
make_student = StudentFactory.create
make_student_attributes = StudentAttributesFactory.create
make_teaching = TeachingFactory.create
make_enrollment = EnrollmentFactory.create
make_school_enrollment = SchoolEnrollmentFactory.create
make_role = SchoolRoleFactory.create
make_caseload = CaseloadFactory.create
make_guardianship = GuardianshipFactory.create
make_restriction = RestrictionFactory.create
make_elevation = ElevationFactory.create
make_job = JobFactory.create
make_history_entry = HistoryEntryFactory.create
make_idempotency_key = IdempotencyKeyFactory.create
make_outbox_message = OutboxMessageFactory.create

make_framework = FrameworkFactory.create
make_competency = CompetencyFactory.create
make_parent_edge = ParentEdgeFactory.create
make_prerequisite = PrerequisiteFactory.create
make_association = AssociationFactory.create
make_resource = ResourceFactory.create
make_scale = ScaleFactory.create
make_level = LevelFactory.create
make_descriptor = DescriptorFactory.create
make_policy = PolicyFactory.create
make_policy_version = PolicyVersionFactory.create
make_placement = PolicyPlacementFactory.create
make_rollup_rule = RollupRuleFactory.create
make_expectation = ExpectationFactory.create

make_assessment = AssessmentFactory.create
make_assessment_part = AssessmentPartFactory.create
make_evidence = EvidenceFactory.create
make_rating = RatingFactory.create
make_feedback = FeedbackFactory.create
make_comment = CommentFactory.create
make_artefact = ArtefactFactory.create
make_self_assessment = SelfAssessmentFactory.create
make_submission = SubmissionFactory.create

make_state = MasteryStateFactory.create
make_advancement = AdvancementFactory.create
make_opening = OpeningFactory.create
make_judgement = JudgementFactory.create
make_plan = PlanFactory.create
make_support_event = SupportEventFactory.create
make_request = RecomputeRequestFactory.create
make_heartbeat = HeartbeatFactory.create
make_report_snapshot = ReportSnapshotFactory.create
