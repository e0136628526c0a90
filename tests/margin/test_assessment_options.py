"""assess() with options: what has no figures, and figures worked by hand."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from support.option_books import SERIES, book, figures, market, with_terms

from margin.assessment import Assessment, assess
from margin.liquidation import choose_symbol, size_liquidation
from margin.market import Instrument, Kind, Market, Quote
from margin.portfolio import AccountType, Portfolio, Position
from margin.rulebook import REFERENCE

PUT = "XYZ-P95"
WHOLE = market()


def without(name: str, symbol: str) -> Market:
    known = getattr(WHOLE, name)
    return replace(WHOLE, **{name: {s: v for s, v in known.items() if s != symbol}})


@pytest.mark.parametrize(
    ("found", "flag"),
    [
        (with_terms(PUT, None), "OPTION_UNSUPPORTED"),
        (
            with_terms(PUT, replace(SERIES[PUT], expires_on=date(1969, 12, 31))),
            "OPTION_EXPIRED",
        ),
        (with_terms(PUT, replace(SERIES[PUT], multiplier=Decimal("0.5"))), "MULTIPLIER_NOT_WHOLE"),
        (without("quotes", "XYZ"), "UNDERLYING_PRICE_MISSING"),
        (without("instruments", "XYZ"), "UNDERLYING_MISSING"),
        (without("theoretical_usd", PUT), "THEORETICAL_MISSING"),
        (
            replace(WHOLE, quotes={**WHOLE.quotes, "XYZ": Quote(Decimal(100), -21_600_001)}),
            "UNDERLYING_PRICE_STALE",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_option_without_all_inputs_has_no_figures(found: Market, flag: str) -> None:
    unpriced = assess(book({PUT: 1}), AccountType.MARGIN, found, REFERENCE, 0)
    assert not isinstance(unpriced, Assessment)
    assert [f for f in unpriced.flags if not f.startswith("BETA")] == [f"{flag}:{PUT}"]


def test_contracts_must_be_whole() -> None:
    half = Portfolio(account_id="A", positions=(Position(PUT, Decimal("0.5")),))
    found = assess(half, AccountType.MARGIN, WHOLE, REFERENCE, 0)
    assert found.flags == (f"CONTRACTS_NOT_WHOLE:{PUT}",)


@pytest.mark.parametrize(
    ("kind", "product", "flag"),
    [
        (Kind.BROAD_INDEX, "", "INDEX_NOT_HELD:XYZ"),
        (Kind.STOCK, "METALS", "PRODUCT_GROUP_UNKNOWN:XYZ"),
    ],
)
def test_what_cannot_be_held_or_grouped_is_flagged(kind: Kind, product: str, flag: str) -> None:
    other = Instrument(symbol="XYZ", kind=kind, product_group=product)
    at = replace(WHOLE, instruments={**WHOLE.instruments, "XYZ": other})
    assert assess(book({"XYZ": 1}), AccountType.MARGIN, at, REFERENCE, 0).flags == (flag,)


def test_an_option_is_in_the_product_group_of_its_underlying() -> None:
    metal = replace(WHOLE.instruments["XYZ"], product_group="METALS")
    at = replace(WHOLE, instruments={**WHOLE.instruments, "XYZ": metal})
    unpriced = assess(book({PUT: 1}), AccountType.PORTFOLIO_MARGIN, at, REFERENCE, 0)
    assert unpriced.flags == (f"PRODUCT_GROUP_UNKNOWN:{PUT}",)


def test_option_expires_at_the_end_of_its_day() -> None:
    at = with_terms(PUT, replace(SERIES[PUT], expires_on=date(1970, 1, 1)))
    assert figures({PUT: 1}, at=at).flags == ()


def test_short_put_by_hand() -> None:
    # 2 x 100 x 1 = 200 of market value; 200 x max(20 - 5, 9.50) = 3,000
    found = figures({PUT: -2}, cash="5000")
    assert (found.equity_usd, found.maintenance_requirement_usd) == (Decimal(4800), Decimal(3000))
    # Points 95 and less lose: at 85 the put is worth 11, 200 x 10 = 2,000.
    assert found.portfolio_margin_usd == 2000


def test_beta_weighted_value_is_the_slope_at_the_nearest_points() -> None:
    # 3 calls of strike 95: 300 x (9 - 3) / 0.06 x 1.5 = 45,000
    assert figures({"XYZ-C95": 3}).beta_weighted_exposure_usd == Decimal(45_000)


def test_closing_what_adds_to_the_requirement_comes_first() -> None:
    held = book({"XYZ": 100, PUT: 1, "KO": 10})
    # The put protects XYZ: selling it would raise the requirement.
    assert choose_symbol(held, WHOLE, REFERENCE) != PUT


def test_liquidation_of_contracts_is_the_smallest_whole_number_that_cures() -> None:
    # Five contracts owe 7,500 against an equity of 4,500.
    held = book({PUT: -5}, "5000")
    found = size_liquidation(held, AccountType.MARGIN, WHOLE, REFERENCE, PUT)
    assert found.shares is not None
    for closed, cured in ((found.shares, True), (found.shares - 1, False)):
        # Bought in at 1 USD a share.
        cash = str(5000 - 100 * int(closed))
        after = figures({PUT: -5 + int(closed)}, cash=cash)
        assert (after.excess_usd >= 0) is cured
