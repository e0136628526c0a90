"""Closing positions of accounts with options: what protects another position stays."""

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.option_books import SERIES, book, figures, market
from support.played import HEDGED, PM, Account, played

from margin.liquidation import LiquidationOrder, plan_liquidation
from margin.portfolio import AccountType, CashMovement, Fill, apply_cash, apply_fill
from margin.rulebook import REFERENCE

MARGIN, PORTFOLIO = AccountType.MARGIN, AccountType.PORTFOLIO_MARGIN
WHOLE = market()


def short_of(holdings: Mapping[str, int], kind: AccountType, usd: int) -> str:
    """The cash with which an account is short by so much."""
    without = figures(holdings, kind, WHOLE, cash="0")
    return str(without.requirement_usd - without.equity_usd - usd)


def planned(holdings: Mapping[str, int], kind: AccountType, usd: int) -> LiquidationOrder:
    held = book(holdings, short_of(holdings, kind, usd))
    return plan_liquidation(held, kind, WHOLE, REFERENCE)


def required_after(
    holdings: Mapping[str, int], kind: AccountType, order: LiquidationOrder
) -> Decimal:
    left = dict(holdings)
    left[order.symbol] += int(order.quantity_shares)
    kept = {symbol: held for symbol, held in left.items() if held}
    return figures(kept, kind, WHOLE).requirement_usd


@pytest.mark.parametrize("kind", [MARGIN, PORTFOLIO])
@pytest.mark.parametrize(
    ("holdings", "closed"),
    [
        pytest.param({"XYZ": 100, "XYZ-P95": 1}, "XYZ", id="protective put"),
        pytest.param({"XYZ": -100, "XYZ-C105": 1}, "XYZ", id="protective call"),
        pytest.param({"XYZ-P95": -1, "XYZ-P80": 1}, "XYZ-P95", id="put spread"),
        pytest.param({"XYZ-C105": -2, "XYZ-C120": 2}, "XYZ-C105", id="call spread"),
    ],
)
def test_the_position_at_risk_goes_and_what_protects_it_stays(
    holdings: dict[str, int], closed: str, kind: AccountType
) -> None:
    order = planned(holdings, kind, 1)
    assert order.symbol == closed
    assert required_after(holdings, kind, order) < figures(holdings, kind, WHOLE).requirement_usd


@pytest.mark.parametrize(
    ("holdings", "closed"),
    [
        # Stock at 100 against a call of strike 80 moves nowhere within 15 %.
        pytest.param({"XYZ": 100, "XYZ-C80": -1}, "XYZ-C80", id="covered call"),
        pytest.param({"XYZ": 100, "XYZ-P120": 1}, "XYZ", id="put deep in the money"),
        pytest.param({"XYZ": -100, "XYZ-C80": 1}, "XYZ", id="call deep in the money"),
    ],
)
def test_in_a_perfect_hedge_an_obligation_goes_before_what_covers_it(
    holdings: dict[str, int], closed: str
) -> None:
    order = planned(holdings, PORTFOLIO, 100)
    assert order.symbol == closed
    # One contract's worth of shares leaves with it, so that the next order ends the account.
    assert abs(order.quantity_shares) == abs(holdings[closed])


def with_cash(account: Account, usd: Decimal) -> Account:
    paid = CashMovement(
        movement_id="w", account_id=account.portfolio.account_id, amount_usd=usd, kind="withdrawal"
    )
    return Account(
        apply_cash(account.portfolio, paid), account.account_type, account.market, account.now_ms
    )


@pytest.mark.parametrize(("account_id", "usd"), [(HEDGED, "-101000"), (PM, "-121200")])
def test_the_order_filled_with_its_multiplier_cures_by_exactly_what_it_says(
    account_id: str, usd: str
) -> None:
    account = with_cash(played(account_id, "13:20"), Decimal(usd))
    before = account.assessed()
    assert before.excess_usd < 0
    order = plan_liquidation(account.portfolio, account.account_type, account.market, REFERENCE)
    fill = Fill(
        fill_id="f",
        account_id=account_id,
        symbol=order.symbol,
        quantity_shares=order.quantity_shares,
        price_usd=order.price_usd,
        multiplier=account.market.instruments[order.symbol].multiplier,
    )
    left = apply_fill(account.portfolio, fill)
    after = Account(left, account.account_type, account.market, account.now_ms).assessed()
    assert after.equity_usd == before.equity_usd
    assert after.requirement_usd < before.requirement_usd
    assert after.excess_usd == order.excess_after_usd
    assert after.excess_usd >= 0


def test_where_nothing_cures_a_collar_shrinks_to_its_lowest_requirement() -> None:
    # Selling all 500 shares would leave 5 short calls uncovered: that requires more, not less.
    account = with_cash(played(PM, "13:20"), Decimal(-200_000))
    order = plan_liquidation(account.portfolio, account.account_type, account.market, REFERENCE)
    assert (order.symbol, order.excess_after_usd) == ("NVDA", None)
    assert 0 < -order.quantity_shares < 500

    def required(sold: Decimal) -> Decimal:
        fill = Fill(
            fill_id="f",
            account_id=PM,
            symbol="NVDA",
            quantity_shares=-sold,
            price_usd=order.price_usd,
        )
        left = apply_fill(account.portfolio, fill)
        return Account(left, PORTFOLIO, account.market, account.now_ms).assessed().requirement_usd

    least = required(-order.quantity_shares)
    assert all(required(Decimal(sold)) >= least for sold in range(1, 501, 7))
    assert least < account.assessed().requirement_usd


quantities = st.integers(-3, 3).filter(bool)
holdings_of = st.dictionaries(st.sampled_from(sorted(SERIES)), quantities, min_size=1, max_size=3)


@settings(max_examples=120, deadline=None)
@given(holdings_of, quantities, st.sampled_from([MARGIN, PORTFOLIO]), st.sampled_from([1, 50_000]))
def test_no_long_option_is_sold_where_that_raises_the_requirement(
    options: dict[str, int], hundreds: int, kind: AccountType, usd: int
) -> None:
    holdings = options | {"XYZ": 100 * hundreds}
    order = planned(holdings, kind, usd)
    if order.symbol in SERIES and order.quantity_shares < 0:
        before = figures(holdings, kind, WHOLE).requirement_usd
        assert required_after(holdings, kind, order) <= before
