"""The engine against the definition, on random logs."""

from hypothesis import given, settings

from mastery.engine import decide

from .builders import SCALE, noon
from .oracle import Oracle
from .strategies import LAST_DAY, logs


def check(log, on):
    outcome, oracle = decide(log, noon(on)), Oracle(log, noon(on))

    told = [(a.kind, a.basis, a.mastered_on, a.decided_at) for a in outcome.advancements]
    assert told == oracle.advancements
    assert outcome.state.decision == oracle.decision
    assert outcome.state.level == oracle.level


@settings(max_examples=800, deadline=None)
@given(logs())
def test_engine_means_what_the_definition_says(log):
    check(log, LAST_DAY)


@settings(max_examples=500, deadline=None)
@given(logs(kinds=["confirmation", "confirmation", "refusal", "reopening"], decides=True,
            confirmation=True, scale=SCALE))  # fmt: skip
def test_engine_means_what_the_definition_says_of_confirmations(log):
    check(log, LAST_DAY)


@settings(max_examples=500, deadline=None)
@given(logs(kinds=["override", "override_end", "reopening", "own_target"], decides=True,
            confirmation=False, scale=SCALE))  # fmt: skip
def test_engine_means_what_the_definition_says_of_overrides(log):
    check(log, LAST_DAY)
