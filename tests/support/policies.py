"""IAM policies of a template, evaluated as AWS does: an action on an ARN, allowed or not.

A denial beats a permission, and what nothing allows is refused. Conditions are compared with the
given context; an operator that is not known here is an error and not a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

REGION, ACCOUNT_NUMBER = "us-east-1", "111122223333"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy, its resources written out as ARN patterns."""

    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def covers(self, action: str, arn: str, context: Mapping[str, str]) -> bool:
        return (
            any(fits(pattern, action, same_case=False) for pattern in self.actions)
            and any(fits(pattern, arn) for pattern in self.resources)
            and all(
                _holds(operator, key, expected, context)
                for operator, pairs in self.conditions.items()
                for key, expected in pairs.items()
            )
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """All that one role is given."""

    statements: tuple[Statement, ...]

    def allows(self, action: str, arn: str, context: Mapping[str, str] | None = None) -> bool:
        """Whether the role may call `action`, such as `s3:PutObject`, on the resource."""
        fitting = [s for s in self.statements if s.covers(action, arn, context or {})]
        return bool(fitting) and all(s.allows for s in fitting)

    @property
    def actions(self) -> frozenset[str]:
        return frozenset(a for s in self.statements if s.allows for a in s.actions)


def fits(pattern: str, text: str, *, same_case: bool = True) -> bool:
    """Whether an IAM pattern, with * and ?, is the whole of the text."""
    return _compiled(pattern, same_case).fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str, same_case: bool) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    written = "".join(parts.get(c) or re.escape(c) for c in pattern)
    return re.compile(written, re.DOTALL | (0 if same_case else re.IGNORECASE))


def _holds(operator: str, key: str, expected: Any, context: Mapping[str, str]) -> bool:
    found = context.get(key)
    choices = [str(e) for e in (expected if isinstance(expected, list) else [expected])]
    match operator:
        case "StringEquals" | "ArnEquals" | "Bool":
            return found in choices
        case "StringLike" | "ArnLike":
            return found is not None and any(fits(choice, found) for choice in choices)
        case "StringNotEquals":
            return found not in choices
    raise AssertionError(f"no condition operator {operator} is known here")


def policy_of(documents: Iterable[Mapping[str, Any]], resolve: Resolver) -> Policy:
    """The policy that these documents make together."""
    return Policy(tuple(s for document in documents for s in _statements(document, resolve)))


def _statements(document: Mapping[str, Any], resolve: Resolver) -> Iterator[Statement]:
    for entry in _listed(document["Statement"]):
        yield Statement(
            allows=entry["Effect"] == "Allow",
            actions=tuple(_listed(entry["Action"])),
            resources=tuple(str(resolve(one)) for one in _listed(entry["Resource"])),
            conditions={
                operator: {str(resolve(k)): resolve(v) for k, v in pairs.items()}
                for operator, pairs in entry.get("Condition", {}).items()
            },
        )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class Resolver:
    """The intrinsic functions of a template, over names that are made up but consistent.

    `parameters` gives the values of the template's parameters. A resource is named by what the
    template calls it, else by its logical id.
    """

    PSEUDO: Mapping[str, str] = {
        "AWS::Region": REGION,
        "AWS::AccountId": ACCOUNT_NUMBER,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
    }
    NAMES: Mapping[str, tuple[str, str]] = {
        "AWS::DynamoDB::Table": ("TableName", "dynamodb:{r}:{a}:table/{n}"),
        "AWS::EC2::SecurityGroup": ("GroupName", "ec2:{r}:{a}:security-group/{n}"),
        "AWS::EMRServerless::Application": ("", "emr-serverless:{r}:{a}:/applications/{n}"),
        "AWS::IAM::Role": ("RoleName", "iam::{a}:role/{n}"),
        "AWS::KMS::Key": ("", "kms:{r}:{a}:key/{n}"),
        "AWS::Kinesis::Stream": ("Name", "kinesis:{r}:{a}:stream/{n}"),
        "AWS::Lambda::Function": ("FunctionName", "lambda:{r}:{a}:function:{n}"),
        "AWS::Logs::LogGroup": ("LogGroupName", "logs:{r}:{a}:log-group:{n}:*"),
        "AWS::MSK::ServerlessCluster": ("ClusterName", "kafka:{r}:{a}:cluster/{n}/0a1b-2c-s1"),
        "AWS::S3::Bucket": ("BucketName", "s3:::{n}"),
        "AWS::SNS::Topic": ("TopicName", "sns:{r}:{a}:{n}"),
        "AWS::SQS::Queue": ("QueueName", "sqs:{r}:{a}:{n}"),
        "AWS::StepFunctions::StateMachine": (
            "StateMachineName",
            "states:{r}:{a}:stateMachine:{n}",
        ),
    }
    # What Ref gives for these is the ARN; for the others it is the name.
    REF_IS_ARN = frozenset(
        {"AWS::MSK::ServerlessCluster", "AWS::SNS::Topic", "AWS::StepFunctions::StateMachine"}
    )

    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
        self._resources = template["Resources"]
        self._parameters = {
            **{k: v.get("Default") for k, v in template.get("Parameters", {}).items()},
            **parameters,
        }

    def __call__(self, value: Any) -> Any:
        match value:
            case {"Ref": str(name)}:
                return self._ref(name)
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return self._attribute(name, attribute)
            case {"Fn::Join": [str(by), list(parts)]}:
                return by.join(str(self(part)) for part in parts)
            case {"Fn::Select": [index, parts]}:
                return self(parts)[int(index)]
            case {"Fn::Split": [str(by), text]}:
                return str(self(text)).split(by)
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([^}!]+)\}", lambda m: str(self({"Ref": m[1]})), text)
            case {"Fn::If": [_, then, _]}:
                return self(then)
            case list():
                return [self(one) for one in value]
            case {**pairs} if pairs:
                known = str(next(iter(pairs)))
                assert not known.startswith("Fn::"), f"{known} is not known here"
                return {key: self(one) for key, one in pairs.items()}
        return value

    def arn(self, name: str) -> str:
        """The ARN of the resource with this logical id."""
        resource = self._resources[name]
        form = self.NAMES[resource["Type"]][1]
        return "arn:aws:" + form.format(r=REGION, a=ACCOUNT_NUMBER, n=self.name(name))

    def name(self, name: str) -> str:
        """The physical name of the resource with this logical id."""
        resource = self._resources[name]
        given = resource.get("Properties", {}).get(self.NAMES.get(resource["Type"], ("",))[0])
        return str(self(given)) if given else name

    def _ref(self, name: str) -> Any:
        if name in self.PSEUDO:
            return self.PSEUDO[name]
        if name in self._parameters:
            found = self._parameters[name]
            assert found is not None, f"a value for the parameter {name} expected, found none"
            return found
        is_arn = self._resources[name]["Type"] in self.REF_IS_ARN
        return self.arn(name) if is_arn else self.name(name)

    def _attribute(self, name: str, attribute: str) -> str:
        match attribute:
            case "Arn":
                return self.arn(name)
            case "StreamArn":
                return f"{self.arn(name)}/stream/2026-11-25T13:00:00.000"
        return f"{self.name(name)}.{attribute}"
