"""The rules over arrays give what `assess` gives, to the last unit."""

import random
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.array_books import Case, book_of, check, check_groups

from margin.columnar import (
    E4,
    Valuation,
    mul_div,
    value_accounts,
)
from margin.market import Instrument, Kind, Market, Quote
from margin.portfolio import AccountType, Portfolio, Position
from margin.rulebook import REFERENCE

AS_OF_MS = 1_800_000_000_000
STALE_MS = REFERENCE.stale_price_after_ms.value
SYMBOLS = ("AAPL", "MSFT", "NVDA", "QLD", "SPY", "TSLA")
GROUPS = ("AAPL", "SPY", "TSLA")


def decimals(low: str, high: str) -> st.SearchStrategy[Decimal]:
    return st.decimals(low, high, places=4)


# Where a rule changes: 2.50 and 5 USD, 16.67 where 30 % overtakes 5 USD a share.
EDGES = ("0.0001", "2.4999", "2.50", "2.5001", "4.9999", "5", "5.0001", "16.6666", "16.67", "100")
prices = st.sampled_from([Decimal(edge) for edge in EDGES]) | decimals("0.0001", "3000")
leverages = st.sampled_from([Decimal(1), Decimal(2), Decimal(3), Decimal("1.0001")]) | decimals(
    "1", "12"
)
# Many round quantities, so that weights of exactly 30 % come up.
quantities = st.sampled_from([Decimal(q) for q in (-700, -300, -100, 100, 300, 400, 700)]) | (
    decimals("-5000", "5000").filter(bool)
)
FRESH = st.just(0)
# Something in the middle of a range: hypothesis likes its ends.
RARE = 11
rarely = st.integers(0, 19)
kinds = st.sampled_from(
    [Kind.STOCK, Kind.STOCK, Kind.ETF, Kind.ETF] * 3
    + [Kind.BROAD_ETF] * 6
    + [Kind.INDEX, Kind.BROAD_INDEX]
)
ages_ms = st.sampled_from([0, 1, STALE_MS - 1, STALE_MS, STALE_MS + 1])
exact = settings(deadline=None, max_examples=150)


@st.composite
def markets(draw: st.DrawFn) -> Market:
    """A market in which now and then something is missing, stale or an index."""
    quotes, betas, instruments = {}, {}, {}
    for symbol in SYMBOLS:
        if draw(rarely) != RARE:
            quotes[symbol] = Quote(
                draw(prices), AS_OF_MS - draw(ages_ms if symbol == "QLD" else FRESH)
            )
        if draw(rarely) != RARE:
            betas[symbol] = draw(decimals("-3", "5"))
        if draw(rarely) != RARE:
            kind, group = draw(kinds), draw(st.sampled_from(["", *GROUPS]))
            instruments[symbol] = Instrument(
                symbol=symbol, kind=kind, leverage=draw(leverages), class_group=group
            )
    return Market(quotes=quotes, betas=betas, instruments=instruments)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    held = draw(st.dictionaries(st.sampled_from(SYMBOLS), quantities, max_size=len(SYMBOLS)))
    portfolio = Portfolio(
        account_id="A",
        cash_usd=draw(decimals("-2000000", "2000000")),
        positions=tuple(Position(symbol, quantity) for symbol, quantity in held.items()),
    )
    types = (*AccountType, AccountType.MARGIN, AccountType.PORTFOLIO_MARGIN, None)
    return Case(portfolio, draw(st.sampled_from(types)))


def valued(cases: Sequence[Case], market: Market) -> Valuation:
    return value_accounts(book_of(cases, market, AS_OF_MS), REFERENCE)


def assert_equal(valuation: Valuation, row: int, case: Case, market: Market) -> None:
    check(valuation, row, case, market, AS_OF_MS)
    check_groups(case, market, AS_OF_MS)


@exact
@given(st.lists(cases(), min_size=1, max_size=6), markets())
def test_arrays_equal_the_scalar_kernel_on_random_books(
    accounts: list[Case], market: Market
) -> None:
    valuation = valued(accounts, market)
    for row, case in enumerate(accounts):
        assert_equal(valuation, row, case, market)


def random_market(draw: random.Random) -> Market:
    """Prices from 0.0001 to 3,000 USD, a third of them under 5; every symbol is known."""
    highest = [draw.choice((50_000, 1_000_000, 30_000_000)) for _ in SYMBOLS]
    kinds = (Kind.STOCK, Kind.STOCK, Kind.ETF, Kind.BROAD_ETF)
    return Market(
        quotes={
            symbol: Quote(Decimal(draw.randint(1, most)) / E4, AS_OF_MS)
            for symbol, most in zip(SYMBOLS, highest, strict=True)
        },
        betas={symbol: Decimal(draw.randint(-30_000, 50_000)) / E4 for symbol in SYMBOLS[1:]},
        instruments={
            symbol: Instrument(
                symbol=symbol,
                kind=draw.choice(kinds),
                leverage=Decimal(draw.choice((10_000, 20_000, 30_000, 10_001))) / E4,
                class_group=draw.choice(("", "", *GROUPS)),
            )
            for symbol in SYMBOLS
        },
    )


def random_case(draw: random.Random) -> Case:
    """One to six positions, long and short, every second a fraction of shares."""
    held = draw.sample(SYMBOLS, draw.randint(1, len(SYMBOLS)))
    quantities = [draw.choice((-1, 1)) * draw.randint(1, 50_000_000) for _ in held]
    rounded = [q if draw.random() < 0.5 else q // E4 * E4 or E4 for q in quantities]
    portfolio = Portfolio(
        account_id="A",
        cash_usd=Decimal(draw.randint(-(10**10), 10**10)) / E4,
        positions=tuple(Position(s, Decimal(q) / E4) for s, q in zip(held, rounded, strict=True)),
    )
    return Case(portfolio, draw.choice((*AccountType, AccountType.PORTFOLIO_MARGIN)))


@pytest.mark.parametrize("seed", range(20))
def test_arrays_equal_the_scalar_kernel_on_ten_thousand_books(seed: int) -> None:
    draw = random.Random(seed)
    market = random_market(draw)
    accounts = [random_case(draw) for _ in range(500)]
    valuation = valued(accounts, market)
    assert not valuation.unpriced.any()
    for row, case in enumerate(accounts):
        assert_equal(valuation, row, case, market)


@exact
@given(st.integers(0, 10**18), st.integers(0, 10**18))
def test_mul_div_is_exact_wherever_the_result_fits(a: int, b: int) -> None:
    exact_result = (a * b * 2 + E4) // (2 * E4)
    if exact_result < 2**63:
        assert mul_div(np.array([a]), np.array([b]), E4).tolist() == [exact_result]


def test_an_account_too_large_for_exact_arithmetic_is_unpriced_and_its_neighbour_is_not() -> None:
    huge = Position("NVDA", Decimal("99999999999999"))
    accounts = [
        Case(Portfolio(account_id="A", positions=(huge,)), AccountType.MARGIN),
        Case(
            Portfolio(account_id="B", positions=(Position("NVDA", Decimal(1)),)),
            AccountType.MARGIN,
        ),
    ]
    market = Market(
        quotes={"NVDA": Quote(Decimal("99999999999999"), AS_OF_MS)},
        betas={"NVDA": Decimal(1)},
        instruments={"NVDA": Instrument(symbol="NVDA", kind=Kind.STOCK)},
    )
    small = Market(
        quotes={"NVDA": Quote(Decimal("400"), AS_OF_MS)},
        betas=market.betas,
        instruments=market.instruments,
    )
    assert valued(accounts, market).too_large.tolist() == [True, True]
    valuation = valued(accounts, small)
    assert valuation.too_large.tolist() == [True, False]
    assert valuation.equity_usd_e4.tolist() == [0, 4_000_000]
    assert_equal(valuation, 1, accounts[1], small)
