"""What every rung does: load, check with the second key, decide again, take its own step."""

from collections.abc import Callable
from typing import Any, TypeAlias

from functions import deciding
from functions.case import CaseWork, Request, Situation
from functions.deciding import Next
from functions.messages import Order
from margin.ladder import Step

Planner: TypeAlias = Callable[[Situation, Step], Order | None]


def no_order(_situation: Situation, _step: Step) -> None:
    """Only a liquidation has an order."""


def act(rung: Next, request: Request, work: CaseWork, plan: Planner = no_order) -> dict[str, Any]:
    """Take the first step of the ladder when it belongs to this rung, else nothing.

    `acted` says which. After either the machine evaluates again, so running twice does no harm.
    """
    situation = work.agreed(request)
    if situation is None:
        return answer_of(request, None)
    steps = work.decide(situation).steps
    if not steps or deciding.RUNGS[steps[0].action] != rung:
        return answer_of(request, None)
    taken = work.take(situation, steps[0], plan(situation, steps[0]))
    return answer_of(request, steps[0].action if taken else None)


def answer_of(request: Request, acted: str | None) -> dict[str, Any]:
    return {**request.as_json(), "acted": acted}
