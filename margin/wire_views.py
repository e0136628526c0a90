"""What else the stream sends: the two stress views of an assessment, and what it set aside."""

import base64

from margin.assessment import Assessment
from margin.canonical import Json, JsonObject, at_text, canonical_json
from margin.channels import wire_number
from margin.fields import SCHEMA
from margin.money import ZERO, decimal_text, usd_text
from margin.tims import ClassGroupRisk
from margin.wire_assessment import AssessmentEvent


def encode_stress(event: AssessmentEvent, assessment: Assessment) -> bytes:
    """The bytes on stress.beta_spy.v1: the account under each move of SPY."""
    body: JsonObject = {
        "type": "stress",
        "beta_weighted_exposure": usd_text(assessment.beta_weighted_exposure_usd),
        "scenarios": [
            {
                "move": decimal_text(scenario.move),
                "pnl": usd_text(scenario.pnl_usd),
                "stressed_excess": usd_text(scenario.stressed_excess_usd),
            }
            for scenario in assessment.scenarios
        ],
        "underwater": assessment.worst_severe_excess_usd < ZERO,
    }
    return canonical_json(_envelope(event) | body)


def encode_tims(event: AssessmentEvent, assessment: Assessment) -> bytes:
    """The bytes on stress.tims.v1: the ten valuation points of each class group."""
    body: JsonObject = {
        "type": "tims",
        "class_groups": [_class_group(group) for group in assessment.tims],
        "requirement": usd_text(assessment.portfolio_margin_usd),
    }
    return canonical_json(_envelope(event) | body)


def encode_dead_letter(
    topic: str, partition: int, offset: int, *, reason: str, raw: bytes, at_ms: int
) -> bytes:
    """The bytes on dead-letter.v1: where a record came from, why it was set aside, and its bytes.

    >>> encode_dead_letter("cash.v1", 0, 7, reason="no account", raw=b"{}", at_ms=0)[:32]
    b'{"at":"1970-01-01T00:00:00.000Z"'
    """
    event_id = f"{topic}-{partition}-{offset}"
    return canonical_json(
        {
            "type": "dead_letter",
            "schema": SCHEMA,
            "event_id": event_id,
            "at": at_text(at_ms),
            "correlation_id": event_id,
            "source": topic,
            "partition": partition,
            "offset": wire_number(offset),
            "reason": reason,
            "raw": base64.b64encode(raw).decode(),
        }
    )


def _envelope(event: AssessmentEvent) -> JsonObject:
    return {
        "schema": SCHEMA,
        "event_id": event.event_id,
        "at": at_text(event.as_of_ms),
        "correlation_id": event.event_id,
        "account_id": event.account_id,
        "version": event.version,
    }


def _class_group(group: ClassGroupRisk) -> Json:
    return {
        "class_group": group.class_group,
        "points": [usd_text(point_usd) for point_usd in group.points],
        "worst": usd_text(group.worst_usd),
        "minimum_charge": usd_text(group.minimum_usd),
        "requirement": usd_text(group.requirement_usd),
    }
