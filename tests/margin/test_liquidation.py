"""Liquidation sizing: exact against a recount of the whole account, and the order of symbols."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from margin.assessment import Assessment, assess
from margin.errors import MarginError
from margin.liquidation import (
    Target,
    buffer_target,
    choose_symbol,
    plan_liquidation,
    size_liquidation,
    warning_target,
)
from margin.market import Instrument, Kind, Market, Quote
from margin.money import ZERO
from margin.portfolio import AccountType, Fill, Portfolio, Position, apply_fill
from margin.rulebook import REFERENCE

MARGIN = AccountType.MARGIN


def account(cash: str, **holdings: str) -> Portfolio:
    positions = tuple(Position(symbol, Decimal(held)) for symbol, held in holdings.items())
    return Portfolio(account_id="A", cash_usd=Decimal(cash), positions=positions)


def market_of(prices: dict[str, str], betas: dict[str, str] | None = None) -> Market:
    kinds = {"SPY": Kind.BROAD_ETF}
    return Market(
        quotes={symbol: Quote(Decimal(price), 0) for symbol, price in prices.items()},
        betas={symbol: Decimal(beta) for symbol, beta in (betas or {}).items()},
        instruments={s: Instrument(symbol=s, kind=kinds.get(s, Kind.STOCK)) for s in prices},
    )


def filled(portfolio: Portfolio, symbol: str, quantity: Decimal, price: Decimal) -> Portfolio:
    fill = Fill(
        fill_id="f", account_id="A", symbol=symbol, quantity_shares=quantity, price_usd=price
    )
    return apply_fill(portfolio, fill)


def assessed(portfolio: Portfolio, kind: AccountType, market: Market) -> Assessment:
    found = assess(portfolio, kind, market, REFERENCE, 0)
    assert isinstance(found, Assessment)
    return found


DEMO = account("-117000", NVDA="500")
DEMO_MARKET = market_of({"NVDA": "342.40"}, {"NVDA": "1.8"})


@pytest.mark.parametrize(
    ("target", "shares", "excess"),
    [
        # 35 % x 342.40 = 119.84 a share: 5,720 / 119.84 = 47.73 -> 48; 48 x 119.84 - 5,720 = 32.32
        pytest.param(Target(), "48", "32.32", id="to an excess of 0"),
        # 5,720 + 572 = 6,292 / 119.84 = 52.50 -> 53; 53 x 119.84 - 5,720 = 631.52
        pytest.param(buffer_target(Decimal(5720), REFERENCE), "53", "631.52", id="10 % buffer"),
        # 119.84 n - 5,720 >= 17.12 (500 - n): n >= 104.23 -> 105; 105 x 119.84 - 5,720 = 6,863.20
        pytest.param(warning_target(REFERENCE), "105", "6863.20", id="clears the warning"),
    ],
)
def test_demo_account_sells_the_smallest_order(target: Target, shares: str, excess: str) -> None:
    sizing = size_liquidation(DEMO, MARGIN, DEMO_MARKET, REFERENCE, "NVDA", target)
    assert (sizing.shares, sizing.excess_after_usd) == (Decimal(shares), Decimal(excess))


def test_plan_of_the_demo_account_is_a_signed_order() -> None:
    order = plan_liquidation(DEMO, MARGIN, DEMO_MARKET, REFERENCE)
    assert (order.symbol, order.quantity_shares) == ("NVDA", Decimal(-48))
    assert order.excess_after_usd == Decimal("32.32")
    assert order.unsecured_debit_usd == 0


def test_short_is_bought_in() -> None:
    # 500 x 224 = 112,000; equity 38,000; 40 % = 44,800; deficiency 6,800.
    # 40 % x 224 = 89.60 a share: 6,800 / 89.60 = 75.89 -> 76; 76 x 89.60 - 6,800 = 9.60
    short = account("150000", TSLA="-500")
    order = plan_liquidation(short, MARGIN, market_of({"TSLA": "224"}), REFERENCE)
    assert (order.quantity_shares, order.excess_after_usd) == (Decimal(76), Decimal("9.60"))


def test_no_cure_sells_the_whole_position_and_reports_the_debit() -> None:
    # 171,200 - 180,000 = -8,800 of equity whatever is sold.
    broke = account("-180000", NVDA="500")
    order = plan_liquidation(broke, MARGIN, DEMO_MARKET, REFERENCE)
    assert (order.quantity_shares, order.excess_after_usd) == (Decimal(-500), None)
    assert order.unsecured_debit_usd == Decimal(8800)


def test_highest_beta_is_sold_first() -> None:
    two = account("0", NVDA="10", TSLA="1")
    market = market_of({"NVDA": "400", "TSLA": "200"}, {"NVDA": "1.8", "TSLA": "2.0"})
    assert choose_symbol(two, market, REFERENCE) == "TSLA"


def test_largest_release_per_dollar_breaks_a_tie_of_beta() -> None:
    # JNJ is 80 % of gross and releases 35 cents a dollar, KO 25 cents.
    two = account("0", JNJ="80", KO="20")
    market = market_of({"JNJ": "100", "KO": "100"}, {"JNJ": "0.7", "KO": "0.7"})
    assert choose_symbol(two, market, REFERENCE) == "JNJ"


def test_fraction_of_a_share_is_sold_only_with_the_whole_position() -> None:
    # Equity 25.10 - 25.05 = 0.05; half a share left needs 35 % x 5 = 1.75: only all 2.51 cures.
    part = account("-25.05", NVDA="2.51")
    market = market_of({"NVDA": "10"})
    sizing = size_liquidation(part, MARGIN, market, REFERENCE, "NVDA")
    assert sizing.shares == Decimal("2.51")


def test_symbol_that_is_not_held_is_refused() -> None:
    with pytest.raises(MarginError, match="a position in KO expected"):
        size_liquidation(DEMO, MARGIN, DEMO_MARKET, REFERENCE, "KO")


quantities = st.integers(-40, 40).filter(bool).map(lambda q: Decimal(q) / 2)
prices = st.integers(1, 600_000).map(lambda p: Decimal(p) / 10_000)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["AAA", "BBB", "SPY"]), st.tuples(quantities, prices), min_size=1
    ),
    st.integers(-500_0000, 500_0000).map(lambda c: Decimal(c) / 10_000),
    st.sampled_from([AccountType.MARGIN, AccountType.PORTFOLIO_MARGIN]),
)
def test_size_is_the_first_order_that_a_recount_of_the_account_accepts(
    holdings: dict[str, tuple[Decimal, Decimal]], cash: Decimal, kind: AccountType
) -> None:
    positions = tuple(Position(symbol, held) for symbol, (held, _) in holdings.items())
    portfolio = Portfolio(account_id="A", cash_usd=cash, positions=positions)
    market = market_of({symbol: str(price) for symbol, (_, price) in holdings.items()})
    symbol = min(holdings)
    held, price = holdings[symbol]
    sizes = [Decimal(n) for n in range(1, int(abs(held)) + 1)]
    cures = []
    for size in [*sizes, abs(held)]:
        left = filled(portfolio, symbol, -size.copy_sign(held), price)
        if assessed(left, kind, market).excess_usd >= ZERO:
            cures.append((size, assessed(left, kind, market).excess_usd))
    sizing = size_liquidation(portfolio, kind, market, REFERENCE, symbol)
    expected = cures[0] if cures else (None, None)
    assert (sizing.shares, sizing.excess_after_usd) == expected
