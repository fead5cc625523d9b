"""What is to be learned, how a level is named, and the rules that decide it."""

from competencies.models.expectations import Expectation
from competencies.models.frameworks import (
    Association,
    Competency,
    Framework,
    ParentEdge,
    Prerequisite,
    Resource,
)
from competencies.models.policies import Policy, PolicyPlacement, PolicyVersion, RollupRule
from competencies.models.scales import Descriptor, Level, Scale

__all__ = [
    "Association",
    "Competency",
    "Descriptor",
    "Expectation",
    "Framework",
    "Level",
    "ParentEdge",
    "Policy",
    "PolicyPlacement",
    "PolicyVersion",
    "Prerequisite",
    "Resource",
    "RollupRule",
    "Scale",
]
