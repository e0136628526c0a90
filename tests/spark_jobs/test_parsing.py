"""The fast path accepts exactly the lines that `parse_event` accepts, with the same values."""

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.stream_records import (
    TOPICS,
    account,
    beta,
    cash,
    fill,
    instrument,
    option,
    price,
    record,
)

from margin.errors import EventError
from margin.topics import FILLS, INSTRUMENTS, PRICES
from margin.wire import at_ms, encode, parse_event
from spark_jobs.parsing import _fast, parse
from spark_jobs.schemas import ROWS

PUT = "NVDA-P380-20270115"
EVENTS = (
    fill("f1", "A", "NVDA", "500", "400.25", fee="1.5", venue="X", liquidation_id="L-1"),
    cash("c1", "A", "-17000"),
    price("BRK.B", "356.8", sequence=7),
    beta("NVDA", "-1.8"),
    instrument("NVDA", leverage="2"),
    account("A"),
    fill("f2", "A", PUT, "-2", "7.25", multiplier="100"),
    option(PUT),
)
MESSAGES = [(TOPICS[type(event)], json.loads(encode(event))) for event in EVENTS]
BY_TOPIC = dict(MESSAGES[:6])
OPTION_MESSAGE = MESSAGES[-1][1]
ODD_VALUES: tuple[Any, ...] = (
    None, 1, 0, -1, 1.0, True, [], {}, "", " ", "0", "-0", "0.0000", "1.", ".5", "+1", "1e3", "01",
    "1.00001", "123456789012345", "99999999999999.9999", "-3", "\u0661", "a\nb", 'a"b', "a\\", "é",
    "NVDA", "nvda", "A" * 64, "A" * 65, "stock", "option", "ladder", 2**63, 2**63 - 1, 10**17,
    "2026-02-29T00:00:00.000Z", "2024-02-29T23:59:59.999Z", "0000-01-01T00:00:00.000Z",
    "0001-01-01T00:00:00.000Z", "2026-11-25T13:00:00Z", "2026-11-25T24:00:00.000Z",
    "2027-01-15", "2027-02-29", "0000-01-01", "20270115", "2027-W01-1", "C", "P", "european", "1",
    "1.0", "1.0001", "0.05", PUT,
)  # fmt: skip
OFTEN_ADDED = ("venue", "extra", "product_group", "strike", "style", "multiplier", "dividend_yield")


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, bytes]:
    """A line of a topic with a field or two changed, and perhaps its bytes too."""
    topic, whole = draw(st.sampled_from(MESSAGES))
    message = dict(whole)
    for _ in range(draw(st.integers(0, 2))):
        name = draw(st.sampled_from([*sorted(message), *OFTEN_ADDED]))
        if draw(st.booleans()):
            message[name] = draw(st.sampled_from(ODD_VALUES))
        else:
            message.pop(name, None)
    separators = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    text = json.dumps(message, separators=separators, ensure_ascii=draw(st.booleans()))
    return topic, draw(st.sampled_from(SPOILERS))(text).encode("utf-8", "surrogatepass")


SPOILERS = (
    *[lambda text: text] * 6,
    lambda text: text[:-1],
    lambda text: text + " ",
    lambda text: "\n" + text,
    lambda text: text.replace(",", ",\n", 1),
    lambda text: text + text,
    lambda text: text[:-1] + ',"type":"fill"}',
    lambda text: text[:-1] + ',"extra":"1","extra":"2"}',
    lambda text: text[:-1] + ',"extra":NaN}',
    lambda text: text[:-1] + ',"extra":{"a":[1.5]}}',
    lambda text: text.replace('"', "'"),
    lambda text: "\ufeff" + text,
    lambda text: text[:0],
    lambda text: "[" + text + "]",
    lambda text: text.replace("type", "t\\u0079pe"),
)


def expected(topic: str, raw: bytes) -> dict[str, Any] | str:
    """What `parse_event` says of a line: the columns of the book, or the reason."""
    try:
        message = json.loads(encode(parse_event(topic, raw)))
    except EventError as error:
        return error.reason
    text, decimals, whole = ROWS[topic]
    missing = {"strike": "0", "multiplier": "100", "style": "american"}  # of what is no option
    found: dict[str, Any] = {
        name: message.get(name, missing.get(name, "")) for name in (*text, *whole)
    }
    for name in decimals:
        number = message.get(name, missing.get(name))
        units, _, fraction = number.lstrip("-").partition(".")
        size = int(units) * 10_000 + int(fraction.ljust(4, "0"))
        found[name] = -size if number.startswith("-") else size
    return found | {"at_ms": at_ms(message["at"])}


def found(topic: str, raw_lines: list[bytes]) -> list[dict[str, Any] | str]:
    parsed = parse(topic, pa.array(raw_lines, pa.binary()))
    by_place: dict[int, dict[str, Any] | str] = dict(parsed.refused)
    by_place |= dict(zip(parsed.place.tolist(), parsed.rows.to_pylist(), strict=True))
    return [by_place[place] for place in range(len(raw_lines))]


@settings(deadline=None, max_examples=200)
@given(st.lists(lines(), min_size=1, max_size=30))
def test_fast_path_and_parse_event_agree_on_every_line(
    given_lines: list[tuple[str, bytes]],
) -> None:
    for topic in {topic for topic, _ in given_lines}:
        raw_lines = [raw for own, raw in given_lines if own == topic]
        assert found(topic, raw_lines) == [expected(topic, raw) for raw in raw_lines]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_what_we_write_ourselves_takes_the_fast_path(event: Any) -> None:
    topic = TOPICS[type(event)]
    _, vouched = _fast(topic, pa.array([encode(event)] * 3))
    assert vouched.tolist() == [True, True, True]


def test_one_bad_line_among_many_is_refused_alone_and_costs_few_slow_lines() -> None:
    good = record(EVENTS[2]).value or b""
    bad = good.replace(b'"356.8"', b"356.8")  # a number where Arrow reads text
    raw_lines = [good] * 500 + [bad] + [good] * 500
    parsed = parse(PRICES, pa.array(raw_lines))
    _, vouched = _fast(PRICES, pa.array(raw_lines))
    assert parsed.refused == ((500, "price must be text, was 356.8"),)
    assert len(parsed.rows) == 1000
    assert vouched.sum() >= 1000 - 64


def test_largest_decimal_is_exact() -> None:
    line = encode(fill("f1", "A", "NVDA", "-99999999999999.9999", "0.0001"))
    (row,) = found(FILLS, [line])
    assert isinstance(row, dict)
    assert (row["quantity"], row["price"]) == (-(10**18 - 1), 1)


def test_defaults_of_an_instrument() -> None:
    message = BY_TOPIC[INSTRUMENTS].copy()
    del message["leverage"], message["class_group"]
    (row,) = found(INSTRUMENTS, [json.dumps(message).encode()])
    assert isinstance(row, dict)
    assert (row["leverage"], row["class_group"]) == (10_000, "NVDA")


def test_terms_of_an_option_and_their_defaults() -> None:
    message = OPTION_MESSAGE.copy()
    del message["class_group"], message["style"], message["multiplier"]
    (row,) = found(INSTRUMENTS, [json.dumps(message).encode()])
    assert isinstance(row, dict)
    assert (row["underlying"], row["class_group"], row["product_group"]) == ("NVDA", "NVDA", "")
    assert (row["right"], row["style"], row["expires_on"]) == ("P", "american", "2027-01-15")
    assert (row["strike"], row["multiplier"]) == (3_800_000, 1_000_000)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"strike": None}, "strike must be text, was missing"),
        ({"strike": "-380"}, "strike must be > 0, was -380"),
        ({"strike": "0"}, "strike must be > 0, was 0"),
        ({"strike": "380.00001"}, "strike must be a decimal string with at most 4 decimals"),
        ({"right": "put"}, "right must be one of C, P, was 'put'"),
        ({"underlying": None}, "underlying must be text, was missing"),
        ({"underlying": PUT}, f"underlying must be another symbol than {PUT}"),
        ({"expires_on": "2027-02-29"}, "expires_on '2027-02-29' is not in the calendar"),
        ({"expires_on": "20270115"}, "expires_on must be a day as YYYY-MM-DD, was '20270115'"),
        ({"style": "asian"}, "style must be one of american, european, was 'asian'"),
        ({"multiplier": "0"}, "multiplier must be > 0, was 0"),
        ({"dividend_yield": "1.5"}, "dividend_yield must be 0 to 1, was 1.5"),
        (
            {"kind": "stock"},
            "underlying must be left out: only an option has one, was 'NVDA'",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(value),
)
def test_bad_terms_are_refused_with_their_reason(changed: dict[str, Any], reason: str) -> None:
    fields = {n: v for n, v in (OPTION_MESSAGE | changed).items() if v is not None}
    (refused,) = found(INSTRUMENTS, [json.dumps(fields).encode()])
    assert isinstance(refused, str)
    assert refused.startswith(reason)


def test_a_multiplier_of_a_fill_is_one_where_it_is_left_out() -> None:
    message = BY_TOPIC[FILLS].copy()
    del message["multiplier"]
    (row,) = found(FILLS, [json.dumps(message).encode()])
    assert isinstance(row, dict)
    assert row["multiplier"] == 10_000
