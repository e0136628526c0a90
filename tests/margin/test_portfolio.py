"""Fills and cash: what they move, and that their order does not matter."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin.errors import PortfolioError
from margin.portfolio import CashMovement, Fill, Portfolio, Position, apply_cash, apply_fill, equity

EMPTY = Portfolio(account_id="A")


def fill_of(
    quantity: str,
    price: str = "400",
    fee: str = "0",
    account: str = "A",
    multiplier: str = "1",
) -> Fill:
    return Fill(
        fill_id="f",
        account_id=account,
        symbol="NVDA",
        quantity_shares=Decimal(quantity),
        price_usd=Decimal(price),
        fee_usd=Decimal(fee),
        multiplier=Decimal(multiplier),
    )


@pytest.mark.parametrize(
    ("quantity", "fee", "cash"),
    [
        # 500 x 400 = 200,000
        pytest.param("500", "1.25", "-200001.25", id="a purchase and its fee"),
        pytest.param("-500", "1.25", "199998.75", id="a sale and its fee"),
    ],
)
def test_fill_moves_cash(quantity: str, fee: str, cash: str) -> None:
    assert apply_fill(EMPTY, fill_of(quantity, fee=fee)).cash_usd == Decimal(cash)


@pytest.mark.parametrize(
    ("quantity", "price", "multiplier", "cash"),
    [
        # 2 x 7.25 x 100 = 1,450
        pytest.param("2", "7.25", "100", "-1450", id="contracts bought"),
        pytest.param("-2", "7.25", "100", "1450", id="contracts sold"),
        # 0.3333 x 0.0005 x 0.3 = 0.000049995, and twice that is 0.00009999
        pytest.param("0.3333", "0.0005", "0.3", "0", id="below half"),
        pytest.param("0.6666", "0.0005", "0.3", "-0.0001", id="above half"),
    ],
)
def test_fill_moves_cash_by_its_multiplier_rounded_once(
    quantity: str, price: str, multiplier: str, cash: str
) -> None:
    moved = apply_fill(EMPTY, fill_of(quantity, price, multiplier=multiplier))
    assert moved.cash_usd == Decimal(cash)


def test_position_of_zero_is_dropped() -> None:
    assert apply_fill(apply_fill(EMPTY, fill_of("5")), fill_of("-5")).positions == ()


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (fill_of("1", price="0"), "price for NVDA must be > 0, was 0"),
        (fill_of("0"), "quantity of fill f must not be 0"),
        (fill_of("1", multiplier="0"), "multiplier for NVDA must be > 0, was 0"),
        (fill_of("1", fee="-1"), "fee of fill f must be >= 0, was -1"),
        (fill_of("1", account="B"), "account A expected, was B"),
    ],
)
def test_fill_that_does_not_fit_is_refused(fill: Fill, message: str) -> None:
    with pytest.raises(PortfolioError, match=message):
        apply_fill(EMPTY, fill)


def test_cash_of_another_account_is_refused() -> None:
    other = CashMovement(movement_id="c", account_id="B", amount_usd=Decimal(1), kind="deposit")
    with pytest.raises(PortfolioError, match="account A expected, was B"):
        apply_cash(EMPTY, other)


def test_equity_needs_every_price() -> None:
    held = Portfolio(account_id="A", positions=(Position("KO", Decimal(1)),))
    with pytest.raises(PortfolioError, match="none for \\['KO'\\]"):
        equity(held, {})


def test_two_positions_of_one_symbol_are_refused() -> None:
    twice = (Position("KO", Decimal(1)), Position("KO", Decimal(2)))
    with pytest.raises(PortfolioError, match="one position per symbol"):
        Portfolio(account_id="A", positions=twice)


@given(st.permutations([fill_of(q, p) for q, p in [("5", "1.1"), ("-7", "2"), ("2", "3.3333")]]))
def test_order_of_fills_never_changes_the_portfolio(fills: list[Fill]) -> None:
    portfolio = EMPTY
    for fill in fills:
        portfolio = apply_fill(portfolio, fill)
    # -5.5 + 14 - 6.6666 = 1.8334; 5 - 7 + 2 = 0
    assert portfolio == Portfolio(account_id="A", cash_usd=Decimal("1.8334"))
