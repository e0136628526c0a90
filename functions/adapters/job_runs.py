"""Runs of the streaming job on one EMR Serverless application."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from functions.adapters.clients import client, code_of
from functions.errors import JobError
from functions.job_settings import JobSettings

# The request was wrong. Any other error is not the caller's, and stays what it is.
_TOLD = ("ConflictException", "ServiceQuotaExceededException", "ValidationException")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """One run as EMR sees it; `detail` is its reason, often empty."""

    run_id: str
    state: str
    detail: str = ""


class JobRuns:
    """One application and the one role that its runs have."""

    def __init__(self, application_id: str, role_arn: str, emr: Any, *, student: str) -> None:
        self._application_id = application_id
        self._role_arn = role_arn
        self._emr = emr
        # The teardown may cancel runs that have these tags, and no others.
        self._tags = {"Project": "marginwatch", "Student": student}

    @classmethod
    def of(cls, settings: JobSettings) -> "JobRuns":
        emr = client("emr-serverless")
        return cls(settings.application_id, settings.role_arn, emr, student=settings.student)

    def newest(self) -> JobRun | None:
        """The run that was started last, whatever became of it."""
        found: list[Any] = []
        more: dict[str, str] = {}
        while True:
            page = self._emr.list_job_runs(applicationId=self._application_id, **more)
            found += page["jobRuns"]
            if not page.get("nextToken"):
                break
            more = {"nextToken": page["nextToken"]}
        if not found:
            return None
        return self._looked_at(max(found, key=lambda run: (run["createdAt"], run["id"]))["id"])

    def start(self, parameters: Mapping[str, Any], token: str) -> JobRun:
        """Start a run; the same token again gives the run that it started before."""
        try:
            started = self._emr.start_job_run(
                applicationId=self._application_id,
                executionRoleArn=self._role_arn,
                clientToken=token,
                tags=self._tags,
                **parameters,
            )
        except ClientError as error:
            if code_of(error) not in _TOLD:
                raise
            raise _refusal("start", error) from error
        return self._looked_at(started["jobRunId"])

    def cancel(self, run: JobRun) -> JobRun:
        """Ask EMR to end the run. One that ended by itself in between is left as it is."""
        try:
            self._emr.cancel_job_run(applicationId=self._application_id, jobRunId=run.run_id)
        except ClientError as error:
            if code_of(error) != "ValidationException":
                raise
            after = self._looked_at(run.run_id)
            if after.state == run.state:
                raise _refusal("stop", error) from error
            return after
        return self._looked_at(run.run_id)

    def _looked_at(self, run_id: str) -> JobRun:
        found = self._emr.get_job_run(applicationId=self._application_id, jobRunId=run_id)["jobRun"]
        return JobRun(run_id=run_id, state=found["state"], detail=found.get("stateDetails") or "")


def _refusal(what: str, error: ClientError) -> JobError:
    message = " ".join(str(error.response["Error"].get("Message", "")).split())
    return JobError(f"EMR Serverless refused to {what} the job ({code_of(error)}): {message}")
