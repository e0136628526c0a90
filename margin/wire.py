"""Input events and their bytes on a topic: strict to read, one canonical form to write."""

from collections.abc import Callable
from typing import Final, TypedDict, assert_never

from margin.canonical import JsonObject, at_ms, at_text, canonical_json, parse_json_object
from margin.errors import EventError
from margin.events import (
    AccountEvent,
    BetaEvent,
    CashEvent,
    FillEvent,
    InputEvent,
    InstrumentEvent,
    PriceEvent,
)
from margin.fields import SCHEMA, Fields
from margin.market import Kind
from margin.money import decimal_text
from margin.portfolio import AccountType
from margin.topics import ACCOUNTS, BETAS, CASH, FILLS, INSTRUMENTS, PRICES
from margin.wire_option import TERM_FIELDS, read_terms, terms_body

CASH_KINDS: Final = ("deposit", "withdrawal", "interest", "dividend", "fee")
INSTRUMENT_KINDS: Final = tuple(Kind)
ACCOUNT_TYPES: Final = tuple(AccountType)
STRESS_MODES: Final = ("ladder", "immediate")

__all__ = [
    "ACCOUNT_TYPES",
    "CASH_KINDS",
    "INSTRUMENT_KINDS",
    "STRESS_MODES",
    "AccountEvent",
    "BetaEvent",
    "CashEvent",
    "FillEvent",
    "InputEvent",
    "InstrumentEvent",
    "PriceEvent",
    "at_ms",
    "at_text",
    "canonical_json",
    "encode",
    "parse_event",
]


def parse_event(topic: str, raw: bytes) -> InputEvent:
    """The event in the bytes of one record of an input topic, or EventError with the reason.

    Names it does not know are ignored, so a later producer may add fields.

    >>> parse_event("betas.v1", b'{"type":"beta","schema":1,"event_id":"b1",'
    ...     b'"at":"2026-11-25T13:00:00.000Z","correlation_id":"b1","symbol":"NVDA",'
    ...     b'"beta":"1.8","sequence":4}').beta
    Decimal('1.8')
    """
    if topic not in _READERS:
        raise EventError(f"no input event is read from topic {topic}")
    kind, reader = _READERS[topic]
    fields = Fields(parse_json_object(raw))
    fields.expect("type", kind)
    fields.expect("schema", SCHEMA)
    return reader(fields)


def encode(event: InputEvent) -> bytes:
    """The bytes of an input event; parse_event gives back an equal event.

    >>> from decimal import Decimal
    >>> encode(BetaEvent(event_id="b1", at_ms=0, correlation_id="b1", symbol="KO",
    ...     beta=Decimal("0.6"), sequence=1))[:40]
    b'{"at":"1970-01-01T00:00:00.000Z","beta":'
    """
    body = _body(event) | {
        "schema": SCHEMA,
        "event_id": event.event_id,
        "at": at_text(event.at_ms),
        "correlation_id": event.correlation_id,
        "causation_id": event.causation_id,
    }
    return canonical_json({name: value for name, value in body.items() if value is not None})


def _read_fill(fields: Fields) -> FillEvent:
    event_id = fields.identifier("event_id")
    fields.expect("fill_id", event_id)
    return FillEvent(
        **_envelope(fields),
        account_id=fields.identifier("account_id"),
        symbol=fields.symbol("symbol"),
        quantity_shares=fields.nonzero("quantity"),
        price_usd=fields.positive("price"),
        fee_usd=fields.not_negative("fee"),
        multiplier=fields.positive("multiplier", default="1"),
        venue=fields.optional_identifier("venue"),
        liquidation_id=fields.optional_identifier("liquidation_id"),
    )


def _read_cash(fields: Fields) -> CashEvent:
    return CashEvent(
        **_envelope(fields),
        account_id=fields.identifier("account_id"),
        amount_usd=fields.nonzero("amount"),
        kind=fields.choice("kind", CASH_KINDS),
    )


def _read_price(fields: Fields) -> PriceEvent:
    return PriceEvent(
        **_envelope(fields),
        symbol=fields.symbol("symbol"),
        price_usd=fields.positive("price"),
        sequence=fields.whole("sequence"),
    )


def _read_beta(fields: Fields) -> BetaEvent:
    return BetaEvent(
        **_envelope(fields),
        symbol=fields.symbol("symbol"),
        beta=fields.decimal("beta"),
        sequence=fields.whole("sequence"),
    )


def _read_instrument(fields: Fields) -> InstrumentEvent:
    symbol = fields.symbol("symbol")
    kind = Kind(fields.choice("kind", INSTRUMENT_KINDS))
    option = read_terms(fields, symbol) if kind is Kind.OPTION else None
    if option is None:
        fields.absent(TERM_FIELDS, "an option")
    own_class = symbol if option is None else option.underlying
    return InstrumentEvent(
        **_envelope(fields),
        symbol=symbol,
        kind=kind,
        leverage=fields.positive("leverage", default="1"),
        class_group=fields.symbol("class_group", default=own_class),
        product_group=fields.optional_identifier("product_group"),
        option=option,
        dividend_yield=fields.share("dividend_yield", default="0"),
    )


def _read_account(fields: Fields) -> AccountEvent:
    return AccountEvent(
        **_envelope(fields),
        account_id=fields.identifier("account_id"),
        account_type=AccountType(fields.choice("account_type", ACCOUNT_TYPES)),
        stress_mode=fields.choice("stress_mode", STRESS_MODES, default="ladder"),
    )


class _Envelope(TypedDict):
    event_id: str
    at_ms: int
    correlation_id: str
    causation_id: str | None


def _envelope(fields: Fields) -> _Envelope:
    return {
        "event_id": fields.identifier("event_id"),
        "at_ms": fields.time_ms("at"),
        "correlation_id": fields.identifier("correlation_id"),
        "causation_id": fields.optional_identifier("causation_id"),
    }


_READERS: Final[dict[str, tuple[str, Callable[[Fields], InputEvent]]]] = {
    FILLS: ("fill", _read_fill),
    CASH: ("cash", _read_cash),
    PRICES: ("price", _read_price),
    BETAS: ("beta", _read_beta),
    INSTRUMENTS: ("instrument", _read_instrument),
    ACCOUNTS: ("account", _read_account),
}


def _body(event: InputEvent) -> JsonObject:
    match event:
        case FillEvent():
            return _fill_body(event)
        case CashEvent():
            return {
                "type": "cash",
                "account_id": event.account_id,
                "amount": decimal_text(event.amount_usd),
                "kind": event.kind,
            }
        case PriceEvent():
            return {
                "type": "price",
                "symbol": event.symbol,
                "price": decimal_text(event.price_usd),
                "sequence": event.sequence,
            }
        case BetaEvent():
            return {
                "type": "beta",
                "symbol": event.symbol,
                "beta": decimal_text(event.beta),
                "sequence": event.sequence,
            }
        case InstrumentEvent():
            return _instrument_body(event)
        case AccountEvent():
            return {
                "type": "account",
                "account_id": event.account_id,
                "account_type": event.account_type,
                "stress_mode": event.stress_mode,
            }
    assert_never(event)


def _fill_body(event: FillEvent) -> JsonObject:
    return {
        "type": "fill",
        "fill_id": event.event_id,
        "account_id": event.account_id,
        "symbol": event.symbol,
        "quantity": decimal_text(event.quantity_shares),
        "price": decimal_text(event.price_usd),
        "fee": decimal_text(event.fee_usd),
        "multiplier": decimal_text(event.multiplier),
        "venue": event.venue,
        "liquidation_id": event.liquidation_id,
    }


def _instrument_body(event: InstrumentEvent) -> JsonObject:
    body: JsonObject = {
        "type": "instrument",
        "symbol": event.symbol,
        "kind": event.kind,
        "leverage": decimal_text(event.leverage),
        "class_group": event.class_group,
        "product_group": event.product_group,
        "dividend_yield": decimal_text(event.dividend_yield),
    }
    return body if event.option is None else body | terms_body(event.option)
