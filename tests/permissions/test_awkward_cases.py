"""The cases in which a rule about access is easily got wrong: a sentence each."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import AnonymousUser

from assessments import permissions as assessments
from mastery import permissions as mastery
from students import permissions as students
from students.models import User
from tests import factories as make

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TODAY = NOW.date()


def days(number: int) -> timedelta:
    return timedelta(days=number)


@pytest.fixture
def school():
    return make.make_school(time_zone="Europe/Madrid", district__time_zone="Europe/Madrid")


@pytest.fixture
def ana(school):
    return make.make_student(district=school.district)


@pytest.fixture
def algebra(school, ana):
    """A section of this term in which Ana is."""
    section = make.make_section(school=school, terms=[make.make_term(district=school.district)])
    make.make_enrollment(section=section, student=ana)
    return section


def teacher_of(section, role="lead", **dates) -> User:
    return make.make_teaching(section=section, role=role, **dates).user


def work(student, section, **more):
    """A rating of a released piece from an assessment of the section."""
    evidence = make.make_evidence(
        student=student, assessment=make.make_assessment(section=section), **more
    )
    return make.make_rating(evidence=evidence)


def sees(user, student, at=NOW):
    return students.can_view_student(user, student, at)


def reads(user, rating, at=NOW):
    piece = assessments.evidence_visible_to(user, at).filter(pk=rating.evidence_id).exists()
    assert assessments.ratings_visible_to(user, at).filter(pk=rating.pk).exists() == piece
    return piece


def corrects(user, rating, at=NOW):
    return assessments.ratings_correctable_by(user, at).filter(pk=rating.pk).exists()


def records(user, student, at=NOW):
    return assessments.can_record(user, [student.pk], at)


# co-teachers and aides


def test_a_co_teacher_corrects_their_own_rating_and_not_the_leads(algebra, ana):
    lead, other = teacher_of(algebra), teacher_of(algebra, "co_teacher")
    by_lead, by_other = (work(ana, algebra, recorded_by=user) for user in (lead, other))

    assert reads(other, by_lead)
    assert corrects(other, by_other)
    assert not corrects(other, by_lead)
    assert corrects(lead, by_other)


def test_an_aide_sees_the_class_and_records_nothing(algebra, ana):
    aide = teacher_of(algebra, "aide")

    assert sees(aide, ana)
    assert not records(aide, ana)
    assert not mastery.can_judge(aide, ana.pk, NOW)


@pytest.mark.parametrize("role", ["proctor", "administrator"])
def test_other_kinds_of_assignment_in_the_roster_give_nothing(algebra, ana, role):
    assert not sees(teacher_of(algebra, role), ana)


# substitutes


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)], ids=["spring", "autumn"])
def test_a_substitutes_access_ends_at_midnight_where_the_school_is(algebra, ana, day):
    substitute = teacher_of(algebra, "substitute", starts_on=day, ends_on=day + days(1))
    madrid = ZoneInfo("Europe/Madrid")
    begins = datetime(day.year, day.month, day.day, tzinfo=madrid)
    ends = datetime(day.year, day.month, day.day + 1, tzinfo=madrid)
    second = timedelta(seconds=1)

    seen = [
        records(substitute, ana, at.astimezone(UTC) + shift)
        for at in (begins, ends)
        for shift in (-second, timedelta(0))
    ]

    assert seen == [False, True, True, False]


def test_a_substitute_sees_no_work_older_than_the_term(algebra, ana):
    substitute = teacher_of(algebra, "substitute")
    term = algebra.terms.get()
    first_day = work(ana, algebra, demonstrated_on=term.starts_on)
    before = work(ana, algebra, demonstrated_on=term.starts_on - days(1))

    assert reads(substitute, first_day)
    assert not reads(substitute, before)


def test_of_two_terms_the_later_begun_is_the_current_one(algebra, ana):
    substitute = teacher_of(algebra, "substitute")
    algebra.terms.add(make.make_term(district=ana.district, starts_on=TODAY - days(9)))

    assert reads(substitute, work(ana, algebra, demonstrated_on=TODAY - days(9)))
    assert not reads(substitute, work(ana, algebra, demonstrated_on=TODAY - days(10)))


def test_a_substitute_sees_no_work_of_another_class(school, algebra, ana):
    substitute = teacher_of(algebra, "substitute")
    biology = make.make_section(school=school)
    make.make_enrollment(section=biology, student=ana)

    assert not reads(substitute, work(ana, biology))


def test_without_a_term_a_substitute_sees_todays_work_alone(algebra, ana):
    substitute = teacher_of(algebra, "substitute")
    algebra.terms.clear()

    assert reads(substitute, work(ana, algebra, demonstrated_on=TODAY))
    assert not reads(substitute, work(ana, algebra, demonstrated_on=TODAY - days(1)))


def test_what_a_substitute_records_waits_for_a_teacher_of_the_class(algebra, ana):
    lead, substitute = teacher_of(algebra), teacher_of(algebra, "substitute")
    piece = work(ana, algebra, recorded_by=substitute, by_substitute=True).evidence
    loose = make.make_evidence(student=ana, recorded_by=substitute, by_substitute=True)

    assert assessments.records_as_substitute(substitute, [ana.pk], NOW) == {ana.pk}
    assert assessments.records_as_substitute(lead, [ana.pk], NOW) == set()
    assert set(assessments.evidence_confirmable_by(lead, NOW)) == {piece, loose}
    assert not assessments.evidence_confirmable_by(substitute, NOW).exists()


def test_a_substitutes_work_of_another_class_is_not_this_classs_to_confirm(algebra, ana):
    lead, colleague = teacher_of(algebra), teacher_of(algebra, "co_teacher")
    # A substitute elsewhere, a co-teacher here: nothing says that it is from here.
    make.make_evidence(student=ana, recorded_by=colleague, by_substitute=True)

    assert not assessments.evidence_confirmable_by(lead, NOW).exists()


def test_who_also_teaches_the_student_does_not_record_as_a_substitute(school, algebra, ana):
    teacher = teacher_of(algebra, "substitute")
    biology = make.make_section(school=school)
    make.make_enrollment(section=biology, student=ana)
    make.make_teaching(section=biology, user=teacher)

    assert assessments.records_as_substitute(teacher, [ana.pk], NOW) == set()


def test_a_substitute_corrects_their_own_rating_on_the_same_day(algebra, ana):
    substitute = teacher_of(algebra, "substitute")
    rating = work(ana, algebra, recorded_by=substitute, recorded_at=NOW)

    assert corrects(substitute, rating, NOW + timedelta(hours=10, minutes=59))
    assert not corrects(substitute, rating, NOW + timedelta(hours=11))


# students who move


def test_the_old_teacher_reads_the_old_classs_work_for_thirty_days(algebra, ana):
    teacher = teacher_of(algebra)
    own, elsewhere = work(ana, algebra), make.make_rating(student=ana)
    ana.enrollments.update(ends_on=TODAY)

    assert [reads(teacher, own, NOW + days(n)) for n in (-1, 0, 29, 30)] == [True] * 3 + [False]
    assert reads(teacher, elsewhere, NOW - days(1))
    assert not reads(teacher, elsewhere)


def test_the_old_teacher_writes_nothing_any_more(algebra, ana):
    teacher = teacher_of(algebra)
    rating = work(ana, algebra, recorded_by=teacher)
    ana.enrollments.update(ends_on=TODAY)

    assert not records(teacher, ana)
    assert not corrects(teacher, rating)
    assert not mastery.can_judge(teacher, ana.pk, NOW)


def test_the_new_teacher_sees_the_standing_and_the_history(school, algebra, ana):
    history = work(ana, algebra)
    state = make.make_state(student=ana)
    ana.enrollments.update(ends_on=TODAY)
    new_school = make.make_school(district=school.district)
    section = make.make_section(school=new_school)
    make.make_enrollment(section=section, student=ana, starts_on=TODAY)
    teacher = teacher_of(section)

    assert reads(teacher, history)
    assert list(mastery.states_visible_to(teacher, NOW)) == [state]
    assert not mastery.states_visible_to(teacher, NOW - days(1)).exists()


def test_of_a_student_in_two_schools_each_sees_its_own_work_and_the_shared_standing(
    school, algebra, ana
):
    other_school = make.make_school(district=school.district)
    there = make.make_section(school=other_school)
    make.make_enrollment(section=there, student=ana)
    here_work, there_work = work(ana, algebra), work(ana, there)
    state = make.make_state(student=ana)
    principal, teacher = make.make_role(school=school).user, teacher_of(algebra)

    for user in (principal, teacher):
        assert reads(user, here_work)
        assert not reads(user, there_work)
        assert list(mastery.states_visible_to(user, NOW)) == [state]


@pytest.mark.parametrize("of", ["the student", "the person"])
def test_nothing_crosses_the_districts_even_where_a_row_is_mistaken(algebra, ana, of):
    stranger = make.make_user()
    district = ana.district if of == "the student" else stranger.district
    make.make_teaching(section=algebra, user=stranger, district=district)
    make.make_guardianship(student=ana, user=stranger, district=district)
    make.make_role(school=algebra.school, user=stranger, district=district)

    assert not sees(stranger, ana)
    assert not reads(stranger, work(ana, algebra))
    assert not students.sections_visible_to(stranger, NOW).exists()
    assert not students.schools_visible_to(stranger, NOW).exists()


# people who left


@pytest.mark.parametrize("gone", [{"is_active": False}, {"deactivated_at": NOW}], ids=str)
def test_somebody_deactivated_sees_nothing_at_once(algebra, ana, gone):
    teacher = teacher_of(algebra)
    make.make_role(user=teacher, school=algebra.school)
    rating = work(ana, algebra, recorded_by=teacher)
    User.objects.filter(pk=teacher.pk).update(**gone)

    # The person in hand was loaded before: what counts is what the database says now.
    assert not sees(teacher, ana)
    assert not reads(teacher, rating)
    assert not records(teacher, ana)
    assert not students.people_visible_to(teacher, NOW).exists()


def test_a_former_teacher_corrects_nothing_of_their_own(algebra, ana):
    teacher = teacher_of(algebra, ends_on=TODAY)
    rating = work(ana, algebra, recorded_by=teacher)

    assert corrects(teacher, rating, NOW - days(1))
    assert not corrects(teacher, rating)
    assert not reads(teacher, rating)


def test_a_teacher_removed_while_the_form_was_open_is_refused(algebra, ana):
    teaching = make.make_teaching(section=algebra)
    assessments.check_can_record(teaching.user, [ana.pk], NOW)
    type(teaching).objects.filter(pk=teaching.pk).update(deactivated_at=NOW)

    with pytest.raises(students.NotAllowed):
        assessments.check_can_record(teaching.user, [ana.pk], NOW)


def test_nobody_signed_in_is_not_the_operator(ana, algebra):
    anyone = AnonymousUser()
    anyone.district_id = None

    assert not students.students_visible_to(anyone, NOW).exists()
    assert not assessments.evidence_visible_to(anyone, NOW).exists()


# guardians


def test_a_guardian_sees_their_child_and_what_is_released(algebra, ana):
    guardian = make.make_guardianship(student=ana).user
    released, kept = work(ana, algebra), work(ana, algebra, released_at=None)

    assert sees(guardian, ana)
    assert reads(guardian, released)
    assert not reads(guardian, kept)
    assert not records(guardian, ana)


def test_a_guardian_sees_no_voided_rating_but_the_teacher_does(algebra, ana):
    guardian, teacher = make.make_guardianship(student=ana).user, teacher_of(algebra)
    piece = work(ana, algebra).evidence
    voided = make.make_rating(evidence=piece, voided_at=NOW, void_reason="Mistyped")

    assert voided in assessments.ratings_visible_to(teacher, NOW)
    assert voided not in assessments.ratings_visible_to(guardian, NOW)
    assert voided not in assessments.ratings_visible_to(ana.user, NOW)


def test_a_restricted_guardian_finds_no_such_child(algebra, ana):
    guardian = make.make_guardianship(student=ana).user
    state = make.make_state(student=ana)
    make.make_restriction(user=guardian, student=ana, starts_on=TODAY)
    rating = work(ana, algebra)

    assert sees(guardian, ana, NOW - days(1))
    assert not sees(guardian, ana)
    assert not reads(guardian, rating)
    assert state not in mastery.states_visible_to(guardian, NOW)
    assert algebra not in students.sections_visible_to(guardian, NOW)
    assert ana.user not in students.people_visible_to(guardian, NOW)


def test_a_restriction_wins_over_the_job_at_the_school(algebra, ana):
    teacher = teacher_of(algebra)
    make.make_role(user=teacher, school=algebra.school)
    rating = work(ana, algebra, recorded_by=teacher)
    make.make_restriction(user=teacher, student=ana)

    assert not sees(teacher, ana)
    assert not reads(teacher, rating)
    assert not records(teacher, ana)
    assert not corrects(teacher, rating)
    assert not mastery.can_judge(teacher, ana.pk, NOW)


def test_a_restriction_on_one_child_leaves_the_sibling(ana):
    ben = make.make_student(district=ana.district)
    guardian = make.make_guardianship(student=ana).user
    make.make_guardianship(student=ben, user=guardian)
    make.make_restriction(user=guardian, student=ben)

    assert list(students.students_visible_to(guardian, NOW)) == [ana]


def test_a_restriction_written_on_a_duplicate_holds_for_the_student(ana):
    duplicate = make.make_student(district=ana.district, merged_into=ana)
    guardian = make.make_guardianship(student=ana).user
    make.make_restriction(user=guardian, student=duplicate)

    assert not sees(guardian, ana)


def test_a_guardian_never_sees_another_guardian_but_the_office_does(algebra, ana):
    make.make_school_enrollment(student=ana, school=algebra.school)
    mother, father = (make.make_guardianship(student=ana).user for _ in range(2))
    registrar = make.make_role(school=algebra.school, role="registrar").user

    assert father not in students.people_visible_to(mother, NOW)
    assert {mother, father} <= set(students.people_visible_to(registrar, NOW))


def test_a_teacher_who_is_a_guardian_reaches_their_child_by_that_alone(school, algebra, ana):
    """Two ways to two students never become one way to more (Canvas issue 2245)."""
    teacher = teacher_of(algebra)
    child, neighbour = (make.make_student(district=ana.district) for _ in range(2))
    biology = make.make_section(school=school)
    for student in (child, neighbour):
        make.make_enrollment(section=biology, student=student)
    make.make_guardianship(user=teacher, student=child)
    kept = work(child, biology, released_at=None)

    assert set(students.students_visible_to(teacher, NOW)) == {ana, child}
    assert not reads(teacher, kept)
    assert not records(teacher, child)


def test_nobody_judges_their_own_child_of_whatever_age(algebra, ana):
    teacher = teacher_of(algebra)
    principal = make.make_role(school=algebra.school).user
    make.make_student_attributes(student=ana, birth_date=date(2000, 1, 1))
    for user in (teacher, principal):
        make.make_guardianship(user=user, student=ana)

    assert records(teacher, ana)
    assert not mastery.can_judge(teacher, ana.pk, NOW)
    assert not mastery.can_judge(principal, ana.pk, NOW)


@pytest.mark.parametrize(
    ("born", "last_day"),
    [(date(2008, 3, 3), date(2026, 3, 2)), (date(2008, 2, 29), date(2026, 2, 27))],
    ids=str,
)
def test_at_eighteen_the_rights_are_the_students_own(ana, born, last_day):
    guardian = make.make_guardianship(student=ana).user
    make.make_student_attributes(student=ana, birth_date=born)
    midnight = datetime(
        last_day.year, last_day.month, last_day.day, tzinfo=ZoneInfo("Europe/Madrid")
    )
    turns_18 = (midnight + days(1)).astimezone(UTC)

    assert sees(guardian, ana, turns_18 - timedelta(seconds=1))
    assert not sees(guardian, ana, turns_18)
    assert sees(ana.user, ana, turns_18)


# students


def test_a_student_sees_themself_and_not_their_classmates(algebra, ana):
    ben = make.make_student(district=ana.district)
    make.make_enrollment(section=algebra, student=ben)

    assert list(students.students_visible_to(ana.user, NOW)) == [ana]
    assert not reads(ana.user, work(ben, algebra))
    assert list(students.sections_visible_to(ana.user, NOW)) == [algebra]
    assert ben.user not in students.people_visible_to(ana.user, NOW)


# duplicates


def test_a_duplicate_is_found_by_who_sees_the_student_it_was_merged_into(algebra, ana):
    duplicate = make.make_student(district=ana.district, merged_into=ana)
    rating = make.make_rating(student=duplicate)
    teacher = teacher_of(algebra)

    assert sees(teacher, duplicate)
    assert reads(teacher, rating)
    assert not records(teacher, duplicate)


def test_a_duplicate_is_not_found_by_its_own_relationships(school, ana):
    duplicate = make.make_student(district=ana.district, merged_into=ana)
    section = make.make_section(school=school)
    make.make_enrollment(section=section, student=duplicate)

    assert not sees(teacher_of(section), duplicate)


# the school's office and the district's


def test_a_principal_sees_the_school_reports_on_it_and_records_nothing(algebra, ana):
    principal = make.make_role(school=algebra.school).user

    assert reads(principal, work(ana, algebra, released_at=None))
    assert list(mastery.schools_reportable_by(principal, NOW)) == [algebra.school]
    assert mastery.can_judge(principal, ana.pk, NOW)
    assert not records(principal, ana)
    mastery.check_can_report(principal, algebra.school, NOW)


def test_a_principal_of_another_school_sees_none_of_it(algebra, ana):
    principal = make.make_role(district=ana.district).user

    assert not sees(principal, ana)
    with pytest.raises(students.NotAllowed):
        mastery.check_can_report(principal, algebra.school, NOW)


@pytest.mark.parametrize("role", ["registrar", "administrator"])
def test_the_office_keeps_the_roster_and_sees_no_learning(algebra, ana, role):
    granted_by = make.make_user(district=ana.district)
    clerk = make.make_role(school=algebra.school, role=role, granted_by=granted_by).user
    make.make_state(student=ana)

    students.check_can_edit_student(clerk, ana, NOW)
    assert not reads(clerk, work(ana, algebra))
    assert not mastery.states_visible_to(clerk, NOW).exists()
    assert not mastery.schools_reportable_by(clerk, NOW).exists()


@pytest.mark.parametrize("role", ["administrator", "district_administrator"])
def test_a_roster_makes_no_administrator(algebra, ana, role):
    user = make.make_role(school=algebra.school, role=role, granted_by=None).user

    assert not sees(user, ana)
    assert not students.districts_administered_by(user, NOW).exists()


@pytest.mark.parametrize("role", ["counsellor", "case_manager", "adviser"])
def test_who_looks_after_a_student_reads_everything_and_writes_nothing(algebra, ana, role):
    user = make.make_caseload(student=ana, role=role).user
    rating = work(ana, algebra, released_at=None)

    assert sees(user, ana)
    assert reads(user, rating)
    assert not records(user, ana)
    assert not corrects(user, rating)
    assert not mastery.can_judge(user, ana.pk, NOW)


def administrator(school) -> User:
    granted_by = make.make_user(district=school.district)
    role = "district_administrator"
    return make.make_role(school=school, role=role, granted_by=granted_by).user


def test_a_district_administrator_reads_no_student_without_an_elevation(algebra, ana):
    user = administrator(algebra.school)
    make.make_state(student=ana)

    assert list(mastery.districts_reportable_by(user, NOW)) == [ana.district]
    assert algebra in students.sections_visible_to(user, NOW)
    assert not sees(user, ana)
    assert not reads(user, work(ana, algebra))
    assert not mastery.states_visible_to(user, NOW).exists()
    assert not mastery.schools_reportable_by(user, NOW).exists()


def test_an_elevation_opens_one_school_until_it_ends(algebra, ana):
    user = administrator(algebra.school)
    elsewhere = make.make_school_enrollment(district=ana.district).student
    ends_at = NOW + timedelta(hours=1)
    make.make_elevation(user=user, school=algebra.school, starts_at=NOW, ends_at=ends_at)
    rating = work(ana, algebra)

    just_before = [NOW - timedelta(seconds=1), ends_at]
    assert [sees(user, ana, at) for at in just_before] == [False, False]
    assert sees(user, ana)
    assert reads(user, rating)
    assert not sees(user, elsewhere)
    assert not records(user, ana)


def test_an_elevation_lifts_nobody_but_a_district_administrator(algebra, ana):
    user = make.make_user(district=ana.district)
    make.make_elevation(
        user=user, school=algebra.school, starts_at=NOW - days(1), ends_at=NOW + days(1)
    )

    assert not sees(user, ana)


# refusals


def test_one_foreign_student_in_a_sheet_refuses_it_whole_and_names_nobody(algebra, ana):
    stranger = make.make_student(district=ana.district)
    teacher = teacher_of(algebra)

    with pytest.raises(students.NotAllowed) as refusal:
        assessments.check_can_record(teacher, [ana.pk, stranger.pk], NOW)

    assert str(refusal.value) == (
        "You can record evidence only about students of a section you teach today."
    )


def test_the_checks_follow_their_scopes(algebra, ana):
    teacher, stranger = teacher_of(algebra), make.make_user(district=ana.district)
    rating = work(ana, algebra, recorded_by=teacher)
    waiting = make.make_evidence(
        student=ana, recorded_by=teacher, by_substitute=True, released_at=None
    )
    make.make_teaching(section=algebra, user=teacher, role="substitute", ends_on=TODAY)
    checks = [
        lambda user: students.check_can_view_student(user, ana, NOW),
        lambda user: assessments.check_can_record(user, [ana.pk], NOW),
        lambda user: assessments.check_can_correct(user, [rating.pk], NOW),
        lambda user: assessments.check_can_release(user, [waiting.pk], NOW),
        lambda user: assessments.check_can_confirm(user, [waiting.pk], NOW),
        lambda user: mastery.check_can_judge(user, ana.pk, NOW),
    ]

    for check in checks:
        check(None)
        check(teacher)
        with pytest.raises(students.NotAllowed):
            check(stranger)


def test_the_operator_records_for_anybody_and_never_as_a_substitute(ana):
    assessments.check_can_record(None, [ana.pk], NOW)

    assert assessments.records_as_substitute(None, [ana.pk], NOW) == set()
