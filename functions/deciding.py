"""The ladder asked about one account: which rung is next, and until when to wait."""

from decimal import Decimal
from enum import StrEnum
from typing import Final

from functions.stored import NO_DEADLINE, Lock, StoredLadder, StoredState
from margin.assessment import Assessment, Band, Unassessable, assess
from margin.ladder import Action, Decision, Reading, case_finished, decide
from margin.rulebook import REFERENCE, LadderPolicy, Rulebook, StressMode, ladder_policy
from margin.wire_assessment import AssessmentEvent, differences, portfolio_and_market

LONGEST_WAIT_S: Final = 86_400


class Next(StrEnum):
    """Where the machine goes after Evaluate."""

    WARN = "WARN"
    CALL = "CALL"
    RESTRICT = "RESTRICT"
    LIQUIDATE = "LIQUIDATE"
    CLOSE = "CLOSE"
    AWAIT = "AWAIT"
    HALT = "HALT"
    DONE = "DONE"


RUNGS: Final = {
    Action.STRESS_ALERT: Next.WARN,
    Action.WARNING_ISSUED: Next.WARN,
    Action.MARGIN_CALL_ISSUED: Next.CALL,
    Action.MARGIN_CALL_AMENDED: Next.CALL,
    Action.MARGIN_CALL_SATISFIED: Next.CALL,
    Action.RESTRICTION_APPLIED: Next.RESTRICT,
    Action.RESTRICTION_LIFTED: Next.RESTRICT,
    Action.LIQUIDATION_TRIGGERED: Next.LIQUIDATE,
}


def decide_case(
    event: AssessmentEvent, ladder: StoredLadder, case_id: str, *, speed: Decimal, now_ms: int
) -> Decision:
    """What the ladder says now about a priced account."""
    policy = policy_of(event, speed)
    return decide(ladder.state, reading_of(event), policy, now_ms, case_id)


def policy_of(
    event: AssessmentEvent, speed: Decimal, rulebook: Rulebook = REFERENCE
) -> LadderPolicy:
    return ladder_policy(rulebook, StressMode(event.stress_mode)).scaled(speed)


def reading_of(event: AssessmentEvent) -> Reading:
    return Reading(
        excess_usd=event.figures_usd["excess"],
        gross_usd=event.gross_usd,
        worst_severe_excess_usd=event.figures_usd["worst_severe_excess"],
        filled_liquidations=frozenset(event.liquidations_filled),
    )


def second_key(
    event: AssessmentEvent, rulebook: Rulebook = REFERENCE
) -> tuple[Assessment | Unassessable, tuple[str, ...]]:
    """The account calculated again from what the stream saw, and where the two differ."""
    portfolio, account_type, market = portfolio_and_market(event)
    found = assess(portfolio, account_type, market, rulebook, event.as_of_ms)
    return found, differences(event, found)


def is_usable(state: StoredState | None, now_ms: int, rulebook: Rulebook = REFERENCE) -> bool:
    """Whether anything may be decided: priced, and not older than a price may be."""
    if state is None or state.event.band == Band.UNPRICED:
        return False
    return now_ms - state.received_at_ms <= rulebook.stale_price_after_ms.value


def is_finished(ladder: StoredLadder, lock: Lock) -> bool:
    """Whether the case has run its course; an action of an earlier case does not count."""
    last_action = ladder.last_action if ladder.case_id == lock.case_id else None
    return case_finished(ladder.state, last_action)


def deadline_text(deadline_ms: int | None) -> str:
    """A deadline as the lock keeps it."""
    return NO_DEADLINE if deadline_ms is None else str(deadline_ms)


def wait_seconds(deadline_ms: int | None, now_ms: int) -> int:
    """Whole seconds until the deadline, rounded up, 1 to one day."""
    if deadline_ms is None:
        return LONGEST_WAIT_S
    return min(LONGEST_WAIT_S, max(1, -((now_ms - deadline_ms) // 1000)))
