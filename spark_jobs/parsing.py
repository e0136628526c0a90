"""Bytes of an input topic to columns: Arrow reads what it can vouch for, `parse_event` the rest.

The fast path may only be more careful than `parse_event`: what it accepts is accepted there with
the same values, and what it does not vouch for is decided there, one line at a time.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from margin.columnar import Flags, Ints
from margin.errors import EventError
from margin.fields import DAY_PATTERN, DECIMAL_PATTERN, ID_PATTERN, SCHEMA, SYMBOL_PATTERN
from margin.market import Kind
from margin.topics import ACCOUNTS, BETAS, CASH, FILLS, INSTRUMENTS, PRICES
from margin.wire import (
    ACCOUNT_TYPES,
    CASH_KINDS,
    INSTRUMENT_KINDS,
    STRESS_MODES,
    at_ms,
    encode,
    parse_event,
)
from margin.wire_option import (
    DEFAULT_MULTIPLIER,
    DEFAULT_STYLE,
    RIGHTS,
    STYLES,
    TERM_FIELDS,
)
from spark_jobs.schemas import ROWS

# One flat object of plain text and whole numbers: here Arrow and Python read the same.
PLAIN_TEXT: Final = r'"[ !#-\[\]-~]*"'
NAME: Final = r'"[a-z_]+": ?'
FIELD: Final = rf"{NAME}(?:{PLAIN_TEXT}|0|[1-9][0-9]{{0,17}})"
FLAT_OBJECT: Final = rf"^\{{{FIELD}(?:, ?{FIELD})*\}}$"
SMALLEST_SPLIT: Final = 64
AT: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z$"

ID: Final = f"^(?:{ID_PATTERN})$"
SYMBOL: Final = f"^(?:{SYMBOL_PATTERN})$"
ANY: Final = f"^(?:{DECIMAL_PATTERN})$"
POSITIVE: Final = r"^(?:[0-9]{1,14}(\.[0-9]{1,4})?)$"
SHARE: Final = r"^(?:0(\.[0-9]{1,4})?|1(\.0{1,4})?)$"
ENVELOPE: Final = {"event_id": ID, "at": AT, "correlation_id": ID}


def _one_of(choices: Sequence[str]) -> str:
    return f"^(?:{'|'.join(choices)})$"


TYPES: Final = {
    FILLS: "fill",
    CASH: "cash",
    PRICES: "price",
    BETAS: "beta",
    INSTRUMENTS: "instrument",
    ACCOUNTS: "account",
}
REQUIRED: Final[dict[str, dict[str, str]]] = {
    FILLS: {
        "fill_id": ID,
        "account_id": ID,
        "symbol": SYMBOL,
        "quantity": ANY,
        "price": POSITIVE,
        "fee": POSITIVE,
    },
    CASH: {"account_id": ID, "amount": ANY, "kind": _one_of(CASH_KINDS)},
    PRICES: {"symbol": SYMBOL, "price": POSITIVE},
    BETAS: {"symbol": SYMBOL, "beta": ANY},
    INSTRUMENTS: {"symbol": SYMBOL, "kind": _one_of(INSTRUMENT_KINDS)},
    ACCOUNTS: {"account_id": ID, "account_type": _one_of(ACCOUNT_TYPES)},
}
OPTIONAL: Final[dict[str, dict[str, str]]] = {
    FILLS: {"venue": ID, "liquidation_id": ID, "multiplier": POSITIVE},
    INSTRUMENTS: {
        "leverage": POSITIVE,
        "class_group": SYMBOL,
        "product_group": ID,
        "dividend_yield": SHARE,
        "underlying": SYMBOL,
        "right": _one_of(RIGHTS),
        "strike": POSITIVE,
        "expires_on": f"^(?:{DAY_PATTERN})$",
        "style": _one_of(STYLES),
        "multiplier": POSITIVE,
    },
    ACCOUNTS: {"stress_mode": _one_of(STRESS_MODES)},
}
NOT_ZERO: Final = ("quantity", "price", "amount", "leverage", "strike", "multiplier")
# Terms that an option may leave out; the others it must have.
WITH_DEFAULT: Final = ("style", "multiplier")
TEXT_DEFAULTS: Final = {
    "stress_mode": "ladder",
    "liquidation_id": "",
    "product_group": "",
    "underlying": "",
    "right": "",
    "expires_on": "",
    "style": DEFAULT_STYLE,
}
# A number that may be left out: by topic and name. What has no terms has no strike.
NUMBER_DEFAULTS: Final = {
    FILLS: {"multiplier": "1"},
    INSTRUMENTS: {
        "leverage": "1",
        "dividend_yield": "0",
        "strike": "0",
        "multiplier": DEFAULT_MULTIPLIER,
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """Rows of one topic with decimals as int64 in 1e-4, in the order of their records.

    `place` is the place of each row among the records given; `refused` are place and reason.
    """

    rows: pa.Table
    place: Ints
    refused: tuple[tuple[int, str], ...]


def parse(topic: str, values: pa.Array) -> Parsed:
    """The events of one input topic; accepts and refuses exactly what `parse_event` does.

    >>> parse("betas.v1", pa.array([b"{}"])).refused
    ((0, "type must be 'beta', was missing"),)
    """
    fast, vouched = _fast(topic, values)
    slow, slow_place, refused = _slow(topic, values, np.flatnonzero(~vouched))
    place = np.concatenate([np.flatnonzero(vouched), slow_place])
    order = np.argsort(place, kind="stable")
    rows = pa.concat_tables([fast, slow]).take(pa.array(order))
    return Parsed(rows=rows, place=place[order], refused=refused)


def _fast(topic: str, values: pa.Array) -> tuple[pa.Table, Flags]:
    """The rows that Arrow can vouch for, and which of the values they are."""
    flat = _flags(pc.match_substring_regex(values, FLAT_OBJECT))
    lines = values.filter(pa.array(flat))
    table = _read(topic, lines)
    sound = _sound(topic, table, lines)
    vouched = np.zeros(len(values), np.bool_)
    vouched[np.flatnonzero(flat)[sound]] = True
    return _numbers(topic, table.filter(pa.array(sound))), vouched


def _slow(
    topic: str, values: pa.Array, places: npt.NDArray[np.intp]
) -> tuple[pa.Table, Ints, tuple[tuple[int, str], ...]]:
    rows, kept, refused = [], [], []
    for place in places.tolist():
        raw = values[place].as_py()
        try:
            event = parse_event(topic, b"" if raw is None else raw)
        except EventError as error:
            refused.append((place, error.reason))
            continue
        rows.append(json.loads(encode(event)))
        kept.append(place)
    table = pa.Table.from_pylist(rows, schema=_line_schema(topic))
    return _numbers(topic, table), np.array(kept, np.int64), tuple(refused)


def _line_schema(topic: str) -> pa.Schema:
    names = {"type", *ENVELOPE, "causation_id", *REQUIRED[topic], *OPTIONAL.get(topic, {})}
    whole = {"schema", *ROWS[topic][2]}
    text = [(name, pa.string()) for name in sorted(names)]
    return pa.schema(text + [(name, pa.int64()) for name in sorted(whole)])


def _read(topic: str, lines: pa.Array) -> pa.Table:
    """One row a line. What Arrow refuses is halved until it stands nearly alone: rows of nulls."""
    schema = _line_schema(topic)
    if not len(lines):
        return schema.empty_table()
    data = pa.py_buffer(b"\n".join(lines.to_pylist()))
    reading = pj.ReadOptions(use_threads=False, block_size=max(1 << 20, data.size + 1))
    parsing = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    try:
        table = pj.read_json(pa.BufferReader(data), reading, parsing)
    except pa.ArrowInvalid:
        table = None
    if table is not None and len(table) == len(lines):
        return table.select(schema.names)
    if len(lines) <= SMALLEST_SPLIT:
        empty = [pa.nulls(len(lines), field.type) for field in schema]
        return pa.Table.from_arrays(empty, schema=schema)
    middle = len(lines) // 2
    return pa.concat_tables([_read(topic, lines[:middle]), _read(topic, lines[middle:])])


def _sound(topic: str, table: pa.Table, lines: pa.Array) -> Flags:
    """Rows in which every field is known, given once and well formed."""
    patterns = ENVELOPE | REQUIRED[topic]
    optional = {"causation_id": ID} | OPTIONAL.get(topic, {})
    sound = _flags(pc.equal(table["type"], TYPES[topic]))
    sound &= _flags(pc.equal(table["schema"], SCHEMA))
    for name, pattern in patterns.items():
        sound &= _flags(pc.match_substring_regex(table[name], pattern))
    for name, pattern in optional.items():
        sound &= _flags(pc.match_substring_regex(table[name], pattern), missing=True)
    for name in ROWS[topic][2]:
        sound &= _flags(pc.is_valid(table[name]))
    for name in {*patterns, *optional} & set(NOT_ZERO):
        sound &= _flags(pc.match_substring_regex(table[name], "[1-9]"), missing=True)
    if topic == FILLS:
        sound &= _flags(pc.equal(table["fill_id"], table["event_id"]))
    if topic == INSTRUMENTS:
        sound &= _terms_fit(table)
    given = np.sum([_flags(pc.is_valid(column)) for column in table.columns], axis=0)
    named = _column(pc.count_substring_regex(lines, NAME))
    sound &= given == named
    return sound & _in_calendar(table["at"], at_ms)


def _terms_fit(table: pa.Table) -> Flags:
    """Rows of options with their terms, and of others without."""
    is_option = _flags(pc.equal(table["kind"], Kind.OPTION))
    fit = ~_flags(pc.equal(table["underlying"], table["symbol"]))
    for name in TERM_FIELDS:
        has = _flags(pc.is_valid(table[name]))
        fit &= ~has | is_option if name in WITH_DEFAULT else has == is_option
    return fit & (~is_option | _in_calendar(table["expires_on"], date.fromisoformat))


def _in_calendar(column: pa.ChunkedArray, reader: Callable[[str], object]) -> Flags:
    """Which times or days are of the calendar; each different one is asked once."""
    coded = _one(column).dictionary_encode()
    known = [_is_readable(text, reader) for text in coded.dictionary.to_pylist()]
    return np.array([*known, False])[_column(coded.indices, missing=-1)]


def _is_readable(text: str, reader: Callable[[str], object]) -> bool:
    try:
        reader(text)
    except (EventError, ValueError):
        return False
    return True


def _numbers(topic: str, table: pa.Table) -> pa.Table:
    """The columns that the book needs: text, decimals in 1e-4, whole numbers, event time in ms."""
    text, decimals, whole = ROWS[topic]
    columns = {name: _one(table[name]) for name in (*text, *whole)}
    if "class_group" in columns:
        named = (columns[name] for name in ("class_group", "underlying", "symbol"))
        columns["class_group"] = pc.coalesce(*named)
    for name in columns.keys() & TEXT_DEFAULTS.keys():
        columns[name] = columns[name].fill_null(TEXT_DEFAULTS[name])
    defaults = NUMBER_DEFAULTS.get(topic, {})
    for name in decimals:
        # What is read has every other number; only rows that nobody vouches for have not.
        columns[name] = pa.array(_e4(_one(table[name]).fill_null(defaults.get(name, "0"))))
    coded = _one(table["at"]).dictionary_encode()
    times = np.array([at_ms(text) for text in coded.dictionary.to_pylist()], np.int64)
    columns["at_ms"] = pa.array(times[_column(coded.indices)])
    return pa.table(columns)


def _e4(texts: pa.Array) -> Ints:
    """Decimal strings in 1e-4, exact: the low 64 bits of decimal128(18, 4)."""
    exact = pa.concat_arrays([texts.cast(pa.decimal128(18, 4))])
    words = np.frombuffer(exact.buffers()[1], np.int64, count=2 * len(exact))
    return words[::2].copy()


def _one(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _column(column: pa.ChunkedArray | pa.Array, missing: int = 0) -> Ints:
    values: Ints = column.fill_null(missing).to_numpy(zero_copy_only=False).astype(np.int64)
    return values


def _flags(column: pa.ChunkedArray | pa.Array, *, missing: bool = False) -> Flags:
    array = _one(column) if isinstance(column, pa.ChunkedArray) else column
    flags: Flags = array.fill_null(missing).to_numpy(zero_copy_only=False).astype(np.bool_)
    return flags
