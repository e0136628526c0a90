"""One AWS account and region, as the shell's credentials reach it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)

from local.errors import FindingError, MissingPrerequisiteError

SIGN_IN = "sign in with `aws configure` or `aws sso login`, or set AWS_PROFILE"
REFUSED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"}
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls, and where."""

    account: str
    arn: str
    region: str


class Account:
    """Clients of one account. `endpoint` stands for an emulator in place of AWS."""

    def __init__(self, region: str | None = None, endpoint: str | None = None) -> None:
        self._region, self._endpoint = region, endpoint
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """The one client of a service; MissingPrerequisiteError where none can be made."""
        if service not in self._clients:
            try:
                self._clients[service] = self._session.client(
                    service,
                    endpoint_url=self._endpoint,
                    config=Config(
                        retries={"mode": "standard", "max_attempts": 5},
                        connect_timeout=5,
                        s3={"addressing_style": "path"} if self._endpoint else {},
                    ),
                )
            except NoRegionError as error:
                raise MissingPrerequisiteError(
                    "expected a region, found none; give --region us-east-1 or set AWS_REGION"
                ) from error
        return self._clients[service]

    @cached_property
    def _session(self) -> Any:
        try:
            return boto3.session.Session(region_name=self._region)
        except ProfileNotFound as error:
            raise MissingPrerequisiteError(f"{error}; {SIGN_IN}") from error

    def identity(self) -> Identity:
        """Who the credentials belong to. MissingPrerequisiteError where there are none."""
        try:
            found = self.client("sts").get_caller_identity()
        except (NoCredentialsError, PartialCredentialsError, TokenRetrievalError) as error:
            raise MissingPrerequisiteError(
                f"expected AWS credentials, found none that can be used; {SIGN_IN}"
            ) from error
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in REFUSED:
                raise MissingPrerequisiteError(
                    f"expected AWS credentials that are valid, found {code}; {SIGN_IN}"
                ) from error
            raise
        except BotoCoreError as error:
            raise FindingError(
                f"AWS cannot be reached: {error}; is this machine online?"
            ) from error
        region = self.client("sts").meta.region_name
        return Identity(account=found["Account"], arn=found["Arn"], region=region)

    def parameter(self, student: str, name: str) -> str:
        """What a stack published; FindingError where it did not, so it is not deployed."""
        address = f"/marginwatch/{student}/{name}"
        try:
            value = self.client("ssm").get_parameter(Name=address)["Parameter"]["Value"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterNotFound":
                raise
            raise FindingError(
                f"expected the parameter {address}, found none; "
                f"deploy first: `marginwatch aws deploy --student {student}`"
            ) from error
        return str(value)

    def invoke(self, function: str, payload: bytes) -> Any:
        """What a function answered, parsed; FindingError with its own words where it failed."""
        import json

        reply = self.client("lambda").invoke(FunctionName=function, Payload=payload)
        body = json.loads(reply["Payload"].read())
        if "FunctionError" in reply:
            said = body.get("errorMessage", body) if isinstance(body, dict) else body
            raise FindingError(f"{function} failed: {said}")
        return body
