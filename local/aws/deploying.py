"""`cdk deploy` and `cdk destroy`, with the settings of one student: nothing is decided here."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.errors import FindingError, MissingPrerequisiteError

# The registry's latest, 3.0.0, cannot read the assemblies of the pinned library.
CDK = "aws-cdk@2.1148.1"
PROJECT = Path(__file__).resolve().parents[2]
# In the order of a deploy. Teardown first: a deploy that fails half way is taken down too.
STACKS = (*("teardown", "network", "transport", "state", "risk", "enforcement", "observability"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a deploy was asked for, as the CDK's context takes it."""

    student: str
    profile: str = "class"
    transport: str = "kafka"
    esm_mode: str = "on-demand"
    ttl_hours: int = 4
    email: str = ""
    budget_usd: int = 25

    def context(self, expires_at: datetime) -> dict[str, str]:
        return {
            "student": self.student,
            "profile": self.profile,
            "transport": self.transport,
            "esm_mode": self.esm_mode,
            "ttl_hours": str(self.ttl_hours),
            "expires_at": expiry_text(expires_at),
        } | self._budget()

    def _budget(self) -> dict[str, str]:
        return {"email": self.email, "budget_usd": str(self.budget_usd)} if self.email else {}

    @property
    def prefix(self) -> str:
        """How every name of this student begins."""
        return f"marginwatch-{self.student}"

    def stack(self, name: str) -> str:
        return f"{self.prefix}-{name}"


def expiry(choice: Choice, now: datetime) -> datetime:
    """When the teardown runs: on a whole minute, UTC."""
    later = now.astimezone(UTC) + timedelta(hours=choice.ttl_hours)
    return later.replace(second=0, microsecond=0)


def expiry_text(at: datetime) -> str:
    """As the stacks take it.

    >>> expiry_text(datetime(2026, 11, 26, 18, 0, tzinfo=UTC))
    '2026-11-26T18:00:00Z'
    """
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def cdk_command(verb: str, choice: Choice, expires_at: datetime, *options: str) -> list[str]:
    """`npx aws-cdk@.. VERB` with the context of a choice."""
    context = [
        part
        for name, value in choice.context(expires_at).items()
        for part in ("-c", f"{name}={value}")
    ]
    return ["npx", "--yes", CDK, verb, *options, *context]


def deploy_commands(choice: Choice, expires_at: datetime) -> list[list[str]]:
    """Teardown alone, then the rest: whatever fails after the first is taken down."""
    approve = ("--require-approval", "never")
    first, *rest = (choice.stack(name) for name in STACKS)
    return [
        cdk_command("deploy", choice, expires_at, first, *approve),
        cdk_command("deploy", choice, expires_at, *rest, *approve),
    ]


def hotswap_command(choice: Choice, expires_at: datetime) -> list[str]:
    """New code of functions and state machines without CloudFormation: for a class, not prod."""
    stack = choice.stack("enforcement")
    return cdk_command("deploy", choice, expires_at, stack, "--hotswap", "--exclusively")


def run(command: list[str], region: str | None) -> None:
    """Run it in the project, its output on this terminal. FindingError where it fails."""
    if shutil.which(command[0]) is None:
        raise MissingPrerequisiteError(
            f"expected {command[0]} on the path to run the CDK, found none; "
            "install Node 22 or newer"
        )
    environment = os.environ | ({"AWS_REGION": region} if region else {})
    done = subprocess.run(command, cwd=PROJECT, env=environment, check=False)
    if done.returncode != 0:
        verb = command[3]
        raise FindingError(
            f"`cdk {verb}` ended with {done.returncode}; its last lines say why. "
            "What was made is taken down by the teardown, or by `marginwatch aws destroy`"
        )
