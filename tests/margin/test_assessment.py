"""assess(): bands at their cuts, what has no figures, and lines that add up."""

from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin.assessment import Assessment, Band, Unassessable, assess, band_of
from margin.market import Instrument, Kind, Market, Quote
from margin.money import ZERO
from margin.portfolio import AccountType, Portfolio, Position
from margin.rulebook import REFERENCE

SIX_HOURS_MS = 6 * 3_600_000
NVDA = Instrument(symbol="NVDA", kind=Kind.STOCK)


def book(cash: str, **holdings: str) -> Portfolio:
    positions = tuple(Position(symbol, Decimal(held)) for symbol, held in holdings.items())
    return Portfolio(account_id="A", cash_usd=Decimal(cash), positions=positions)


def market_of(prices: dict[str, str], **instruments: Instrument) -> Market:
    return Market(
        quotes={symbol: Quote(Decimal(price), 0) for symbol, price in prices.items()},
        betas=dict.fromkeys(prices, Decimal("1.8")),
        instruments={s: instruments.get(s, Instrument(symbol=s, kind=Kind.STOCK)) for s in prices},
    )


def priced(
    portfolio: Portfolio, market: Market, kind: AccountType = AccountType.MARGIN
) -> Assessment:
    found = assess(portfolio, kind, market, REFERENCE, 0)
    assert isinstance(found, Assessment)
    return found


@pytest.mark.parametrize(
    ("excess", "worst", "expected"),
    [
        # 5 % of a gross of 100,000 = 5,000
        pytest.param("5000", "0", Band.OK, id="excess = 5 %, worst = 0"),
        pytest.param("5000", "-0.0001", Band.STRESS, id="excess = 5 %, worst < 0"),
        pytest.param("4999.9999", "-1", Band.WARNING, id="excess < 5 %"),
        pytest.param("0", "-1", Band.WARNING, id="excess = 0"),
        pytest.param("-0.0001", "-1", Band.DEFICIENCY, id="excess < 0"),
    ],
)
def test_band_changes_at_its_marks(excess: str, worst: str, expected: Band) -> None:
    found = band_of(
        AccountType.MARGIN, Decimal(excess), Decimal(100_000), Decimal(worst), REFERENCE
    )
    assert found is expected


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        # excess(p) = 325 p - 117,000: warning below 390, call below 360
        pytest.param("390.00", Band.STRESS, id="price = 390"),
        pytest.param("389.99", Band.WARNING, id="price < 390"),
        pytest.param("360.00", Band.WARNING, id="price = 360"),
        pytest.param("359.99", Band.DEFICIENCY, id="price < 360"),
    ],
)
def test_demo_account_changes_band_at_its_prices(price: str, expected: Band) -> None:
    assert priced(book("-117000", NVDA="500"), market_of({"NVDA": price})).band is expected


@pytest.mark.parametrize(
    ("cash", "expected"),
    [
        pytest.param("0.01", Band.OK, id="cash > 0"),
        pytest.param("0", Band.OK, id="cash = 0"),
        pytest.param("-0.01", Band.DEFICIENCY, id="cash < 0"),
    ],
)
def test_account_without_positions_owes_only_a_debit(cash: str, expected: Band) -> None:
    assert priced(book(cash), market_of({})).band is expected


def test_cash_account_is_ok_whatever_its_figures() -> None:
    cash = priced(book("-117000", NVDA="500"), market_of({"NVDA": "342.4"}), AccountType.CASH)
    assert (cash.band, cash.excess_usd) == (Band.OK, Decimal("-5720"))


def test_portfolio_margin_account_is_held_to_the_worst_point() -> None:
    # 500 x 400 x 15 % = 30,000; equity 83,000
    held = priced(
        book("-117000", NVDA="500"), market_of({"NVDA": "400"}), AccountType.PORTFOLIO_MARGIN
    )
    assert (held.requirement_usd, held.excess_usd) == (Decimal(30_000), Decimal(53_000))


@pytest.mark.parametrize(
    ("age_ms", "flags"),
    [
        pytest.param(SIX_HOURS_MS - 1, (), id="age < 6 h"),
        pytest.param(SIX_HOURS_MS, (), id="age = 6 h"),
        pytest.param(SIX_HOURS_MS + 1, ("PRICE_STALE:NVDA",), id="age > 6 h"),
    ],
)
def test_price_is_stale_after_six_hours(age_ms: int, flags: tuple[str, ...]) -> None:
    market = market_of({"NVDA": "400"})
    found = assess(book("0", NVDA="1"), AccountType.MARGIN, market, REFERENCE, age_ms)
    assert found.flags == flags
    assert isinstance(found, Unassessable) is bool(flags)


OPTION = Instrument(symbol="NVDA", kind=Kind.OPTION)


@pytest.mark.parametrize(
    ("market", "account_type", "flags"),
    [
        (
            Market(quotes={}, betas={}, instruments={"NVDA": NVDA}),
            AccountType.MARGIN,
            ("BETA_MISSING:NVDA", "PRICE_MISSING:NVDA"),
        ),
        (
            Market(quotes={"NVDA": Quote(Decimal(1), 0)}, betas={"NVDA": ZERO}, instruments={}),
            AccountType.MARGIN,
            ("INSTRUMENT_MISSING:NVDA",),
        ),
        (market_of({"NVDA": "1"}), None, ("ACCOUNT_TYPE_MISSING",)),
        (market_of({"NVDA": "1"}, NVDA=OPTION), AccountType.MARGIN, ("OPTION_UNSUPPORTED:NVDA",)),
    ],
    ids=["no price", "no instrument", "no account type", "an option without terms"],
)
def test_account_without_all_inputs_has_no_figures(
    market: Market, account_type: AccountType | None, flags: tuple[str, ...]
) -> None:
    found = assess(book("0", NVDA="1"), account_type, market, REFERENCE, 0)
    assert found == Unassessable(account_id="A", flags=flags)


def test_missing_beta_counts_as_one_and_is_flagged() -> None:
    market = Market(quotes={"NVDA": Quote(Decimal(400), 0)}, betas={}, instruments={"NVDA": NVDA})
    found = priced(book("0", NVDA="10"), market)
    # 10 x 400 x 1 = 4,000
    assert found.beta_weighted_exposure_usd == Decimal(4000)
    assert found.flags == ("BETA_MISSING:NVDA",)


def test_long_and_short_of_one_class_group_offset_in_full() -> None:
    pair = Instrument(symbol="B", kind=Kind.STOCK, class_group="A")
    found = priced(book("0", A="10", B="-10"), market_of({"A": "50", "B": "50"}, B=pair))
    assert found.portfolio_margin_usd == 0


def test_two_stocks_never_offset() -> None:
    # 100 x 150 x 15 % + 50 x 300 x 15 % = 4,500
    found = priced(book("0", AAPL="100", MSFT="-50"), market_of({"AAPL": "150", "MSFT": "300"}))
    assert found.portfolio_margin_usd == Decimal(4500)


held = st.dictionaries(
    st.sampled_from(["AAA", "BBB", "SPY"]),
    st.tuples(
        st.integers(-9_000_000, 9_000_000).filter(bool).map(lambda q: Decimal(q) / 10_000),
        st.integers(1, 9_000_000).map(lambda p: Decimal(p) / 10_000),
    ),
)


@given(held, st.sampled_from(list(AccountType)))
def test_lines_add_up_to_the_cent(
    holdings: dict[str, tuple[Decimal, Decimal]], kind: AccountType
) -> None:
    portfolio = book("-1234.5678", **{s: str(q) for s, (q, _) in holdings.items()})
    market = market_of({s: str(p) for s, (_, p) in holdings.items()})
    found = priced(portfolio, market, kind)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    totals = {line.term: line.value_usd for line in found.lines()}
    for line in found.lines():
        if line.part_of:
            sums[line.part_of] += line.value_usd
    assert {term: totals[term] for term in sums} == dict(sums)
    assert totals["equity"] - totals["requirement"] == totals["excess"] == found.excess_usd


@given(held)
def test_house_requirement_is_never_below_maintenance(
    holdings: dict[str, tuple[Decimal, Decimal]],
) -> None:
    portfolio = book("0", **{s: str(q) for s, (q, _) in holdings.items()})
    found = priced(portfolio, market_of({s: str(p) for s, (_, p) in holdings.items()}))
    assert found.requirement_usd >= found.maintenance_requirement_usd >= 0
