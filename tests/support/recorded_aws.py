"""boto3 clients that never leave the process: canned answers, checked by the services' own models.

A request is checked by botocore as always, an answer here: a field that the service does not have
fails the test.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator


class RecordedAws:
    """`aws(service)` is a client. `answers` holds pages by service and operation, in order."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        self.refusals: dict[tuple[str, str], str] = {}
        self.calls: list[tuple[str, str]] = []
        self.requests: list[dict[str, Any]] = []
        self.client = cache(self._client)

    def __call__(self, service: str) -> Any:
        return self.client(service)

    def _client(self, service: str) -> Any:
        made = boto3.client(
            service,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

        def answer(model: Any, **_: Any) -> Any:
            return _Answered(200), self._answer(service, model)

        def note(params: dict[str, Any], **_: Any) -> None:
            self.requests.append(dict(params))

        made.meta.events.register("before-parameter-build", note)
        made.meta.events.register("before-call", answer)
        return made

    def _answer(self, service: str, model: Any) -> dict[str, Any]:
        self.calls.append((service, model.name))
        if code := self.refusals.get((service, model.name)):
            raise ClientError({"Error": {"Code": code, "Message": "not for you"}}, model.name)
        pages = self.answers[service, model.name]
        page = pages.pop(0) if len(pages) > 1 else pages[0] if pages else {}
        report = ParamValidator().validate(page, model.output_shape)
        # An answer here may leave fields out, and its identifiers are short.
        wrong = [
            one
            for one in report.generate_report().splitlines()
            if not one.startswith(("Missing", "Invalid length"))
        ]
        assert not wrong, (model.name, wrong)
        unknown = page.keys() - model.output_shape.members.keys()
        assert not unknown, (model.name, unknown)
        return page


class _Answered:
    """What botocore looks at in an HTTP answer."""

    def __init__(self, status: int) -> None:
        self.status_code = status
