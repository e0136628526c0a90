"""decide(): what the ladder does next with one account, from its state and one reading."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from margin.assessment import Assessment
from margin.ladder_lanes import LANES, end_episodes, next_deadline
from margin.ladder_state import LadderState, MarginCall, Reason, Restriction
from margin.ladder_step import Action, Moment, Reading, Step
from margin.rulebook import LadderPolicy

__all__ = [
    "Action",
    "Decision",
    "LadderState",
    "MarginCall",
    "OrderCheck",
    "Reading",
    "Reason",
    "Restriction",
    "Status",
    "Step",
    "accepts_order",
    "case_finished",
    "decide",
    "reading_of",
    "status",
]


class Status(StrEnum):
    """The one word for an account: the highest rung it stands on."""

    ACTIVE = "ACTIVE"
    WARNING = "WARNING"
    MARGIN_CALL = "MARGIN_CALL"
    RESTRICTED = "RESTRICTED"
    LIQUIDATING = "LIQUIDATING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Steps in message order, the final state, and when to decide again without a new event."""

    steps: tuple[Step, ...]
    state: LadderState
    next_deadline_ms: int | None


@dataclass(frozen=True, slots=True)
class OrderCheck:
    """Whether an order may pass, and why not."""

    accepted: bool
    reason: str | None = None


def reading_of(
    assessment: Assessment, filled_liquidations: frozenset[str] = frozenset()
) -> Reading:
    """The reading of an assessed account, USD, signed but for gross.

    Source: docs/01-finra-4210.md, "The ladder".

    >>> reading_of.__name__
    'reading_of'
    """
    return Reading(
        excess_usd=assessment.excess_usd,
        gross_usd=assessment.gross_market_value_usd,
        worst_severe_excess_usd=assessment.worst_severe_excess_usd,
        filled_liquidations=filled_liquidations,
    )


def status(state: LadderState) -> Status:
    """The highest rung of a state: LIQUIDATING > RESTRICTED > MARGIN_CALL > WARNING > ACTIVE.

    Source: docs/01-finra-4210.md, "The ladder".

    >>> status(LadderState.EMPTY).value
    'ACTIVE'
    """
    if state.call is not None and state.call.liquidations:
        return Status.LIQUIDATING
    if state.restriction is not None:
        return Status.RESTRICTED
    if state.call is not None:
        return Status.MARGIN_CALL
    return Status.WARNING if state.warning else Status.ACTIVE


def decide(
    state: LadderState, reading: Reading, policy: LadderPolicy, now_ms: int, call_id_base: str
) -> Decision:
    """Warn, call, restrict, liquidate or release one account; amounts in USD, times in ms.

    Alert, warning or call, restriction, liquidation: in this order, each once for its reason.
    Deciding again on the same reading gives no step. A liquidation never comes in the same
    decision as the restriction. Source: docs/01-finra-4210.md, "The ladder".

    >>> reading = Reading(excess_usd=Decimal(-1040), gross_usd=Decimal(178400),
    ...                   worst_severe_excess_usd=Decimal("-26729.6"))
    >>> decision = decide(LadderState.EMPTY, reading, LadderPolicy(), 0, "CASE-1")
    >>> [step.action.value for step in decision.steps], decision.next_deadline_ms
    (['STRESS_ALERT', 'MARGIN_CALL_ISSUED'], 300000)
    """
    state = end_episodes(state, reading, policy)
    moment = Moment(reading, policy, now_ms, call_id_base)
    steps: list[Step] = []
    for rule in LANES:
        state, step = rule(state, moment)
        steps.extend([step] if step is not None else [])
    return Decision(steps=tuple(steps), state=state, next_deadline_ms=next_deadline(state, moment))


def accepts_order(position_shares: Decimal, order_shares: Decimal, restricted: bool) -> OrderCheck:
    """Whether an order (shares, bought positive) may pass: close-only must reduce |position|.

    Source: docs/01-finra-4210.md, "Close-only".

    >>> accepts_order(Decimal(500), Decimal(-48), restricted=True).accepted
    True
    """
    after_shares = position_shares + order_shares
    if not restricted or abs(after_shares) < abs(position_shares):
        return OrderCheck(True)
    return OrderCheck(
        False,
        f"close-only: an order that reduces the position of {position_shares} expected, "
        f"{order_shares} would make it {after_shares}",
    )


def case_finished(state: LadderState, last_action: Action | None) -> bool:
    """Whether a case has nothing left to do; ask once decide() gives no more steps.

    Its call ended, or the account is ACTIVE with no stress episode and no restriction.
    Source: docs/04-architecture.md, "Enforcement".

    >>> case_finished(LadderState.EMPTY, None)
    True
    """
    if last_action is Action.MARGIN_CALL_SATISFIED and state.call is None:
        return True
    return status(state) is Status.ACTIVE and state.stress_since_ms is None
