"""Every variant of the stacks, synthesized once: one app, in which each variant is a student."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from support.policies import ACCOUNT_NUMBER, REGION, Policy, Resolver, policy_of

from stacks.application import add_stacks, new_app
from stacks.settings import ESM_MODES, PROFILES, TRANSPORTS, Settings

ROLE, FUNCTION = "AWS::IAM::Role", "AWS::Lambda::Function"
STACKS = (*("teardown", "network", "transport", "state", "risk", "enforcement", "observability"),)
EXPIRES_AT = "2026-11-26T18:00:00Z"


def _variant(transport: str, profile: str, esm_mode: str) -> Settings:
    return Settings(
        student=f"{transport[:2]}-{profile}-{esm_mode[:2]}",
        transport=transport,
        profile=profile,
        esm_mode=esm_mode,
        customer_key=profile == "prod",
    )


VARIANTS: Mapping[str, Settings] = {
    made.student: made
    for made in itertools.starmap(_variant, itertools.product(TRANSPORTS, PROFILES, ESM_MODES))
}


@dataclass(frozen=True, slots=True)
class Written:
    """One template."""

    template: dict[str, Any]
    given: Mapping[str, str]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        resources = self.template["Resources"].items()
        return {name: one for name, one in resources if one["Type"] == kind}

    def named(self, prefix: str, kind: str) -> str:
        """The logical id of the one resource of this type that begins so."""
        found = [name for name in self.of_type(kind) if name.startswith(prefix)]
        assert len(found) == 1, f"one {kind} {prefix} expected, found {len(found)}"
        return found[0]

    def one(self, kind: str, prefix: str = "") -> dict[str, Any]:
        properties: dict[str, Any] = self.of_type(kind)[self.named(prefix, kind)]["Properties"]
        return properties

    @property
    def resolve(self) -> Resolver:
        return Resolver(self.template, self.given)

    def role(self, prefix: str) -> Policy:
        """All that a role may do: what it was made with, and what was added."""
        name = self.named(prefix, ROLE)
        added = [
            policy["Properties"]
            for policy in self.of_type("AWS::IAM::Policy").values()
            if {"Ref": name} in policy["Properties"]["Roles"]
        ]
        documents = [*self.one(ROLE, prefix).get("Policies", ()), *added]
        return policy_of([one["PolicyDocument"] for one in documents], self.resolve)


@dataclass(frozen=True)
class Variant:
    """All templates of one student."""

    folder: Path
    settings: Settings

    def file(self, stack: str) -> Path:
        return self.folder / f"{self.settings.prefix}-{stack}.template.json"

    def __getattr__(self, stack: str) -> Written:
        if stack not in STACKS:
            raise AttributeError(stack)
        return Written(json.loads(self.file(stack).read_text()), self.given)

    @cached_property
    def given(self) -> Mapping[str, str]:
        """What the parameter store holds of this student, as a template names it."""
        prefix, kafka = self.settings.prefix, f"arn:aws:kafka:{REGION}:{ACCOUNT_NUMBER}"
        return {
            "AccountsTable": "accounts",
            "AccountsStreamArn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT_NUMBER}:table/accounts/s/1",
            "AuditBucketName": "audit",
            "NoticesArn": f"arn:aws:sns:{REGION}:{ACCOUNT_NUMBER}:{prefix}-notices",
            "StateKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT_NUMBER}:key/state",
            "KafkaBootstrap": "boot:9098",
            "KafkaClusterArn": f"{kafka}:cluster/{prefix}/0a1b-2c-s1",
            "KafkaTopicsArn": f"{kafka}:topic/{prefix}/0a1b-2c-s1",
            "KafkaGroupsArn": f"{kafka}:group/{prefix}/0a1b-2c-s1",
        }

    def asset_of(self, step: str) -> Path:
        """The code folder of a function of the Enforcement stack."""
        return self.asset(
            "enforcement", self.enforcement.one(FUNCTION, step.title())["Code"]["S3Key"]
        )

    def asset(self, stack: str, key: str) -> Path:
        """A code folder, found as a deploy finds it: by its key in the bucket."""
        manifest = self.folder / f"{self.settings.prefix}-{stack}.assets.json"
        for file in json.loads(manifest.read_text())["files"].values():
            if any(place["objectKey"] == key for place in file["destinations"].values()):
                return self.folder / str(file["source"]["path"])
        raise AssertionError(f"no asset {key}")


def synthesize(
    folder: Path, variants: Mapping[str, Settings] = VARIANTS, *, nag: bool = True
) -> dict[str, Variant]:
    """An open finding of the AWS Solutions rules makes this raise."""
    app = new_app(folder, nag=nag, check_templates=nag, expires_at=EXPIRES_AT)
    for settings in variants.values():
        add_stacks(app, settings)
    app.synth()
    return {name: Variant(folder, settings) for name, settings in variants.items()}
