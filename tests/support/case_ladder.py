"""Worked cases of the enforcement ladder."""

from decimal import Decimal

from support.case_values import Object, Value, dec, items, obj, rules, text

from margin.ladder import LadderState, Reading, decide, status
from margin.money import ZERO
from margin.rulebook import LadderPolicy, StressMode


def ladder(inputs: Object) -> Object:
    config = obj(inputs["config"])
    state, states, actions = LadderState.EMPTY, list[Value](), list[Value]()
    for event in map(obj, items(inputs["events"])):
        now_ms = int(dec(event["t_s"]) * 1000)
        read, policy = reading(event, config, state), ladder_policy(config, dec(event["gross_mv"]))
        decision = decide(state, read, policy, now_ms, "CASE")
        state = decision.state
        states.append(status(state).value)
        actions.extend(step.action.value for step in decision.steps)
    return {"states": states, "actions": actions}


def call_below(config: Object) -> Decimal:
    return dec(config.get("call_excess_below", ZERO))


def reading(event: Object, config: Object, state: LadderState) -> Reading:
    """The ladder calls below 0 and clears at 0: other marks move the excess that it reads."""
    excess = dec(event["excess"]) - call_below(config)
    clear = dec(config.get("clear_call_excess_at_least", call_below(config)))
    if state.call is not None and excess >= 0 and dec(event["excess"]) < clear:
        excess = -state.call.amount_usd
    return Reading(
        excess_usd=excess,
        gross_usd=dec(event["gross_mv"]),
        worst_severe_excess_usd=dec(event["worst_severe_excess"]),
    )


def ladder_policy(config: Object, gross: Decimal) -> LadderPolicy:
    moved = call_below(config) / gross if gross else ZERO
    return LadderPolicy(
        warning_pct=dec(config["warning_pct"]) - moved,
        clear_warning_pct=dec(config["clear_warning_pct"]) - moved,
        stress_mode=StressMode(text(config["stress_mode"])),
        restrict_after_s=dec(config["restrict_after_s"]),
        liquidate_after_s=dec(config["liquidate_after_s"]),
        stress_confirm_s=dec(config["stress_confirm_s"]),
        min_gap_restrict_to_liquidate_s=dec(config["min_gap_restrict_to_liquidate_s"]),
    )


RULES = rules(
    ("enforcement_ladder", "config events", ladder),
)
