"""Picks up what was left lying: untold decisions, and open cases whose execution died."""

from functools import cache
from typing import Any

from functions.adapters.accounts_table import AccountsTable
from functions.adapters.executions import Executions
from functions.adapters.notifier import Notifier
from functions.publisher import Publisher, publisher_of_environment
from functions.settings import read_settings
from functions.stored import Lock

RUNNING = "RUNNING"


class CaseSweeper:
    """Resumes open cases. A halted case waits for a person and is left alone."""

    def __init__(self, table: AccountsTable, executions: Executions, notifier: Notifier) -> None:
        self._table = table
        self._executions = executions
        self._notifier = notifier

    def sweep(self) -> int:
        """Give every open case without a running execution its next one; how many there were."""
        return sum(self._resume(lock) for lock in self._table.locks() if not lock.halted)

    def _resume(self, lock: Lock) -> bool:
        status = self._executions.status(lock)
        if status == RUNNING:
            return False
        if status is None:  # the lock was taken, but its execution never started
            self._executions.start(lock)
            return True
        following = self._table.next_attempt(lock)
        if following is None:
            return False
        self._executions.start(following)
        self._notifier.tell(
            "marginwatch: a case was resumed",
            {"case_id": following.case_id, "attempt": following.attempt, "ended": status},
        )
        return True


def sweep(*, cases: CaseSweeper | None, publisher: Publisher | None) -> dict[str, Any]:
    """Sweep the cases, then the outbox."""
    resumed = cases.sweep() if cases else 0
    told, failed = publisher.sweep() if publisher else (0, ())
    return {"resumed": resumed, "told": told, "accounts_left": len(failed)}


@cache
def _cases() -> CaseSweeper:
    settings = read_settings()
    return CaseSweeper(AccountsTable.of(settings), Executions.of(settings), Notifier.of(settings))


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """`{"only": "cases"}` or `{"only": "outbox"}` sweeps half: Kafka and the Step Functions API
    need not be reachable from one network."""
    only = event.get("only")
    return sweep(
        cases=_cases() if only != "outbox" else None,
        publisher=publisher_of_environment() if only != "cases" else None,
    )
