"""The integer program against counting through all whole solutions."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from margin.option_program import Budget, Program, minimise

COLUMNS = 3
MOST = 6

rows = st.lists(
    st.tuples(st.lists(st.integers(-4, 5), min_size=3, max_size=3), st.integers(0, 12)), max_size=3
)
costs = st.lists(st.integers(-9, 4), min_size=3, max_size=3)


def program(prices: list[int], limits: list[tuple[list[int], int]]) -> Program:
    """Each column is at most 6, so that all solutions can be counted."""
    made = [(tuple(enumerate(entries)), right) for entries, right in limits]
    made += [(((column, 1),), MOST) for column in range(COLUMNS)]
    return Program(tuple(prices), tuple(made), COLUMNS)


def solutions(searched: Program) -> list[int]:
    """Cost of every whole solution."""
    return [
        sum(price * count for price, count in zip(searched.costs, counts, strict=True))
        for counts in product(range(MOST + 1), repeat=COLUMNS)
        if all(
            sum(entry * counts[column] for column, entry in entries) <= right
            for entries, right in searched.rows
        )
    ]


@settings(max_examples=300, deadline=None)
@given(costs, rows)
def test_least_cost_is_that_of_the_best_whole_solution(
    prices: list[int], limits: list[tuple[list[int], int]]
) -> None:
    searched = program(prices, limits)
    outcome = minimise(searched, 1, Budget(nodes=1000, cells=1_000_000))
    assert outcome.proven
    assert outcome.bound == min(solutions(searched))
    assert outcome.values is not None
    cost = sum(price * count for price, count in zip(prices, outcome.values, strict=True))
    assert cost == outcome.bound


@settings(max_examples=100, deadline=None)
@given(costs, rows, st.integers(0, 4), st.integers(0, 200))
def test_bound_holds_when_the_budget_ends_first(
    prices: list[int], limits: list[tuple[list[int], int]], nodes: int, cells: int
) -> None:
    searched = program(prices, limits)
    budget = Budget(nodes, cells)
    outcome = minimise(searched, 1, budget)
    assert outcome.bound <= min(solutions(searched))
    assert 0 <= budget.nodes <= nodes
