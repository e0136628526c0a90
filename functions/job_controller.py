"""Starts, stops and looks at the streaming job: it never ends, so nothing waits for it.

`{"action": "start", "job": {..}}` with the parameters of spark_jobs/submission.py,
`{"action": "stop"}` or `{"action": "status"}`. Each may be sent twice.
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from functions.adapters.job_runs import JobRun, JobRuns
from functions.errors import JobError
from functions.job_settings import JobSettings, read_job_settings

ACTIVE = frozenset({"SUBMITTED", "QUEUED", "PENDING", "SCHEDULED", "RUNNING"})
ENDING = "CANCELLING"
NEVER_STARTED = "NONE"
# The application, the role and the token are the controller's own.
PARAMETERS = frozenset(
    {
        *("name", "mode", "retryPolicy", "executionTimeoutMinutes"),
        *("jobDriver", "configurationOverrides"),
    }
)


class JobController:
    """One streaming job: at most one run of it at a time, because runs share a checkpoint."""

    def __init__(self, settings: JobSettings, runs: JobRuns) -> None:
        self._settings = settings
        self._runs = runs

    def start(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Start the job, unless it runs already.

        The token of a start names the run before it: two starts at once have the same, and EMR
        makes one run of them.
        """
        self._check(job)
        newest = self._runs.newest()
        if newest and newest.state == ENDING:
            raise JobError(f"the run {newest.run_id} is still ending: start again when it has")
        if newest and newest.state in ACTIVE:
            return _answer(newest, started=False)
        token = token_after(self._settings.application_id, newest.run_id if newest else "")
        return _answer(self._runs.start(job, token), started=True)

    def stop(self) -> dict[str, Any]:
        """Ask for the end of the run; its checkpoint knows how far it came."""
        newest = self._runs.newest()
        if newest is None or newest.state not in ACTIVE:
            return _answer(newest, stopping=newest is not None and newest.state == ENDING)
        after = self._runs.cancel(newest)
        return _answer(after, stopping=after.state in {*ACTIVE, ENDING})

    def status(self) -> dict[str, Any]:
        newest = self._runs.newest()
        return _answer(newest, running=newest is not None and newest.state == "RUNNING")

    def _check(self, job: Mapping[str, Any]) -> None:
        """Only our own code, and no longer than the stack is meant to live."""
        unknown = sorted(set(job) - PARAMETERS)
        if unknown:
            raise JobError(f"parameters of a job expected, found {', '.join(unknown)} too")
        if job.get("mode") != "STREAMING":
            raise JobError(f"the mode STREAMING expected, found {job.get('mode')!r}")
        place = f"s3://{self._settings.artifact_bucket}/"
        entry = job.get("jobDriver", {}).get("sparkSubmit", {}).get("entryPoint", "")
        if not str(entry).startswith(place):
            raise JobError(f"an entryPoint below {place} expected, found {entry!r}")
        longest, minutes = self._settings.longest_minutes, job.get("executionTimeoutMinutes", 0)
        if longest and not (isinstance(minutes, int) and 0 < minutes <= longest):
            raise JobError(f"executionTimeoutMinutes of 1 to {longest} expected, was {minutes!r}")


def token_after(application_id: str, run_id: str) -> str:
    """The clientToken of the run that follows this one; "" stands for the first.

    >>> token_after("app", "")[:12]
    'b18da5d8d86f'
    """
    return hashlib.sha256(f"{application_id}/{run_id}".encode()).hexdigest()


def act(event: Mapping[str, Any], controller: JobController) -> dict[str, Any]:
    """Do what the event asks for."""
    actions: dict[str, Callable[[], dict[str, Any]]] = {
        "start": lambda: controller.start(event.get("job") or {}),
        "stop": controller.stop,
        "status": controller.status,
    }
    action = event.get("action")
    if action not in actions:
        raise JobError(f"an action expected, one of {', '.join(actions)}; found {action!r}")
    return actions[action]()


def _answer(run: JobRun | None, **more: bool) -> dict[str, Any]:
    if run is None:
        return {"run_id": None, "state": NEVER_STARTED, "detail": "", **more}
    return {"run_id": run.run_id, "state": run.state, "detail": run.detail, **more}


@cache
def _controller() -> JobController:
    settings = read_job_settings()
    return JobController(settings, JobRuns.of(settings))


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    return act(event, _controller())
