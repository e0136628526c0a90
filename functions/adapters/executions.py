"""Executions of the enforcement machine: start once, wake, ask whether one still runs."""

from typing import Any

from botocore.exceptions import ClientError

from functions.adapters.clients import client, code_of
from functions.names import execution_name
from functions.settings import Settings, needed
from functions.stored import Lock
from margin.canonical import canonical_json

# The wait is over already: its time ran out, or somebody else ended it.
_NO_LONGER_WAITING = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")


class Executions:
    """One state machine in Step Functions."""

    def __init__(self, state_machine_arn: str, step_functions: Any) -> None:
        self._arn = state_machine_arn
        self._step_functions = step_functions

    @classmethod
    def of(cls, settings: Settings) -> "Executions":
        arn = needed(settings.state_machine_arn, "STATE_MACHINE_ARN")
        return cls(arn, client("stepfunctions"))

    def start(self, lock: Lock) -> None:
        """Start the case's execution; its name makes a second start harmless."""
        work = {"account_id": lock.account_id, "case_id": lock.case_id, "attempt": lock.attempt}
        try:
            self._step_functions.start_execution(
                stateMachineArn=self._arn,
                name=execution_name(lock.case_id, lock.attempt),
                input=canonical_json(work).decode(),
            )
        except ClientError as error:
            if code_of(error) != "ExecutionAlreadyExists":
                raise

    def wake(self, task_token: str) -> None:
        """End the wait that stored this token."""
        try:
            self._step_functions.send_task_success(taskToken=task_token, output='{"changed":true}')
        except ClientError as error:
            if code_of(error) not in _NO_LONGER_WAITING:
                raise

    def status(self, lock: Lock) -> str | None:
        """RUNNING, FAILED and so on; None when the case was never started."""
        machine = self._arn.replace(":stateMachine:", ":execution:")
        arn = f"{machine}:{execution_name(lock.case_id, lock.attempt)}"
        try:
            found = self._step_functions.describe_execution(executionArn=arn)
        except ClientError as error:
            if code_of(error) != "ExecutionDoesNotExist":
                raise
            return None
        return str(found["status"])
