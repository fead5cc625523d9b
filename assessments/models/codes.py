"""
The words of a piece of evidence, as the small numbers that the hot table stores.

Files and the API use the lower-case names. A number is never used again for another meaning.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Mark(models.IntegerChoices):
    RATED = 1, _("rated")
    NOT_SHOWN = 2, _("not shown")
    MISSED = 3, _("missed")
    EXCUSED = 4, _("excused")


class Kind(models.IntegerChoices):
    OBSERVATION = 1, _("observation")
    QUIZ = 2, _("quiz")
    TEST = 3, _("test")
    PROJECT = 4, _("project")
    PERFORMANCE = 5, _("performance")
    PORTFOLIO = 6, _("portfolio")
    CONVERSATION = 7, _("conversation")
    ASSIGNMENT = 8, _("assignment")


class Purpose(models.IntegerChoices):
    PRACTICE = 1, _("practice")
    FORMATIVE = 2, _("formative")
    SUMMATIVE = 3, _("summative")
    DIAGNOSTIC = 4, _("diagnostic")


class Setting(models.IntegerChoices):
    CLASSROOM = 1, _("classroom")
    LABORATORY = 2, _("laboratory")
    WORKPLACE = 3, _("workplace")
    COMMUNITY = 4, _("community")
    HOME = 5, _("home")
    ONLINE = 6, _("online")


class Modality(models.IntegerChoices):
    IN_PERSON = 1, _("in person")
    BLENDED = 2, _("blended")
    REMOTE = 3, _("remote")


class Situation(models.IntegerChoices):
    FAMILIAR = 1, _("familiar")
    NEW = 2, _("new")


class Conditions(models.IntegerChoices):
    INDEPENDENT = 1, _("independent")
    WITH_SUPPORT = 2, _("with support")
    GROUP = 3, _("group")


def named(choices: type[models.IntegerChoices], name: str) -> int:
    """
    Return the number of a word as files write it (``with_support``, ``with support``).

    :raises ValueError: naming the words there are.
    """
    wanted = name.strip().upper().replace(" ", "_").replace("-", "_")
    if wanted in choices.__members__:
        return int(choices[wanted])
    words = ", ".join(member.lower() for member in choices.__members__)
    raise ValueError(f"“{name}” is not one of: {words}")
