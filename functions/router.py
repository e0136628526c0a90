"""Each assessment from margin.calc.v1: keeps the newest, opens a case, wakes the open one."""

from decimal import Decimal
from functools import cache
from typing import Any

from functions import deciding, names
from functions.adapters.accounts_table import AccountsTable
from functions.adapters.executions import Executions
from functions.adapters.unrouted_queue import UnroutedQueue
from functions.clock import Clock, now_ms
from functions.errors import ContentionError
from functions.inbound import answer
from functions.settings import read_settings
from functions.stored import Lock, StoredLadder
from functions.unrouted import set_aside
from margin.assessment import Band
from margin.ladder import Decision
from margin.portfolio import AccountType
from margin.wire_assessment import AssessmentEvent, parse_assessment

TRIES = 5


class Router:
    """What is done with one assessment. Safe to do again: all is guarded by version and case."""

    def __init__(
        self, table: AccountsTable, executions: Executions, speed: Decimal, clock: Clock = now_ms
    ) -> None:
        self._table = table
        self._executions = executions
        self._speed = speed
        self._clock = clock

    def route(self, raw: bytes) -> None:
        """Store the assessment if it is not older than what is stored, then act on it."""
        event = parse_assessment(raw)
        if not event.enforce or event.account_type in (AccountType.CASH, None):
            return
        if not self._table.put_state(event, raw, self._clock()) or event.band == Band.UNPRICED:
            return
        for _ in range(TRIES):
            if self._settled(event):
                return
        raise ContentionError("the case changed under our hands each time we tried")

    def _settled(self, event: AssessmentEvent) -> bool:
        """True when nothing is left to do; False when a case opened or closed meanwhile."""
        lock = self._table.lock(event.account_id)
        if lock is not None and lock.halted:
            return True
        ladder = self._table.ladder(event.account_id)
        case_id = lock.case_id if lock else names.case_name(event.account_id, event.version)
        decision = deciding.decide_case(
            event, ladder, case_id, speed=self._speed, now_ms=self._clock()
        )
        if lock is None:
            return self._without_case(event, ladder, decision)
        if lock.attempt == 1 and case_id == names.case_name(event.account_id, event.version):
            self._executions.start(lock)  # delivered again: it may have crashed before its start
        if _matters(lock, ladder, decision):
            return self._wake(lock)
        return True

    def _without_case(
        self, event: AssessmentEvent, ladder: StoredLadder, decision: Decision
    ) -> bool:
        now = self._clock()
        if decision.steps or decision.next_deadline_ms is not None:
            case_id = names.case_name(event.account_id, event.version)
            lock = Lock(account_id=event.account_id, case_id=case_id, opened_at_ms=now)
            opened = self._table.open_case(lock)
            if opened:
                self._executions.start(lock)
            return opened
        if decision.state != ladder.state:
            return self._table.put_ladder(event.account_id, ladder, decision.state, now)
        return True

    def _wake(self, lock: Lock) -> bool:
        # Counted first, woken second, forgotten last: a crash in between loses no change.
        changed = self._table.mark_changed(lock)
        if changed is None:
            return False
        if changed.task_token is not None:
            self._executions.wake(changed.task_token)
            self._table.forget_token(changed)
        return True


def _matters(lock: Lock, ladder: StoredLadder, decision: Decision) -> bool:
    """Whether the machine looks again. One that is not waiting may have read an older state."""
    return (
        lock.task_token is None
        or bool(decision.steps)
        or decision.state != ladder.state
        or lock.waits_for != deciding.deadline_text(decision.next_deadline_ms)
        or deciding.is_finished(ladder, lock)
    )


@cache
def _router() -> Router:
    settings = read_settings()
    return Router(AccountsTable.of(settings), Executions.of(settings), settings.ladder_speed)


@cache
def _queue() -> UnroutedQueue | None:
    url = read_settings().unrouted_queue_url
    return UnroutedQueue(url) if url else None


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """One batch of an `aws:kafka` or `aws:kinesis` event source; only what failed is reported.

    With a queue for it, what failed is put there instead.
    """
    reported = respond(event, context, _router())
    queue = _queue()
    return reported if queue is None else set_aside(reported, queue)


def respond(event: dict[str, Any], context: Any, router: Router) -> dict[str, Any]:
    return answer(event, context, lambda record: router.route(record.value))
