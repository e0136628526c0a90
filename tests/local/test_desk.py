import contextlib
import itertools
import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.kafka_room import KafkaRoom
from support.started import first_line, started
from support.waiting import wait_until

from local.desk import Desk, PriceBoard, fill_of, parse_order
from local.lines import KafkaLine
from local.processes import StopRequest, python_module
from margin.errors import EventError
from margin.events import FillEvent, PriceEvent
from margin.topics import DEAD_LETTER, FILLS, LIQUIDATIONS, PRICES
from margin.wire import encode, parse_event

NUMBERS = itertools.count(1)


def new_symbol() -> str:
    """Topics are shared by all tests: a symbol is what keeps them apart."""
    return f"SYM{next(NUMBERS)}"


def price(symbol: str, usd: str, at_ms: int = 1_000, sequence: int = 1) -> bytes:
    return encode(
        PriceEvent(
            event_id=f"{symbol}-{at_ms}-{sequence}",
            at_ms=at_ms,
            correlation_id=symbol,
            symbol=symbol,
            price_usd=Decimal(usd),
            sequence=sequence,
        )
    )


def order(symbol: str, quantity: str = "-48", number: int = 1, **more: str) -> bytes:
    return json.dumps(
        {
            "type": "control",
            "schema": 1,
            "event_id": f"{symbol}-case:{number}",
            "at": "2026-11-25T13:30:00.000Z",
            "correlation_id": f"{symbol}-case",
            "account_id": f"ACC-{symbol}",
            "action": "LIQUIDATION_TRIGGERED",
            "order": {
                "liquidation_id": f"{symbol}-C1-L{number}",
                "symbol": symbol,
                "quantity": quantity,
                "price": "1.00",
                **more,
            },
        }
    ).encode()


@contextlib.contextmanager
def desk(kafka: KafkaRoom) -> Iterator[None]:
    stop = StopRequest()
    thread = threading.Thread(target=Desk(KafkaLine(kafka.servers), stop).run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


def fills(kafka: KafkaRoom, symbol: str) -> list[FillEvent]:
    records = [r for partition in range(3) for r in kafka.read(FILLS, partition)]
    events = [parse_event(FILLS, r.value) for r in records]
    return [e for e in events if isinstance(e, FillEvent) and e.symbol == symbol]


def test_an_order_is_filled_in_full_at_the_latest_price_with_no_fee(kafka: KafkaRoom) -> None:
    symbol = new_symbol()
    kafka.produce(
        PRICES, price(symbol, "342.40", 2_000), price(symbol, "356.80"), key=symbol.encode()
    )
    with desk(kafka):
        kafka.produce(LIQUIDATIONS, order(symbol))
        wait_until(lambda: fills(kafka, symbol))
    (fill,) = fills(kafka, symbol)
    assert fill == FillEvent(
        event_id=f"{symbol}-C1-L1-fill",
        at_ms=2_000,
        correlation_id=f"{symbol}-case",
        causation_id=f"{symbol}-case:1",
        account_id=f"ACC-{symbol}",
        symbol=symbol,
        quantity_shares=Decimal(-48),
        price_usd=Decimal("342.40"),
        fee_usd=Decimal(0),
        venue="DESK",
        liquidation_id=f"{symbol}-C1-L1",
    )


def test_contracts_are_filled_with_the_multiplier_of_their_order(kafka: KafkaRoom) -> None:
    symbol = f"{new_symbol()}-P380-60D"
    kafka.produce(PRICES, price(symbol, "47.7726"), key=symbol.encode())
    with desk(kafka):
        kafka.produce(LIQUIDATIONS, order(symbol, "2", multiplier="100"))
        wait_until(lambda: fills(kafka, symbol))
    (fill,) = fills(kafka, symbol)
    assert (fill.quantity_shares, fill.price_usd) == (Decimal(2), Decimal("47.7726"))
    assert fill.multiplier == 100


def test_an_order_that_arrives_twice_is_filled_once_over_a_restart_too(kafka: KafkaRoom) -> None:
    symbol = new_symbol()
    kafka.produce(PRICES, price(symbol, "200"), key=symbol.encode())
    for number in (1, 2):  # the second desk knows of the first one's fill from the topic only
        kafka.produce(LIQUIDATIONS, order(symbol), order(symbol), order(symbol, number=number))
        with desk(kafka):
            wait_until(lambda: at_end(kafka))
        assert len(fills(kafka, symbol)) == number
    assert [f.event_id for f in fills(kafka, symbol)] == [
        f"{symbol}-C1-L1-fill",
        f"{symbol}-C1-L2-fill",
    ]


def at_end(kafka: KafkaRoom) -> bool:
    return kafka.committed("desk", LIQUIDATIONS) == len(kafka.read(LIQUIDATIONS))


def test_an_order_waits_for_a_price_and_is_not_committed_before(kafka: KafkaRoom) -> None:
    symbol, other = new_symbol(), new_symbol()
    kafka.produce(PRICES, price(other, "5"), key=other.encode())
    first = len(kafka.read(LIQUIDATIONS))
    kafka.produce(LIQUIDATIONS, order(symbol), order(other))
    with desk(kafka):
        wait_until(lambda: fills(kafka, other))
        assert fills(kafka, symbol) == []
    assert kafka.committed("desk", LIQUIDATIONS) == first
    with desk(kafka):
        kafka.produce(PRICES, price(symbol, "7"), key=symbol.encode())
        wait_until(lambda: fills(kafka, symbol))
        wait_until(lambda: at_end(kafka))
    assert len(fills(kafka, other)) == 1


def test_an_order_that_cannot_be_read_is_set_aside_and_the_next_one_is_filled(
    kafka: KafkaRoom,
) -> None:
    symbol = new_symbol()
    kafka.produce(PRICES, price(symbol, "7"), key=symbol.encode())
    kafka.produce(LIQUIDATIONS, b'{"order":[]}', order(symbol))
    with desk(kafka):
        wait_until(lambda: fills(kafka, symbol))
    letters: list[Any] = [
        json.loads(r.value) for r in kafka.read(DEAD_LETTER) if r.key == LIQUIDATIONS.encode()
    ]
    assert [letter["reason"] for letter in letters] == ["order must be an object, was []"]


def test_desk_process_fills_and_ends_at_sigterm(kafka: KafkaRoom, tmp_path: Path) -> None:
    symbol = new_symbol()
    kafka.produce(PRICES, price(symbol, "9"), key=symbol.encode())
    with started(python_module("local.desk", "--servers", kafka.servers), tmp_path) as process:
        assert first_line(process).endswith("the desk is open\n")
        kafka.produce(LIQUIDATIONS, order(symbol, "10"))
        wait_until(lambda: fills(kafka, symbol))
        process.terminate()
        assert process.wait(3) == 0
    assert fills(kafka, symbol)[0].quantity_shares == 10


def test_latest_price_is_by_time_then_sequence_and_a_bad_one_is_left_out() -> None:
    board = PriceBoard()
    for raw in (price("KO", "2", 5, 2), b"{", price("KO", "3", 5, 1), price("KO", "4", 4, 9)):
        board.note(b"KO", raw)
    found = board.latest("KO")
    assert found is not None
    assert found.price_usd == 2
    assert board.latest("PEP") is None


def test_the_same_order_at_the_same_price_is_the_same_fill_byte_for_byte() -> None:
    read = parse_event(PRICES, price("KO", "2"))
    assert isinstance(read, PriceEvent)
    assert encode(fill_of(parse_order(order("KO")), read)) == encode(
        fill_of(parse_order(order("KO")), read)
    )


@pytest.mark.parametrize("multiplier", ["0", "-100", "x"])
def test_an_order_with_an_impossible_multiplier_is_refused(multiplier: str) -> None:
    with pytest.raises(EventError, match="multiplier"):
        parse_order(order("KO", multiplier=multiplier))


@pytest.mark.parametrize("quantity", ["0", "1e3", "-1.00001"])
def test_an_order_with_an_impossible_quantity_is_refused(quantity: str) -> None:
    with pytest.raises(EventError, match="quantity"):
        parse_order(order("KO", quantity))
