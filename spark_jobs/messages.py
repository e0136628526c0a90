"""The messages of a batch: assessment, both stress views and dead letters, as (topic, key, bytes).

The bytes are those of margin.wire_assessment and margin.wire_views, made from arrays.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from margin.columnar import (
    ACCOUNT_TYPES,
    BANDS,
    KINDS,
    UNKNOWN,
    Book,
    GroupRisks,
    Ints,
    Valuation,
    class_group_risks,
)
from margin.money import decimal_text
from margin.rulebook import Rulebook
from margin.topics import DEAD_LETTER, MARGIN_CALC, STRESS_BETA_SPY, STRESS_TIMS
from margin.wire import STRESS_MODES, at_text
from margin.wire_assessment import FIGURES, is_enforced
from margin.wire_views import encode_dead_letter
from spark_jobs.holdings import LONG_AGO
from spark_jobs.refusals import DeadLetter
from spark_jobs.shard import Shard

Body: TypeAlias = dict[str, object]

SUFFIX: Final = "_usd_e4"
FLAG_NAMES: Final = {
    "price_missing": "PRICE_MISSING",
    "price_stale": "PRICE_STALE",
    "instrument_missing": "INSTRUMENT_MISSING",
    "option": "OPTION_UNSUPPORTED",
    "index": "INDEX_NOT_HELD",
}
ZERO_CENTS: Final = "0.00"


class Message(NamedTuple):
    """One record to send."""

    topic: str
    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What all messages of one account share."""

    number: int
    account_id: str
    unpriced: bool
    envelope: Body


def dead_letter_messages(letters: Iterable[DeadLetter]) -> Iterator[Message]:
    """One message for every record set aside; its key is the topic it came from."""
    for letter in letters:
        raw = encode_dead_letter(
            letter.topic,
            letter.partition,
            letter.offset,
            reason=letter.reason,
            raw=letter.raw,
            at_ms=letter.logged_ms,
        )
        yield Message(DEAD_LETTER, letter.topic, raw.decode())


def account_messages(
    shard: Shard, book: Book, valuation: Valuation, due: Ints, rulebook: Rulebook
) -> Iterator[Message]:
    """Assessment of every due account, and for a priced one its two stress views."""
    if not len(due):
        return
    figures = _figures(book, valuation, due)
    positions = _positions(shard, book, valuation, due)
    groups = _class_groups(shard, class_group_risks(book, due, rulebook), due)
    pnl = [usd_texts(column) for column in valuation.pnl_usd_e4[due].T]
    stressed = [
        usd_texts(column + valuation.excess_usd_e4[due]) for column in valuation.pnl_usd_e4[due].T
    ]
    moves = [decimal_text(move) for move in rulebook.stress_moves.value]
    underwater = (valuation.worst_severe_excess_usd_e4[due] < 0).tolist()
    inputs = dict(sorted(shard.inputs.items()))
    for row, number in enumerate(due.tolist()):
        account = _account(shard, valuation, number)
        body = _assessment(shard, valuation, account, inputs)
        held, flags = positions[row]
        if valuation.too_large[number]:
            flags.append("VALUE_TOO_LARGE")
        body |= {"positions": held, "flags": _flags(body["account_type"], flags)}
        body |= {name: texts[row] for name, texts in figures.items()}
        if account.unpriced:
            body |= {name: None for name in figures if name != "cash"}
            yield _message(MARGIN_CALC, account, body)
            continue
        yield _message(MARGIN_CALC, account, body)
        scenarios = [
            {"move": move, "pnl": pnl[i][row], "stressed_excess": stressed[i][row]}
            for i, move in enumerate(moves)
        ]
        stress: Body = {"type": "stress", "scenarios": scenarios, "underwater": underwater[row]}
        stress["beta_weighted_exposure"] = figures["beta_weighted_exposure"][row]
        yield _message(STRESS_BETA_SPY, account, stress)
        tims: Body = {"type": "tims", "class_groups": groups[row]}
        tims["requirement"] = figures["portfolio_margin"][row]
        yield _message(STRESS_TIMS, account, tims)


def usd_texts(amounts_usd_e4: Ints) -> list[str]:
    """Amounts of 1e-4 USD as `usd_text` writes them.

    >>> usd_texts(np.array([3_568_000, -212_885_120, 0]))
    ['356.80', '-21288.512', '0.00']
    """
    texts: list[str] = pc.replace_substring_regex(
        _decimals(amounts_usd_e4), "0{1,2}$", ""
    ).to_pylist()
    return texts


def number_texts(numbers_e4: Ints) -> list[str]:
    """Numbers in 1e-4 as `decimal_text` writes them.

    >>> number_texts(np.array([5_000_000, 5_000, 0]))
    ['500', '0.5', '0']
    """
    texts: list[str] = pc.replace_substring_regex(_decimals(numbers_e4), r"\.?0*$", "").to_pylist()
    return texts


def _decimals(values: Ints) -> pa.Array:
    """The values as text with exactly four decimals, by way of decimal128."""
    words = np.empty((len(values), 2), np.int64)
    words[:, 0], words[:, 1] = values, values >> 63
    exact = pa.Array.from_buffers(
        pa.decimal128(20, 4), len(values), [None, pa.py_buffer(words.tobytes())]
    )
    return exact.cast(pa.string())


def _account(shard: Shard, valuation: Valuation, number: int) -> Account:
    account_id = shard.accounts.values[number]
    event_id = f"{account_id}:{shard.version}"
    envelope = {
        "schema": 1,
        "event_id": event_id,
        "at": at_text(shard.as_of_ms),
        "correlation_id": event_id,
        "account_id": account_id,
        "version": shard.version,
    }
    return Account(
        number=number,
        account_id=account_id,
        unpriced=bool(valuation.unpriced[number]),
        envelope=envelope,
    )


def _assessment(
    shard: Shard, valuation: Valuation, account: Account, inputs: dict[str, int]
) -> Body:
    number = account.number
    type_code = int(shard.account_types.columns["account_type"][number])
    account_type = None if type_code == UNKNOWN else ACCOUNT_TYPES[type_code]
    said = int(shard.last_band[number])
    previous = None if said == UNKNOWN else BANDS[said]
    band = BANDS[int(valuation.band[number])]
    return {
        "type": "assessment",
        "as_of": account.envelope["at"],
        "account_type": account_type,
        "stress_mode": STRESS_MODES[int(shard.account_types.columns["stress_mode"][number])],
        "inputs": inputs,
        "band": band,
        "previous_band": previous,
        "enforce": is_enforced(account_type, band, previous),
        "liquidations_filled": sorted(shard.liquidations.get(number, ())),
    }


def _figures(book: Book, valuation: Valuation, due: Ints) -> dict[str, list[str]]:
    arrays = {field.name: getattr(valuation, field.name) for field in fields(valuation)}
    arrays["cash" + SUFFIX] = book.cash_usd_e4
    return {name: usd_texts(arrays[name + SUFFIX][due]) for name, _ in FIGURES}


def _positions(
    shard: Shard, book: Book, valuation: Valuation, due: Ints
) -> list[tuple[list[Body], list[str]]]:
    """Positions and flags of every due account, both in the order of symbols."""
    place, ends = _runs(book.account, due)
    symbol = book.symbol[place]
    market = _Market.of(shard, symbol)
    quantity = number_texts(book.quantity_e4[place])
    faults = {name: getattr(valuation.faults, name)[symbol] for name in FLAG_NAMES}
    no_beta = ~book.beta_known[symbol]
    found = []
    for start, end in pairwise(ends):
        names = {i: shard.symbols.values[symbol[i]] for i in range(start, end)}
        order = sorted(names, key=names.__getitem__)
        flags = [
            f"{FLAG_NAMES[fault]}:{names[start + int(i)]}"
            for fault, hit in faults.items()
            for i in np.flatnonzero(hit[start:end])
        ]
        flags += [
            f"BETA_MISSING:{names[start + int(i)]}" for i in np.flatnonzero(no_beta[start:end])
        ]
        held = [{"quantity": quantity[i], **market.by_symbol[int(symbol[i])]} for i in order]
        found.append((held, flags))
    return found


class _Market(NamedTuple):
    """What a position says of its symbol, made once for every symbol of a batch."""

    by_symbol: dict[int, Body]

    @classmethod
    def of(cls, shard: Shard, symbol: Ints) -> "_Market":
        symbols = np.unique(symbol)
        price = number_texts(shard.prices.columns["price"][symbols])
        beta = number_texts(shard.betas.columns["beta"][symbols])
        leverage = number_texts(shard.instruments.columns["leverage"][symbols])
        found: dict[int, Body] = {}
        for row, number in enumerate(symbols.tolist()):
            priced_ms = int(shard.prices.at_ms[number])
            kind = int(shard.instruments.columns["kind"][number])
            group = int(shard.instruments.columns["class_group"][number])
            priced, known = priced_ms != LONG_AGO, kind != UNKNOWN
            found[number] = {
                "symbol": shard.symbols.values[number],
                "price": price[row] if priced else None,
                "price_at": at_text(priced_ms) if priced else None,
                "beta": beta[row] if shard.betas.at_ms[number] != LONG_AGO else None,
                "kind": KINDS[kind] if known else None,
                "leverage": leverage[row] if known else None,
                "class_group": shard.class_groups.values[group] if known else None,
            }
        return cls(found)


def _class_groups(shard: Shard, groups: GroupRisks, due: Ints) -> list[list[Body]]:
    place, ends = _runs(groups.account, due)
    points = [usd_texts(column) for column in groups.points_usd_e4[place].T]
    requirement = usd_texts(groups.requirement_usd_e4[place])
    found = []
    for start, end in pairwise(ends):
        rows: list[Body] = [
            {
                "class_group": _group_name(shard, int(groups.class_group[place[i]])),
                "points": [texts[i] for texts in points],
                "worst": requirement[i],
                "minimum_charge": ZERO_CENTS,
                "requirement": requirement[i],
            }
            for i in range(start, end)
        ]
        found.append(sorted(rows, key=lambda row: str(row["class_group"])))
    return found


def _group_name(shard: Shard, group: int) -> str:
    # An account without any instrument has a run of group 0 and is not shown.
    return shard.class_groups.values[group] if len(shard.class_groups) else ""


def _runs(account: Ints, due: Ints) -> tuple[Ints, list[int]]:
    """Places of the rows of each due account, run by run, and where each run starts and ends."""
    starts, ends = np.searchsorted(account, due), np.searchsorted(account, due + 1)
    place = np.concatenate([np.arange(a, b) for a, b in zip(starts, ends, strict=True)])
    return place.astype(np.int64), np.append(0, np.cumsum(ends - starts)).tolist()


def _flags(account_type: object, flags: list[str]) -> list[str]:
    return sorted(flags if account_type is not None else [*flags, "ACCOUNT_TYPE_MISSING"])


def _message(topic: str, account: Account, body: Body) -> Message:
    text = json.dumps(
        account.envelope | body, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return Message(topic, account.account_id, text)
