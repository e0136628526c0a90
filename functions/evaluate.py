"""Evaluate: which rung the case needs now, or how long it may wait."""

from functools import cache
from typing import Any

from functions import deciding
from functions.case import CaseWork, Request, case_work
from functions.deciding import Next
from functions.stored import NO_DEADLINE, Lock
from margin.canonical import at_text

TRIES = 3


def evaluate(request: Request, work: CaseWork) -> dict[str, Any]:
    """What the machine does next. The lock's `changes` are read before the state they count."""
    for _ in range(TRIES):
        if (answer := _evaluate_once(request, work)) is not None:
            return answer
    # Something moves all the time: look again in a second.
    lock = work.table.lock(request.account_id)
    return answer_of(request, Next.AWAIT, lock=lock, wait_seconds=1)


def _evaluate_once(request: Request, work: CaseWork) -> dict[str, Any] | None:
    lock = work.table.lock(request.account_id)
    if lock is None or not request.is_of(lock):
        return answer_of(request, Next.DONE, lock=None)
    if lock.halted:
        return answer_of(request, Next.HALT, lock=lock)
    situation = work.situation(lock)
    if situation is None:
        return answer_of(request, Next.AWAIT, lock=lock, why="unpriced or out of date")
    version = situation.event.version
    if situation.differences:
        if not work.halt(situation):
            return None
        why = "the stream and the second key disagree"
        return answer_of(request, Next.HALT, lock=lock, version=version, why=why)
    decision = work.decide(situation)
    if decision.steps:
        first = decision.steps[0]
        rung, why = deciding.RUNGS[first.action], f"{first.action}: {first.reason}"
        return answer_of(request, rung, lock=lock, version=version, why=why)
    if decision.state != situation.ladder.state:
        work.keep(situation, decision.state)
        return None
    if deciding.is_finished(situation.ladder, lock):
        why = "the call is met, or nothing is left to do"
        return answer_of(request, Next.CLOSE, lock=lock, version=version, why=why)
    deadline_ms = decision.next_deadline_ms
    until = "the next change" if deadline_ms is None else f"{at_text(deadline_ms)} or a change"
    return answer_of(
        request,
        Next.AWAIT,
        lock=lock,
        version=version,
        wait_seconds=deciding.wait_seconds(deadline_ms, work.clock()),
        deadline=deciding.deadline_text(deadline_ms),
        why=f"nothing is due before {until}",
    )


def answer_of(
    request: Request,
    following: Next,
    *,
    lock: Lock | None,
    version: int | None = None,
    wait_seconds: int = deciding.LONGEST_WAIT_S,
    deadline: str = NO_DEADLINE,
    why: str = "",
) -> dict[str, Any]:
    """The answer to the machine; numbers that only DynamoDB reads are text, as it wants them."""
    return {
        **request.as_json(),
        "next": following,
        "version": version,
        "changes": str(lock.changes if lock else 0),
        "lock_pk": request.lock_pk(),
        "wait_seconds": wait_seconds,
        "deadline": deadline,
        "why": why,
    }


@cache
def _work() -> CaseWork:
    return case_work("functions.evaluate")


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    return evaluate(Request.read(event), _work())
