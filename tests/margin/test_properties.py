"""What holds for every book of stock and options."""

from collections import defaultdict
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from support.option_books import SERIES, book, figures, market

from margin.assessment import Band, assess
from margin.loan_value import loan_value_view
from margin.money import ZERO
from margin.portfolio import AccountType
from margin.rulebook import REFERENCE

MARKET = market()
few = settings(deadline=None, max_examples=40)
contracts = st.integers(-4, 4).filter(bool)
shares = st.integers(-5, 5).filter(bool).map(lambda lots: 100 * lots)
options = st.dictionaries(st.sampled_from(sorted(SERIES)), contracts, max_size=4)
books = st.builds(
    lambda held, stock: held | stock,
    options,
    st.dictionaries(st.sampled_from(["XYZ", "KO"]), shares),
)
kinds = st.sampled_from(list(AccountType))


@few
@given(books, kinds)
def test_order_of_positions_makes_no_difference(held: dict[str, int], kind: AccountType) -> None:
    turned = dict(reversed(held.items()))
    assert figures(held, kind, MARKET) == figures(turned, kind, MARKET)


@few
@given(books)
def test_house_requirement_is_never_below_maintenance(held: dict[str, int]) -> None:
    found = figures(held, at=MARKET)
    assert found.requirement_usd >= found.maintenance_requirement_usd


@few
@given(books, kinds)
def test_excess_is_the_same_with_options_at_market_and_without_value(
    held: dict[str, int], kind: AccountType
) -> None:
    found = figures(held, kind, MARKET)
    assert loan_value_view(found).excess_usd == found.excess_usd


@few
@given(books, st.sampled_from(sorted(SERIES)), st.integers(1, 3))
def test_a_long_option_more_never_raises_the_requirement_without_option_values(
    held: dict[str, int], symbol: str, more: int
) -> None:
    before, after = held, {**held, symbol: max(held.get(symbol, 0), 0) + more}
    if held.get(symbol, 0) < 0:
        return
    # Add-ons depend on gross value, and a long option adds to it.
    assert elv_maintenance(after) <= elv_maintenance(before)


def elv_maintenance(held: dict[str, int]) -> Decimal:
    found = figures(held, at=MARKET)
    return loan_value_view(found).requirement_usd - found.concentration_addon_usd


@few
@given(books, kinds)
def test_lines_sum_to_their_totals_to_the_cent(held: dict[str, int], kind: AccountType) -> None:
    found = figures(held, kind, MARKET)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    totals = {line.term: line.value_usd for line in found.lines()}
    for line in found.lines():
        if line.part_of:
            sums[line.part_of] += line.value_usd
    assert {term: totals[term] for term in sums} == dict(sums)
    assert totals["equity"] - totals["requirement"] == totals["excess"]


@few
@given(books)
def test_a_class_never_has_more_portfolio_margin_than_its_positions_apart(
    held: dict[str, int],
) -> None:
    kind = AccountType.PORTFOLIO_MARGIN
    apart = (figures({s: q}, kind, MARKET).requirement_usd for s, q in held.items())
    assert figures(held, kind, MARKET).requirement_usd <= sum(apart, ZERO)


@few
@given(books, st.sampled_from(["-0.0001", "0"]), kinds)
def test_excess_and_band_agree_at_the_threshold(
    held: dict[str, int], over: str, kind: AccountType
) -> None:
    short_usd = figures(held, kind, MARKET).excess_usd
    cash = str(Decimal(50000) - short_usd + Decimal(over))
    found = assess(book(held, cash), kind, MARKET, REFERENCE, 0)
    at = figures(held, kind, MARKET, cash)
    assert at.excess_usd == Decimal(over)
    assert at.deficiency_usd == -Decimal(over)
    in_call = kind is not AccountType.CASH and over != "0"
    assert (found.band is Band.DEFICIENCY) is in_call
