"""The lanes of the ladder: stress, call, restriction, liquidation; each gives state and step."""

from collections.abc import Callable
from dataclasses import replace

from margin.ladder_state import LadderState, MarginCall, Reason, Restriction
from margin.ladder_step import Action, Moment, Reading, Step
from margin.money import ZERO
from margin.rulebook import LadderPolicy, StressMode, whole_ms

_Lane = Callable[[LadderState, Moment], tuple[LadderState, Step | None]]


def end_episodes(state: LadderState, reading: Reading, policy: LadderPolicy) -> LadderState:
    """State without the stress and warning episodes that a reading (USD) ends.

    Source: docs/01-finra-4210.md, "The ladder".

    >>> from decimal import Decimal
    >>> reading = Reading(excess_usd=Decimal(9), gross_usd=Decimal(100),
    ...                   worst_severe_excess_usd=Decimal(0))
    >>> end_episodes(LadderState(warning=True), reading, LadderPolicy()).warning
    False
    """
    # Both end without a message: nobody is told that nothing is wrong any more.
    if reading.worst_severe_excess_usd >= 0:
        state = replace(state, stress_since_ms=None)
    clear_usd = policy.clear_warning_pct * reading.gross_usd
    if state.warning and reading.excess_usd >= max(ZERO, clear_usd):
        state = replace(state, warning=False)
    return state


def _stress_lane(state: LadderState, at: Moment) -> tuple[LadderState, Step | None]:
    if at.reading.worst_severe_excess_usd >= 0 or state.stress_since_ms is not None:
        return state, None
    after = replace(state, stress_since_ms=at.now_ms)
    return after, Step(
        action=Action.STRESS_ALERT,
        state_after=after,
        amount_usd=-at.reading.worst_severe_excess_usd,
        reason="underwater in a severe stress move",
    )


def _call_lane(state: LadderState, at: Moment) -> tuple[LadderState, Step | None]:
    if at.reading.excess_usd < 0:
        return _issue(state, at) if state.call is None else _amend(state, state.call, at)
    if state.call is not None:
        return _satisfy(state, state.call, at)
    return _warn(state, at)


def _warn(state: LadderState, at: Moment) -> tuple[LadderState, Step | None]:
    warning_usd = at.policy.warning_pct * at.reading.gross_usd
    if state.warning or at.reading.excess_usd >= warning_usd:
        return state, None
    after = replace(state, warning=True)
    return after, Step(
        action=Action.WARNING_ISSUED,
        state_after=after,
        amount_usd=at.reading.excess_usd,
        reason="excess below the warning mark",
    )


def _issue(state: LadderState, at: Moment) -> tuple[LadderState, Step | None]:
    call = MarginCall(
        call_id=f"{at.call_id_base}-C{state.calls + 1}",
        amount_usd=at.reading.deficiency_usd,
        issued_at_ms=at.now_ms,
        due_at_ms=at.now_ms + whole_ms(at.policy.liquidate_after_s),
    )
    after = replace(state, call=call, calls=state.calls + 1, warning=False)
    return after, _call_step(Action.MARGIN_CALL_ISSUED, after, call, "excess below 0")


def _amend(state: LadderState, call: MarginCall, at: Moment) -> tuple[LadderState, Step | None]:
    if at.reading.deficiency_usd <= call.amount_usd:
        return state, None
    # A larger amount, never a new clock.
    amended = replace(call, amount_usd=at.reading.deficiency_usd)
    after = replace(state, call=amended)
    return after, _call_step(Action.MARGIN_CALL_AMENDED, after, amended, "deficiency increased")


def _satisfy(state: LadderState, call: MarginCall, at: Moment) -> tuple[LadderState, Step | None]:
    # Coming back from a call shows WARNING without a message.
    clear_usd = at.policy.clear_warning_pct * at.reading.gross_usd
    after = replace(state, call=None, warning=at.reading.excess_usd < clear_usd)
    return after, _call_step(Action.MARGIN_CALL_SATISFIED, after, call, "excess at least 0")


def _call_step(action: Action, after: LadderState, call: MarginCall, reason: str) -> Step:
    return Step(
        action=action,
        state_after=after,
        amount_usd=call.amount_usd,
        reason=reason,
        call_id=call.call_id,
        due_at_ms=call.due_at_ms,
    )


def _restriction_lane(state: LadderState, at: Moment) -> tuple[LadderState, Step | None]:
    before = state.restriction
    reasons = tuple(reason for reason in Reason if _holds(reason, state, at))
    if not reasons:
        after = replace(state, restriction=None)
        return after, _restriction_step(Action.RESTRICTION_LIFTED, after, "") if before else None
    since_ms = before.since_ms if before else at.now_ms
    after = replace(state, restriction=Restriction(since_ms=since_ms, reasons=reasons))
    if before:
        # A second reason changes nothing for the customer: no message.
        return after, None
    return after, _restriction_step(Action.RESTRICTION_APPLIED, after, " ".join(reasons))


def _restriction_step(action: Action, after: LadderState, reason: str) -> Step:
    return Step(
        action=action,
        state_after=after,
        reason=reason or "no reason is left",
        call_id=after.call.call_id if after.call else None,
        due_at_ms=after.call.due_at_ms if after.call else None,
    )


def _holds(reason: Reason, state: LadderState, at: Moment) -> bool:
    ended = state.call is None if reason is Reason.DEADLINE else state.stress_since_ms is None
    if ended:
        return False
    if state.restriction is not None and reason in state.restriction.reasons:
        return True
    due_ms = _reason_due(reason, state, at.policy)
    return due_ms is not None and at.now_ms >= due_ms


def _reason_due(reason: Reason, state: LadderState, policy: LadderPolicy) -> int | None:
    if reason is Reason.STRESS and policy.stress_mode is StressMode.IMMEDIATE:
        return state.stress_since_ms
    if state.call is None:
        return None
    if reason is Reason.DEADLINE:
        return state.call.issued_at_ms + whole_ms(policy.restrict_after_s)
    if state.stress_since_ms is None:
        return None
    # Both together for the whole time: counted from the later of the two.
    together_ms = max(state.stress_since_ms, state.call.issued_at_ms)
    return together_ms + whole_ms(policy.stress_confirm_s)


def _liquidation_lane(state: LadderState, at: Moment) -> tuple[LadderState, Step | None]:
    due_ms = _liquidation_due(state, at)
    if state.call is None or due_ms is None or at.now_ms < due_ms:
        return state, None
    call = replace(state.call, liquidations=state.call.liquidations + 1)
    after = replace(state, call=call)
    return after, Step(
        action=Action.LIQUIDATION_TRIGGERED,
        state_after=after,
        amount_usd=at.reading.deficiency_usd,
        reason="call not met when due",
        call_id=call.call_id,
        due_at_ms=call.due_at_ms,
        liquidation_id=call.liquidation_id,
    )


def _liquidation_due(state: LadderState, at: Moment) -> int | None:
    call, restriction = state.call, state.restriction
    if call is None or restriction is None:
        return None
    if call.liquidations and call.liquidation_id not in at.reading.filled_liquidations:
        return None
    # The gap is at least 1 ms, so a liquidation never comes with its restriction.
    gap_ms = whole_ms(at.policy.min_gap_restrict_to_liquidate_s)
    return max(call.due_at_ms, restriction.since_ms + gap_ms)


LANES: tuple[_Lane, ...] = (_stress_lane, _call_lane, _restriction_lane, _liquidation_lane)


def next_deadline(state: LadderState, at: Moment) -> int | None:
    """When the ladder could act with no new event, ms; None where it could not.

    Source: docs/04-architecture.md, "Deadlines".

    >>> from decimal import Decimal
    >>> reading = Reading(excess_usd=Decimal(9), gross_usd=Decimal(100),
    ...                   worst_severe_excess_usd=Decimal(0))
    >>> next_deadline(LadderState.EMPTY, Moment(reading, LadderPolicy(), 0, "CASE")) is None
    True
    """
    due = [_liquidation_due(state, at)]
    if state.restriction is None:
        due.extend(_reason_due(reason, state, at.policy) for reason in Reason)
    return min((ms for ms in due if ms is not None and ms > at.now_ms), default=None)
