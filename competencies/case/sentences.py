"""Every sentence about a package: what is wrong and what to do, what was tolerated and how."""

from collections.abc import Sequence

# Errors: nothing is loaded.
_ERRORS = {
    "file_missing": "There is no such file; check the path.",
    "file_is_folder": "This is a folder; name the JSON file in it.",
    "file_unreadable": "The file cannot be read: {why}.",
    "file_too_large": (
        "The file is larger than {limit} MB, which no framework is; check that it is the right one."
    ),
    "file_empty": "The file is empty; export the framework again.",
    "encoding": "The text is not UTF-8 ({found}); save it as UTF-8 and run this again.",
    "not_json_csv": (
        "This is a table (CSV), not a CASE package; export the framework as CASE JSON (CFPackage)."
    ),
    "not_json_html": (
        "This is a web page, not a CASE package; download the CFPackage JSON itself, signed "
        "in if need be."
    ),
    "not_json_zip": "This is a compressed file ({found}); unpack it and name the JSON file in it.",
    "not_json": "This is not JSON: {why}. Export the framework again as CASE JSON (CFPackage).",
    "too_deep": (
        "Values are nested more than {limit} deep, which no framework is; the file was not read."
    ),
    "repeated_key": (
        "One object has the key {key} twice; only one can be meant. Export the framework again."
    ),
    "number_not_finite": "{found} is not a number that JSON allows; correct it.",
    "nul_character": "The text holds a NUL character, which cannot be stored; remove it.",
    "lone_surrogate": (
        "The text holds half a character (a lone surrogate), which cannot be stored; remove it."
    ),
    "pre_case": (
        "This is a dump from before CASE (lsDoc, lsItems); export the framework as a CASE "
        "CFPackage."
    ),
    "error_answer": (
        "This is the answer of a server that refused ({found}), not a framework; download it again."
    ),
    "single_resource": (
        "This holds {found} and not a whole package; download the CFPackage of the framework."
    ),
    "not_case": "This is not a CASE package: it has no CFDocument. Its keys are: {found}.",
    "no_document": (
        "CFDocument, which says what framework this is, is missing; export the whole package."
    ),
    "wrong_type": "{expected} is due here, not {found}; correct it.",
    "missing": "{field} is missing, and nothing can take its place; add it.",
    "identifier_too_long": "This identifier is longer than {limit} characters; shorten it.",
    "duplicate_identifier": (
        "The identifier {identifier} is also that of {other}, with other content; each needs "
        "its own."
    ),
    "document_id_clash": (
        "The identifier of the document is also that of {other}; each needs its own."
    ),
    "cycle": (
        "A competency would be part of itself: {path}. Remove one of these isChildOf associations."
    ),
    "other_framework": (
        "The framework stored under this identifier is {title}, and none of its {number} "
        "competencies is in this file: another framework must have another identifier."
    ),
    "prerequisite_cycle": (
        "A competency would depend on itself: {path}. A parent depends on its parts, a "
        "competency on what it requires; remove one of these links."
    ),
    "unknown_item_type": "No item is of the type {found}; the types here are: {types}.",
}

# Deviations from the standard: tolerated, said, refused by --strict.
_DEVIATIONS = {
    "byte_order_mark": "The file begins with a byte order mark; it was skipped.",
    "wrapped": "The package stands inside a {subject} object; it was unwrapped.",
    "identifier_not_uuid": (
        "The identifier of a {subject} is no UUID; it is kept, and one was derived from it."
    ),
    "identifier_not_lower_case": (
        "The identifier of a {subject} is not a plain lower-case UUID; it was read as one."
    ),
    "string_for_link": (
        "{subject} is text where an object with title, identifier and uri is due; the text "
        "was read as its URI."
    ),
    "incomplete_link": "{subject} lacks a title, identifier or uri; it was read without.",
    "alias": "{subject}; read as that.",
    "scalar_for_list": "{subject} is one value where a list is due; it was read as a list of one.",
    "list_for_object": "{subject} is an empty list where an object is due; it was read as empty.",
    "null": "{subject} is null; it was read as absent.",
    "number_for_text": "{subject} is a number where text is due; it was read as text.",
    "text_for_number": "{subject} is text where a number is due; it was read as a number.",
    "unusable_value": (
        "{subject} has a value of another type than the standard's; it is kept for export and"
        " not used."
    ),
    "no_zone": "{subject} has no time zone; it is kept as written.",
    "not_a_time": "{subject} is not an ISO 8601 date and time; it is kept as written.",
    "datetime_for_date": "{subject} is a date and time where a date is due; it is kept as written.",
    "not_a_date": "{subject} is not an ISO 8601 date; it is kept as written.",
    "missing_field": "{subject} is missing, though the standard wants it; it was left empty.",
    "statement_replaced": "fullStatement is missing; {subject} was taken in its place.",
    "unknown_key": "The standard has no {subject}; it is kept for export.",
    "carriage_returns": "{subject} has carriage returns; lines now end in a line feed alone.",
    "unknown_association_type": (
        "The association type {subject} is not of the standard; it is kept and not used."
    ),
    "association_type_spelling": (
        "The association type {subject} is spelt another way than the standard's; it was read"
        " as that."
    ),
    "association_to_itself": "An {subject} links something to itself; it is kept and not used.",
    "repeated": "This {subject} is in the file twice, word for word; it was read once.",
    "repeated_edge": (
        "Two isChildOf associations link the same two; the second is kept and not used."
    ),
    "document_is_child": (
        "An isChildOf makes the document a part of something; it is kept and not used."
    ),
    "unknown_origin": (
        "The origin of an {subject} is not in the package; it is kept as an external link."
    ),
    "shortened": "{subject} is longer than can be shown; it was cut, the whole is kept for export.",
}

# Worth saying, and no deviation: the standard allows it.
_REMARKS = {
    "no_sequence": (
        "An isChildOf has no sequenceNumber; its place follows from listEnumeration, then "
        "humanCodingScheme."
    ),
    "no_parent": "An item is part of nothing; it stands at the top of the framework.",
    "external_destination": (
        "The destination of an {subject} is not in the package; it is kept as an external link."
    ),
    "no_items": "The package has no items.",
}


def error(code: str, **values: object) -> str:
    return _ERRORS[code].format(**values)


def deviation(code: str, subject: str = "") -> str:
    return (_DEVIATIONS.get(code) or _REMARKS[code]).format(subject=subject)


def is_against_standard(code: str) -> bool:
    """Test if a deviation breaks the standard, rather than being merely worth saying."""
    return code in _DEVIATIONS


def with_count(message: str, number: int, examples: Sequence[str]) -> str:
    """Complete a sentence that stands for ``number`` of its kind."""
    if number == 1:
        return message
    return f"{message} {number:,} times, first at {', '.join(examples)}."


__all__ = ["deviation", "error", "is_against_standard", "with_count"]
