"""What follows from the evidence: states, advancements, judgements, and the work to be done."""

from mastery.models.judgements import Judgement
from mastery.models.plans import Plan, SupportEvent
from mastery.models.queue import Heartbeat, RecomputeRequest
from mastery.models.reports import ReportSnapshot
from mastery.models.states import Advancement, MasteryState, Opening

__all__ = [
    "Advancement",
    "Heartbeat",
    "Judgement",
    "MasteryState",
    "Opening",
    "Plan",
    "RecomputeRequest",
    "ReportSnapshot",
    "SupportEvent",
]
