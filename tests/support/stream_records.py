"""Records as the stream hands them to a shard, and what a shard says of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from margin.events import (
    AccountEvent,
    BetaEvent,
    CashEvent,
    FillEvent,
    InputEvent,
    InstrumentEvent,
    PriceEvent,
)
from margin.market import Kind, OptionTerms, Right, Style
from margin.portfolio import AccountType
from margin.rulebook import REFERENCE
from margin.topics import ACCOUNTS, BETAS, CASH, FILLS, INSTRUMENTS, MARGIN_CALC, PRICES
from margin.wire import encode
from spark_jobs.emission import EmissionPolicy
from spark_jobs.messages import Message
from spark_jobs.schemas import RECORD
from spark_jobs.shard import Shard
from spark_jobs.shard_batch import run_batch

START_MS = 1_795_000_000_000
EVERY_BATCH = EmissionPolicy(heartbeat_ms=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One Kafka record without its place."""

    topic: str
    key: bytes | None
    value: bytes | None
    mine: bool = True


def record(event: InputEvent, key: str | None = None) -> Record:
    """The record of an event, keyed as the catalogue says."""
    topic = TOPICS[type(event)]
    own = event.account_id if hasattr(event, "account_id") else event.symbol
    return Record(topic=topic, key=(key or own).encode(), value=encode(event))


def placed(records: Sequence[Record]) -> list[dict[str, Any]]:
    """The records with offsets, in this order, all in partition 0 of their topics."""
    offsets: dict[str, int] = {}
    rows = []
    for one in records:
        offset = offsets[one.topic] = offsets.get(one.topic, -1) + 1
        rows.append(
            {
                "topic": one.topic,
                "partition": 0,
                "offset": offset,
                "logged_ms": START_MS,
                "key": one.key,
                "value": one.value,
                "mine": one.mine,
            }
        )
    return rows


def batch_of(rows: Iterable[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=RECORD)


def run(
    shard: Shard, rows: Iterable[dict[str, Any]], policy: EmissionPolicy = EVERY_BATCH
) -> list[Message]:
    """One batch of a shard; its messages."""
    return run_batch(shard, batch_of(rows), policy, REFERENCE).messages


def bodies(messages: Iterable[Message], topic: str = MARGIN_CALC) -> dict[str, dict[str, Any]]:
    """The newest message of a topic by its key."""
    return {m.key: json.loads(m.value) for m in messages if m.topic == topic}


def fill(
    event_id: str, account_id: str, symbol: str, quantity: str, price: str, **more: Any
) -> FillEvent:
    return FillEvent(
        **_envelope(event_id, more.pop("at_ms", START_MS)),
        account_id=account_id,
        symbol=symbol,
        quantity_shares=Decimal(quantity),
        price_usd=Decimal(price),
        fee_usd=Decimal(more.pop("fee", "0")),
        multiplier=Decimal(more.pop("multiplier", "1")),
        **more,
    )


def cash(event_id: str, account_id: str, amount: str, at_ms: int = START_MS) -> CashEvent:
    kind = "withdrawal" if amount.startswith("-") else "deposit"
    return CashEvent(
        **_envelope(event_id, at_ms), account_id=account_id, amount_usd=Decimal(amount), kind=kind
    )


def price(symbol: str, usd: str, at_ms: int = START_MS, sequence: int = 0) -> PriceEvent:
    return PriceEvent(
        **_envelope(f"p-{symbol.replace(' ', '_')}-{at_ms}-{sequence}", at_ms),
        symbol=symbol,
        price_usd=Decimal(usd),
        sequence=sequence,
    )


def beta(symbol: str, value: str, at_ms: int = START_MS) -> BetaEvent:
    return BetaEvent(
        **_envelope(f"b-{symbol}-{at_ms}", at_ms), symbol=symbol, beta=Decimal(value), sequence=0
    )


def instrument(
    symbol: str,
    kind: Kind = Kind.STOCK,
    leverage: str = "1",
    at_ms: int = START_MS,
    **more: Any,
) -> InstrumentEvent:
    return InstrumentEvent(
        **_envelope(f"i-{symbol}-{at_ms}", at_ms),
        symbol=symbol,
        kind=kind,
        leverage=Decimal(leverage),
        class_group=more.pop("class_group", symbol),
        dividend_yield=Decimal(more.pop("dividend_yield", "0")),
        **more,
    )


def option(symbol: str, at_ms: int = START_MS, **changed: Any) -> InstrumentEvent:
    """An option named UNDERLYING-RIGHTstrike-YYYYMMDD, with some of its terms changed."""
    underlying, strike, expiry = symbol.rsplit("-", 2)
    terms: dict[str, Any] = {
        "underlying": underlying,
        "right": Right(strike[0]),
        "strike_usd": Decimal(strike[1:]),
        "expires_on": date.fromisoformat(expiry),
        "style": Style.AMERICAN,
        "multiplier": Decimal(100),
    }
    return instrument(
        symbol,
        Kind.OPTION,
        at_ms=at_ms,
        class_group=underlying,
        option=OptionTerms(**(terms | changed)),
    )


def account(
    account_id: str,
    account_type: AccountType = AccountType.MARGIN,
    stress_mode: str = "ladder",
    at_ms: int = START_MS,
) -> AccountEvent:
    return AccountEvent(
        **_envelope(f"a-{account_id}-{at_ms}", at_ms),
        account_id=account_id,
        account_type=account_type,
        stress_mode=stress_mode,
    )


def demo_account(account_id: str = "ACC_DEMO_001") -> list[InputEvent]:
    """500 NVDA at 400 with a debit of 117,000: rules section 10 before the fall."""
    return [
        instrument("NVDA"),
        beta("NVDA", "1.8"),
        account(account_id),
        cash("c1", account_id, "100000"),
        fill("f1", account_id, "NVDA", "500", "400"),
        cash("c2", account_id, "-17000"),
        price("NVDA", "400"),
    ]


def _envelope(event_id: str, at_ms: int) -> dict[str, Any]:
    return {"event_id": event_id, "at_ms": at_ms, "correlation_id": event_id}


TOPICS: dict[type, str] = {
    FillEvent: FILLS,
    CashEvent: CASH,
    PriceEvent: PRICES,
    BetaEvent: BETAS,
    InstrumentEvent: INSTRUMENTS,
    AccountEvent: ACCOUNTS,
}
