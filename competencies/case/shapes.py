"""
The classes of a CFPackage and the types of their fields: CASE 1.1, of which 1.0 is a part.

Types: id, text, texts, date, datetime, integer, number, link (title, identifier, uri), links,
node (a link whose identifier may be any string), any, or a class in brackets: a list of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """One class of the standard: its name, the type of each field, and those it must have."""

    name: str
    fields: Mapping[str, str]
    required: tuple[str, ...]


def _shape(name: str, required: str, **fields: str) -> Shape:
    """Every class has an identifier, a URI, the time of its last change, and extensions."""
    common = {"identifier": "id", "uri": "text", "lastChangeDateTime": "datetime"}
    return Shape(
        name,
        {**common, **fields, "extensions": "any"},
        ("identifier", "uri", "lastChangeDateTime", *required.split()),
    )


DOCUMENT = _shape(
    "CFDocument",
    "creator title",
    frameworkType="text",
    caseVersion="text",
    creator="text",
    title="text",
    officialSourceURL="text",
    publisher="text",
    description="text",
    subject="texts",
    subjectURI="links",
    language="text",
    version="text",
    adoptionStatus="text",
    statusStartDate="date",
    statusEndDate="date",
    licenseURI="link",
    notes="text",
    CFPackageURI="link",
)
ITEM = _shape(
    "CFItem",
    "fullStatement",
    fullStatement="text",
    alternativeLabel="text",
    CFItemType="text",
    humanCodingScheme="text",
    listEnumeration="text",
    abbreviatedStatement="text",
    conceptKeywords="texts",
    conceptKeywordsURI="link",
    notes="text",
    subject="texts",
    subjectURI="links",
    language="text",
    educationLevel="texts",
    CFItemTypeURI="link",
    licenseURI="link",
    statusStartDate="date",
    statusEndDate="date",
    CFDocumentURI="link",
)
ASSOCIATION = _shape(
    "CFAssociation",
    "associationType originNodeURI destinationNodeURI",
    associationType="text",
    sequenceNumber="integer",
    originNodeURI="node",
    destinationNodeURI="node",
    CFAssociationGroupingURI="link",
    notes="text",
    CFDocumentURI="link",
)
_LEVEL = _shape(
    "CFRubricCriterionLevel",
    "",
    description="text",
    quality="text",
    score="number",
    feedback="text",
    position="integer",
    rubricCriterionId="id",
)
_CRITERION = _shape(
    "CFRubricCriterion",
    "",
    category="text",
    description="text",
    CFItemURI="link",
    weight="number",
    position="integer",
    rubricId="id",
    CFRubricCriterionLevels="[CFRubricCriterionLevel]",
)
RUBRIC = _shape(
    "CFRubric", "", title="text", description="text", CFRubricCriteria="[CFRubricCriterion]"
)
_CONCEPT = _shape(
    "CFConcept",
    "title hierarchyCode",
    title="text",
    keywords="text",
    hierarchyCode="text",
    description="text",
)
_SUBJECT = _shape(
    "CFSubject", "title hierarchyCode", title="text", hierarchyCode="text", description="text"
)
_ITEM_TYPE = _shape(
    "CFItemType",
    "title description hierarchyCode",
    title="text",
    description="text",
    hierarchyCode="text",
    typeCode="text",
)
_LICENCE = _shape(
    "CFLicense", "title licenseText", title="text", description="text", licenseText="text"
)
_GROUPING = _shape("CFAssociationGrouping", "title", title="text", description="text")

CLASSES: dict[str, Shape] = {
    shape.name: shape
    for shape in (_LEVEL, _CRITERION, _CONCEPT, _SUBJECT, _ITEM_TYPE, _LICENCE, _GROUPING)
}
DEFINITIONS = Shape(
    "CFDefinitions",
    {
        "CFConcepts": "[CFConcept]",
        "CFSubjects": "[CFSubject]",
        "CFLicenses": "[CFLicense]",
        "CFItemTypes": "[CFItemType]",
        "CFAssociationGroupings": "[CFAssociationGrouping]",
        "extensions": "any",
    },
    (),
)

PACKAGE_KEYS = {
    "CFDocument",
    "CFItems",
    "CFAssociations",
    "CFDefinitions",
    "CFRubrics",
    "extensions",
}

# Names that real files use → the name of the standard.
ALIASES = {"educationalLevel": "educationLevel", "subjectURL": "subjectURI"}

ASSOCIATION_TYPES = (
    "isChildOf",
    "isPeerOf",
    "isPartOf",
    "exactMatchOf",
    "precedes",
    "isRelatedTo",
    "replacedBy",
    "exemplar",
    "hasSkillLevel",
    "isTranslationOf",
)

__all__ = [
    "ALIASES",
    "ASSOCIATION",
    "ASSOCIATION_TYPES",
    "CLASSES",
    "DEFINITIONS",
    "DOCUMENT",
    "ITEM",
    "PACKAGE_KEYS",
    "RUBRIC",
    "Shape",
]
