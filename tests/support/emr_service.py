"""EMR Serverless in memory: requests checked by the service's own model, tokens honoured.

Not moto's: that one makes a second run of a repeated token, and has no list before the first run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

PAGE = 2
BEGAN = datetime(2026, 11, 25, 13, tzinfo=UTC)


@dataclass
class EmrService:
    """One application; runs by id, in the order of their creation."""

    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    tokens: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)
    # Called before an operation is answered: what happens in between.
    meanwhile: dict[str, Callable[[], None]] = field(default_factory=dict)

    def start_job_run(self, **request: Any) -> dict[str, Any]:
        self._asked("StartJobRun", request)
        known = self.tokens.get(request["clientToken"])
        if known and known[0] != request:
            raise refusal("StartJobRun", "ConflictException", "Idempotency token\nin use.")
        if known:
            return {"jobRunId": known[1]}
        run_id = f"00f{9 - len(self.runs)}"  # ids do not grow with time
        self.runs[run_id] = {
            "id": run_id,
            "createdAt": BEGAN + timedelta(minutes=len(self.runs)),
            "state": "SUBMITTED",
            "stateDetails": "",
            "request": request,
        }
        self.tokens[request["clientToken"]] = (request, run_id)
        return {"jobRunId": run_id}

    def list_job_runs(self, **request: Any) -> dict[str, Any]:
        self._asked("ListJobRuns", request)
        first = int(request.get("nextToken", 0))
        page = list(self.runs.values())[first : first + PAGE]
        more = {"nextToken": str(first + PAGE)} if first + PAGE < len(self.runs) else {}
        return {"jobRuns": page, **more}

    def get_job_run(self, **request: Any) -> dict[str, Any]:
        self._asked("GetJobRun", request)
        return {"jobRun": self.runs[request["jobRunId"]]}

    def cancel_job_run(self, **request: Any) -> dict[str, Any]:
        self._asked("CancelJobRun", request)
        run = self.runs[request["jobRunId"]]
        if run["state"] in {"SUCCESS", "FAILED", "CANCELLED"}:
            raise refusal("CancelJobRun", "ValidationException", "The job run has ended.")
        run["state"] = "CANCELLING"
        return {}

    def turn(self, state: str, detail: str = "") -> None:
        """What became of the newest run."""
        run = list(self.runs.values())[-1]
        run["state"], run["stateDetails"] = state, detail

    def _asked(self, operation: str, request: dict[str, Any]) -> None:
        self.calls.append(operation)
        shape = _MODEL.operation_model(operation).input_shape
        report = ParamValidator().validate(request, shape)
        assert not report.has_errors(), report.generate_report()
        self.meanwhile.get(operation, lambda: None)()


_MODEL = botocore.session.Session().get_service_model("emr-serverless")


def refusal(operation: str, code: str, message: str) -> Exception:
    error: Exception = ClientError({"Error": {"Code": code, "Message": message}}, operation)
    return error
