"""The ladder: thresholds, clocks, two lanes, and what holds for every sequence of readings."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from margin.errors import LadderError, RulebookError
from margin.ladder import (
    Action,
    Decision,
    LadderState,
    Reading,
    Status,
    accepts_order,
    case_finished,
    decide,
    status,
)
from margin.rulebook import LadderPolicy, StressMode

LADDER = LadderPolicy()
IMMEDIATE = LadderPolicy(stress_mode=StressMode.IMMEDIATE)
MIN = 60_000


def read(excess: int | str, worst: int | str = 0, filled: tuple[str, ...] = ()) -> Reading:
    return Reading(
        excess_usd=Decimal(excess),
        gross_usd=Decimal(100_000),
        worst_severe_excess_usd=Decimal(worst),
        filled_liquidations=frozenset(filled),
    )


def actions(decision: Decision) -> list[Action]:
    return [step.action for step in decision.steps]


def run(
    events: list[tuple[int, Reading]], policy: LadderPolicy = LADDER
) -> tuple[LadderState, list[list[Action]]]:
    state, taken = LadderState.EMPTY, list[list[Action]]()
    for now_ms, reading in events:
        decision = decide(state, reading, policy, now_ms, "CASE")
        state = decision.state
        taken.append(actions(decision))
    return state, taken


@pytest.mark.parametrize(
    ("excess", "expected"),
    [
        # 5 % of a gross of 100,000 = 5,000
        pytest.param("5000.0001", [], id="excess > 5 % of gross"),
        pytest.param("5000", [], id="excess = 5 % of gross"),
        pytest.param("4999.9999", [Action.WARNING_ISSUED], id="excess < 5 % of gross"),
        pytest.param("0.0001", [Action.WARNING_ISSUED], id="excess > 0"),
        pytest.param("0", [Action.WARNING_ISSUED], id="excess = 0"),
        pytest.param("-0.0001", [Action.MARGIN_CALL_ISSUED], id="excess < 0"),
    ],
)
def test_warning_and_call_begin_at_their_marks(excess: str, expected: list[Action]) -> None:
    assert actions(decide(LadderState.EMPTY, read(excess), LADDER, 0, "CASE")) == expected


@pytest.mark.parametrize(
    ("worst", "expected"),
    [
        pytest.param("0.0001", [], id="worst > 0"),
        pytest.param("0", [], id="worst = 0"),
        pytest.param("-0.0001", [Action.STRESS_ALERT], id="worst < 0"),
    ],
)
def test_stress_alert_is_given_when_underwater(worst: str, expected: list[Action]) -> None:
    assert actions(decide(LadderState.EMPTY, read(9000, worst), LADDER, 0, "CASE")) == expected


@pytest.mark.parametrize(
    ("after_ms", "restricted"),
    [
        pytest.param(299_999, False, id="confirmed < 300 s"),
        pytest.param(300_000, True, id="confirmed = 300 s"),
        pytest.param(300_001, True, id="confirmed > 300 s"),
    ],
)
def test_stress_restricts_after_its_confirmation(after_ms: int, restricted: bool) -> None:
    state, _ = run([(0, read(-1, -9)), (after_ms, read(-1, -9))])
    assert (status(state) is Status.RESTRICTED) is restricted


@pytest.mark.parametrize(
    ("after_ms", "restricted"),
    [
        pytest.param(1_799_999, False, id="open < 1800 s"),
        pytest.param(1_800_000, True, id="open = 1800 s"),
        pytest.param(1_800_001, True, id="open > 1800 s"),
    ],
)
def test_deadline_restricts_an_open_call(after_ms: int, restricted: bool) -> None:
    state, _ = run([(0, read(-1)), (after_ms, read(-1))])
    assert (status(state) is Status.RESTRICTED) is restricted


@pytest.mark.parametrize(
    ("gap_ms", "liquidated"),
    [
        pytest.param(59_999, False, id="gap < 60 s"),
        pytest.param(60_000, True, id="gap = 60 s"),
        pytest.param(60_001, True, id="gap > 60 s"),
    ],
)
def test_liquidation_keeps_its_gap_from_the_restriction(gap_ms: int, liquidated: bool) -> None:
    at = 30 * MIN
    _, taken = run([(0, read(-1)), (at, read(-1)), (at + gap_ms, read(-1))])
    assert taken[2] == ([Action.LIQUIDATION_TRIGGERED] if liquidated else [])


def test_confirmation_starts_again_when_stress_ends_in_between() -> None:
    events = [
        (0, read(-1, -9)),
        (4 * MIN, read(-1, 0)),
        (5 * MIN, read(-1, -9)),
        (9 * MIN, read(-1, -9)),
        (10 * MIN, read(-1, -9)),
    ]
    _, taken = run(events)
    # Together since 5 min only: 5 + 5 = 10 min.
    assert taken[3] == []
    assert taken[4] == [Action.RESTRICTION_APPLIED]


def test_confirmation_starts_with_the_later_of_breach_and_call() -> None:
    _, taken = run([(0, read(9000, -9)), (10 * MIN, read(-1, -9)), (14 * MIN, read(-1, -9))])
    # Underwater since 0, call since 10 min: due at 15 min.
    assert taken[2] == []


@pytest.mark.parametrize(
    ("excess", "expected"),
    [
        pytest.param("-1000.01", [Action.MARGIN_CALL_AMENDED], id="deficiency > amount"),
        pytest.param("-1000", [], id="deficiency = amount"),
        pytest.param("-999.99", [], id="deficiency < amount"),
    ],
)
def test_call_is_amended_only_upwards_and_keeps_its_clock(
    excess: str, expected: list[Action]
) -> None:
    state, taken = run([(0, read(-1000)), (MIN, read(excess))])
    assert taken[1] == expected
    assert state.call is not None
    assert state.call.due_at_ms == 30 * MIN


def test_later_deficit_is_a_new_call_with_a_new_clock() -> None:
    state, _ = run([(0, read(-1)), (MIN, read(9000)), (2 * MIN, read(-5))])
    assert state.call is not None
    assert (state.call.call_id, state.call.due_at_ms) == ("CASE-C2", 32 * MIN)


def test_cured_call_leaves_the_stress_restriction_until_stress_clears() -> None:
    state, taken = run(
        [
            (0, read(-1, -9)),
            (5 * MIN, read(-1, -9)),
            (6 * MIN, read(7000, -9)),
            (7 * MIN, read(7000, 0)),
        ]
    )
    assert taken[2] == [Action.MARGIN_CALL_SATISFIED]
    assert taken[3] == [Action.RESTRICTION_LIFTED]
    assert state == LadderState(calls=1)


def test_deadline_restriction_is_lifted_when_the_call_closes() -> None:
    _, taken = run([(0, read(-1)), (30 * MIN, read(-1)), (31 * MIN - 1, read(0))])
    assert taken[2] == [Action.MARGIN_CALL_SATISFIED, Action.RESTRICTION_LIFTED]


def test_deadline_reason_takes_over_when_stress_clears() -> None:
    state, taken = run([(0, read(-1, -9)), (5 * MIN, read(-1, -9)), (30 * MIN, read(-1, 0))])
    assert Action.RESTRICTION_LIFTED not in taken[2]
    assert state.restriction is not None
    assert state.restriction.reasons == ("DEADLINE",)


def test_second_liquidation_waits_for_the_fill_of_the_first() -> None:
    first = [(0, read(-1, -9)), (5 * MIN, read(-1, -9)), (30 * MIN, read(-1, -9))]
    state, _ = run(first)
    assert actions(decide(state, read(-1, -9), LADDER, 40 * MIN, "CASE")) == []
    again = decide(state, read(-1, -9, ("CASE-C1-L1",)), LADDER, 40 * MIN, "CASE")
    assert actions(again) == [Action.LIQUIDATION_TRIGGERED]
    assert again.steps[0].liquidation_id == "CASE-C1-L2"


def test_filled_liquidation_that_cures_satisfies_the_call() -> None:
    events = [(0, read(-1, -9)), (5 * MIN, read(-1, -9)), (30 * MIN, read(-1, -9))]
    state, taken = run([*events, (31 * MIN, read("32.32", -9, ("CASE-C1-L1",)))])
    assert taken[3] == [Action.MARGIN_CALL_SATISFIED]
    assert status(state) is Status.RESTRICTED


def test_demo_account_takes_the_rungs_of_its_timeline() -> None:
    # Minutes after 09:30; excess, worst severe excess and gross of rules section 10.
    rows = [
        (0, "13000", "-15800", "200000"),
        (30, "10660", "-17621.6", "196400"),
        (60, "8320", "-19443.2", "192800"),
        (120, "3640", "-23086.4", "185600"),
        (210, "-1040", "-26729.6", "178400"),
        (215, "-1040", "-26729.6", "178400"),
        (230, "-5720", "-30372.8", "171200"),
        (240, "-5720", "-30372.8", "171200"),
    ]
    state, taken = LadderState.EMPTY, list[list[str]]()
    for minute, excess, worst, gross in rows:
        reading = Reading(
            excess_usd=Decimal(excess),
            gross_usd=Decimal(gross),
            worst_severe_excess_usd=Decimal(worst),
        )
        decision = decide(state, reading, LADDER, minute * MIN, "CASE")
        state = decision.state
        taken.append([action.value for action in actions(decision)])
    assert taken == [
        ["STRESS_ALERT"],
        [],
        ["WARNING_ISSUED"],
        [],
        ["MARGIN_CALL_ISSUED"],
        ["RESTRICTION_APPLIED"],
        ["MARGIN_CALL_AMENDED"],
        ["LIQUIDATION_TRIGGERED"],
    ]


def test_scaled_clocks_round_up_to_whole_ms() -> None:
    # 1800 s / 7 = 257.142857... s -> 257,143 ms
    decision = decide(LadderState.EMPTY, read(-1), LADDER.scaled(Decimal(7)), 0, "CASE")
    assert decision.state.call is not None
    assert decision.state.call.due_at_ms == 257_143


def test_gap_of_zero_seconds_is_refused() -> None:
    with pytest.raises(RulebookError, match="gap"):
        LadderPolicy(min_gap_restrict_to_liquidate_s=Decimal(0))


@pytest.mark.parametrize(
    ("position", "order", "restricted", "accepted"),
    [
        pytest.param(500, -48, True, True, id="sell part of a long"),
        pytest.param(-500, 76, True, True, id="buy in part of a short"),
        pytest.param(500, -500, True, True, id="close a long"),
        pytest.param(500, 1, True, False, id="add to a long"),
        pytest.param(-500, -1, True, False, id="add to a short"),
        pytest.param(0, 1, True, False, id="open a position"),
        pytest.param(100, -199, True, True, id="|position| falls by 1"),
        pytest.param(100, -200, True, False, id="|position| stays"),
        pytest.param(100, -201, True, False, id="|position| rises by 1"),
        pytest.param(0, 1, False, True, id="not restricted"),
    ],
)
def test_close_only_takes_orders_that_reduce_the_position(
    position: int, order: int, restricted: bool, accepted: bool
) -> None:
    check = accepts_order(Decimal(position), Decimal(order), restricted)
    assert check.accepted is accepted
    assert (check.reason is None) is accepted


def test_case_ends_with_its_call_or_with_a_quiet_account() -> None:
    called, _ = run([(0, read(-1, -9))])
    alerted, _ = run([(0, read(9000, -9))])
    cured, _ = run([(0, read(-1, -9)), (1, read(9000, -9))])
    assert not case_finished(called, Action.MARGIN_CALL_ISSUED)
    assert not case_finished(alerted, Action.STRESS_ALERT)
    assert case_finished(cured, Action.MARGIN_CALL_SATISFIED)
    assert case_finished(LadderState.EMPTY, Action.WARNING_ISSUED)


def test_damaged_stored_state_is_refused() -> None:
    with pytest.raises(LadderError, match="stored ladder state"):
        LadderState.from_json({"calls": "x", "warning": "true"})


amounts = st.integers(-9000, 9000).map(Decimal)
readings = st.builds(
    Reading,
    excess_usd=amounts,
    gross_usd=st.just(Decimal(100_000)),
    worst_severe_excess_usd=amounts,
    filled_liquidations=st.frozensets(
        st.sampled_from(["CASE-C1-L1", "CASE-C1-L2", "CASE-C2-L1"]), max_size=3
    ),
)
waits = st.sampled_from([0, 1, 59_999, 60_000, 300_000, 1_500_000, 1_800_000])
histories = st.lists(st.tuples(waits, readings), max_size=8)
policies = st.sampled_from(
    [LADDER, IMMEDIATE, LADDER.scaled(Decimal(7)), IMMEDIATE.scaled(Decimal(60))]
)


def possible(reading: Reading, state: LadderState) -> Reading:
    """The reading without fills of orders that were never sent."""
    sent = state.call.liquidations if state.call else 0
    ids = {f"{state.call.call_id}-L{n}" for n in range(1, sent + 1)} if state.call else set()
    return replace(reading, filled_liquidations=reading.filled_liquidations & ids)


def after(history: list[tuple[int, Reading]], policy: LadderPolicy) -> tuple[LadderState, int]:
    state, now_ms = LadderState.EMPTY, 0
    for wait_ms, reading in history:
        now_ms += wait_ms
        state = decide(state, possible(reading, state), policy, now_ms, "CASE").state
    return state, now_ms


@given(histories, readings, waits, policies)
def test_deciding_again_gives_no_step(
    history: list[tuple[int, Reading]], reading: Reading, wait_ms: int, policy: LadderPolicy
) -> None:
    state, now_ms = after(history, policy)
    reading = possible(reading, state)
    first = decide(state, reading, policy, now_ms + wait_ms, "CASE")
    again = decide(first.state, reading, policy, now_ms + wait_ms, "CASE")
    assert again.steps == ()
    assert again.state == first.state
    assert again.next_deadline_ms == first.next_deadline_ms


@given(histories, readings, waits, policies)
def test_steps_one_by_one_are_the_same_steps(
    history: list[tuple[int, Reading]], reading: Reading, wait_ms: int, policy: LadderPolicy
) -> None:
    state, now_ms = after(history, policy)
    reading = possible(reading, state)
    decision = decide(state, reading, policy, now_ms + wait_ms, "CASE")
    for done, step in enumerate(decision.steps, start=1):
        rest = decide(step.state_after, reading, policy, now_ms + wait_ms, "CASE")
        assert rest.steps == decision.steps[done:]
        assert rest.state == decision.state


@given(histories, readings, waits, policies)
def test_restriction_and_liquidation_never_come_together(
    history: list[tuple[int, Reading]], reading: Reading, wait_ms: int, policy: LadderPolicy
) -> None:
    state, now_ms = after(history, policy)
    taken = set(actions(decide(state, reading, policy, now_ms + wait_ms, "CASE")))
    assert not taken >= {Action.RESTRICTION_APPLIED, Action.LIQUIDATION_TRIGGERED}


@given(histories, amounts.map(abs), amounts.map(abs), policies)
def test_every_restriction_ends_with_the_breach(
    history: list[tuple[int, Reading]], excess: Decimal, worst: Decimal, policy: LadderPolicy
) -> None:
    state, now_ms = after(history, policy)
    cured = Reading(excess_usd=excess, gross_usd=Decimal(100_000), worst_severe_excess_usd=worst)
    ended = decide(state, cured, policy, now_ms, "CASE").state
    assert ended.restriction is None
    assert ended.call is None


@settings(max_examples=200)
@given(histories, readings, waits, policies)
def test_next_deadline_is_the_next_time_the_ladder_acts(
    history: list[tuple[int, Reading]], reading: Reading, wait_ms: int, policy: LadderPolicy
) -> None:
    state, now_ms = after(history, policy)
    reading = possible(reading, state)
    decision = decide(state, reading, policy, now_ms + wait_ms, "CASE")
    due_ms = decision.next_deadline_ms
    if due_ms is None:
        assert decide(decision.state, reading, policy, now_ms + 10**10, "CASE").steps == ()
        return
    assert due_ms > now_ms + wait_ms
    assert decide(decision.state, reading, policy, due_ms - 1, "CASE").steps == ()
    assert decide(decision.state, reading, policy, due_ms, "CASE").steps != ()


@given(histories, policies)
def test_stored_state_is_read_back_unchanged(
    history: list[tuple[int, Reading]], policy: LadderPolicy
) -> None:
    state, _ = after(history, policy)
    assert LadderState.from_json(state.to_json()) == state
