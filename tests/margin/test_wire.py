"""Input events and assessments: what is written is read back equal, what is wrong is refused."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin.assessment import Assessment, Band, assess
from margin.canonical import canonical_json, parse_json_object
from margin.errors import EventError
from margin.market import Instrument, Kind, Market, OptionTerms, Quote, Right, Style
from margin.portfolio import AccountType, Portfolio, Position
from margin.rulebook import REFERENCE
from margin.wire import (
    AccountEvent,
    BetaEvent,
    CashEvent,
    FillEvent,
    InputEvent,
    InstrumentEvent,
    PriceEvent,
    at_ms,
    at_text,
    encode,
    parse_event,
)
from margin.wire_assessment import (
    AssessmentEvent,
    differences,
    encode_assessment,
    event_from_assessment,
    is_enforced,
    parse_assessment,
    portfolio_and_market,
)
from margin.wire_views import encode_dead_letter, encode_stress, encode_tims

AS_OF_MS = 1_795_615_200_000
FILL = {
    "type": "fill",
    "schema": 1,
    "event_id": "f1",
    "fill_id": "f1",
    "at": "2026-11-25T14:00:00.000Z",
    "correlation_id": "f1",
    "account_id": "ACC_DEMO_001",
    "symbol": "NVDA",
    "quantity": "500",
    "price": "400.00",
    "fee": "0",
}

ids = st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True)
symbols = st.from_regex(r"[A-Z0-9./ -]{1,32}", fullmatch=True)
times = st.integers(min_value=0, max_value=253_402_300_799_999)
numbers = st.integers(min_value=-(10**18) + 1, max_value=10**18 - 1).map(
    lambda e4: Decimal(e4).scaleb(-4)
)
positives = numbers.map(abs).filter(bool)
sequences = st.integers(min_value=0, max_value=2**63 - 1)
envelope = {
    "event_id": ids,
    "at_ms": times,
    "correlation_id": ids,
    "causation_id": st.none() | ids,
}
instrument = envelope | {
    "leverage": positives,
    "class_group": symbols,
    "product_group": st.none() | ids,
    "dividend_yield": st.integers(0, 10_000).map(lambda e4: Decimal(e4).scaleb(-4)),
}
events = st.one_of(
    st.builds(
        FillEvent,
        **envelope,
        account_id=ids,
        symbol=symbols,
        quantity_shares=numbers.filter(bool),
        price_usd=positives,
        fee_usd=numbers.map(abs),
        multiplier=positives,
        venue=st.none() | ids,
        liquidation_id=st.none() | ids,
    ).map(lambda event: ("fills.v1", event)),
    st.builds(
        CashEvent,
        **envelope,
        account_id=ids,
        amount_usd=numbers.filter(bool),
        kind=st.sampled_from(("deposit", "withdrawal", "interest", "dividend", "fee")),
    ).map(lambda event: ("cash.v1", event)),
    st.builds(PriceEvent, **envelope, symbol=symbols, price_usd=positives, sequence=sequences).map(
        lambda event: ("prices.v1", event)
    ),
    st.builds(BetaEvent, **envelope, symbol=symbols, beta=numbers, sequence=sequences).map(
        lambda event: ("betas.v1", event)
    ),
    st.builds(
        InstrumentEvent,
        **instrument,
        symbol=symbols,
        kind=st.sampled_from([kind for kind in Kind if kind is not Kind.OPTION]),
    ).map(lambda event: ("instruments.v1", event)),
    st.builds(
        InstrumentEvent,
        **instrument,
        symbol=symbols.map(lambda symbol: f"O{symbol}"[:32]),
        kind=st.just(Kind.OPTION),
        option=st.builds(
            OptionTerms,
            underlying=symbols.map(lambda symbol: f"U{symbol}"[:32]),
            right=st.sampled_from(Right),
            strike_usd=positives,
            expires_on=st.dates(),
            style=st.sampled_from(Style),
            multiplier=positives,
        ),
    ).map(lambda event: ("instruments.v1", event)),
    st.builds(
        AccountEvent,
        **envelope,
        account_id=ids,
        account_type=st.sampled_from(AccountType),
        stress_mode=st.sampled_from(("ladder", "immediate")),
    ).map(lambda event: ("accounts.v1", event)),
)


def raw(**changed: Any) -> bytes:
    """A fill with some fields changed; None removes one."""
    fields = {name: value for name, value in (FILL | changed).items() if value is not None}
    return json.dumps(fields).encode()


@given(events)
def test_what_is_written_is_read_back_equal(case: tuple[str, InputEvent]) -> None:
    topic, event = case
    assert parse_event(topic, encode(event)) == event
    assert encode(parse_event(topic, encode(event))) == encode(event)


@given(times)
def test_a_time_has_one_text(moment: int) -> None:
    assert at_ms(at_text(moment)) == moment
    assert len(at_text(moment)) == 24


def test_a_fill_becomes_its_values() -> None:
    event = parse_event("fills.v1", raw())
    assert isinstance(event, FillEvent)
    assert event.fill().price_usd == Decimal("400")
    assert (event.at_ms, event.liquidation_id) == (AS_OF_MS, None)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"price": "-3"}, "price must be > 0, was -3"),
        ({"price": "0"}, "price must be > 0"),
        ({"price": "1.00001"}, "at most 4 decimals"),
        ({"price": "1e2"}, "at most 4 decimals"),
        ({"price": "+1"}, "at most 4 decimals"),
        ({"price": "\u0661"}, "at most 4 decimals"),
        ({"price": "123456789012345"}, "at most 4 decimals"),
        ({"price": "400\n"}, "at most 4 decimals"),
        ({"price": 400}, "price must be text, was 400"),
        ({"price": None}, "price must be text, was missing"),
        ({"quantity": "0.0"}, "quantity must not be 0"),
        ({"fee": "-0.01"}, "fee must be >= 0"),
        ({"multiplier": "0"}, "multiplier must be > 0, was 0"),
        ({"multiplier": 100}, "multiplier must be text, was 100"),
        ({"fill_id": "f2"}, "fill_id must be 'f1'"),
        ({"type": "cash"}, "type must be 'fill'"),
        ({"schema": 2}, "schema must be 1"),
        ({"schema": True}, "schema must be 1"),
        ({"account_id": "a b"}, "account_id must be 1-64"),
        ({"account_id": "a" * 65}, "account_id must be 1-64"),
        ({"symbol": "nvda"}, "symbol must be 1-32"),
        ({"at": "2026-11-25T14:00:00Z"}, "time must look like"),
        ({"at": "2026-02-30T14:00:00.000Z"}, "not in the calendar"),
        ({"at": "2026-11-25T14:00:00.000+00:00"}, "time must look like"),
        ({"liquidation_id": 7}, "liquidation_id must be text"),
    ],
)
def test_a_malformed_field_is_named(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(EventError) as refused:
        parse_event("fills.v1", raw(**changed))
    assert reason in refused.value.reason


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b'"text"',
        b"{",
        b"\xff\xfe",
        b'{"a":NaN}',
        b'{"a":1,"a":2}',
        b"[" * 100_000,
        b'{"a":' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(EventError):
        parse_event("fills.v1", data)


def test_a_topic_that_carries_no_input_is_refused() -> None:
    with pytest.raises(EventError):
        parse_event("margin.calc.v1", raw())


def test_unknown_fields_are_ignored() -> None:
    assert parse_event("fills.v1", raw(later={"x": 1.5})) == parse_event("fills.v1", raw())


def test_what_may_be_left_out_has_a_default() -> None:
    body = {name: FILL[name] for name in ("schema", "event_id", "at", "correlation_id", "symbol")}
    event = parse_event(
        "instruments.v1", canonical_json(body | {"type": "instrument", "kind": "etf"})
    )
    assert isinstance(event, InstrumentEvent)
    assert (event.leverage, event.class_group, event.product_group) == (Decimal(1), "NVDA", None)
    assert event.option is None
    assert event.dividend_yield == 0
    fill = parse_event("fills.v1", raw())
    assert isinstance(fill, FillEvent)
    assert fill.multiplier == 1


def test_an_option_event_becomes_its_instrument() -> None:
    body = {name: FILL[name] for name in ("schema", "event_id", "at", "correlation_id")} | {
        "type": "instrument",
        "symbol": "NVDA-P380-20270115",
        "kind": "option",
        "underlying": "NVDA",
        "right": "P",
        "strike": "380",
        "expires_on": "2027-01-15",
    }
    event = parse_event("instruments.v1", canonical_json(body))
    assert isinstance(event, InstrumentEvent)
    assert event.instrument() == Instrument(
        symbol="NVDA-P380-20270115",
        kind=Kind.OPTION,
        class_group="NVDA",
        option=OptionTerms(
            underlying="NVDA",
            right=Right.PUT,
            strike_usd=Decimal(380),
            expires_on=date(2027, 1, 15),
            style=Style.AMERICAN,
            multiplier=Decimal(100),
        ),
    )


def assessed(
    price: str | None = "342.40", account_type: AccountType | None = AccountType.MARGIN
) -> AssessmentEvent:
    """The demo account: 500 NVDA, a debit of 117,000."""
    held = Portfolio(
        account_id="ACC_DEMO_001",
        cash_usd=Decimal("-117000"),
        positions=(Position("NVDA", Decimal(500)),),
    )
    market = Market(
        quotes={"NVDA": Quote(Decimal(price), AS_OF_MS)} if price else {},
        betas={"NVDA": Decimal("1.8")},
        instruments={"NVDA": Instrument(symbol="NVDA", kind=Kind.STOCK)},
    )
    return event_from_assessment(
        assess(held, account_type, market, REFERENCE, AS_OF_MS),
        held,
        account_type,
        market,
        stress_mode="ladder",
        version=7,
        as_of_ms=AS_OF_MS,
        inputs={"prices.v1-0": 12, "fills.v1-0": 3},
        previous_band=Band.WARNING,
        liquidations_filled=("c-L1",),
    )


def again(event: AssessmentEvent) -> Any:
    portfolio, account_type, market = portfolio_and_market(event)
    return assess(portfolio, account_type, market, REFERENCE, event.as_of_ms)


@pytest.mark.parametrize(
    "event",
    [assessed(), assessed(None), assessed(account_type=None), assessed("400")],
    ids=["deficient", "no price", "no account type", "stress"],
)
def test_an_assessment_is_read_back_equal_and_found_again(event: AssessmentEvent) -> None:
    back = parse_assessment(encode_assessment(event))
    assert back == event
    assert encode_assessment(back) == encode_assessment(event)
    assert differences(back, again(back)) == ()


def test_the_wire_form_of_an_assessment() -> None:
    found = json.loads(encode_assessment(assessed()))
    # 500 x 342.40 = 171,200; 54,200 - (42,800 + 17,120) = -5,720
    assert (found["long_market_value"], found["excess"]) == ("171200.00", "-5720.00")
    assert (found["event_id"], found["inputs"]) == (
        "ACC_DEMO_001:7",
        {"fills.v1-0": 3, "prices.v1-0": 12},
    )
    assert found["enforce"] is True


def test_an_unpriced_assessment_has_cash_and_no_other_figure() -> None:
    found = json.loads(encode_assessment(assessed(None)))
    assert (found["band"], found["cash"], found["excess"]) == ("UNPRICED", "-117000.00", None)
    assert found["positions"][0]["price"] is None


@given(st.sampled_from(sorted(assessed().figures_usd)), st.sampled_from(["0.01", "-0.01"]))
def test_a_cent_in_any_figure_is_a_difference(name: str, cent: str) -> None:
    event = assessed()
    forged = dict(event.figures_usd)
    forged[name] += Decimal(cent)
    found = differences(replace(event, figures_usd=forged), again(event))
    assert [text.split(":")[0] for text in found] == [name]


def test_another_band_is_a_difference() -> None:
    event = assessed()
    assert differences(replace(event, band=Band.OK), again(event)) == (
        "band: streamed OK, recomputed DEFICIENCY",
    )
    assert differences(event, again(assessed(None))) != ()
    assert differences(assessed(None), again(event)) != ()


@pytest.mark.parametrize(
    ("account_type", "band", "previous", "enforced"),
    [
        (AccountType.MARGIN, Band.OK, None, False),
        (AccountType.MARGIN, Band.OK, Band.OK, False),
        (AccountType.MARGIN, Band.OK, Band.STRESS, True),
        (AccountType.MARGIN, Band.WARNING, None, True),
        (AccountType.MARGIN, Band.UNPRICED, Band.OK, True),
        (AccountType.CASH, Band.UNPRICED, Band.OK, False),
    ],
)
def test_the_router_sees_what_is_not_ok_or_has_just_changed(
    account_type: AccountType, band: Band, previous: Band | None, enforced: bool
) -> None:
    assert is_enforced(account_type, band, previous) is enforced


def test_the_stress_view_says_what_each_move_does() -> None:
    event = assessed()
    calculation = again(event)
    assert isinstance(calculation, Assessment)
    found = json.loads(encode_stress(event, calculation))
    # -5,720 - 8 % x 308,160 = -30,372.80
    assert found["scenarios"][0] == {
        "move": "-0.08",
        "pnl": "-24652.80",
        "stressed_excess": "-30372.80",
    }
    assert found["underwater"] is True


def test_the_tims_view_has_ten_points() -> None:
    event = assessed()
    calculation = again(event)
    assert isinstance(calculation, Assessment)
    found = json.loads(encode_tims(event, calculation))
    # 15 % x 171,200 = 25,680
    assert found["requirement"] == "25680.00"
    assert len(found["class_groups"][0]["points"]) == 10


def test_a_dead_letter_keeps_the_bytes() -> None:
    letter = encode_dead_letter("fills.v1", 2, 9, reason="why", raw=b"\xff", at_ms=AS_OF_MS)
    found = json.loads(letter)
    assert (found["event_id"], found["raw"], found["reason"]) == ("fills.v1-2-9", "/w==", "why")


def test_canonical_json_is_sorted_and_has_no_float() -> None:
    assert (
        canonical_json({"b": ["é", True, None], "a": 1}) == '{"a":1,"b":["é",true,null]}'.encode()
    )
    for inexact in (1.5, {"a": [0.1]}, Decimal(1), {1: "a"}):
        with pytest.raises(TypeError):
            canonical_json(inexact)


TEXT = st.characters(exclude_categories=["Cs"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(min_value=-(10**20), max_value=10**20) | st.text(TEXT),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(TEXT), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(TEXT), json_values, max_size=4))
def test_canonical_json_is_read_back_equal(value: dict[str, Any]) -> None:
    assert parse_json_object(canonical_json(value)) == value
