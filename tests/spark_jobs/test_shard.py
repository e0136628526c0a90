"""The book of a shard, without Spark: order, duplicates, time, snapshots, and what is said when."""

import json
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.stream_records import (
    EVERY_BATCH,
    START_MS,
    Record,
    account,
    batch_of,
    beta,
    bodies,
    cash,
    demo_account,
    fill,
    instrument,
    placed,
    price,
    record,
    run,
)

from margin.assessment import Assessment, assess
from margin.events import InputEvent
from margin.market import Kind
from margin.portfolio import AccountType, Portfolio, Position
from margin.rulebook import REFERENCE
from margin.topics import (
    BETAS,
    DEAD_LETTER,
    FILLS,
    MARGIN_CALC,
    PRICES,
    STRESS_BETA_SPY,
    STRESS_TIMS,
)
from margin.wire_assessment import (
    differences,
    encode_assessment,
    event_from_assessment,
    parse_assessment,
    portfolio_and_market,
)
from margin.wire_views import encode_stress, encode_tims
from spark_jobs.emission import EmissionPolicy
from spark_jobs.holdings import SeenIds, WideSums
from spark_jobs.refusals import DEDUP_WINDOW_MS, LARGEST_LEAD_MS
from spark_jobs.shard import Shard
from spark_jobs.shard_store import emitted_of, frame_of_records, records_of

HOUR_MS = 3_600_000
TELLTALES = ("version", "event_id", "correlation_id", "inputs", "previous_band", "enforce")


def rows(*events: InputEvent) -> list[dict[str, Any]]:
    return placed([record(event) for event in events])


def busy_day() -> list[dict[str, Any]]:
    """Two accounts, shorts, a fraction, competing prices, a duplicate fill, a liquidation."""
    second: list[InputEvent] = [
        instrument("SPY", Kind.BROAD_ETF),
        instrument("QLD", Kind.ETF, "2"),
        beta("SPY", "1"),
        account("B", AccountType.CASH),
        account("B", AccountType.PORTFOLIO_MARGIN, at_ms=START_MS + 5),
        cash("c1", "B", "50000.25"),
        fill("f1", "B", "SPY", "-20.5", "450", fee="1.25"),
        fill("f2", "B", "QLD", "100", "80"),
        fill("f3", "B", "NVDA", "-10", "390", liquidation_id="L1"),
        fill("f3", "B", "NVDA", "-10", "390", liquidation_id="L1"),
        price("SPY", "441", START_MS + 20, 1),
        price("SPY", "445", START_MS + 20, 2),
        price("SPY", "450", START_MS + 10, 9),
        price("QLD", "79.5", START_MS + 20),
        price("NVDA", "356.8", START_MS + 30),
    ]
    bad = Record(topic=FILLS, key=b"B", value=b"{")
    return placed([record(e) for e in (*demo_account(), *second)] + [bad])


def final(shard: Shard) -> dict[str, dict[str, Any]]:
    """What a shard says of every account now, but for what depends on how it got there."""
    said = bodies(run(shard, []))
    return {
        key: {name: value for name, value in body.items() if name not in TELLTALES}
        for key, body in said.items()
    }


@settings(deadline=None, max_examples=40)
@given(st.permutations(busy_day()), st.lists(st.integers(0, 22), max_size=3))
def test_figures_do_not_depend_on_order_or_batches(
    shuffled: list[dict[str, Any]], cuts: list[int]
) -> None:
    straight, other = Shard(), Shard()
    run(straight, busy_day())
    dead = []
    for start, end in pairwise([0, *sorted(cuts), len(shuffled)]):
        dead += [m for m in run(other, shuffled[start:end]) if m.topic == DEAD_LETTER]
    assert final(other) == final(straight)
    assert (other.version, other.inputs) == (straight.version, straight.inputs)
    assert len(dead) == 1


def test_the_worked_account_is_said_with_its_views_as_the_wire_writes_them() -> None:
    shard = Shard()
    messages = run(shard, rows(*demo_account(), price("NVDA", "342.40", START_MS + 1)))
    raw = {m.topic: m.value.encode() for m in messages}
    event = parse_assessment(raw[MARGIN_CALC])
    portfolio, account_type, market = portfolio_and_market(event)
    found = assess(portfolio, account_type, market, REFERENCE, event.as_of_ms)
    assert isinstance(found, Assessment)
    # 54,200 - 25 % of 171,200 - 10 % of 171,200 = -5,720
    assert event.figures_usd["excess"] == Decimal("-5720.00")
    assert differences(event, found) == ()
    rebuilt = event_from_assessment(
        found,
        portfolio,
        account_type,
        market,
        stress_mode="ladder",
        version=8,
        as_of_ms=START_MS + 1,
        inputs=shard.inputs,
        previous_band=None,
    )
    assert encode_assessment(rebuilt) == raw[MARGIN_CALC]
    assert encode_stress(event, found) == raw[STRESS_BETA_SPY]
    assert encode_tims(event, found) == raw[STRESS_TIMS]


def test_the_books_of_a_busy_day_are_those_of_the_scalar_kernel() -> None:
    said = [m for m in run(Shard(), busy_day()) if m.topic == MARGIN_CALC]
    assert [m.key for m in said] == ["ACC_DEMO_001", "B"]
    for message in said:
        event = parse_assessment(message.value.encode())
        portfolio, account_type, market = portfolio_and_market(event)
        found = assess(portfolio, account_type, market, REFERENCE, event.as_of_ms)
        assert differences(event, found) == ()
        assert event.flags == found.flags
    # 50,000.25 + 20.5 x 450 - 1.25 - 100 x 80 + 10 x 390 = 55,124.00
    assert event.figures_usd["cash"] == Decimal("55124.00")
    assert event.liquidations_filled == ("L1",)
    assert event.account_type is AccountType.PORTFOLIO_MARGIN


def test_same_batch_again_gives_the_same_bytes() -> None:
    blob = Shard().dumps()
    assert run(Shard.loads(blob), busy_day()) == run(Shard.loads(blob), busy_day()[::-1])


def test_a_fill_counts_once_whenever_it_comes_again() -> None:
    shard = Shard()
    run(shard, rows(*demo_account()))
    before = final(shard)
    run(shard, rows(fill("f1", "ACC_DEMO_001", "NVDA", "500", "400")))
    assert final(shard) == before


def test_the_same_id_counts_for_another_account_and_for_another_topic() -> None:
    shard = Shard()
    run(shard, rows(cash("x", "A", "5"), cash("x", "B", "7"), fill("x", "A", "KO", "1", "5")))
    assert [final(shard)[key]["cash"] for key in ("A", "B")] == ["0.00", "7.00"]


@pytest.mark.parametrize(
    ("age_ms", "dead"),
    [
        pytest.param(DEDUP_WINDOW_MS - 1, 0, id="age < window"),
        pytest.param(DEDUP_WINDOW_MS, 0, id="age = window"),
        pytest.param(DEDUP_WINDOW_MS + 1, 1, id="age > window"),
    ],
)
def test_a_fill_older_than_the_dedup_window_is_set_aside(age_ms: int, dead: int) -> None:
    shard = Shard()
    run(shard, rows(cash("c", "A", "100")))
    messages = run(shard, rows(fill("f", "A", "KO", "1", "60", at_ms=START_MS - age_ms)))
    letters = bodies(messages, DEAD_LETTER)
    assert len(letters) == dead
    assert final(shard)["A"]["cash"] == ("100.00" if dead else "40.00")
    if dead:
        assert letters[FILLS]["reason"] == "older than the dedup window of 7 days"


def test_ids_are_forgotten_after_the_window_and_never_before() -> None:
    seen = SeenIds()
    many = [f"id-{i}" for i in range(10_000)]
    at_ms = np.arange(10_000, dtype=np.int64)
    assert len(seen.first_seen(many, at_ms)) == 10_000
    seen.forget(4_000)
    assert len(seen) == 6_000
    again = seen.first_seen([*many[4_000:], "new", "new"], np.zeros(6_002, np.int64))
    assert again.tolist() == [6_000]


def test_late_price_does_not_replace_a_newer_one_and_ties_go_by_sequence_then_id() -> None:
    shard = Shard()
    newest = price("KO", "61", START_MS + 2, 5)
    run(shard, rows(newest, cash("c", "A", "1"), fill("f", "A", "KO", "1", "60")))
    run(shard, rows(price("KO", "62", START_MS + 1, 9), price("KO", "63", START_MS + 2, 4)))
    (position,) = final(shard)["A"]["positions"]
    assert position["price"] == "61"


def test_what_is_missing_is_flagged_and_nothing_is_invented() -> None:
    shard = Shard()
    messages = run(
        shard,
        rows(
            fill("f1", "A", "KO", "1", "60"),
            fill("f2", "A", "OPT", "1", "5"),
            fill("f3", "A", "OLD", "1", "5"),
            instrument("OLD"),
            price("OPT", "5"),
            price("OLD", "5", START_MS - 6 * HOUR_MS - 1),
            beta("OLD", "1"),
        ),
    )
    body = bodies(messages)["A"]
    assert body["flags"] == [
        "ACCOUNT_TYPE_MISSING",
        "BETA_MISSING:KO",
        "BETA_MISSING:OPT",
        "INSTRUMENT_MISSING:KO",
        "INSTRUMENT_MISSING:OPT",
        "PRICE_MISSING:KO",
        "PRICE_STALE:OLD",
    ]
    assert (body["band"], body["excess"], body["cash"]) == ("UNPRICED", None, "-70.00")
    assert STRESS_BETA_SPY not in {m.topic for m in messages}
    assert parse_assessment(json.dumps(body).encode()).band == "UNPRICED"


def test_bad_records_are_set_aside_once_with_their_bytes_and_neighbours_go_through() -> None:
    spoiled = [
        Record(topic=FILLS, key=None, value=None),
        Record(topic=PRICES, key=b"KO", value=b'{"type":"price"}', mine=True),
        Record(topic=PRICES, key=b"KO", value=b'{"type":"price"}', mine=False),
        Record(topic=BETAS, key=b"KO", value=b"\xff"),
        record(cash("c2", "A", "5"), key="B"),
        record(instrument("X", leverage="0.5")),
        record(cash("c1", "A", "7")),
    ]
    messages = run(Shard(), placed(spoiled))
    letters = [json.loads(m.value) for m in messages if m.topic == DEAD_LETTER]
    assert {one["event_id"]: one["reason"] for one in letters} == {
        "fills.v1-0-0": "expected one JSON object in UTF-8: "
        "Expecting value: line 1 column 1 (char 0)",
        "cash.v1-0-0": "key must be the account_id A",
        "prices.v1-0-0": "schema must be 1, was missing",
        "betas.v1-0-0": "expected one JSON object in UTF-8: 'utf-8' codec can't decode byte 0xff "
        "in position 0: invalid start byte",
        "instruments.v1-0-0": "leverage must be >= 1",
    }
    assert [one["raw"] for one in letters if one["source"] == BETAS] == ["/w=="]
    assert len(letters) == 5
    assert bodies(messages)["A"]["cash"] == "7.00"


def test_snapshot_and_frames_give_back_the_same_shard() -> None:
    day = busy_day()
    live, policy = Shard(), EmissionPolicy()
    run(live, day[:12], policy)
    restored = Shard.loads(live.dumps())
    frame = frame_of_records(batch_of(day[12:]))
    messages = run(live, day[12:], policy)
    restored.apply(records_of(frame))
    due = [live.accounts.values.index(m.key) for m in messages if m.topic == MARGIN_CALC]
    emitted = np.stack([np.array(due), live.last_band[due], live.last_excess_usd_e4[due]])
    restored.say(*emitted_of(emitted.astype(np.int64).tobytes()))
    assert restored.dumps() == live.dumps()
    assert run(restored, []) == run(live, [])


def test_sums_beyond_int64_do_not_wrap_and_come_back() -> None:
    sums, account = WideSums(), np.zeros(1, np.int64)
    sums.grow(1)
    for amount in [9 * 10**18] * 3 + [5] + [-9 * 10**18] * 2:
        sums.add(account, np.array([amount]))
    assert sums.values()[1].tolist() == [True]
    sums.add(account, np.array([-9 * 10**18]))
    assert [part.tolist() for part in sums.values()] == [[5], [False]]


def test_an_account_too_large_is_unpriced_and_readable() -> None:
    events = [cash(f"c{i}", "A", "99999999999999.9999") for i in range(3)]
    body = bodies(run(Shard(), rows(account("A"), *events)))["A"]
    assert (body["band"], body["flags"]) == ("UNPRICED", ["VALUE_TOO_LARGE"])
    assert parse_assessment(json.dumps(body).encode()).band == "UNPRICED"


def emits(shard: Shard, *events: InputEvent, policy: EmissionPolicy | None = None) -> list[str]:
    return list(bodies(run(shard, rows(*events), policy or EmissionPolicy())))


def test_accounts_are_said_when_something_of_theirs_changed() -> None:
    shard, name = Shard(), "ACC_DEMO_001"
    assert emits(shard, *demo_account()) == [name]  # first seen, in STRESS
    assert emits(shard, beta("SPY", "1")) == []
    assert emits(shard, price("NVDA", "400.01", START_MS + 1)) == [name]  # outside OK, moved
    assert emits(shard, cash("c9", name, "50000")) == [name]  # another band
    assert emits(shard, price("NVDA", "400.02", START_MS + 2)) == []  # OK, moved
    assert emits(shard, cash("c10", name, "1")) == [name]  # an event of its own, still OK
    assert emits(shard, price("NVDA", "250", START_MS + 3)) == [name]  # another band
    assert emits(shard, price("SPY", "450", START_MS + 60_002)) == []
    assert emits(shard, price("SPY", "450", START_MS + 60_003)) == [name]  # heartbeat


def test_small_moves_are_said_once_they_add_up() -> None:
    shard, policy = Shard(), EmissionPolicy(emit_move_usd_e4=10_000_000)
    assert emits(shard, *demo_account(), policy=policy)
    # 65 % of 500 x 2 = 650 of excess each time; 1,000 are passed by the second.
    assert emits(shard, price("NVDA", "398", START_MS + 1), policy=policy) == []
    assert emits(shard, price("NVDA", "396", START_MS + 2), policy=policy) == ["ACC_DEMO_001"]


def test_enforce_and_previous_band_tell_what_the_router_must_see() -> None:
    shard = Shard()
    first = bodies(run(shard, rows(*demo_account()), EVERY_BATCH))["ACC_DEMO_001"]
    cured = bodies(run(shard, rows(cash("c9", "ACC_DEMO_001", "50000"))))["ACC_DEMO_001"]
    calm = bodies(run(shard, rows(price("NVDA", "401", START_MS + 1))))["ACC_DEMO_001"]
    seen = [(b["band"], b["previous_band"], b["enforce"]) for b in (first, cured, calm)]
    assert seen == [("STRESS", None, True), ("OK", "STRESS", True), ("OK", "OK", False)]


def test_a_cash_account_is_never_enforced() -> None:
    events: list[InputEvent] = [account("A", AccountType.CASH), cash("c", "A", "-5")]
    body = bodies(run(Shard(), rows(*events)))["A"]
    assert (body["band"], body["enforce"]) == ("OK", False)


def test_portfolio_is_the_sum_of_its_fills() -> None:
    shard = Shard()
    run(shard, rows(fill("f1", "A", "KO", "1.5", "60"), fill("f2", "A", "KO", "-1.5", "61")))
    assert final(shard)["A"]["positions"] == []
    event = parse_assessment(run(shard, [])[0].value.encode())
    assert portfolio_and_market(event)[0] == Portfolio(account_id="A", cash_usd=Decimal("1.50"))
    assert Position("KO", Decimal(0)) not in portfolio_and_market(event)[0].positions


@pytest.mark.parametrize(
    ("lead_ms", "dead"),
    [
        pytest.param(LARGEST_LEAD_MS - 1, 0, id="lead < an hour"),
        pytest.param(LARGEST_LEAD_MS, 0, id="lead = an hour"),
        pytest.param(LARGEST_LEAD_MS + 1, 1, id="lead > an hour"),
    ],
)
def test_an_event_from_the_future_does_not_move_the_clock(lead_ms: int, dead: int) -> None:
    shard = Shard()
    messages = run(shard, rows(cash("c", "A", "100", at_ms=START_MS + lead_ms)))
    assert len(bodies(messages, DEAD_LETTER)) == dead
    assert (shard.as_of_ms > START_MS) == (not dead)
