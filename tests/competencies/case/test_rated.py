import pytest

from competencies.case.rated import is_rated, plain_type


@pytest.mark.parametrize(
    ("kind", "has_children", "rated"),
    [
        ("Standard", False, True),
        ("Standard", True, True),  # with components of its own
        ("Component", False, True),
        ("Domain", True, False),
        ("Domain", False, False),  # an empty container holds nothing to rate
        ("Cluster", True, False),
        ("Grade Level", True, False),
        ("grade-levels", True, False),
        ("", True, False),
        ("", False, True),
        ("Habit of mind", False, True),
        ("Habit of mind", True, False),
    ],
)
def test_standards_and_what_has_no_parts_are_rated_and_containers_are_not(
    kind, has_children, rated
):
    assert is_rated(kind, has_children=has_children, chosen=None) is rated


def test_chosen_types_alone_are_rated():
    chosen = {plain_type("Clusters")}

    assert is_rated("Cluster", has_children=True, chosen=chosen)
    assert not is_rated("Standard", has_children=False, chosen=chosen)
    assert not is_rated("", has_children=False, chosen=chosen)
