"""Prerequisites: added, ended, refused where they would make a loop."""

import threading

import pytest
from django.db import connection, transaction

from competencies.actions.prerequisites import (
    PrerequisiteRefused,
    add_prerequisite,
    end_prerequisite,
)
from competencies.models import Framework, Prerequisite
from students.models import HistoryEntry
from students.permissions import NotAllowed
from tests import factories
from tests.competencies.test_import_framework import announced

pytestmark = pytest.mark.django_db


@pytest.fixture
def framework():
    return factories.make_framework()


@pytest.fixture
def make(framework):
    return lambda code, **more: factories.make_competency(code=code, framework=framework, **more)


def test_a_prerequisite_is_added_once_and_announced(make):
    a, b = make("A"), make("B")

    with announced() as told:
        first = add_prerequisite(actor=None, competency=b, requires=a)
        again = add_prerequisite(actor=None, competency=b, requires=a)

    assert first == again
    assert told == [{"B"}]


def test_a_prerequisite_is_ended_once_and_kept(make):
    link = add_prerequisite(actor=None, competency=make("B"), requires=make("A"))

    with announced() as told:
        end_prerequisite(actor=None, prerequisite=link)
        ended = Prerequisite.objects.get(pk=link.pk)
        end_prerequisite(actor=None, prerequisite=link)

    assert ended.until > ended.since
    assert Prerequisite.objects.get(pk=link.pk).until == ended.until
    assert told == [{"B"}]


def test_what_would_require_itself_is_refused_with_the_loop_by_codes(make):
    a, b, c = make("A"), make("B"), make("C")
    add_prerequisite(actor=None, competency=b, requires=a)
    add_prerequisite(actor=None, competency=c, requires=b)

    with announced() as told, pytest.raises(PrerequisiteRefused, match="A → C → B → A"):
        add_prerequisite(actor=None, competency=a, requires=c)

    assert told == []
    with pytest.raises(PrerequisiteRefused, match="A → A"):
        add_prerequisite(actor=None, competency=a, requires=a)


def test_a_part_cannot_require_its_whole(make):
    whole = make("W")
    part = make("P", parent=whole)

    with pytest.raises(PrerequisiteRefused, match="P → W → P"):
        add_prerequisite(actor=None, competency=part, requires=whole)


def test_a_whole_cannot_be_required_by_what_its_part_requires(make):
    whole, needed = make("W"), make("N")
    part = make("P", parent=whole)
    add_prerequisite(actor=None, competency=part, requires=needed)

    with pytest.raises(PrerequisiteRefused, match="N → W → P → N"):
        add_prerequisite(actor=None, competency=needed, requires=whole)


def test_a_link_that_was_ended_makes_no_loop(make):
    a, b = make("A"), make("B")
    end_prerequisite(
        actor=None, prerequisite=add_prerequisite(actor=None, competency=b, requires=a)
    )

    add_prerequisite(actor=None, competency=a, requires=b)

    assert Prerequisite.objects.filter(until__isnull=True).count() == 1


def test_a_retired_competency_is_not_required(make):
    gone = make("G", retired_at=factories.INSTANT)

    with pytest.raises(PrerequisiteRefused, match="G is retired"):
        add_prerequisite(actor=None, competency=make("A"), requires=gone)


def test_another_districts_competency_is_not_required():
    ours = factories.make_competency(framework__district=factories.make_district())
    theirs = factories.make_competency(code="T", framework__district=factories.make_district())

    with pytest.raises(PrerequisiteRefused, match="T belongs to one district alone"):
        add_prerequisite(actor=None, competency=ours, requires=theirs)


def test_a_districts_own_framework_keeps_history_and_a_stranger_may_not_change_it():
    district = factories.make_district()
    framework = factories.make_framework(district=district)
    a, b = (factories.make_competency(framework=framework) for _ in range(2))

    with pytest.raises(NotAllowed):
        add_prerequisite(actor=factories.make_user(district=district), competency=b, requires=a)
    link = add_prerequisite(actor=None, competency=b, requires=a)

    entry = HistoryEntry.objects.get(district=district)
    assert (entry.action, entry.object_id) == ("add_prerequisite", link.pk)
    assert entry.after == {"competency": b.pk, "requires": a.pk}


@pytest.mark.django_db(transaction=True)
def test_two_who_close_a_loop_from_both_ends_take_turns():
    one, two = factories.make_framework(), factories.make_framework()
    a = factories.make_competency(code="A", framework=one)
    b = factories.make_competency(code="B", framework=two)
    outcomes = []
    held = threading.Event()

    def close(competency, requires):
        try:
            add_prerequisite(actor=None, competency=competency, requires=requires)
            outcomes.append("added")
        except PrerequisiteRefused:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [
        threading.Thread(target=close, args=(a, b)),
        threading.Thread(target=close, args=(b, a)),
    ]
    # Both wait for the same row, then go one after the other.
    with transaction.atomic():
        Framework.objects.select_for_update().get(pk=one.pk)
        for thread in threads:
            thread.start()
        held.wait(0.3)
    for thread in threads:
        thread.join(timeout=30)

    assert sorted(outcomes) == ["added", "refused"]
