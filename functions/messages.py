"""The words of one decision: its audit record, its message on a control topic, its outbox item."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from functions import names
from functions.stored import OutboxItem
from margin.assessment import Assessment, Unassessable
from margin.audit import Head, chained, head_of
from margin.canonical import Json, JsonObject, at_text, parse_json_object
from margin.channels import wire_number
from margin.explanation import Line
from margin.fields import SCHEMA
from margin.money import decimal_text, usd_text
from margin.rulebook import Rulebook, rulebook_hash
from margin.topics import LIQUIDATIONS, MARGIN_CALLS, RESTRICTIONS
from margin.wire_assessment import AssessmentEvent, encode_assessment

CASE_CLOSED: Final = "CASE_CLOSED"
CASE_HALTED: Final = "CASE_HALTED"

_TOPICS: Final = {
    "RESTRICTION_APPLIED": RESTRICTIONS,
    "RESTRICTION_LIFTED": RESTRICTIONS,
    "LIQUIDATION_TRIGGERED": LIQUIDATIONS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A liquidation order: sell negative, buy positive. Multiplier in shares per unit."""

    liquidation_id: str
    symbol: str
    quantity_shares: Decimal
    price_usd: Decimal
    excess_after_usd: Decimal | None
    unsecured_debit_usd: Decimal
    multiplier: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One decision about one case, in the words of the ladder."""

    case_id: str
    action: str
    actor: str
    at_ms: int
    status_before: str
    status_after: str
    amount_usd: Decimal | None = None
    call_id: str | None = None
    due_at_ms: int | None = None
    reason: str | None = None
    order: Order | None = None
    differences: tuple[str, ...] = ()


def tell(
    deed: Deed,
    event: AssessmentEvent,
    found: Assessment | Unassessable,
    rulebook: Rulebook,
    head: Head,
) -> tuple[Head, OutboxItem]:
    """The audit record at the end of the chain and, with its message, as an item of the outbox."""
    lines = _lines(found)
    record = chained(head, _record(deed, event, lines, rulebook))
    after = head_of(record)
    body: JsonObject = {
        "topic": _TOPICS.get(deed.action, MARGIN_CALLS),
        "key": event.account_id,
        "message": _message(deed, event, lines, after.sequence),
        "audit_key": names.audit_object_key(event.account_id, after.sequence),
        "audit_record": record,
    }
    return after, OutboxItem(account_id=event.account_id, sequence=after.sequence, body=body)


def _record(
    deed: Deed, event: AssessmentEvent, lines: list[Json], rulebook: Rulebook
) -> JsonObject:
    streamed = parse_json_object(encode_assessment(event))
    known = {*_EVIDENCE, *_FIGURES} & streamed.keys()
    decision: JsonObject = {
        "from": deed.status_before,
        "to": deed.status_after,
        "amounts": _amounts(deed, event),
        "differences": list(deed.differences),
    }
    return {
        "account_id": event.account_id,
        "at": at_text(deed.at_ms),
        "actor": deed.actor,
        "action": deed.action,
        "case_id": deed.case_id,
        "version": event.version,
        "inputs": {place: wire_number(offset) for place, offset in event.inputs},
        "rulebook_hash": rulebook_hash(rulebook),
        "evidence": {name: streamed[name] for name in sorted(known)},
        "lines": lines,
        "decision": decision | _particulars(deed),
    }


def _message(deed: Deed, event: AssessmentEvent, lines: list[Json], sequence: int) -> JsonObject:
    message: JsonObject = {
        "type": "control",
        "schema": SCHEMA,
        "event_id": f"{deed.case_id}:{sequence}",
        "at": at_text(deed.at_ms),
        "correlation_id": deed.case_id,
        "causation_id": event.event_id,
        "account_id": event.account_id,
        "case_id": deed.case_id,
        "action": deed.action,
        "status": deed.status_after,
        "version": event.version,
        "price": None if deed.order is None else decimal_text(deed.order.price_usd),
        "amounts": _amounts(deed, event),
        "positions": _positions(event),
        "lines": lines,
    }
    return message | _particulars(deed)


# `underlyings` only where the account has options.
_EVIDENCE: Final = (
    "as_of", "account_type", "stress_mode", "band", "flags", "positions", "underlyings",
)  # fmt: skip
_FIGURES: Final = ("cash", "equity", "requirement", "excess", "worst_severe_excess")


def _amounts(deed: Deed, event: AssessmentEvent) -> JsonObject:
    figures = event.figures_usd
    amounts: JsonObject = {
        name: usd_text(figures[name]) if name in figures else None
        for name in ("excess", "requirement", "equity")
    }
    return amounts if deed.amount_usd is None else amounts | {"amount": usd_text(deed.amount_usd)}


def _particulars(deed: Deed) -> JsonObject:
    """What only some actions have."""
    found: JsonObject = {
        "call_id": deed.call_id,
        "due_at": None if deed.due_at_ms is None else at_text(deed.due_at_ms),
        "reason": deed.reason,
        "order": None if deed.order is None else _order(deed.order),
    }
    return {name: value for name, value in found.items() if value is not None}


def _order(order: Order) -> JsonObject:
    after = order.excess_after_usd
    body: JsonObject = {
        "liquidation_id": order.liquidation_id,
        "symbol": order.symbol,
        "quantity": decimal_text(order.quantity_shares),
        "price": decimal_text(order.price_usd),
        "excess_after": None if after is None else usd_text(after),
        "unsecured_debit": usd_text(order.unsecured_debit_usd),
    }
    # A fill of the order moves cash by quantity x price x multiplier; 1 is left out.
    one = order.multiplier == 1
    return body if one else body | {"multiplier": decimal_text(order.multiplier)}


def _positions(event: AssessmentEvent) -> list[Json]:
    return [
        {
            "symbol": held.symbol,
            "quantity": decimal_text(held.quantity_shares),
            "price": None if held.price_usd is None else decimal_text(held.price_usd),
        }
        for held in event.positions
    ]


def _lines(found: Assessment | Unassessable) -> list[Json]:
    return [] if isinstance(found, Unassessable) else list(map(_line, found.lines()))


def _line(line: Line) -> Json:
    return {
        "term": line.term,
        "formula": line.formula,
        "inputs": dict(line.inputs),
        "value": usd_text(line.value_usd),
        "rule": line.rule,
        "source": line.source,
        "part_of": line.part_of,
    }
