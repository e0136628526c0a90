"""The worked figures and the thresholds of the rules over arrays, beside `assess`."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from support.array_books import Case, book_of, check, check_groups

from margin.assessment import Band
from margin.columnar import BANDS, Valuation, e4, value_accounts
from margin.market import Instrument, Kind, Market, Quote
from margin.portfolio import AccountType, Portfolio, Position
from margin.rulebook import REFERENCE

AS_OF_MS = 1_800_000_000_000


def market_of(**known: tuple[str, Kind]) -> Market:
    """Prices and kinds by symbol; betas are missing."""
    return Market(
        quotes={symbol: Quote(Decimal(price), AS_OF_MS) for symbol, (price, _) in known.items()},
        betas={},
        instruments={s: Instrument(symbol=s, kind=kind) for s, (_, kind) in known.items()},
    )


def valued(cases: Sequence[Case], market: Market) -> Valuation:
    return value_accounts(book_of(cases, market, AS_OF_MS), REFERENCE)


def assert_equal(valuation: Valuation, row: int, case: Case, market: Market) -> None:
    check(valuation, row, case, market, AS_OF_MS)
    check_groups(case, market, AS_OF_MS)


# rules.md section 10: 500 NVDA, debit 117,000, beta 1.8
DEMO = (
    ("400.00", "83000", "70000", "13000", "-15800", Band.STRESS),
    ("392.80", "79400", "68740", "10660", "-17621.60", Band.STRESS),
    ("385.60", "75800", "67480", "8320", "-19443.20", Band.WARNING),
    ("371.20", "68600", "64960", "3640", "-23086.40", Band.WARNING),
    ("356.80", "61400", "62440", "-1040", "-26729.60", Band.DEFICIENCY),
    ("342.40", "54200", "59920", "-5720", "-30372.80", Band.DEFICIENCY),
)


@pytest.mark.parametrize(("price", "equity", "requirement", "excess", "worst", "band"), DEMO)
def test_arrays_give_the_worked_demo(
    price: str, equity: str, requirement: str, excess: str, worst: str, band: Band
) -> None:
    case = Case(
        Portfolio(
            account_id="ACC_DEMO_001",
            cash_usd=Decimal(-117000),
            positions=(Position("NVDA", Decimal(500)),),
        ),
        AccountType.MARGIN,
    )
    market = Market(
        quotes={"NVDA": Quote(Decimal(price), AS_OF_MS)},
        betas={"NVDA": Decimal("1.8")},
        instruments={"NVDA": Instrument(symbol="NVDA", kind=Kind.STOCK)},
    )
    valuation = valued([case], market)
    assert valuation.equity_usd_e4.tolist() == [e4(Decimal(equity))]
    assert valuation.requirement_usd_e4.tolist() == [e4(Decimal(requirement))]
    assert valuation.excess_usd_e4.tolist() == [e4(Decimal(excess))]
    assert valuation.worst_severe_excess_usd_e4.tolist() == [e4(Decimal(worst))]
    assert BANDS[valuation.band[0]] is band


@pytest.mark.parametrize(
    ("cash", "band"),
    [
        pytest.param("-209999.9999", Band.OK, id="excess > 5 % of gross"),
        pytest.param("-210000", Band.OK, id="excess = 5 % of gross"),
        pytest.param("-210000.0001", Band.WARNING, id="excess < 5 % of gross"),
        pytest.param("-224999.9999", Band.WARNING, id="excess > 0"),
        pytest.param("-225000", Band.WARNING, id="excess = 0"),
        pytest.param("-225000.0001", Band.DEFICIENCY, id="excess < 0"),
    ],
)
def test_band_thresholds(cash: str, band: Band) -> None:
    # 500 SPY x 600 = 300,000; 25 % = 75,000; broad ETF: no add-on; 5 % = 15,000; beta 0.
    # excess = cash + 300,000 - 75,000
    case = Case(
        Portfolio(
            account_id="A",
            cash_usd=Decimal(cash),
            positions=(Position("SPY", Decimal(500)),),
        ),
        AccountType.MARGIN,
    )
    market = Market(
        quotes={"SPY": Quote(Decimal(600), AS_OF_MS)},
        betas={"SPY": Decimal(0)},
        instruments={"SPY": Instrument(symbol="SPY", kind=Kind.BROAD_ETF)},
    )
    valuation = valued([case], market)
    assert BANDS[valuation.band[0]] is band
    assert_equal(valuation, 0, case, market)


@pytest.mark.parametrize(
    ("shares", "addon"),
    [
        pytest.param("-300.0002", "3000", id="weight > 30 %"),
        pytest.param("-300", "0", id="weight = 30 %"),
        pytest.param("-299.9999", "0", id="weight < 30 %"),
    ],
)
def test_concentration_threshold(shares: str, addon: str) -> None:
    # 300 of 1,000 x 100 USD beside 700 of broad ETF at 100 USD, which is exempt
    gross_side = Decimal(1000) - abs(Decimal(shares)) if addon == "0" else Decimal("700")
    held = (Position("NVDA", Decimal(shares)), Position("SPY", gross_side))
    case = Case(Portfolio(account_id="A", positions=held), AccountType.MARGIN)
    market = market_of(NVDA=("100", Kind.STOCK), SPY=("100", Kind.BROAD_ETF))
    valuation = valued([case], market)
    assert valuation.concentration_addon_usd_e4.tolist() == [e4(Decimal(addon))]
    assert_equal(valuation, 0, case, market)


@pytest.mark.parametrize(
    ("price", "maintenance"),
    [
        pytest.param("4.9999", "499.99", id="price < 5: all of its value"),
        pytest.param("5", "500", id="price = 5: 5 USD a share"),
        pytest.param("5.0001", "500", id="price > 5: 5 USD a share"),
        pytest.param("2.4999", "250", id="price < 2.50: 2.50 USD a share"),
        pytest.param("16.67", "500.10", id="price > 16.67: 30 %"),
    ],
)
def test_short_price_thresholds(price: str, maintenance: str) -> None:
    held = (Position("NVDA", Decimal(-100)),)
    case = Case(Portfolio(account_id="A", positions=held), AccountType.MARGIN)
    market = market_of(NVDA=(price, Kind.STOCK))
    valuation = valued([case], market)
    assert valuation.maintenance_requirement_usd_e4.tolist() == [e4(Decimal(maintenance))]
    assert_equal(valuation, 0, case, market)


@pytest.mark.parametrize(
    ("cash", "band"),
    [
        pytest.param("-70.0010", Band.WARNING, id="excess < 5.00005"),
        pytest.param("-70.0009", Band.OK, id="excess > 5.00005"),
    ],
)
def test_a_warning_mark_between_two_units_is_not_rounded(cash: str, band: Band) -> None:
    # 100.0010 less 25 % (25.00) less the debit: 5.0000 or 5.0001; 5 % of gross is 5.00005
    held = (Position("SPY", Decimal(1)),)
    portfolio = Portfolio(account_id="A", cash_usd=Decimal(cash), positions=held)
    case = Case(portfolio, AccountType.MARGIN)
    market = replace(market_of(SPY=("100.0010", Kind.BROAD_ETF)), betas={"SPY": Decimal(0)})
    valuation = valued([case], market)
    assert BANDS[valuation.band[0]] is band
    assert_equal(valuation, 0, case, market)
