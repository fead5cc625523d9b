"""The school that is measured: made up by the product's own command and imports."""

import csv
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class School:
    """Ids to work with, and the file that was imported."""

    district: Any
    student_ids: list[int]
    competency_ids: list[int]
    evidence: Path


def make_school(folder: Path, *, ratings: int) -> School:
    """Migrate, then load a framework of 60 competencies, 300 people and ``ratings`` ratings."""
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    _as_owner(lambda: call_command("migrate", verbosity=0))
    settings.DEBUG = False
    from competencies.models import Competency, Framework, ParentEdge
    from students.models import District, Student

    framework = Framework.objects.create(title="Bench")
    areas = [_competency(framework, f"A{area}", is_rated=False) for area in range(6)]
    parts = [
        _competency(framework, f"A{place}.{part}", is_rated=True)
        for place in range(6)
        for part in range(10)
    ]
    for parent, children in ((areas[i // 10], parts[i]) for i in range(len(parts))):
        ParentEdge.objects.create(framework=framework, child=children, parent=parent)
    quiet: dict[str, Any] = {"stdout": StringIO(), "stderr": StringIO()}
    call_command("make_sample", "--out", str(folder), "--ratings", str(ratings), **quiet)
    call_command(
        "import_roster",
        str(folder / "roster"),
        "--district",
        "bench",
        "--create-district",
        "Bench",
        **quiet,
    )
    return School(
        district=District.objects.get(code="bench"),
        student_ids=list(Student.objects.order_by("pk").values_list("pk", flat=True)),
        competency_ids=list(
            Competency.objects.filter(is_rated=True).order_by("pk").values_list("pk", flat=True)
        ),
        evidence=folder / "evidence.csv",
    )


def lines_of(path: Path) -> int:
    with path.open() as file:
        return sum(1 for _ in csv.reader(file)) - 1


def _competency(framework: Any, code: str, *, is_rated: bool) -> Any:
    from competencies.models import Competency

    return Competency.objects.create(
        framework=framework, code=code, statement=f"Can do {code}", is_rated=is_rated
    )


def _as_owner(run: Any) -> None:
    """Connect as the owner for ``run``, then as the application again."""
    import os

    from django.conf import settings
    from django.db import connection

    from config import environment

    mine = dict(connection.settings_dict)
    owner = environment.database(os.environ["DATABASE_OWNER_URL"])
    connection.settings_dict.update({name: owner[name] for name in ("USER", "PASSWORD")})
    try:
        run()
    finally:
        connection.close()
        connection.settings_dict.update(mine)
        settings.DATABASES["default"].update({name: mine[name] for name in ("USER", "PASSWORD")})
