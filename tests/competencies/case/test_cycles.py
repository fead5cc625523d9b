from hypothesis import given
from hypothesis import strategies as st

from competencies.case.cycles import find_cycle

links = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20)


def graph_of(pairs):
    graph = {}
    for of, to in pairs:
        graph.setdefault(of, []).append(to)
    return graph


def reaches(graph, start):
    found, waiting = set(), [start]
    while waiting:
        for each in graph.get(waiting.pop(), ()):
            if each not in found:
                found.add(each)
                waiting.append(each)
    return found


@given(links)
def test_a_loop_is_found_exactly_where_something_reaches_itself(pairs):
    graph = graph_of(pairs)

    cycle = find_cycle(graph)

    assert (cycle is not None) == any(node in reaches(graph, node) for node in graph)


@given(links)
def test_the_loop_that_is_found_is_one(pairs):
    graph = graph_of(pairs)

    cycle = find_cycle(graph)

    for of, to in zip(cycle or (), (*(cycle or ())[1:], *(cycle or ())[:1]), strict=True):
        assert to in graph[of]


def test_what_is_part_of_two_things_is_no_loop():
    assert find_cycle({"a": ["b", "c"], "b": ["d"], "c": ["d"]}) is None
