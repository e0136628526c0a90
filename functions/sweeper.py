"""Picks up open cases whose execution died; a case that waits for a person is left alone.

It runs where the Step Functions API is reached. What is left untold is the publisher's to sweep,
which runs where the brokers are.
"""

from functools import cache
from typing import Any

from functions.adapters.accounts_table import AccountsTable
from functions.adapters.executions import Executions
from functions.adapters.notifier import Notifier
from functions.clock import Clock, now_ms
from functions.metrics import tell_cases
from functions.settings import read_settings
from functions.stored import Lock

RUNNING = "RUNNING"


class CaseSweeper:
    """Resumes open cases. A halted case waits for a person and is left alone."""

    def __init__(
        self,
        table: AccountsTable,
        executions: Executions,
        notifier: Notifier,
        clock: Clock = now_ms,
    ) -> None:
        self._table = table
        self._executions = executions
        self._notifier = notifier
        self._clock = clock

    def sweep(self) -> int:
        """Give every open case without a running execution its next one; how many there were."""
        locks = tuple(self._table.locks())
        tell_cases(locks, self._clock())
        return sum(self._resume(lock) for lock in locks if not lock.halted)

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


@cache
def _cases() -> CaseSweeper:
    settings = read_settings()
    return CaseSweeper(AccountsTable.of(settings), Executions.of(settings), Notifier.of(settings))


def handler(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
    return {"resumed": _cases().sweep()}
