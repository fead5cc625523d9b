"""What goes out is what came in."""

import io
import json

import jsonschema
import pytest
from django.core.management import CommandError, call_command

from competencies.models import Framework
from competencies.queries.package import framework_package
from tests import factories
from tests.competencies import packages
from tests.competencies.packages import association, ident, item
from tests.competencies.test_import_framework import row_versions

pytestmark = pytest.mark.django_db


def load(file):
    call_command("import_framework", str(file), stdout=io.StringIO(), stderr=io.StringIO())


def export(name, file):
    call_command("export_framework", name, str(file))
    return json.loads(file.read_text())


def test_a_framework_goes_out_as_it_came_in(tmp_path):
    content = packages.arithmetic(CFRubrics=[], CFDefinitions={}, theirs={"a": [None, 0.5, "é🧮"]})
    content["CFItems"].append(item("alone", notes="a\r\nb"))  # part of nothing
    content["CFAssociations"].append(association("A.1", "isRelatedTo", "A.2"))
    load(packages.write(tmp_path, content))

    assert export("Arithmetic", tmp_path / "out.json") == content


def test_the_real_framework_goes_out_as_it_came_in_and_loads_again_without_a_change(tmp_path):
    file = packages.shared_file("ccss-math.case.json")
    load(file)
    before = row_versions()

    out = export("Common Core State Standards for Mathematics", tmp_path / "out.json")

    assert out == json.loads(file.read_text())
    load(tmp_path / "out.json")
    assert row_versions() == before


def test_what_is_retired_stays_behind(tmp_path):
    load(packages.write(tmp_path, packages.arithmetic()))
    less = packages.arithmetic()
    less["CFItems"].pop()
    less["CFAssociations"].pop()
    load(packages.write(tmp_path, less))

    assert export("Arithmetic", tmp_path / "out.json") == less


def test_a_framework_made_here_goes_out_by_the_official_schema_and_loads_again(tmp_path):
    framework = factories.make_framework(title="Ours")
    whole = factories.make_competency(framework=framework, code="W", grade_levels=["05"])
    factories.make_parent_edge(child=whole, parent=None)
    factories.make_competency(parent=whole, code="P")
    schema = json.loads(packages.shared_file("case-v1p1-cfpackage.json").read_text())

    out = export(str(framework.identifier), tmp_path / "out.json")

    assert list(jsonschema.Draft201909Validator(schema).iter_errors(out)) == []
    assert [each["humanCodingScheme"] for each in out["CFItems"]] == ["W", "P"]
    assert [each["destinationNodeURI"]["title"] for each in out["CFAssociations"]] == ["Ours", "W"]


def test_a_file_that_is_there_is_not_overwritten(tmp_path):
    load(packages.write(tmp_path, packages.arithmetic()))
    there = tmp_path / "out.json"
    there.write_text("mine")

    with pytest.raises(CommandError, match="there already"):
        call_command("export_framework", "Arithmetic", str(there))

    assert there.read_text() == "mine"


def test_one_framework_must_be_named(tmp_path):
    load(packages.write(tmp_path, packages.arithmetic()))
    factories.make_framework(title="Another")

    with pytest.raises(CommandError, match="one framework"):
        call_command("export_framework", "all", str(tmp_path / "out.json"))
    with pytest.raises(CommandError, match=r"There are: Another, Arithmetic"):
        call_command("export_framework", ident("nothing"), str(tmp_path / "out.json"))


@pytest.mark.parametrize("size", [1, 30])
def test_exporting_costs_the_same_queries_for_one_item_and_for_thirty(
    django_assert_num_queries, size
):
    framework = factories.make_framework()
    whole = factories.make_competency(framework=framework)
    for _ in range(size):
        factories.make_competency(parent=whole)
    framework = Framework.objects.get(pk=framework.pk)

    with django_assert_num_queries(4):
        framework_package(framework)
