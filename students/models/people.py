"""People. Every person is a User, with or without a way to sign in; some are Students."""

import unicodedata
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Coalesce

from students.models.fields import FromRoster, once_in_district, public_id
from students.models.organisation import District


def sort_key(family_name: str, given_name: str) -> str:
    """
    Return the key by which people are listed: accents and case do not part names.

    The database sorts by code point, which would put Émile after Zoe.
    """
    decomposed = unicodedata.normalize("NFKD", f"{family_name}\x1f{given_name}")
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()[:300]


class UserManager(BaseUserManager["User"]):
    def create_user(self, sign_in_name: str, password: str | None = None, **more: Any) -> "User":
        """Create a person; without ``password`` they cannot sign in by one."""
        more["sort_key"] = sort_key(more.get("family_name", ""), more.get("given_name", ""))
        user: User = self.model(sign_in_name=sign_in_name, **more)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, FromRoster):
    """A person. What they may see follows from dated relationships, never from this row."""

    public_id = public_id()
    district = models.ForeignKey(
        District, models.PROTECT, null=True, blank=True, related_name="people"
    )
    sign_in_name = models.CharField(max_length=300, unique=True)  # username@district
    username = models.CharField(max_length=200, blank=True, default="")
    given_name = models.CharField(max_length=150)
    family_name = models.CharField(max_length=150)
    email = models.EmailField(blank=True, default="")
    identifier = models.CharField(max_length=200, blank=True, default="")
    sort_key = models.CharField(max_length=300, default="")
    is_active = models.BooleanField(default=True)

    objects = UserManager()

    USERNAME_FIELD = "sign_in_name"
    REQUIRED_FIELDS = ["given_name", "family_name"]

    class Meta:
        constraints = [once_in_district("user")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Return the name as it is shown, given name first."""
        return f"{self.given_name} {self.family_name}".strip()


class Student(models.Model):
    """A learner. Evidence belongs to the student and outlives every enrolment."""

    public_id = public_id()
    district = models.ForeignKey(District, models.PROTECT, related_name="students")
    user = models.OneToOneField(User, models.PROTECT, related_name="student")
    number = models.CharField(max_length=100, blank=True, default="")  # the school's own number
    interests = models.TextField(blank=True, default="")  # the student's own words
    # A duplicate keeps its row and points at the one that carries on.
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["district", "number"],
                condition=~models.Q(number=""),
                name="students_student_number_once",
            ),
            models.CheckConstraint(
                condition=models.Q(merged_into__isnull=True)
                | ~models.Q(merged_into=models.F("id")),
                name="students_student_not_merged_into_itself",
            ),
        ]
        indexes = [
            # Who a row is about, duplicates included: what every scope asks.
            models.Index(Coalesce("merged_into", "id"), name="students_student_same_person")
        ]

    def __str__(self) -> str:
        return f"Student {self.pk}"


class StudentAttributes(models.Model):
    """What subgroup reports need, apart from the name; accommodations for whoever scores."""

    student = models.OneToOneField(
        Student, models.PROTECT, primary_key=True, related_name="attributes"
    )
    attributes = models.JSONField(default=dict)
    accommodations = models.JSONField(default=list)
    birth_date = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Attributes of student {self.student_id}"
