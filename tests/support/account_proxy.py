"""One endpoint in front of the emulator: notes each call, and is EMR Serverless and MSK itself.

The emulator has neither of them in a stack, and no serverless cluster. Here an application answers
as AWS does: it cannot stop while a job runs, and each change takes a moment.
"""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

ACTIVE = frozenset({"RUNNING", "CANCELLING"})
HOP = frozenset({"connection", "content-length", "host", "transfer-encoding", "expect"})
APPLICATION = (
    "<member><ResourceType>AWS::EMRServerless::Application</ResourceType>"
    "<LogicalResourceId>Application</LogicalResourceId>"
    "<PhysicalResourceId>{id}</PhysicalResourceId>"
    "<LastUpdatedTimestamp>2026-11-25T13:00:00Z</LastUpdatedTimestamp>"
    "<ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>"
)


@dataclass
class Application:
    """One application of EMR Serverless with its job runs, by id."""

    id: str
    name: str
    stack: str
    state: str = "STARTED"
    runs: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:emr-serverless:us-east-1:000000000000:/applications/{self.id}"

    def summary(self) -> dict[str, Any]:
        shared = {"arn": self.arn, "name": self.name, "state": self.state, "type": "Spark"}
        times = {"createdAt": 1_795_615_200, "updatedAt": 1_795_615_200}
        release = {"releaseLabel": "emr-spark-8.1.0", "architecture": "ARM64"}
        return {"id": self.id, "applicationId": self.id, **shared, **times, **release}

    def run_summaries(self) -> list[dict[str, Any]]:
        return [
            {
                "applicationId": self.id,
                "id": run,
                "arn": f"{self.arn}/jobruns/{run}",
                "createdBy": "test",
                "createdAt": 1_795_615_200,
                "updatedAt": 1_795_615_200,
                "executionRole": "arn:aws:iam::000000000000:role/job",
                "state": state,
                "stateDetails": "",
                "releaseLabel": "emr-spark-8.1.0",
            }
            for run, state in self.runs.items()
        ]


class AccountProxy:
    """`calls` holds (service, operation, what it named) of every call, in order."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.calls: list[tuple[str, str, str]] = []
        self.applications: dict[str, Application] = {}
        # Name of a serverless cluster to the stack that it goes with.
        self.clusters: dict[str, str] = {}
        # (service, operation) to the error code that is answered instead.
        self.refusals: dict[tuple[str, str], str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> AccountProxy:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def changes(self) -> list[tuple[str, str]]:
        """The calls that changed something, each once while it is repeated."""
        found: list[tuple[str, str]] = []
        for _, operation, subject in self.calls:
            call = (operation, subject)
            if not re.match(r"Get|List|Describe", operation) and call not in found:
                found.append(call)
        return found

    def msk(self) -> dict[str, Any]:
        """The answer to ListClustersV2."""
        return {
            "clusterInfoList": [
                {
                    "clusterArn": f"arn:aws:kafka:us-east-1:000000000000:cluster/{name}/0a1b-s1",
                    "clusterName": name,
                    "clusterType": "SERVERLESS",
                    "state": "ACTIVE",
                    "tags": {},
                }
                for name in self.clusters
            ]
        }

    def emr(self, method: str, path: str) -> tuple[str, str, int, dict[str, Any]]:
        """(operation, subject, HTTP status, body) of one request."""
        match [method, *[part for part in path.split("/") if part][1:]]:
            case ["GET"]:
                summaries = [one.summary() for one in self.applications.values()]
                return "ListApplications", "", 200, {"applications": summaries}
            case ["GET", id_]:
                found = self.applications[id_]
                summary = found.summary()
                if found.state == "STOPPING":
                    found.state = "STOPPED"
                return "GetApplication", id_, 200, {"application": summary}
            case ["POST", id_, "stop"]:
                return "StopApplication", id_, *self._stop(self.applications[id_])
            case ["GET", id_, "jobruns"]:
                found = self.applications[id_]
                summaries = found.run_summaries()
                for run, state in found.runs.items():
                    found.runs[run] = "CANCELLED" if state == "CANCELLING" else state
                return "ListJobRuns", id_, 200, {"jobRuns": summaries}
            case ["DELETE", id_, "jobruns", run]:
                self.applications[id_].runs[run] = "CANCELLING"
                return "CancelJobRun", run, 200, {"applicationId": id_, "jobRunId": run}
        raise AssertionError(f"EMR Serverless is not asked for {method} {path} here")

    def _stop(self, application: Application) -> tuple[int, dict[str, Any]]:
        if ACTIVE & set(application.runs.values()):
            return 400, {"message": "The application has running jobs."}
        application.state = "STOPPING"
        return 200, {}

    def rewritten(self, operation: str, subject: str, body: bytes) -> bytes:
        """The emulator's answer, with what it cannot have in a stack."""
        if operation == "ListStackResources":
            added = "".join(
                APPLICATION.format(id=one.id)
                for one in self.applications.values()
                if one.stack == subject
            )
            mark = b"<StackResourceSummaries>"
            empty = b"<StackResourceSummaries/>"
            body = body.replace(empty, mark + b"</StackResourceSummaries>")
            return body.replace(mark, mark + added.encode())
        if operation == "DeleteStack":
            self.clusters = {k: v for k, v in self.clusters.items() if v != subject}
            # CloudFormation deletes a stopped application with its stack.
            for one in list(self.applications.values()):
                if one.stack == subject:
                    assert one.state == "STOPPED", f"{subject} went while {one.id} was {one.state}"
                    del self.applications[one.id]
        return body


def _handler_of(proxy: AccountProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            service = self.headers["Authorization"].split("/")[3]
            if service == "emr-serverless":
                path = urllib.parse.urlsplit(self.path).path
                operation, subject, status, answer = proxy.emr(self.command, path)
                proxy.calls.append((service, operation, subject))
                kind = {"x-amzn-errortype": "ValidationException"} if status == 400 else {}
                self._answer(status, json.dumps(answer).encode(), kind)
                return
            if service == "kafka":
                proxy.calls.append((service, "ListClustersV2", ""))
                self._answer(200, json.dumps(proxy.msk()).encode(), {})
                return
            operation, subject = _named(self, service, body)
            proxy.calls.append((service, operation, subject))
            refusal = proxy.refusals.get((service, operation))
            if refusal:
                kind = {"x-amzn-errortype": refusal}
                self._answer(403, json.dumps({"message": "refused"}).encode(), kind)
                return
            status, headers, answered = self._forward(body)
            self._answer(status, proxy.rewritten(operation, subject, answered), headers)

        def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
            request = urllib.request.Request(
                proxy.target + self.path, body or None, headers, method=self.command
            )
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            try:
                with opener.open(request, timeout=60) as reply:
                    return reply.status, dict(reply.headers), reply.read()
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, dict(error.headers), error.read()

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in HOP | {"server", "date"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815

        def log_message(self, *_: object) -> None:
            """The calls are noted, not printed."""

    return Handler


def _named(handler: BaseHTTPRequestHandler, service: str, body: bytes) -> tuple[str, str]:
    """Operation and subject of a request, as far as the teardown uses the service."""
    target = handler.headers.get("X-Amz-Target")
    if target:
        return target.rpartition(".")[2], ""
    parts = urllib.parse.urlsplit(handler.path)
    path, query = [part for part in parts.path.split("/") if part], parts.query
    if service == "lambda":
        if path[-1] in ("event-source-mappings", "functions"):
            return "List", path[-1]
        verbs = {"GET": "Get", "PUT": "Update", "POST": "Create", "DELETE": "Delete"}
        return f"{verbs[handler.command]}EventSourceMapping", path[-1]
    if service == "s3":
        bucket = path[0] if path else ""
        if handler.command == "DELETE":
            return ("DeleteObject" if len(path) > 1 else "DeleteBucket"), bucket
        return ("DeleteObjects" if handler.command == "POST" else f"List{query[:8]}"), bucket
    form = {key: value[0] for key, value in urllib.parse.parse_qs(body.decode()).items()}
    return form.get("Action", f"{handler.command} {parts.path}"), form.get("StackName", "")
