from mastery.engine import availability, opened_at
from mastery.engine.availability import Need, PrerequisiteLog, PrerequisiteStatus

from .builders import noon

FRACTIONS = PrerequisiteStatus(1, mastered=False, has_evidence=True, have=1, need=2, name="5.NF.1")
RATIOS = PrerequisiteStatus(2, mastered=True)


def log(competency, *changes, **more):
    told = tuple((noon(on), mastered) for on, mastered in changes)
    return PrerequisiteLog(competency, told, **more)


def test_what_needs_nothing_is_open():
    assert availability([]).open
    assert availability([RATIOS]).open


def test_a_need_is_named_with_its_distance():
    found = availability([RATIOS, FRACTIONS])

    assert not found.open
    assert found.needs == (Need(1, "5.NF.1", 1, 2),)


def test_an_earlier_band_counts_as_met_until_evidence_speaks():
    silent = PrerequisiteStatus(3, mastered=False, earlier_band=True)
    spoken = PrerequisiteStatus(3, mastered=False, earlier_band=True, has_evidence=True)

    assert availability([silent]).open
    assert not availability([spoken]).open


def test_what_was_open_once_stays_open_and_still_names_its_needs():
    found = availability([FRACTIONS], noon(3))

    assert found.open
    assert found.needs


def test_it_opens_at_the_first_instant_when_all_are_mastered_at_once():
    logs = [log(1, (1, True), (3, False), (8, True)), log(2, (5, True), (9, False))]

    assert opened_at(logs) == noon(8)


def test_it_has_not_opened_while_they_take_turns():
    assert opened_at([log(1, (1, True), (3, False)), log(2, (5, True))]) is None


def test_of_two_changes_at_one_instant_the_last_listed_stands():
    assert opened_at([log(1, (1, True), (1, False))]) is None


def test_an_earlier_band_goes_along_but_opens_nothing_by_itself():
    silent = log(1, earlier_band=True)
    spoken = log(1, earlier_band=True, first_evidence_at=noon(4))
    reopened = log(1, (2, True), (3, False), earlier_band=True, first_evidence_at=noon(1))

    assert opened_at([silent]) is None
    assert opened_at([silent, log(2, (5, True))]) == noon(5)
    assert opened_at([spoken, log(2, (3, True))]) == noon(3)
    assert opened_at([spoken, log(2, (5, True))]) is None
    assert opened_at([reopened, log(2, (5, True))]) is None
