"""The messages of a batch: assessment, both stress views and dead letters, as (topic, key, bytes).

The bytes are those of margin.wire_assessment and margin.wire_views, made from arrays.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from margin.channels import wire_number
from margin.columnar import (
    ACCOUNT_TYPES,
    BANDS,
    E4,
    UNKNOWN,
    Book,
    GroupRisks,
    Ints,
    Valuation,
    class_group_risks,
)
from margin.columnar.arithmetic import cents
from margin.money import decimal_text
from margin.rulebook import Rulebook
from margin.topics import DEAD_LETTER, MARGIN_CALC, STRESS_BETA_SPY, STRESS_TIMS
from margin.wire import STRESS_MODES, at_text
from margin.wire_assessment import FIGURES, is_enforced
from margin.wire_views import encode_dead_letter
from spark_jobs.refusals import DeadLetter
from spark_jobs.shard import Shard
from spark_jobs.symbol_bodies import Body, SymbolBodies
from spark_jobs.texts import number_texts, usd_texts

SUFFIX: Final = "_usd_e4"
FLAG_NAMES: Final = {
    "price_missing": "PRICE_MISSING",
    "price_stale": "PRICE_STALE",
    "instrument_missing": "INSTRUMENT_MISSING",
    "option": "OPTION_UNSUPPORTED",
    "index": "INDEX_NOT_HELD",
    "option_expired": "OPTION_EXPIRED",
    "multiplier_not_whole": "MULTIPLIER_NOT_WHOLE",
    "underlying_missing": "UNDERLYING_MISSING",
    "underlying_price_missing": "UNDERLYING_PRICE_MISSING",
    "underlying_price_stale": "UNDERLYING_PRICE_STALE",
    "theoretical_missing": "THEORETICAL_MISSING",
    "product_group_unknown": "PRODUCT_GROUP_UNKNOWN",
}


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
    risks = class_group_risks(book, due, rulebook, valuation.theoretical_usd_e4)
    groups = _class_groups(shard, risks, due)
    pnl = [usd_texts(column) for column in valuation.pnl_usd_e4[due].T]
    stressed = [
        usd_texts(column + valuation.excess_usd_e4[due]) for column in valuation.pnl_usd_e4[due].T
    ]
    moves = [decimal_text(move) for move in rulebook.stress_moves.value]
    underwater = (valuation.worst_severe_excess_usd_e4[due] < 0).tolist()
    inputs = {place: wire_number(offset) for place, offset in sorted(shard.inputs.items())}
    for row, number in enumerate(due.tolist()):
        account = _account(shard, valuation, number)
        body = _assessment(shard, valuation, account, inputs)
        held, flags, underlyings = positions[row]
        if valuation.too_large[number]:
            flags.append("VALUE_TOO_LARGE")
        body |= {"positions": held, "flags": _flags(body["account_type"], flags)}
        if underlyings:
            body["underlyings"] = underlyings
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
    shard: Shard, valuation: Valuation, account: Account, inputs: Mapping[str, int | str]
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


class Held(NamedTuple):
    """What one account holds: positions and flags by symbol, and underlyings beside them."""

    positions: list[Body]
    flags: list[str]
    underlyings: list[Body]


def _positions(shard: Shard, book: Book, valuation: Valuation, due: Ints) -> list[Held]:
    """Of every due account, in the order of symbols."""
    place, ends = _runs(book.account, due)
    symbol, amount = book.symbol[place], book.quantity_e4[place]
    bodies = SymbolBodies(shard, valuation, symbol)
    quantity = number_texts(amount)
    flags = _position_flags(shard, book, valuation, symbol, amount)
    found = []
    for start, end in pairwise(ends):
        names = {i: shard.symbols.values[symbol[i]] for i in range(start, end)}
        order = sorted(names, key=names.__getitem__)
        held = [{"quantity": quantity[i], **bodies.by_symbol[int(symbol[i])]} for i in order]
        said = {flag for i in order for flag in flags.get(i, ())}
        found.append(Held(held, list(said), bodies.underlyings(symbol[start:end])))
    return found


def _position_flags(
    shard: Shard, book: Book, valuation: Valuation, symbol: Ints, quantity: Ints
) -> dict[int, list[str]]:
    """By place of a position, what is wrong with it or was assumed for it."""
    names = shard.symbols.values
    hits = {name: getattr(valuation.faults, fault)[symbol] for fault, name in FLAG_NAMES.items()}
    of = np.where(book.underlying[symbol] == UNKNOWN, symbol, book.underlying[symbol])
    hits["CONTRACTS_NOT_WHOLE"] = (of != symbol) & (quantity % E4 != 0)
    found: dict[int, list[str]] = {}
    for name, hit in hits.items():
        for i in np.flatnonzero(hit).tolist():
            found.setdefault(i, []).append(f"{name}:{names[symbol[i]]}")
    for i in np.flatnonzero(~book.beta_known[of]).tolist():
        found.setdefault(i, []).append(f"BETA_MISSING:{names[of[i]]}")
    return found


def _class_groups(shard: Shard, groups: GroupRisks, due: Ints) -> list[list[Body]]:
    place, ends = _runs(groups.account, due)
    at_points = groups.points_usd_e4[place]
    points = [usd_texts(column) for column in at_points.T]
    worst = usd_texts(cents(np.maximum(0, -at_points.min(axis=1, initial=0)), 1, 1))
    minimum = usd_texts(cents(groups.minimum_usd_e4[place], 1, 1))
    requirement = usd_texts(groups.requirement_usd_e4[place])
    found = []
    for start, end in pairwise(ends):
        rows: list[Body] = [
            {
                "class_group": _group_name(shard, int(groups.class_group[place[i]])),
                "points": [texts[i] for texts in points],
                "worst": worst[i],
                "minimum_charge": minimum[i],
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
