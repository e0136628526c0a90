"""The simulated execution desk: fills every liquidation order once, at the latest price, no fee.

`python -m local.desk --servers ..`, or `--transport kinesis --stream-prefix .. --endpoint ..`. Its
fills carry ids made from their orders, so an order that arrives twice, or a desk that was killed
between fill and commit, still counts once.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kafka import TopicPartition

from local import lines
from local.errors import LocalError, NotRunningError
from local.kafka_feed import CLIENT_ERRORS
from local.kafka_io import next_offset
from local.lines import Line
from local.processes import StopRequest
from margin.canonical import parse_json_object
from margin.errors import EventError
from margin.events import FillEvent, PriceEvent
from margin.fields import Fields
from margin.topics import DEAD_LETTER, FILLS, LIQUIDATIONS, PRICES
from margin.wire import encode, parse_event
from margin.wire_views import encode_dead_letter

GROUP, VENUE = "desk", "DESK"
POLL_MS = 100
KEPT_PRICES = 16  # how far back a symbol's newest price may have arrived out of order
ACKNOWLEDGE_S = 30

log = logging.getLogger("marginwatch.desk")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One liquidation order as the desk reads it; a sell has a negative quantity.

    `multiplier` is in shares per unit: 100 where the quantity is in contracts, else 1.
    """

    liquidation_id: str
    account_id: str
    symbol: str
    quantity_shares: Decimal
    correlation_id: str
    causation_id: str
    multiplier: Decimal = Decimal(1)

    @property
    def fill_id(self) -> str:
        return f"{self.liquidation_id}-fill"


def parse_order(raw: bytes) -> Order:
    """The order in a message of liquidations.v1, or EventError with the reason."""
    message = parse_json_object(raw)
    inner = message.get("order")
    if not isinstance(inner, dict):
        raise EventError(f"order must be an object, was {inner!r}"[:200])
    envelope, order = Fields(message), Fields(inner)
    return Order(
        liquidation_id=order.identifier("liquidation_id"),
        account_id=envelope.identifier("account_id"),
        symbol=order.symbol("symbol"),
        quantity_shares=order.nonzero("quantity"),
        correlation_id=envelope.identifier("correlation_id"),
        causation_id=envelope.identifier("event_id"),
        multiplier=order.positive("multiplier", default="1"),
    )


class PriceBoard:
    """The latest price of each symbol, by event time and sequence; parsed only when asked for."""

    def __init__(self) -> None:
        self._recent: dict[bytes, deque[bytes]] = defaultdict(lambda: deque(maxlen=KEPT_PRICES))

    def note(self, symbol: bytes, raw: bytes) -> None:
        self._recent[symbol].append(raw)

    def latest(self, symbol: str) -> PriceEvent | None:
        found = [price for raw in self._recent.get(symbol.encode(), ()) if (price := read(raw))]
        return max(found, key=lambda price: (price.at_ms, price.sequence), default=None)


def read(raw: bytes) -> PriceEvent | None:
    """None for a price that cannot be read: the stream sets it aside, the desk does without."""
    try:
        event = parse_event(PRICES, raw)
    except EventError as error:
        log.warning("a price is left out: %s", error.reason)
        return None
    return event if isinstance(event, PriceEvent) else None


def fill_of(order: Order, price: PriceEvent) -> FillEvent:
    """The same order at the same price is the same fill, byte for byte: its time is the price's."""
    return FillEvent(
        event_id=order.fill_id,
        at_ms=price.at_ms,
        correlation_id=order.correlation_id,
        causation_id=order.causation_id,
        account_id=order.account_id,
        symbol=order.symbol,
        quantity_shares=order.quantity_shares,
        price_usd=price.price_usd,
        fee_usd=Decimal(0),
        multiplier=order.multiplier,
        venue=VENUE,
        liquidation_id=order.liquidation_id,
    )


class Desk:
    """Reads orders and prices, writes fills. `run` returns after a stop request."""

    def __init__(self, line: Line, stop: StopRequest) -> None:
        self._line, self._stop = line, stop
        self._prices = PriceBoard()
        self._waiting: list[tuple[Any, Order]] = []  # (record, order), in order of arrival
        self._committed: dict[Any, int] = {}
        self._filled = filled_already(line)
        self._consumer = line.consumer([LIQUIDATIONS, PRICES], GROUP)
        self._producer = line.producer()

    def run(self) -> None:
        watch = self._line.watch()
        try:
            self._read_all_prices()
            while not self._stop.requested:
                polled = self._consumer.poll(timeout_ms=POLL_MS)
                self._note(polled)
                self._fill_what_can_be()
                self._commit()
                if not polled:
                    watch.check()
        finally:
            self._consumer.close(autocommit=False)
            self._producer.close(timeout=1)

    def _read_all_prices(self) -> None:
        """Before the first fill: an order must not meet a price of yesterday."""
        prices = [p for p in self._consumer.assignment() if p.topic == PRICES]
        self._consumer.seek_to_beginning(*prices)
        ends = self._consumer.end_offsets(prices)
        while not self._stop.requested and any(
            self._consumer.position(p) < ends[p] for p in prices
        ):
            self._note(self._consumer.poll(timeout_ms=POLL_MS))

    def _note(self, polled: dict[Any, list[Any]]) -> None:
        for partition, records in polled.items():
            for record in records:
                if partition.topic == LIQUIDATIONS:
                    self._note_order(record)
                elif record.key is not None and record.value is not None:
                    self._prices.note(record.key, record.value)

    def _note_order(self, record: Any) -> None:
        try:
            self._waiting.append((record, parse_order(record.value or b"")))
        except EventError as error:
            place = (record.topic, record.partition, record.offset)
            log.warning("%s-%d-%d is set aside: %s", *place, error.reason)
            now_ms = time.time_ns() // 1_000_000
            message = encode_dead_letter(
                *place, reason=error.reason, raw=record.value or b"", at_ms=now_ms
            )
            self._send(DEAD_LETTER, record.topic, message)

    def _fill_what_can_be(self) -> None:
        still = []
        for record, order in self._waiting:
            if order.fill_id in self._filled:
                continue
            price = self._prices.latest(order.symbol)
            if price is None:
                still.append((record, order))
                continue
            self._send(FILLS, order.account_id, encode(fill_of(order, price)))
            self._filled.add(order.fill_id)
            log.info(
                "%s: %s of %s filled", order.liquidation_id, order.quantity_shares, order.symbol
            )
        self._waiting = still

    def _commit(self) -> None:
        """Up to the first order that still waits for a price."""
        offsets = {
            partition: self._consumer.position(partition)
            for partition in self._consumer.assignment()
            if partition.topic == LIQUIDATIONS
        }
        for record, _ in self._waiting:
            partition = TopicPartition(record.topic, record.partition)
            offsets[partition] = min(offsets[partition], record.offset)
        if offsets != self._committed:
            self._consumer.commit({p: next_offset(offset) for p, offset in offsets.items()})
            self._committed = offsets

    def _send(self, topic: str, key: str, value: bytes) -> None:
        self._producer.send(topic, key=key.encode(), value=value).get(ACKNOWLEDGE_S)


def filled_already(line: Line) -> set[str]:
    """Ids of the liquidation fills that are on fills.v1 now."""
    consumer = line.consumer([FILLS])
    found: set[str] = set()
    try:
        ends = consumer.end_offsets(list(consumer.assignment()))
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            for records in consumer.poll(timeout_ms=POLL_MS).values():
                found |= liquidation_fills(record.value or b"" for record in records)
    finally:
        consumer.close()
    return found


def liquidation_fills(values: Iterable[bytes]) -> set[str]:
    """Ids of those among the fills that answer a liquidation order."""
    found = set()
    for raw in values:
        if b'"liquidation_id"' not in raw:
            continue
        try:
            event = parse_event(FILLS, raw)
        except EventError as error:
            log.warning("a fill is left out: %s", error.reason)
            continue
        if isinstance(event, FillEvent) and event.liquidation_id is not None:
            found.add(event.event_id)
    return found


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.desk", description=__doc__)
    lines.add_options(parser)
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    log.setLevel(logging.INFO)
    stop = StopRequest().on_signals()
    try:
        desk = Desk(lines.of_options(options), stop)
        log.info("the desk is open")
        desk.run()
    except LocalError as error:
        log.error("%s", error)
        return error.exit_code
    except CLIENT_ERRORS as error:
        log.error("%s: %s", lines.of_options(options).address, error)
        return NotRunningError.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
