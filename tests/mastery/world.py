"""A small school with everything that a decision can depend on, and helpers to change it."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from competencies.actions.frameworks import import_framework
from competencies.case.findings import Findings
from competencies.case.package import read_package
from competencies.models import Competency, PolicyVersion
from students.models import District, Student, User
from tests import factories
from tests.competencies.packages import child, item, package, write

# Code → what it is part of; "framework" is the root. Containers (Domain, Cluster) are headings.
PARTS = {
    "TOP": ("framework",),
    "H": ("TOP",),
    "A": ("H",),
    "B": ("H",),
    "C": ("H",),
    "D": ("TOP",),
    "R": ("framework",),
    "R1": ("R",),
    "S": ("framework",),
}
KINDS = {"TOP": "Domain", "H": "Cluster"}
RATED = ("A", "B", "C", "D", "R", "R1", "S")
EVERYTHING = tuple(PARTS)

# What a rebuilt tree says otherwise: code → its parents; () is no longer listed.
TREES: tuple[dict[str, tuple[str, ...]], ...] = (
    {},
    {"C": ("framework",)},
    {"R1": ("R", "H")},
    {"D": ()},
    {"B": ("H", "TOP")},
    {"C": ("D",), "A": ("R",)},
)


@dataclass
class World:
    """Two students in one class, their teacher and a substitute, and a framework."""

    district: District
    students: list[Student]
    teacher: User
    substitute: User
    quiz: Any
    codes: dict[str, Competency]
    versions: list[PolicyVersion]
    folder: Path

    @property
    def by_id(self) -> dict[int, str]:
        return {row.pk: code for code, row in self.codes.items()}


def make_world() -> World:
    district = factories.make_district(code="harbour")
    students = [factories.make_student(district=district, number=n) for n in ("1", "2")]
    section = factories.make_section(district=district)
    teacher, substitute = (factories.make_user(district=district) for _ in range(2))
    factories.make_teaching(section=section, user=teacher, role="lead")
    factories.make_teaching(section=section, user=substitute, role="substitute")
    for student in students:
        factories.make_enrollment(section=section, student=student)
    folder = Path(tempfile.mkdtemp(prefix="cairn-machine-"))
    load_tree(folder, {})
    return World(
        district=district,
        students=students,
        teacher=teacher,
        substitute=substitute,
        quiz=factories.make_assessment(section=section, title="Quiz"),
        codes={row.code: row for row in Competency.objects.all()},
        versions=_versions(district),
        folder=folder,
    )


def _versions(district: District) -> list[PolicyVersion]:
    presets = ["two-in-a-row", "quick", "steady", "teacher-confirms"]
    scale = factories.make_scale(district=district)
    for _ in range(3):
        factories.make_level(scale=scale)
    policy = factories.make_policy(district=district, name="Ours")
    own: list[dict[str, Any]] = [
        {"method": "mean", "n": None, "m": None, "cuts": [5_000, 15_000, 25_000, 35_000]},
        {"reassessment": "replaces", "refresh_months": 1},
        {"decides": False},
        {"scale": scale, "cuts": [10_000, 20_000, 30_000], "minimum_pieces": 1},
        {"purposes": [factories.assessments.Purpose.SUMMATIVE], "target": 2},
    ]
    return [factories.preset(code) for code in presets] + [
        factories.make_policy_version(policy=policy, **more) for more in own
    ]


def load_tree(folder: Path, changes: dict[str, tuple[str, ...]]) -> None:
    """Load the framework as a file says it, with ``changes`` to whose part each item is."""
    parts = PARTS | changes
    listed = [code for code in EVERYTHING if parts[code]]
    file = write(
        folder,
        package(
            [item(code, kind=KINDS.get(code, "Standard")) for code in listed],
            [
                child(code, parent, sequence=EVERYTHING.index(code) + 1)
                for code in listed
                for parent in parts[code]
            ],
        ),
    )
    findings = Findings(str(file))
    import_framework(actor=None, package=read_package(file, findings), findings=findings)
