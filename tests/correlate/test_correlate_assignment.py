"""Who belongs to whom: as many as possible, each once."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from shipper.correlate.assignment import Edge, assign


def edges_of(costs):
    return [Edge(cost, owner, item) for (owner, item), cost in costs.items()]


def most(costs, capacity, items):
    """By trying everything."""
    best = 0
    for choice in product([None, *capacity], repeat=items):
        taken = {item: owner for item, owner in enumerate(choice) if owner is not None}
        fits = all((owner, item) in costs for item, owner in taken.items())
        if fits and all(list(taken.values()).count(owner) <= limit for owner, limit in capacity.items()):
            best = max(best, len(taken))
    return best


def test_the_nearest_belong_together():
    assert assign(edges_of({(0, 0): 0.1, (0, 1): 0.9, (1, 0): 0.9, (1, 1): 0.1}), {0: 1, 1: 1}) == {0: 0, 1: 1}


def test_what_is_nearest_gives_way_where_otherwise_one_would_go_empty():
    assert assign(edges_of({(0, 0): 0.1, (0, 1): 0.5, (1, 0): 0.4}), {0: 1, 1: 1}) == {0: 1, 1: 0}


def test_a_chain_of_exchanges_finds_the_last_free_place():
    costs = {(0, 0): 0.1, (0, 1): 0.2, (1, 1): 0.1, (1, 2): 0.2, (2, 0): 0.3}
    assert assign(edges_of(costs), {0: 1, 1: 1, 2: 1}) == {0: 2, 1: 0, 2: 1}


def test_an_owner_takes_no_more_than_it_can_hold():
    owned = assign(edges_of({(0, item): float(item) for item in range(5)}), {0: 3})
    assert owned == {0: 0, 1: 0, 2: 0}


@given(
    costs=st.dictionaries(
        st.tuples(st.integers(0, 2), st.integers(0, 4)), st.floats(0, 1, allow_nan=False), max_size=12
    ),
    limits=st.tuples(*[st.integers(0, 3)] * 3),
)
def test_no_other_choice_would_place_more(costs, limits):
    capacity = dict(enumerate(limits))
    owned = assign(edges_of(costs), capacity)
    assert all((owner, item) in costs for item, owner in owned.items())
    assert all(list(owned.values()).count(owner) <= limit for owner, limit in capacity.items())
    assert len(owned) == most(costs, capacity, 5)
