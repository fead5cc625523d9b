"""What was seen: tasks, pieces of evidence, ratings, and what people say about them."""

from assessments.models.assessments import Assessment, AssessmentCompetency, AssessmentPart
from assessments.models.codes import Conditions, Kind, Mark, Purpose, Setting, Situation
from assessments.models.conversation import Artefact, Comment, Feedback, SelfAssessment, Submission
from assessments.models.evidence import Evidence, Rating

__all__ = [
    "Artefact",
    "Assessment",
    "AssessmentCompetency",
    "AssessmentPart",
    "Comment",
    "Conditions",
    "Evidence",
    "Feedback",
    "Kind",
    "Mark",
    "Purpose",
    "Rating",
    "SelfAssessment",
    "Setting",
    "Situation",
    "Submission",
]
