"""Assessments of accounts with options: read back equal, and found again from the bytes alone."""

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from support.option_books import SERIES, book, market, with_terms

from margin.assessment import Assessment, assess
from margin.columnar.theoretical import theoretical_values
from margin.errors import EventError
from margin.market import Instrument, Kind, Market, OptionTerms, Quote, Right, Style
from margin.portfolio import AccountType, Portfolio
from margin.rulebook import REFERENCE
from margin.wire_assessment import (
    AssessmentEvent,
    differences,
    encode_assessment,
    event_from_assessment,
    parse_assessment,
    portfolio_and_market,
)

PUT, CALL = "XYZ-P95", "XYZ-C105"
MARGIN, PORTFOLIO = AccountType.MARGIN, AccountType.PORTFOLIO_MARGIN
WHOLE = market()


def event_of(held: Portfolio, known: Market, account_type: AccountType | None) -> AssessmentEvent:
    return event_from_assessment(
        assess(held, account_type, known, REFERENCE, 0),
        held,
        account_type,
        known,
        stress_mode="ladder",
        version=7,
        as_of_ms=0,
        inputs={"prices.v1-0": 12},
        previous_band=None,
    )


def from_bytes(raw: bytes) -> tuple[AssessmentEvent, Any]:
    """What a function sees of an account, and what it finds."""
    event = parse_assessment(raw)
    found = assess(*portfolio_and_market(event), REFERENCE, event.as_of_ms)
    return event, found


def check(held: Portfolio, known: Market, account_type: AccountType | None) -> AssessmentEvent:
    """Bytes and back are the same event, and give the same figures, lines and flags."""
    event = event_of(held, known, account_type)
    raw = encode_assessment(event)
    back, found = from_bytes(raw)
    own = assess(held, account_type, known, REFERENCE, 0)
    assert (back, encode_assessment(back)) == (event, raw)
    assert differences(back, found) == ()
    assert found.flags == own.flags == back.flags
    if isinstance(own, Assessment):
        assert [line.value_usd for line in found.lines()] == [x.value_usd for x in own.lines()]
        assert (found.tims, found.strategies) == (own.tims, own.strategies)
    return event


HOLDINGS: Mapping[str, dict[str, int]] = {
    "an underlying that is not held": {PUT: -2},
    "a collar": {"XYZ": 200, PUT: 2, CALL: -2},
    "a spread beside another stock": {"XYZ-C95": -3, CALL: 3, "KO": 100},
    "short stock and puts": {"XYZ": -150, PUT: -1, "XYZ-P80": 4},
}


@pytest.mark.parametrize("account_type", [MARGIN, PORTFOLIO, None])
@pytest.mark.parametrize("holdings", HOLDINGS.values(), ids=HOLDINGS)
def test_an_account_with_options_is_found_again_from_its_bytes(
    holdings: dict[str, int], account_type: AccountType | None
) -> None:
    check(book(holdings), WHOLE, account_type)


@pytest.mark.parametrize(
    "known",
    [
        with_terms(PUT, None),
        with_terms(PUT, replace(SERIES[PUT], expires_on=date(1969, 12, 31))),
        with_terms(PUT, replace(SERIES[PUT], multiplier=Decimal("0.5"))),
        with_terms(PUT, replace(SERIES[PUT], underlying="KO-2")),
        with_terms(PUT, replace(SERIES[PUT], underlying=CALL)),
        replace(WHOLE, theoretical_usd={}),
        replace(WHOLE, quotes={}),
        replace(WHOLE, instruments={}),
        replace(WHOLE, betas={}),
        replace(
            WHOLE,
            instruments={
                **WHOLE.instruments,
                "XYZ": replace(WHOLE.instruments["XYZ"], product_group="METALS"),
            },
        ),
        replace(WHOLE, quotes={**WHOLE.quotes, "XYZ": Quote(Decimal(100), -21_600_001)}),
    ],
    ids=lambda _: "",
)
def test_what_is_missing_is_missing_again(known: Market) -> None:
    for account_type in (MARGIN, PORTFOLIO):
        check(book({PUT: 1}), known, account_type)


def test_the_underlying_of_an_option_goes_with_the_assessment_only_where_it_is_not_held() -> None:
    alone = json.loads(encode_assessment(event_of(book({PUT: -2}), WHOLE, MARGIN)))
    assert alone["underlyings"] == [
        {
            "symbol": "XYZ",
            "price": "100",
            "price_at": "1970-01-01T00:00:00.000Z",
            "beta": "1.5",
            "kind": "stock",
            "leverage": "1",
            "class_group": "XYZ",
        }
    ]
    (position,) = alone["positions"]
    assert position["option"] == {
        "underlying": "XYZ",
        "right": "P",
        "strike": "95",
        "expires_on": "1970-06-19",
        "style": "american",
        "multiplier": "100",
    }
    # Worth 1 and what exercise brings: 95 - 85 at the deepest fall, nothing from 97 up.
    assert position["theoretical"] == ["11", "8", "5", "2", "1", "1", "1", "1", "1", "1"]
    covered = json.loads(encode_assessment(event_of(book({"XYZ": 200, PUT: -2}), WHOLE, MARGIN)))
    assert "underlyings" not in covered


def test_a_stock_account_says_nothing_of_options() -> None:
    raw = encode_assessment(event_of(book({"KO": 100}), WHOLE, MARGIN))
    assert not any(name in raw for name in (b"option", b"theoretical", b"underlyings"))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"theoretical": ["1", 2]}, "theoretical must be text, was 2"),
        ({"theoretical": "1"}, "theoretical must be a list"),
        ({"option": "XYZ"}, "option must be an object"),
        ({"option": {}}, "underlying must be text, was missing"),
        ({"kind": "stock"}, "option must be left out: only an option has one"),
        ({"dividend_yield": "-0.1"}, "dividend_yield must be 0 to 1"),
    ],
)
def test_a_malformed_option_position_is_refused(changed: dict[str, Any], reason: str) -> None:
    body = json.loads(encode_assessment(event_of(book({PUT: -2}), WHOLE, MARGIN)))
    body["positions"][0] |= changed
    with pytest.raises(EventError) as refused:
        parse_assessment(json.dumps(body).encode())
    assert refused.value.reason.startswith(reason)


def test_a_point_of_a_series_that_was_changed_on_the_way_is_a_difference() -> None:
    body = json.loads(encode_assessment(event_of(book({PUT: -2}), WHOLE, PORTFOLIO)))
    body["positions"][0]["theoretical"][0] = "12"
    event, found = from_bytes(json.dumps(body).encode())
    assert [text.split(":")[0] for text in differences(event, found)] == [
        "portfolio_margin",
        "requirement",
        "excess",
        "worst_severe_excess",
    ]


@pytest.mark.parametrize("seed", range(40))
def test_random_books_on_several_underlyings_are_found_again(seed: int) -> None:
    draw = random.Random(seed)
    known = priced_market(draw)
    symbols = [s for s, i in known.instruments.items() if i.kind not in NEVER_HELD]
    chosen = draw.sample(symbols, draw.randint(1, len(symbols)))
    held = book({s: draw.choice((-1, 1)) * draw.randint(1, 9) for s in chosen}, "250000")
    event = check(held, known, draw.choice((MARGIN, PORTFOLIO, AccountType.CASH)))
    assert event.band != "UNPRICED"


NEVER_HELD = (Kind.INDEX, Kind.BROAD_INDEX)
UNDERLYINGS = (
    Instrument(symbol="XYZ", kind=Kind.STOCK, dividend_yield=Decimal("0.03")),
    Instrument(symbol="SPX", kind=Kind.BROAD_INDEX, product_group="BROAD_INDEX"),
    Instrument(symbol="NDX", kind=Kind.INDEX, product_group="SECTOR_INDEX"),
    Instrument(symbol="QLD", kind=Kind.ETF, leverage=Decimal(2)),
)


def priced_market(draw: random.Random) -> Market:
    """Four underlyings with six series each, priced by the model."""
    instruments = {one.symbol: one for one in UNDERLYINGS}
    prices = {symbol: Decimal(draw.randint(50, 200)) for symbol in instruments}
    for of in UNDERLYINGS:
        for _ in range(6):
            right, percent = draw.choice((Right.CALL, Right.PUT)), draw.randint(70, 130)
            strike = (prices[of.symbol] * percent / 100).quantize(Decimal("0.5"))
            symbol = f"{of.symbol}-{right}{strike}"
            terms = OptionTerms(
                underlying=of.symbol,
                right=right,
                strike_usd=strike,
                expires_on=date(1970, draw.randint(2, 12), 15),
                style=Style.EUROPEAN if of.kind in NEVER_HELD else Style.AMERICAN,
            )
            group = of.product_group
            instruments[symbol] = Instrument(
                symbol=symbol, kind=Kind.OPTION, option=terms, product_group=group
            )
            inside = prices[of.symbol] - strike
            worth = max(Decimal(0), inside if right is Right.CALL else -inside)
            prices[symbol] = worth + Decimal(draw.randint(100, 900)) / 100
    return Market(
        quotes={symbol: Quote(price, 0) for symbol, price in prices.items()},
        betas={one.symbol: Decimal("1.2") for one in UNDERLYINGS},
        instruments=instruments,
        theoretical_usd=theoretical_values(instruments, prices, REFERENCE, date(1970, 1, 1)),
    )
