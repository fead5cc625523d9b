"""What a file must be before a framework is looked for in it."""

import gzip
import io
import json
import zipfile

import pytest

from competencies.case import reading
from competencies.case.findings import Findings
from competencies.case.package import read_package
from students.problems import ImportRefused
from tests.competencies import packages


def refusal(tmp_path, content):
    """Return the codes, the places and the messages of the errors for a file."""
    file = packages.write(tmp_path, content)
    with pytest.raises(ImportRefused) as refused:
        read_package(file, Findings(file.name))
    return [(p.code, p.column, p.message) for p in refused.value.problems if p.is_error]


def zipped():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("framework.json", json.dumps(packages.arithmetic()))
    return content.getvalue()


AS_TEXT = json.dumps(packages.arithmetic())


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        ("", "file_empty", "export the framework again"),
        ("  \n ", "file_empty", "export the framework again"),
        ("code,statement\nA.1,Count", "not_json_csv", "a table (CSV)"),
        ("code;statement\nA.1;Count", "not_json_csv", "a table (CSV)"),
        ("<!DOCTYPE html><html>", "not_json_html", "a web page"),
        (AS_TEXT.encode("utf-16"), "encoding", "UTF-16"),
        (AS_TEXT.encode("utf-16-le"), "encoding", "UTF-16"),
        ('{"title": "Zoé"}'.encode("latin-1"), "encoding", "byte 13"),
        (b'{"CFDocument": "\xe9"}', "encoding", "UTF-8"),
        (zipped(), "not_json_zip", "unpack it"),
        (gzip.compress(AS_TEXT.encode()), "not_json_zip", "gzip"),
        (AS_TEXT[:-20], "not_json", "line 1, column"),
        ("[" * 100_000, "too_deep", "64"),
        ("[" * 500 + "]" * 500, "too_deep", "64"),
        ('{"CFDocument": {}, "CFDocument": {}}', "repeated_key", "CFDocument twice"),
        ('{"CFDocument": NaN}', "number_not_finite", "NaN"),
        ('{"CFDocument": 1e999}', "number_not_finite", "1e999"),
        ('{"CFDocument": ' + "9" * 5000 + "}", "number_not_finite", "digits"),
        ({"CFDocument": {"title": "a\0b"}}, "nul_character", "NUL"),
        ('{"CFDocument": {"title": "\\ud800"}}', "lone_surrogate", "surrogate"),
        ({"lsDoc": {}, "lsItems": []}, "pre_case", "before CASE"),
        ({"imsx_codeMajor": "failure", "imsx_description": "No"}, "error_answer", "(No)"),
        ({"CFDocuments": []}, "single_resource", "CFDocuments"),
        ({"fullStatement": "x"}, "single_resource", "whole package"),
        ({"CFItems": []}, "no_document", "CFDocument"),
        ({"students": [], "grades": []}, "not_case", "students, grades"),
        ([], "not_case", "list"),
        ({"CFDocument": []}, "wrong_type", "object"),
    ],
)
def test_a_file_that_is_no_package_is_refused_by_what_it_is(tmp_path, content, code, says):
    found = refusal(tmp_path, content)

    assert [error[0] for error in found] == [code]
    assert says in found[0][2]


def test_a_place_with_a_character_that_cannot_be_stored_is_named(tmp_path):
    content = packages.package([packages.item("A", notes="a\0b")], [packages.child("A")])

    assert [(code, place) for code, place, _ in refusal(tmp_path, content)] == [
        ("nul_character", "/CFItems/0/notes")
    ]


def test_a_file_over_the_limit_is_not_parsed(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "LIMIT_BYTES", 1_000)

    found = refusal(tmp_path, " " * 1_001)

    assert [error[0] for error in found] == ["file_too_large"]


def test_a_path_that_is_no_file_is_refused(tmp_path):
    for path, code in ((tmp_path / "nothing.json", "file_missing"), (tmp_path, "file_is_folder")):
        with pytest.raises(ImportRefused) as refused:
            read_package(path, Findings(path.name))

        assert [problem.code for problem in refused.value.problems] == [code]


def test_a_byte_order_mark_is_skipped_and_said(tmp_path):
    file = packages.write(tmp_path, b"\xef\xbb\xbf" + AS_TEXT.encode())
    findings = Findings(file.name)

    assert len(read_package(file, findings).items) == 4
    assert [problem.code for problem in findings.problems()] == ["byte_order_mark"]
