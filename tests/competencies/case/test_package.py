"""What is read from a package, what is tolerated, what is refused."""

import uuid

import pytest

from competencies.case.findings import Findings
from competencies.case.package import read_package
from students.problems import ImportRefused
from tests.competencies import packages
from tests.competencies.packages import association, child, ident, item, package


def read(tmp_path, content, **options):
    file = packages.write(tmp_path, content)
    findings = Findings(file.name, keep_all=options.pop("keep_all", False))
    return read_package(file, findings, **options), findings


def errors(tmp_path, content, **options):
    with pytest.raises(ImportRefused) as refused:
        read(tmp_path, content, **options)
    return [problem for problem in refused.value.problems if problem.is_error]


def deviations(findings):
    return {(problem.code, problem.column) for problem in findings.problems()}


def order_under(found, parent):
    names = {each.identifier: each.code for each in found.items}
    wanted = None if parent is None else uuid.UUID(ident(parent))
    edges = [edge for edge in found.edges if edge.parent == wanted]
    return [names[edge.child] for edge in sorted(edges, key=lambda edge: edge.position)]


def test_a_package_of_the_standard_is_read_without_a_word(tmp_path):
    found, findings = read(tmp_path, packages.arithmetic())

    assert findings.problems() == ()
    assert found.document.title == "Arithmetic"
    assert [each.code for each in found.items] == ["A", "A.1", "A.2", "A.2.a"]
    assert order_under(found, None) == ["A"]
    assert order_under(found, "A") == ["A.1", "A.2"]


def test_every_field_that_has_a_column_is_used(tmp_path):
    content = package(
        [
            item(
                "A",
                abbreviatedStatement="Short",
                listEnumeration="1.",
                educationLevel=["09", "10,11"],
                notes="Note",
                language="en",
                CFItemTypeURI=packages.link("Standard"),
            )
        ],
        [child("A", sequence=1)],
        document={
            "publisher": "P",
            "description": "D",
            "version": "2",
            "adoptionStatus": "Adopted",
            "language": "en",
            "officialSourceURL": "https://example.org",
            "licenseURI": packages.link("CC BY"),
        },
        CFDefinitions={
            "CFLicenses": [
                {
                    **packages.link("CC BY"),
                    "licenseText": "Text",
                    "lastChangeDateTime": packages.CHANGED,
                }
            ]
        },
    )

    found, findings = read(tmp_path, content)

    assert findings.problems() == ()
    (only,) = found.items
    assert (only.abbreviated_statement, only.list_enumeration, only.notes) == (
        "Short",
        "1.",
        "Note",
    )
    assert only.grade_levels == ("09", "10", "11")
    assert (only.kind, only.language) == ("Standard", "en")
    document = found.document
    assert (document.publisher, document.version, document.language) == ("P", "2", "en")
    assert (document.description, document.adoption_status) == ("D", "Adopted")
    assert document.licence["title"] == "CC BY"
    assert document.licence["text"] == "Text"


def test_what_is_not_used_is_kept_word_for_word(tmp_path):
    content = packages.arithmetic(
        CFDefinitions={"CFConcepts": []}, CFRubrics=[], extensions={"x": 1}, theirs=[{"y": None}]
    )
    content["CFItems"][0]["extensions"] = {"z": "\r\n"}

    found, _ = read(tmp_path, content)

    assert [each.source for each in found.items] == content["CFItems"]
    assert [each.source for each in found.edges] == content["CFAssociations"]
    rest = {key: content[key] for key in content if key not in ("CFItems", "CFAssociations")}
    assert found.document.source == rest


def test_siblings_stand_by_sequence_then_enumeration_then_code(tmp_path):
    content = package(
        [
            item("c10", listEnumeration=""),
            item("c9", listEnumeration=""),
            item("K.1"),
            item("1.1"),
            item("x", listEnumeration="10."),
            item("y", listEnumeration="2."),
            item("second"),
            item("first"),
        ],
        [
            child("second", sequence=2),
            child("first", sequence=1),
            *(child(name) for name in ("c10", "c9", "K.1", "1.1", "x", "y")),
        ],
    )

    found, findings = read(tmp_path, content)

    assert order_under(found, None) == [
        "first", "second", "y", "x", "K.1", "1.1", "c9", "c10"
    ]  # fmt: skip
    assert ("no_sequence", "/CFAssociations/2") in deviations(findings)


def test_the_numbers_of_the_file_are_kept_where_they_tell_siblings_apart(tmp_path):
    content = package([item("A"), item("B")], [child("A", sequence=20), child("B", sequence=10)])

    found, _ = read(tmp_path, content)

    assert [edge.position for edge in found.edges] == [20, 10]
    assert order_under(found, None) == ["B", "A"]


def test_an_item_can_be_part_of_several(tmp_path):
    content = packages.arithmetic()
    content["CFAssociations"].append(child("A.2.a", "A.1", sequence=5))

    found, findings = read(tmp_path, content)

    assert findings.problems() == ()
    assert order_under(found, "A.1") == ["A.2.a"]
    assert order_under(found, "A.2") == ["A.2.a"]


def test_an_item_that_is_part_of_nothing_stands_at_the_top(tmp_path):
    found, findings = read(tmp_path, package([item("A"), item("B")], [child("A", sequence=1)]))

    assert order_under(found, None) == ["A", "B"]
    assert deviations(findings) == {("no_parent", "/CFItems/1")}
    again, _ = read(tmp_path, package([item("A"), item("B")], [child("A", sequence=1)]))
    assert found.edges == again.edges


def test_a_link_out_of_the_package_is_kept_as_a_link(tmp_path):
    content = packages.arithmetic()
    content["CFAssociations"].append(association("A.1", "exactMatchOf", "elsewhere"))
    content["CFAssociations"].append(child("A.1", "elsewhere", sequence=1))

    found, findings = read(tmp_path, content)

    assert [(each.kind, each.destination) for each in found.links] == [
        ("exactMatchOf", ident("elsewhere")),
        ("isChildOf", ident("elsewhere")),
    ]
    assert {problem.code for problem in findings.problems()} == {"external_destination"}


def test_of_two_items_one_preceding_the_other_the_second_requires_the_first(tmp_path):
    content = packages.arithmetic()
    content["CFAssociations"] += [
        association("A.1", "precedes", "A.2"),
        association("A.2", "precedes", "elsewhere"),
    ]

    found, _ = read(tmp_path, content)

    assert found.precedes == (
        (uuid.UUID(ident("A.2")), uuid.UUID(ident("A.1")), "/CFAssociations/4"),
    )


# One deviation each: how the item, association or package is spoilt, what is said of it.
def spoil_item(**values):
    def spoil(content):
        content["CFItems"][1].update(values)

    return spoil


def spoil_association(**values):
    def spoil(content):
        content["CFAssociations"][1].update(values)

    return spoil


def spoil_package(**values):
    return lambda content: content.update(values)


TOLERATED = [
    (spoil_item(identifier=ident("A.1").upper()), "identifier_not_lower_case"),
    (spoil_item(identifier=f"urn:uuid:{ident('A.1')}"), "identifier_not_lower_case"),
    (spoil_item(CFDocumentURI="https://example.org/d"), "string_for_link"),
    (spoil_item(CFItemTypeURI={"title": "Standard"}), "incomplete_link"),
    (spoil_item(educationalLevel=["05"]), "alias"),
    (spoil_item(educationLevel="05"), "scalar_for_list"),
    (spoil_item(subject="Maths"), "scalar_for_list"),
    (spoil_item(subjectURL=[packages.link("Maths")]), "alias"),
    (spoil_item(notes=None), "null"),
    (spoil_item(listEnumeration=4), "number_for_text"),
    (spoil_item(notes={"a": 1}), "unusable_value"),
    (spoil_item(lastChangeDateTime="2026-01-05T08:00:00"), "no_zone"),
    (spoil_item(lastChangeDateTime="yesterday"), "not_a_time"),
    (spoil_item(statusStartDate="2026-01-05T08:00:00Z"), "datetime_for_date"),
    (spoil_item(statusStartDate="5/1/2026"), "not_a_date"),
    (spoil_item(theirs=1), "unknown_key"),
    (spoil_item(notes="a\r\nb"), "carriage_returns"),
    (spoil_item(humanCodingScheme="x" * 201), "shortened"),
    (lambda content: content["CFItems"][1].pop("uri"), "missing_field"),
    (spoil_association(sequenceNumber="1"), "text_for_number"),
    (spoil_association(sequenceNumber=1.5), "unusable_value"),
    (spoil_association(associationType="Is Child Of"), "association_type_spelling"),
    (spoil_association(associationType="isCousinOf"), "unknown_association_type"),
    (spoil_association(originNodeURI=ident("A.1")), "string_for_link"),
    (spoil_package(CFDefinitions=[]), "list_for_object"),
    (spoil_package(CFRubrics=None), "null"),
    (spoil_package(CFAssociationGroupings=[]), "unknown_key"),
    (lambda content: content["CFItems"].append(dict(content["CFItems"][1])), "repeated"),
    (
        lambda content: content["CFAssociations"].append(dict(content["CFAssociations"][1])),
        "repeated",
    ),
    (
        lambda content: content["CFAssociations"].append(
            {**content["CFAssociations"][1], "identifier": ident("again")}
        ),
        "repeated_edge",
    ),
    (
        lambda content: content["CFAssociations"].append(child("framework", "A")),
        "document_is_child",
    ),
    (
        lambda content: content["CFAssociations"].append(association("A", "isPeerOf", "A")),
        "association_to_itself",
    ),
    (
        lambda content: content["CFAssociations"].append(child("nobody", "A")),
        "unknown_origin",
    ),
]


@pytest.mark.parametrize(("spoil", "code"), TOLERATED)
def test_a_deviation_is_tolerated_and_said_and_refused_when_strict(tmp_path, spoil, code):
    content = packages.arithmetic()
    spoil(content)

    found, findings = read(tmp_path, content)

    assert code in {problem.code for problem in findings.problems()}
    assert [each.identifier for each in found.items] == [
        uuid.UUID(ident(name)) for name in ("A", "A.1", "A.2", "A.2.a")
    ]
    assert {edge.child for edge in found.edges} == {each.identifier for each in found.items}
    assert code in {problem.code for problem in errors(tmp_path, content, strict=True)}


def test_a_wrapped_package_is_unwrapped(tmp_path):
    found, findings = read(tmp_path, {"CFPackage": packages.arithmetic()})

    assert len(found.items) == 4
    assert deviations(findings) == {("wrapped", "/CFPackage")}


def test_places_in_a_wrapped_package_are_told_from_the_top_of_the_file(tmp_path):
    content = packages.arithmetic()
    content["CFItems"].append({**content["CFItems"][1], "notes": "other"})

    (problem,) = errors(tmp_path, {"CFPackage": content})

    assert problem.column == "/CFPackage/CFItems/4"
    assert "that of /CFPackage/CFItems/1" in problem.message


def test_an_identifier_that_is_no_uuid_is_kept_and_always_gives_the_same_one(tmp_path):
    content = packages.arithmetic()
    content["CFItems"][1]["identifier"] = "http://purl.org/ASN/resources/S1"
    content["CFItems"][2]["identifier"] = "42"

    found, _ = read(tmp_path, content)

    by_uri, by_number = found.items[1:3]
    assert by_uri.external_id == "http://purl.org/ASN/resources/S1"
    assert by_uri.identifier == uuid.uuid5(uuid.NAMESPACE_URL, by_uri.external_id)
    assert by_number.external_id == "42"
    other = packages.arithmetic(document={"identifier": ident("another")})
    other["CFItems"][1:3] = content["CFItems"][1:3]
    elsewhere, _ = read(tmp_path, other)
    assert elsewhere.items[1].identifier == by_uri.identifier  # a URI names one thing
    assert elsewhere.items[2].identifier != by_number.identifier  # a number does not


@pytest.mark.parametrize("end", ["identifier", "uri", "tail"])
def test_an_end_is_found_by_identifier_then_uri_then_the_end_of_the_uri(tmp_path, end):
    content = packages.arithmetic()
    content["CFAssociations"][1]["originNodeURI"] = {
        "identifier": {"title": "A.1", "identifier": ident("A.1").upper(), "uri": "x"},
        "uri": f"https://example.org/{ident('A.1')}",
        "tail": f"https://mirror.example/ims/case/v1p0/CFItems/{ident('A.1')}",
    }[end]

    found, _ = read(tmp_path, content)

    assert order_under(found, "A") == ["A.1", "A.2"]


def test_an_item_without_a_statement_takes_what_comes_nearest(tmp_path):
    content = packages.arithmetic()
    del content["CFItems"][1]["fullStatement"]

    found, findings = read(tmp_path, content)

    assert found.items[1].statement == "A.1"
    assert ("statement_replaced", "/CFItems/1") in deviations(findings)


def test_characters_beyond_the_first_plane_are_kept(tmp_path):
    content = packages.arithmetic()
    content["CFItems"][1]["fullStatement"] = "Count 🧮"

    assert read(tmp_path, content)[0].items[1].statement == "Count 🧮"


def test_a_kind_of_deviation_is_said_once_with_its_number_and_first_places(tmp_path):
    content = packages.arithmetic()
    for each in content["CFItems"]:
        each["theirs"] = 1

    _, findings = read(tmp_path, content)
    _, every = read(tmp_path, content, keep_all=True)

    (problem,) = findings.problems()
    assert "4 times, first at /CFItems/0/theirs, /CFItems/1/theirs" in problem.message
    assert "/CFItems/3" not in problem.message
    assert [each.column for each in every.problems()] == [
        f"/CFItems/{index}/theirs" for index in range(4)
    ]


def test_a_loop_is_refused_and_named_by_codes(tmp_path):
    content = packages.arithmetic()
    content["CFAssociations"].append(child("A", "A.2.a"))

    (problem,) = errors(tmp_path, content)

    assert problem.code == "cycle"
    assert "A → A.2 → A.2.a → A" in problem.message
    assert problem.column.startswith("/CFAssociations/")


def test_every_loop_is_named(tmp_path):
    content = package(
        [item(name) for name in "ABCD"],
        [child("A", "B"), child("B", "A"), child("C", "D"), child("D", "C")],
    )

    assert [problem.code for problem in errors(tmp_path, content)] == ["cycle", "cycle"]


def test_a_chain_of_ten_thousand_is_no_loop(tmp_path):
    names = [f"n{number}" for number in range(10_000)]
    pairs = zip(names[1:], names[:-1], strict=True)
    content = package(
        [item(name) for name in names],
        [child("n0", sequence=1), *(child(name, above, sequence=1) for name, above in pairs)],
    )

    assert len(read(tmp_path, content)[0].edges) == 10_000


@pytest.mark.parametrize("part", ["CFItems", "CFAssociations"])
def test_one_identifier_with_two_contents_is_refused_with_both_places(tmp_path, part):
    content = packages.arithmetic()
    content[part].append({**content[part][1], "notes": "other"})

    (problem,) = errors(tmp_path, content)

    assert problem.code == "duplicate_identifier"
    assert (problem.column, f"/{part}/1" in problem.message) == (f"/{part}/4", True)


def test_an_item_with_the_identifier_of_the_document_is_refused(tmp_path):
    content = packages.arithmetic()
    content["CFItems"][1]["identifier"] = ident("framework")

    assert "document_id_clash" in {problem.code for problem in errors(tmp_path, content)}


def test_every_error_is_told_and_not_only_the_first(tmp_path):
    content = packages.arithmetic()
    del content["CFItems"][0]["identifier"]
    content["CFItems"][1] = "A.1"
    content["CFItems"][2].update(fullStatement="", humanCodingScheme="")
    del content["CFAssociations"][0]["associationType"]
    del content["CFAssociations"][1]["originNodeURI"]
    content["CFAssociations"][2]["identifier"] = "x" * 501

    assert {(problem.code, problem.column) for problem in errors(tmp_path, content)} >= {
        ("missing", "/CFItems/0"),
        ("wrong_type", "/CFItems/1"),
        ("missing", "/CFItems/2"),
        ("missing", "/CFAssociations/0"),
        ("missing", "/CFAssociations/1"),
        ("identifier_too_long", "/CFAssociations/2/identifier"),
    }


def test_what_the_standard_allows_is_not_refused_when_strict(tmp_path):
    content = package([item("A"), item("B")], [child("A")])

    found, findings = read(tmp_path, content, strict=True)

    assert len(found.items) == 2
    assert {problem.code for problem in findings.problems()} == {"no_sequence", "no_parent"}
