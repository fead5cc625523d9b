"""
The sentences of a decision record, by code; each goes through the caller's ``translate``.

Words that are avoided everywhere: fail, behind, missing, weak, low, average as a judgement.
"""

from __future__ import annotations

DECISIONS = {
    "no_evidence": "No evidence yet",
    "not_yet": "Not yet",
    "awaiting_confirmation": "Waiting for a teacher's confirmation",
    "mastered": "Mastered",
    "none": "Described, not decided",
}
NOT_COUNTED = {
    "superseded": "Does not count: a correction took its place.",
    "voided": "Does not count: it was voided.",
    "not_released": "Does not count: not released yet.",
    "unconfirmed": "Does not count: a substitute recorded it and it is not confirmed yet.",
    "other_scale": "Does not count: rated on another scale than the policy's.",
    "purpose": "Does not count: the policy does not count work of this purpose.",
    "kind": "Does not count: the policy does not count work of this kind.",
    "excused": "Does not count: excused.",
    "missed": "Does not count: not handed in.",
    "not_shown": "Does not count: there was nothing to see yet.",
    "raters_apart": "Does not count: its assessors are two or more levels apart; talk first.",
    "replaced": "Does not count: a later piece on the same task replaces it.",
}
STEPS = {
    "first_piece": "Show a first piece of evidence.",
    "pieces_at_target": "Show {pieces} more at {level} or above.",
    "other_task": "Show it at {level} in one more, different task.",
    "application_piece": "Apply it: show it at {level} in a piece of application.",
    "independent_piece": "Show it at {level} on your own.",
    "individual_piece": "Show it at {level} in a piece that is not group work.",
    "newer_piece": "Show it at {level} once more, in a newer piece.",
    "confirm": "A teacher looks at the evidence and confirms it.",
    "talk_first": "The assessors of one piece are far apart and talk first.",
    "look_again": "Recent evidence asks a person to look again; what was earned stays.",
    "refresh": "It has been a while. A quick refresh would help; what was earned stays.",
    "go_on": "Go on to what this opens.",
    "keep_going": "Keep going.",
}
CHANGES = {
    "pieces": "Would be mastered with {pieces} more at {level}, on new tasks.",
    "pieces_confirmed": "{pieces} more at {level}, on new tasks, and a teacher's confirmation.",
    "confirmation": "A teacher's confirmation would make it mastered.",
    "person": "A teacher set this; only a person ends it.",
    "none": "No new piece alone can make it mastered.",
}
KINDS = {
    "mastered": "Mastered on {day}, decided {at}: {cause}.",
    "redated": "Mastered on {day} on other ground, decided {at}: {cause}.",
    "reopened": "Open again, decided {at}: {cause}.",
}
CAUSES = {
    "evidence": "new evidence",
    "correction": "a rating was corrected",
    "void": "a rating was voided",
    "release": "a rating was released",
    "substitute_confirmed": "a substitute's rating was confirmed",
    "confirmation": "confirmed by {by}",
    "override": "set by {by}",
    "override_end": "the override ended",
    "reopening": "reopened by {by}",
    "prior_standing": "prior standing entered by {by}",
    "own_target": "an own target was set",
    "policy": "the policy changed",
    "policy_applied": "the policy was applied by {by}",
}
JUDGEMENTS = {
    "override": "Set by {by}: {reason}",
    "prior_standing": "Prior standing entered by {by}: {reason}",
}
LEVEL_MET = "The estimate is at the cut of {level}: {have} of {need}."
LEVEL_UNMET = "The estimate is under the cut of {level}: {have} of {need}."
LEVEL_NONE = "Too few pieces for an estimate; the cut of {level} is {need}."
MINIMUM = "Pieces that count: {have} of {need}."
NO_CALCULATION = "Nothing to calculate yet."
TOO_FEW = "Too few pieces for an estimate yet: {points}"
DECIDED_BY = "Rests on {tasks}, judged by {policy}, target {level}."
