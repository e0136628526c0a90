"""The cheapest pairing against an independent search, and what must hold of any pairing."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice, permutations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.option_partitions import brute_force

from margin.errors import MarginError
from margin.market import OptionTerms, Right, Style
from margin.option_book import net_premium, premium
from margin.option_margin import ClassMargin, Holding, OptionLeg, Underlying, class_margin
from margin.option_model import build
from margin.option_pairing import cheapest
from margin.option_spread import is_limited_risk
from margin.rulebook import REFERENCE

ON = date(2026, 1, 2)
PRICE = Decimal(100)
XYZ = Underlying("XYZ", PRICE)
CALL, PUT = Right.CALL, Right.PUT


def leg(
    right: Right,
    strike: int,
    contracts: int,
    price: str = "4.00",
    days: int = 30,
    style: Style = Style.AMERICAN,
) -> OptionLeg:
    terms = OptionTerms(
        underlying="XYZ",
        right=right,
        strike_usd=Decimal(strike),
        expires_on=ON + timedelta(days=days),
        style=style,
    )
    name = f"{right.value}{strike}-{days}{style.value[0]}"
    return OptionLeg(name, terms, Decimal(contracts), Decimal(price))


def stock(shares: int) -> Holding | None:
    rate = Decimal("0.25") if shares > 0 else Decimal("0.30")
    return Holding("XYZ", Decimal(shares), PRICE, abs(shares) * PRICE * rate) if shares else None


def margin(shares: int, legs: Sequence[OptionLeg], nodes: int = 400) -> ClassMargin:
    return class_margin(stock(shares), legs, XYZ, REFERENCE, ON, nodes=nodes)


def elv(found: ClassMargin) -> Decimal:
    return sum((strategy.elv_maintenance_usd for strategy in found.strategies), Decimal(0))


@st.composite
def books(
    draw: st.DrawFn, most: int = 6, blocks: int = 2, styles: tuple[Style, ...] = tuple(Style)
) -> tuple[int, list[OptionLeg]]:
    legs: dict[str, OptionLeg] = {}
    left = draw(st.integers(1, most))
    while left:
        count = draw(st.integers(1, left))
        left -= count
        one = leg(
            draw(st.sampled_from(Right)),
            draw(st.integers(16, 24)) * 5,
            count * draw(st.sampled_from((-1, 1))),
            str(draw(st.integers(5, 2500)) * Decimal("0.01")),
            draw(st.sampled_from((30, 60, 400))),
            draw(st.sampled_from((Style.AMERICAN, *styles))),
        )
        legs.setdefault(one.symbol, one)
    return 100 * draw(st.integers(-blocks, blocks)), list(legs.values())


@settings(max_examples=600, deadline=None)
@given(books())
def test_pairing_costs_what_the_search_of_all_partitions_finds(
    book: tuple[int, list[OptionLeg]],
) -> None:
    found = margin(*book)
    assert found.proven
    assert elv(found) == brute_force(*book)


@st.composite
def hard_books(draw: st.DrawFn) -> list[OptionLeg]:
    """Legs of one expiry and many quantities, which one program seldom solves."""
    strikes = draw(st.lists(st.integers(80, 119), min_size=5, max_size=10, unique=True))
    quantity = st.integers(1, 29).flatmap(lambda n: st.sampled_from((n, -n)))
    price = st.integers(5, 900).map(lambda cents: str(cents * Decimal("0.01")))
    return [
        leg(draw(st.sampled_from(Right)), strike, draw(quantity), draw(price)) for strike in strikes
    ]


@settings(max_examples=150, deadline=None)
@given(hard_books(), st.integers(0, 2), st.integers(-9, 9))
def test_search_cut_short_is_bounded_and_never_above_the_legs_alone(
    legs: list[OptionLeg], nodes: int, blocks: int
) -> None:
    shares = 100 * blocks
    cut, full = margin(shares, legs, nodes), margin(shares, legs, 40)
    parts = [margin(0, [one]).maintenance_usd for one in legs]
    assert cut.lower_bound_usd <= full.maintenance_usd <= cut.maintenance_usd
    assert full.lower_bound_usd <= full.maintenance_usd
    assert cut.maintenance_usd <= sum(parts, margin(shares, []).maintenance_usd)
    assert not cut.proven or cut.maintenance_usd == full.maintenance_usd
    model = build(stock(shares), legs, XYZ, REFERENCE, ON)
    assert cheapest(model, nodes=nodes).nodes <= nodes


def test_hard_book_uses_up_its_nodes_and_is_proven_with_more() -> None:
    legs, number = [], 31
    for strike in range(88, 112, 2):
        number = (number * 7919 + 31) % 10007
        right = (CALL, PUT)[number % 2]
        legs.append(leg(right, strike, (number // 2 % 59 - 29) or 1, f"{number % 9}.37"))
    model = build(None, legs, XYZ, REFERENCE, ON)
    few, enough = cheapest(model, nodes=30), cheapest(model)
    assert (few.nodes, few.proven) == (30, False)
    assert enough.proven
    assert few.least <= enough.cost < few.cost


@settings(max_examples=40, deadline=None)
@given(books(most=30))
def test_order_of_the_legs_changes_nothing(book: tuple[int, list[OptionLeg]]) -> None:
    shares, legs = book
    found = margin(shares, legs)
    for other in [legs[::-1], sorted(legs, key=premium), *islice(permutations(legs), 1, 6)]:
        assert margin(shares, other) == found


@settings(max_examples=60, deadline=None)
@given(books(most=9), books(most=2))
def test_long_option_added_never_raises_the_requirement(
    book: tuple[int, list[OptionLeg]], more: tuple[int, list[OptionLeg]]
) -> None:
    shares, legs = book
    added = [one for one in more[1] if one.contracts > 0]
    assume(added and not {one.symbol for one in added} & {one.symbol for one in legs})
    before, after = margin(shares, legs), margin(shares, [*legs, *added])
    assume(before.proven and after.proven)
    assert elv(after) <= elv(before)


@settings(max_examples=60, deadline=None)
@given(books(most=400, blocks=9))
def test_requirement_is_no_more_than_that_of_the_legs_alone(
    book: tuple[int, list[OptionLeg]],
) -> None:
    shares, legs = book
    parts = [margin(0, [one]).maintenance_usd for one in legs]
    alone_usd = sum(parts, margin(shares, []).maintenance_usd)
    found = margin(shares, legs)
    assert found.lower_bound_usd <= found.maintenance_usd <= alone_usd
    assert_whole_and_legal(shares, legs, found)


def assert_whole_and_legal(shares: int, legs: Sequence[OptionLeg], found: ClassMargin) -> None:
    """Each contract and share is in one strategy, which is a legal one."""
    held = {one.symbol: one.contracts for one in legs} | (
        {"XYZ": Decimal(shares)} if shares else {}
    )
    by_symbol = {one.symbol: one for one in legs}
    used: dict[str, Decimal] = {}
    for strategy in found.strategies:
        parts = []
        for symbol, quantity in strategy.legs:
            assert quantity * held[symbol] > 0
            used[symbol] = used.get(symbol, Decimal(0)) + quantity
            if symbol in by_symbol:
                one = by_symbol[symbol]
                parts.append(OptionLeg(symbol, one.terms, quantity, one.price_usd))
        if strategy.name.endswith(("spread", "combination")):
            assert is_limited_risk(parts)
        assert strategy.premium_usd == net_premium(parts)
    assert used == held


@settings(max_examples=40, deadline=None)
@given(books(most=40), st.integers(-10_000, 10_000))
def test_excess_is_the_same_with_options_in_equity_and_out_of_it(
    book: tuple[int, list[OptionLeg]], cash: int
) -> None:
    shares, legs = book
    found = margin(shares, legs)
    without_options = cash + shares * PRICE
    with_options = without_options + sum((one.contracts * 100 * one.price_usd for one in legs), 0)
    assert without_options - elv(found) == with_options - found.maintenance_usd


def test_large_book_is_paired_within_its_limits() -> None:
    legs = [
        leg(right, strike, (7919 * strike * days) % 4001 - 2000 or 1, days=days)
        for right in Right
        for strike in range(80, 130)
        for days in (30, 60)
    ]
    found = margin(100_000, legs)
    parts = sum((margin(0, [one]).maintenance_usd for one in legs), Decimal(0))
    assert not found.proven
    assert found.lower_bound_usd < found.maintenance_usd
    assert found.maintenance_usd < parts + margin(100_000, []).maintenance_usd
    assert_whole_and_legal(100_000, legs, found)


def test_thousands_of_contracts_are_proven_like_a_few() -> None:
    few = [leg(CALL, 105, -5), leg(CALL, 110, 5), leg(PUT, 95, -5), leg(PUT, 90, 5)]
    many = [
        leg(one.terms.right, int(one.terms.strike_usd), int(one.contracts) * 1000) for one in few
    ]
    assert elv(margin(0, few)) == Decimal(2500)
    assert margin(0, many).proven
    assert elv(margin(0, many)) == Decimal(2_500_000)


def test_collar_of_two_expiries_is_not_a_collar() -> None:
    legs = [leg(CALL, 110, -1, days=60), leg(PUT, 90, 1, days=30)]
    names = {strategy.name for strategy in margin(100, legs).strategies}
    assert "collar" not in names


@pytest.mark.parametrize(
    ("legs", "words"),
    [
        ([leg(CALL, 100, 1, days=-1)], "expiry on or after 2026-01-02 expected, was 2026-01-01"),
        ([leg(CALL, 100, 0)], "whole contracts, not 0, expected, was 0"),
        (
            [OptionLeg("C", leg(CALL, 100, 1).terms, Decimal("1.5"), PRICE)],
            "whole contracts, not 0, expected, was 1.5",
        ),
        ([leg(CALL, 100, 1), leg(CALL, 100, -1)], "one leg per symbol expected"),
    ],
)
def test_leg_that_cannot_be_margined_is_refused(legs: list[OptionLeg], words: str) -> None:
    with pytest.raises(MarginError, match=words):
        margin(0, legs)


def test_bound_without_any_search_is_below_the_cost_of_straddles() -> None:
    legs = [leg(CALL, 105, -2), leg(PUT, 95, -2)]
    model = build(None, legs, XYZ, REFERENCE, ON)
    assert cheapest(model, nodes=0).least <= cheapest(model).cost < 0


def test_wide_spread_is_left_alone_without_any_search() -> None:
    legs = [leg(CALL, 85, -1, "0.10"), leg(CALL, 150, 1)]
    assert elv(margin(0, legs, nodes=0)) == Decimal(2010)
