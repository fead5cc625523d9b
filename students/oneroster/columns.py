"""
What each file of a package holds: its columns in the standard's order, and their words.

From the OneRoster CSV binding 1.2 and 1.1. ``limit`` is what the product can keep, in
characters; the standard itself sets none.
"""

from dataclasses import dataclass
from typing import Literal

Version = Literal["1.1", "1.2"]

VERSIONS: tuple[Version, ...] = ("1.1", "1.2")
KEY = "sourcedId"
STATUS = "status"
MODIFIED = "dateLastModified"
METADATA = "metadata."
PREFIX = (KEY, STATUS, MODIFIED)
SECRET = "password"  # noqa: S105  the name of a column, which is never read


@dataclass(frozen=True, slots=True)
class Column:
    """
    One column. ``kind`` says how its values are read, one of the methods of ``cells.Cells``;
    ``to`` is the file that a reference points at; ``words`` its vocabulary.
    """

    name: str
    kind: str = "text"
    required: bool = False
    limit: int = 5000
    to: str = ""
    words: tuple[str, ...] = ()


def text(name: str, limit: int = 5000, *, required: bool = False) -> Column:
    return Column(name, "text", required, limit)


def word(name: str, words: str, *, required: bool = False, limit: int = 60) -> Column:
    return Column(name, "word", required, limit, words=tuple(words.split(",")))


def reference(name: str, to: str, *, required: bool = False) -> Column:
    return Column(name, "identifier", required, 255, to=to)


def references(name: str, to: str, *, required: bool = False) -> Column:
    return Column(name, "identifiers", required, 5000, to=to)


def day(name: str, *, required: bool = False) -> Column:
    return Column(name, "day", required, 10)


def truth(name: str, *, required: bool = False) -> Column:
    return Column(name, "truth", required, 5)


def items(name: str, limit: int = 5000) -> Column:
    return Column(name, "items", limit=limit)


COMMON = (
    Column(KEY, "identifier", required=True, limit=255),
    word(STATUS, "active,tobedeleted"),
    Column(MODIFIED, "instant", limit=40),
)

SESSION_KINDS = "gradingPeriod,semester,schoolYear,term"
ORG_KINDS = "department,school,district,local,state,national"
ROLES_1_1 = "administrator,aide,guardian,parent,proctor,relative,student,teacher"
ROLES_1_2 = (
    "aide,counselor,districtAdministrator,guardian,parent,principal,proctor,relative,"
    "siteAdministrator,student,systemAdministrator,teacher"
)

_ACADEMIC_SESSIONS = (
    *COMMON,
    text("title", 200, required=True),
    word("type", SESSION_KINDS, required=True),
    day("startDate", required=True),
    day("endDate", required=True),
    reference("parentSourcedId", "academicSessions"),
    Column("schoolYear", "year", required=True, limit=4),
)
_ORGS = (
    *COMMON,
    text("name", 200, required=True),
    word("type", ORG_KINDS, required=True),
    text("identifier", 200),
    reference("parentSourcedId", "orgs"),
)
_COURSES = (
    *COMMON,
    reference("schoolYearSourcedId", "academicSessions"),
    text("title", 200, required=True),
    text("courseCode", 100),
    items("grades", 200),
    reference("orgSourcedId", "orgs", required=True),
    items("subjects"),
    items("subjectCodes"),
)
_CLASSES = (
    *COMMON,
    text("title", 200, required=True),
    items("grades", 200),
    reference("courseSourcedId", "courses", required=True),
    text("classCode", 100),
    word("classType", "homeroom,scheduled", required=True),
    text("location"),
    reference("schoolSourcedId", "orgs", required=True),
    references("termSourcedIds", "academicSessions", required=True),
    items("subjects"),
    items("subjectCodes"),
    items("periods"),
)
_PERSON = (
    text("username", 200, required=True),
    Column("userIds", "pairs"),
    text("givenName", 150, required=True),
    text("familyName", 150, required=True),
    text("middleName"),
    text("identifier", 200),
    text("email", 254),
    text("sms"),
    text("phone"),
    references("agentSourcedIds", "users"),
    items("grades"),
    Column(SECRET, "secret"),
)
_USERS_1_1 = (
    *COMMON,
    truth("enabledUser", required=True),
    references("orgSourcedIds", "orgs", required=True),
    word("role", ROLES_1_1, required=True),
    *_PERSON,
)
_USERS_1_2 = (
    *COMMON,
    truth("enabledUser", required=True),
    *_PERSON,
    text("userMasterIdentifier"),
    text("preferredGivenName"),
    text("preferredMiddleName"),
    text("preferredFamilyName"),
    reference("primaryOrgSourcedId", "orgs"),
    text("pronouns"),
)
_ROLES = (
    *COMMON,
    reference("userSourcedId", "users", required=True),
    word("roleType", "primary,secondary", required=True),
    word("role", ROLES_1_2, required=True),
    day("beginDate"),
    day("endDate"),
    reference("orgSourcedId", "orgs", required=True),
    Column("userProfileSourcedId", "identifier", limit=255),  # its file is not read
)
_ENROLLMENTS = (
    *COMMON,
    reference("classSourcedId", "classes", required=True),
    reference("schoolSourcedId", "orgs", required=True),
    reference("userSourcedId", "users", required=True),
    word("role", "administrator,proctor,student,teacher", required=True),
    truth("primary"),
    day("beginDate"),
    day("endDate"),
)
RACES = (
    "americanIndianOrAlaskaNative",
    "asian",
    "blackOrAfricanAmerican",
    "nativeHawaiianOrOtherPacificIslander",
    "white",
    "demographicRaceTwoOrMoreRaces",
    "hispanicOrLatinoEthnicity",
)
_DEMOGRAPHICS = (
    Column(KEY, "identifier", required=True, limit=255, to="users"),
    *COMMON[1:],
    day("birthDate"),
    word("sex", "male,female,unspecified,other"),
    *(truth(name) for name in RACES),
    text("countryOfBirthCode"),
    text("stateOfBirthAbbreviation"),
    text("cityOfBirth"),
    text("publicSchoolResidenceStatus"),
)

_SHARED = {
    "orgs": _ORGS,
    "academicSessions": _ACADEMIC_SESSIONS,
    "courses": _COURSES,
    "classes": _CLASSES,
}
# The files that are read, in the order in which one points at another.
TABLES: dict[Version, dict[str, tuple[Column, ...]]] = {
    "1.1": {
        **_SHARED,
        "users": _USERS_1_1,
        "enrollments": _ENROLLMENTS,
        "demographics": _DEMOGRAPHICS,
    },
    "1.2": {
        **_SHARED,
        "users": _USERS_1_2,
        "roles": _ROLES,
        "enrollments": _ENROLLMENTS,
        "demographics": _DEMOGRAPHICS,
    },
}

_FILES_1_1 = (
    "academicSessions",
    "categories",
    "classes",
    "classResources",
    "courses",
    "courseResources",
    "demographics",
    "enrollments",
    "lineItems",
    "orgs",
    "resources",
    "results",
    "users",
)
# Every file that a package of the version may have, and its manifest must name.
FILES: dict[Version, tuple[str, ...]] = {
    "1.1": _FILES_1_1,
    "1.2": tuple(
        sorted(
            (
                *_FILES_1_1,
                "lineItemLearningObjectiveIds",
                "lineItemScoreScales",
                "resultLearningObjectiveIds",
                "resultScoreScales",
                "roles",
                "scoreScales",
                "userProfiles",
                "userResources",
            ),
            key=str.casefold,
        )
    ),
}

# Headers seen in real exports, misspelt or left over from 1.0, and what they mean.
MISSPELT = {
    "prefferedGivenName": "preferredGivenName",
    "prefferedMiddleName": "preferredMiddleName",
    "prefferedFamilyName": "preferredFamilyName",
    "dataLastModified": MODIFIED,
    "grade": "grades",
    "schoolYearId": "schoolYearSourcedId",
    "termSourcedId": "termSourcedIds",
    "userId": "userIds",
    "agents": "agentSourcedIds",
}
MISSPELT_IN = {"demographics": {"userSourcedId": KEY}}

# Words that old or careless sources write, per column, and what they mean.
TOLERATED_WORDS = {(STATUS, "inactive"): "tobedeleted", ("role", "aide"): "ext:aide"}
