"""Options in a shard: their bytes are those of the scalar rules, from fills to valuation points."""

import io
import json
import random
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.stream_oracle import Oracle
from support.stream_records import (
    START_MS,
    Record,
    account,
    beta,
    bodies,
    cash,
    demo_account,
    fill,
    instrument,
    option,
    placed,
    price,
    record,
    run,
)

from margin.assessment import Assessment, assess
from margin.events import BetaEvent, InputEvent
from margin.market import Kind, Style
from margin.money import half_up
from margin.portfolio import AccountType
from margin.rulebook import REFERENCE
from margin.topics import DEAD_LETTER, FILLS, INSTRUMENTS, MARGIN_CALC, STRESS_BETA_SPY, STRESS_TIMS
from margin.wire_assessment import (
    differences,
    encode_assessment,
    parse_assessment,
    portfolio_and_market,
)
from margin.wire_views import encode_stress, encode_tims
from spark_jobs.messages import Message
from spark_jobs.shard import Shard, paid_e4

# START_MS is 2026-11-18.
PUT, CALL = "NVDA-P380-20270115", "NVDA-C420-20270115"
SPX_PUT = "SPX-P5800-20261218"
HOUR_MS = 3_600_000
TYPES = [AccountType.MARGIN, AccountType.PORTFOLIO_MARGIN, AccountType.CASH, None]


def series() -> list[InputEvent]:
    return [
        instrument("NVDA", dividend_yield="0.0003"),
        option(PUT),
        option(CALL),
        beta("NVDA", "1.8"),
        price("NVDA", "400"),
        price(PUT, "14.2"),
        price(CALL, "17.05"),
    ]


def index_series() -> list[InputEvent]:
    return [
        instrument("SPX", Kind.BROAD_INDEX, product_group="BROAD_INDEX"),
        option(SPX_PUT, style=Style.EUROPEAN),
        price("SPX", "6000"),
        price(SPX_PUT, "41.5"),
        beta("SPX", "1"),
    ]


def typed(account_type: AccountType | None, account_id: str = "A") -> list[InputEvent]:
    return [] if account_type is None else [account(account_id, account_type)]


def bought(event_id: str, symbol: str, quantity: str, usd: str, **more: Any) -> InputEvent:
    """A fill of contracts."""
    return fill(event_id, "A", symbol, quantity, usd, multiplier="100", **more)


def collar() -> list[InputEvent]:
    """Stock with a long put and a short call."""
    return [
        cash("c1", "A", "60000"),
        fill("f1", "A", "NVDA", "200", "400", fee="1.5"),
        bought("f2", PUT, "2", "14.2", fee="1.3"),
        bought("f3", CALL, "-2", "17.05"),
    ]


def naked() -> list[InputEvent]:
    """Short index puts on an index that nobody can hold."""
    return [cash("c1", "A", "500000"), bought("f1", SPX_PUT, "-3", "41.5")]


BOOKS = {
    "collar": [*series(), *collar()],
    "short index puts": [*index_series(), *naked()],
    "short and long": [
        *(*series(), cash("c1", "A", "500000")),
        *(bought("f2", PUT, "-4", "14.2"), bought("f3", CALL, "9", "17")),
    ],
    "terms after the fill": [*collar(), *series()],
}


def rows(*events: InputEvent) -> list[dict[str, Any]]:
    return placed([record(event) for event in events])


def said(*events: InputEvent) -> tuple[Shard, list[Message]]:
    shard = Shard()
    return shard, run(shard, rows(*events))


def check(*events: InputEvent) -> None:
    """Every message of a batch is the scalar rules' own, and its bytes are enough to find it."""
    shard, messages = said(*events)
    oracle = Oracle()
    oracle.take(events)
    own = {(m.topic, m.key): m.value.encode() for m in messages}
    for name in oracle.portfolios:
        wanted, found = oracle.event(name, shard.inputs), oracle.found(name)
        assert own[MARGIN_CALC, name] == encode_assessment(wanted)
        event = parse_assessment(own[MARGIN_CALC, name])
        again = assess(*portfolio_and_market(event), REFERENCE, event.as_of_ms)
        assert differences(event, again) == ()
        assert event.flags == again.flags == found.flags
        assert ((STRESS_TIMS, name) in own) == isinstance(found, Assessment)
        if isinstance(found, Assessment):
            assert own[STRESS_BETA_SPY, name] == encode_stress(wanted, found)
            assert own[STRESS_TIMS, name] == encode_tims(wanted, found)


@pytest.mark.parametrize("account_type", TYPES)
@pytest.mark.parametrize("events", BOOKS.values(), ids=BOOKS)
def test_messages_with_options_are_those_of_the_scalar_rules(
    events: list[InputEvent], account_type: AccountType | None
) -> None:
    check(*events, *typed(account_type))


def test_a_collar_is_said_with_its_terms_and_ten_points() -> None:
    _, messages = said(*series(), *collar(), *typed(AccountType.PORTFOLIO_MARGIN))
    body = bodies(messages)["A"]
    # 60,000 - 80,000 - 1.50 - 2,840 - 1.30 + 3,410
    assert body["cash"] == "-19432.80"
    assert (body["flags"], "underlyings" in body) == ([], False)
    call, put, stock = (body["positions"][i] for i in (1, 2, 0))
    assert (stock["symbol"], stock["dividend_yield"]) == ("NVDA", "0.0003")
    assert (put["symbol"], call["quantity"]) == (PUT, "-2")
    assert put["option"] == {
        "underlying": "NVDA",
        "right": "P",
        "strike": "380",
        "expires_on": "2027-01-15",
        "style": "american",
        "multiplier": "100",
    }
    points = [Decimal(text) for text in put["theoretical"]]
    assert len(points) == 10
    assert points == sorted(points, reverse=True)
    # The put is deep in the money at 340.
    assert Decimal(40) <= points[0] < Decimal(50)
    (group,) = bodies(messages, STRESS_TIMS)["A"]["class_groups"]
    # 2 long puts and 2 short calls of 100 shares at 0.375
    assert (group["class_group"], group["minimum_charge"]) == ("NVDA", "150.00")


def test_an_index_that_only_options_name_goes_with_the_assessment() -> None:
    _, messages = said(*index_series(), *naked(), *typed(AccountType.MARGIN))
    body = bodies(messages)["A"]
    (spx,) = body["underlyings"]
    assert (spx["symbol"], spx["kind"], spx["price"]) == ("SPX", "broad_index", "6000")
    assert spx["product_group"] == "BROAD_INDEX"
    assert body["positions"][0]["option"]["style"] == "european"


def test_an_underlying_is_known_before_anything_is_said_of_it() -> None:
    shard, messages = said(option(PUT), price(PUT, "14"), bought("f1", PUT, "1", "14"))
    assert "NVDA" in shard.symbols.values
    body = bodies(messages)["A"]
    assert body["flags"] == [
        "ACCOUNT_TYPE_MISSING",
        "BETA_MISSING:NVDA",
        f"THEORETICAL_MISSING:{PUT}",
        f"UNDERLYING_MISSING:{PUT}",
        f"UNDERLYING_PRICE_MISSING:{PUT}",
    ]
    assert body["positions"][0]["theoretical"] is None
    assert body["underlyings"][0]["price"] is None
    cured: list[InputEvent] = [
        *(instrument("NVDA"), price("NVDA", "400"), beta("NVDA", "1")),
        account("A"),
    ]
    assert bodies(run(shard, rows(*cured)))["A"]["flags"] == []


FAULTS: dict[str, list[InputEvent]] = {
    "nothing of the underlying": [option(PUT), price(PUT, "14")],
    "no price of the option": [instrument("NVDA"), price("NVDA", "400"), option(PUT)],
    "no price of the underlying": [instrument("NVDA"), option(PUT), price(PUT, "14")],
    "no instrument": [price(PUT, "14"), price("NVDA", "400"), instrument("NVDA")],
    "an old price of the underlying": [
        *series()[:4],
        price("NVDA", "400", START_MS - 6 * HOUR_MS - 1),
        price(PUT, "14"),
    ],
    "expired": [*series(), option(PUT, START_MS + 1, expires_on=date(2026, 11, 17))],
    "expires today": [*series(), option(PUT, START_MS + 1, expires_on=date(2026, 11, 18))],
    "half a share": [*series(), option(PUT, START_MS + 1, multiplier=Decimal("0.5"))],
    "on an option": [*series(), option(PUT, START_MS + 1, underlying=CALL)],
    "an unknown group": [*series(), instrument("NVDA", at_ms=START_MS + 1, product_group="METALS")],
    "no beta": [event for event in series() if not isinstance(event, BetaEvent)],
}


@pytest.mark.parametrize("contracts", ["1", "-2", "1.5"])
@pytest.mark.parametrize("events", FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_with_an_option_is_said_as_the_scalar_rules_say_it(
    events: list[InputEvent], contracts: str
) -> None:
    for account_type in TYPES:
        check(*events, bought("f1", PUT, contracts, "14"), *typed(account_type))


@pytest.mark.parametrize("seed", range(30))
def test_random_books_with_options_are_those_of_the_scalar_rules(seed: int) -> None:
    draw = random.Random(seed)
    events, symbols = random_market(draw)
    for number, name in enumerate(("A", "B", "C")):
        events += [*typed(draw.choice(TYPES[:3]), name), cash(f"c{name}", name, "400000")]
        for symbol in draw.sample(symbols, draw.randint(1, len(symbols))):
            size = str(draw.choice((-1, 1)) * draw.randint(1, 9))
            usd = str(Decimal(draw.randint(1, 9999)) / 100)
            more = {"multiplier": "100" if symbol.count("-") == 2 else "1", "fee": "0.65"}
            events.append(fill(f"{symbol}-{number}", name, symbol, size, usd, **more))
    check(*events)


def random_market(draw: random.Random) -> tuple[list[InputEvent], list[str]]:
    """A stock, a leveraged fund and an index, eight series on each; what of it can be held."""
    events: list[InputEvent] = [
        instrument("NVDA", dividend_yield="0.01"),
        instrument("QLD", Kind.ETF, "2"),
        instrument("SPX", Kind.BROAD_INDEX, product_group="BROAD_INDEX"),
        *(beta(symbol, "1.3") for symbol in ("NVDA", "QLD", "SPX")),
    ]
    held = ["NVDA", "QLD"]
    for underlying in ("NVDA", "QLD", "SPX"):
        spot = draw.randint(50, 400)
        events.append(price(underlying, str(spot)))
        for _ in range(8):
            right, strike = draw.choice("CP"), spot * draw.randint(75, 125) // 100
            month = draw.choice(("20261218", "20270115", "20270617"))
            symbol = f"{underlying}-{right}{strike}-{month}"
            if symbol in held:
                continue
            held.append(symbol)
            worth = max(0, spot - strike if right == "C" else strike - spot)
            style = Style.EUROPEAN if underlying == "SPX" else Style.AMERICAN
            usd = worth + Decimal(draw.randint(50, 1500)) / 100
            events += [option(symbol, style=style), price(symbol, str(usd))]
    return events, held


sizes = st.integers(1, 10**12)


@given(sizes, sizes, st.integers(1, 10**9))
def test_a_fill_moves_quantity_times_price_times_multiplier_rounded_once(
    quantity: int, usd: int, multiplier: int
) -> None:
    exact = Decimal(quantity) * usd * multiplier / 10**8
    if exact >= 2**62:
        return
    arrays = (np.array([size], np.int64) for size in (quantity, usd, multiplier))
    assert paid_e4(*arrays).tolist() == [int(half_up(exact, 0))]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"strike": "-5"}, "strike must be > 0, was -5"),
        ({"expires_on": "2027-02-30"}, "expires_on '2027-02-30' is not in the calendar"),
        ({"right": "X"}, "right must be one of C, P, was 'X'"),
        ({"underlying": PUT}, f"underlying must be another symbol than {PUT}"),
        ({"kind": "etf"}, "underlying must be left out: only an option has one, was 'NVDA'"),
        ({"leverage": "0.5"}, "leverage must be >= 1"),
    ],
)
def test_a_bad_option_is_set_aside_with_its_reason(changed: dict[str, str], reason: str) -> None:
    good = record(option(PUT))
    assert good.value is not None
    value = json.dumps(json.loads(good.value) | changed).encode()
    spoiled = Record(topic=INSTRUMENTS, key=PUT.encode(), value=value)
    messages = run(Shard(), placed([spoiled, record(cash("c", "A", "5"))]))
    (letter,) = bodies(messages, DEAD_LETTER).values()
    assert (letter["source"], letter["reason"]) == (INSTRUMENTS, reason)
    assert bodies(messages)["A"]["cash"] == "5.00"


def test_a_fill_whose_contracts_are_worth_too_much_is_set_aside() -> None:
    fits = fill("f1", "A", PUT, "9000000000", "100", multiplier="100")
    large = fill("f2", "A", PUT, "9000000001", "100", multiplier="100")
    messages = run(Shard(), rows(fits, large))
    assert bodies(messages)["A"]["cash"] == "-90000000000000.00"
    (letter,) = bodies(messages, DEAD_LETTER).values()
    assert letter["event_id"] == f"{FILLS}-0-1"
    assert letter["reason"] == "value of a fill must be at most 90000000000000 USD"


def test_snapshot_keeps_what_is_known_of_options() -> None:
    events = [*series(), *index_series(), *collar(), bought("f9", SPX_PUT, "-1", "41.5")]
    shard, _ = said(*events, account("A"))
    restored = Shard.loads(shard.dumps())
    assert restored.dumps() == shard.dumps()
    assert run(restored, []) == run(shard, [])


def test_a_snapshot_from_before_options_is_read() -> None:
    """Its instruments have no terms; they come with the next event of the symbol."""
    shard, _ = said(*demo_account())
    with np.load(io.BytesIO(shard.dumps())) as file:
        parts = {name: file[name] for name in file.files}
    texts = json.loads(parts.pop("texts").tobytes())
    del texts["product_groups"]
    newer = ("product_group", "dividend_yield", "underlying", "is_call", "is_american")
    for name in (*newer, "strike", "expires_day", "multiplier"):
        del parts[f"instruments_{name}"]
    old = io.BytesIO()
    parts["texts"] = np.frombuffer(json.dumps(texts).encode(), np.uint8)
    np.savez(old, allow_pickle=False, **parts)
    assert Shard.loads(old.getvalue()).dumps() == shard.dumps()
