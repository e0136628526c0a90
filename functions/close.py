"""The end of a case: its lock goes, its history stays, its last word is told."""

from functools import cache
from typing import Any

from functions import deciding
from functions.case import CaseWork, Request, case_work
from functions.messages import CASE_CLOSED
from functions.rung import answer_of


def close(request: Request, work: CaseWork) -> dict[str, Any]:
    """Close the case when the ladder wants nothing more; a change in between keeps it open."""
    situation = work.agreed(request)
    if situation is None:
        return answer_of(request, None)
    decision = work.decide(situation)
    unsettled = decision.steps or decision.state != situation.ladder.state
    if unsettled or not deciding.is_finished(situation.ladder, situation.lock):
        return answer_of(request, None)
    return answer_of(request, CASE_CLOSED if work.close(situation) else None)


@cache
def _work() -> CaseWork:
    return case_work("functions.close")


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    return close(Request.read(event), _work())
