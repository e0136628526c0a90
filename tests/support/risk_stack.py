"""The stack of the streaming job alone: any transport, a network by name, the AWS rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from cdk_nag import AwsSolutionsChecks
from support.policies import Policy, Resolver, policy_of

from stacks.risk import Risk, RiskSettings, StreamTransport

STACK = "marginwatch-ada-risk"
BUCKET, APPLICATION = "AWS::S3::Bucket", "AWS::EMRServerless::Application"
ROLE = "AWS::IAM::Role"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfStudent:
    """The settings that count here."""

    student: str = "ada"
    profile: str = "class"
    ttl_hours: int = 4
    customer_key: bool = False

    @property
    def prefix(self) -> str:
        return f"marginwatch-{self.student}"


class Subnets:
    subnet_ids = ("subnet-0a0a0a0a", "subnet-0b0b0b0b")
    stream_security_group_id = "sg-0123456789abcdef0"


class Asked:
    """A transport that writes down what it was asked for."""

    def __init__(self) -> None:
        self.channels: list[tuple[str, str]] = []

    def grant_consume(self, role: iam.Role, channel: str) -> None:
        self.channels.append(("consume", channel))

    def grant_produce(self, role: iam.Role, channel: str) -> None:
        self.channels.append(("produce", channel))


@dataclass(frozen=True, slots=True)
class Synthesized:
    """The template as written, and what reads it."""

    template: dict[str, Any]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        resources = self.template["Resources"].items()
        return {name: one for name, one in resources if one["Type"] == kind}

    def named(self, prefix: str, kind: str) -> str:
        """The logical id of the one resource of this type that begins so."""
        (name,) = [one for one in self.of_type(kind) if one.startswith(prefix)]
        return name

    def properties(self, prefix: str, kind: str) -> dict[str, Any]:
        found: dict[str, Any] = self.of_type(kind)[self.named(prefix, kind)]["Properties"]
        return found

    def role(self, prefix: str, given: Mapping[str, str] | None = None) -> Policy:
        """All that a role may do, what the transport added to it as well."""
        documents = self.properties(prefix, ROLE)["Policies"]
        own = {"Ref": self.named(prefix, ROLE)}
        added = [
            policy["Properties"]
            for policy in self.of_type("AWS::IAM::Policy").values()
            if own in policy["Properties"]["Roles"]
        ]
        return policy_of(
            [one["PolicyDocument"] for one in (*documents, *added)],
            Resolver(self.template, given or {}),
        )

    @property
    def resolve(self) -> Resolver:
        return Resolver(self.template, {})

    def arn(self, prefix: str, kind: str) -> str:
        return self.resolve.arn(self.named(prefix, kind))


def synthesize(folder: Path, settings: RiskSettings, transport: StreamTransport) -> Synthesized:
    """With the AWS Solutions rules: an open finding raises."""
    app = cdk.App(outdir=str(folder), analytics_reporting=False)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    Risk(app, STACK, settings, Subnets(), transport)
    app.synth()
    return Synthesized(json.loads((folder / f"{STACK}.template.json").read_text()))
