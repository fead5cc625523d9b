"""The whole Common Core Mathematics as an early CASE package, and the standard's own schema."""

import io
import json

import jsonschema
import pytest
from django.core.management import call_command

from competencies.models import Competency, Framework, ParentEdge
from competencies.queries import tree
from tests.competencies import packages
from tests.competencies.test_import_framework import numbers, row_versions

pytestmark = pytest.mark.django_db

DEVIATIONS = {
    "is no UUID": 703,
    "educationalLevel stands for educationLevel": 703,
    "CFItem.educationLevel is one value where a list is due": 703,
    "CFItem.CFDocumentURI is text where an object": 703,
    "CFItem.lastChangeDateTime has no time zone": 703,
    "subjectURL stands for subjectURI": 1,
    "CFDocument.subject is one value where a list is due": 1,
    "CFAssociationGroupingURI.uri is null": 703,
    "has no sequenceNumber": 703,
    "CFItemType.description is null": 4,
    "no CFAssociation.CFAssociationGroupingIdentifier": 703,
}


def load(**options):
    out = io.StringIO()
    file = packages.shared_file("ccss-math.case.json")
    call_command("import_framework", str(file), stdout=out, stderr=out, **options)
    return out.getvalue()


def test_the_real_framework_loads_as_a_tree_of_703_competencies():
    printed = load()

    framework = Framework.objects.get()
    assert framework.external_id == "http://purl.org/ASN/resources/D10003FB"
    assert Competency.objects.count() == 703
    top = tree.roots(framework.pk)
    below = tree.descendants(top)
    assert len(top) == 17
    assert len({each.competency_id for found in below.values() for each in found}) == 703 - 17
    assert numbers(printed, "items") == [703, 0, 0]


def test_standards_and_components_are_rated_and_43_standards_have_parts():
    load()

    rated = Competency.objects.filter(is_rated=True)
    parents = ParentEdge.objects.filter(parent__isnull=False).values("parent")
    assert rated.count() == 393 + 124
    assert set(rated.values_list("kind", flat=True)) == {"Standard", "Component"}
    assert rated.filter(kind="Standard", pk__in=parents).count() == 43
    assert not Competency.objects.filter(is_rated=False, kind="Standard").exists()


def test_siblings_stand_as_a_teacher_expects_them():
    load()

    parent = Competency.objects.get(code="CCSS.Math.Content.K.CC.A").pk
    (domain,) = tree.parents([parent])[parent]
    found = tree.children([parent, domain])
    codes = dict(Competency.objects.values_list("pk", "code"))
    assert [codes[each][-1] for each in found[parent]] == ["1", "2", "3"]
    assert [codes[each][-1] for each in found[domain]] == ["A", "B", "C"]


def test_its_deviations_are_listed_each_kind_once():
    lines = [line for line in load().splitlines() if " warning: " in line]

    for says, number in DEVIATIONS.items():
        found = [line for line in lines if says in line]
        assert len(found) == (2 if says == "is no UUID" else 1), says
        assert number == 1 or any(f"{number} times" in line for line in found), says


def test_loading_it_again_writes_no_row():
    load()
    before = row_versions()

    printed = load(verbosity=0)

    assert row_versions() == before
    assert numbers(printed, "items") == [0, 0, 703]
    assert numbers(printed, "isChildOf associations") == [0, 0, 703]


def test_our_small_packages_are_valid_by_the_official_schema():
    schema = json.loads(packages.shared_file("case-v1p1-cfpackage.json").read_text())
    content = packages.arithmetic()
    content["CFAssociations"].append(packages.association("A.1", "precedes", "A.2"))

    violations = list(jsonschema.Draft201909Validator(schema).iter_errors(content))

    assert violations == []
