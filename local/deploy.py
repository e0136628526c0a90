"""Put a synthesized CDK assembly (cdk.out) on the emulator with boto3: no Node, no CDK CLI.

Works again on what is there: an update keeps the rows. What the emulator's CloudFormation drops
without a word (time to live, Object Lock) is set through the services' own APIs afterwards. What
stacks read from the parameter store and no stack here writes is put there first.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local.emulator import ACCOUNT, REGION, aws_client
from local.errors import FindingError, TimedOutError, UsageError

BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
BOOTSTRAP_VERSION = "30"
FINAL = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
CDK_EXPORTS = "ExportsOutput"
STORED = "AWS::SSM::Parameter::Value<"
REFERENCE = re.compile(r"\{\{resolve:ssm:([^}:]+)")
# In place of a resource that exists on AWS only: its name may be used, and nothing comes of it.
ABSENT = "arn:aws:absent:::absent/absent/absent"
# The emulator reads no Kafka for a function, so a process beside it does; a mapping of the same
# records would invoke the router twice.
OFFLINE = {"FeedRouter": "false"}
POLL_S = 0.02
FIXED_TIME = (1980, 1, 1, 0, 0, 0)

Client = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Stack:
    """One CloudFormation stack of an assembly."""

    name: str
    template_file: Path
    asset_files: tuple[Path, ...]
    template_url: str | None = None  # s3://bucket/key, where the template is itself an asset

    @property
    def template(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.template_file.read_text(encoding="utf-8"))
        return content


def deploy(
    endpoint: str,
    assembly: Path,
    parameters: Mapping[str, str] | None = None,
    *,
    timeout_s: float = 120,
) -> dict[str, str]:
    """Create or update every stack of the assembly in order; the outputs of all of them.

    Each stack gets those of `parameters` that its template declares; a value of one that is read
    from the parameter store is put there. Raises UsageError for a parameter that no stack
    declares and FindingError with the causes where a stack fails.
    """
    stacks, given = stacks_in_order(assembly), dict(parameters or {})
    declared = {name: of for stack in stacks for name, of in parameters_of(stack).items()}
    if unknown := sorted(given.keys() - declared.keys()):
        raise UsageError(f"no stack of {assembly} has the parameter {', '.join(unknown)}")

    def client(service: str) -> Any:
        return aws_client(endpoint, service)

    client("ssm").put_parameter(
        Name=BOOTSTRAP_PARAMETER, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True
    )
    for name, value in stored_values(stacks, given).items():
        client("ssm").put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
    cloudformation = client("cloudformation")
    for stack in stacks:
        upload_assets(client("s3"), stack)
        create_or_update(cloudformation, stack, OFFLINE | given, endpoint)
        wait_until_final(cloudformation, stack.name, timeout_s)
    apply_dropped_settings(client, stacks)
    return outputs(endpoint, *[stack.name for stack in stacks])


def parameters_of(stack: Stack) -> dict[str, dict[str, str]]:
    """What the stack declares, without the CDK's own check of the bootstrap."""
    declared: dict[str, dict[str, str]] = stack.template.get("Parameters", {})
    return {name: one for name, one in declared.items() if name != "BootstrapVersion"}


def stored_values(stacks: list[Stack], given: Mapping[str, str]) -> dict[str, str]:
    """What the parameter store has to hold beforehand: parameter name -> value.

    The given values of parameters that are read from there, and a stand-in for each name that the
    stacks read and none of them writes.
    """
    found, written = dict[str, str](), set[str]()
    for stack in stacks:
        written |= published_by(stack)
        found |= dict.fromkeys(REFERENCE.findall(stack.template_file.read_text()), ABSENT)
        for name, declared in parameters_of(stack).items():
            if declared["Type"].startswith(STORED):
                found[declared["Default"]] = given.get(name, ABSENT)
    return {name: value for name, value in found.items() if name not in written}


def published_by(stack: Stack) -> set[str]:
    """Names of the parameters that the stack itself writes."""
    return {
        str(resource["Properties"]["Name"])
        for resource in stack.template["Resources"].values()
        if resource["Type"] == "AWS::SSM::Parameter"
    }


def outputs(endpoint: str, *stack_names: str) -> dict[str, str]:
    """Output key -> value of the named stacks together, without what CDK passes between them.

    Raises FindingError where one does not exist.
    """
    cloudformation, found = aws_client(endpoint, "cloudformation"), dict[str, str]()
    for name in stack_names:
        try:
            stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            raise FindingError(f"stack {name} is not deployed at {endpoint}: {error}") from error
        found |= {out["OutputKey"]: out["OutputValue"] for out in stack.get("Outputs", [])}
    return {key: value for key, value in found.items() if not key.startswith(CDK_EXPORTS)}


def stacks_in_order(assembly: Path) -> list[Stack]:
    """The assembly's stacks, each after those it depends on."""
    manifest = assembly / "manifest.json"
    if not manifest.is_file():
        raise UsageError(f"{assembly} is not a CDK assembly: it has no manifest.json")
    artifacts: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))["artifacts"]
    ordered: dict[str, Stack] = {}

    def visit(name: str) -> None:
        artifact = artifacts[name]
        if artifact["type"] != "aws:cloudformation:stack" or name in ordered:
            return
        needed = artifact.get("dependencies", [])
        for dependency in needed:
            visit(dependency)
        assets = [artifacts[n] for n in needed if artifacts[n]["type"] == "cdk:asset-manifest"]
        ordered[name] = Stack(
            name=artifact["properties"].get("stackName", name),
            template_file=assembly / artifact["properties"]["templateFile"],
            asset_files=tuple(assembly / asset["properties"]["file"] for asset in assets),
            template_url=artifact["properties"].get("stackTemplateAssetObjectUrl"),
        )

    for name in artifacts:
        visit(name)
    return list(ordered.values())


def upload_assets(s3: Any, stack: Stack) -> None:
    """Asset keys are hashes of the content, so what is there already is not sent again."""
    for manifest in stack.asset_files:
        for asset in json.loads(manifest.read_text(encoding="utf-8"))["files"].values():
            source = manifest.parent / asset["source"]["path"]
            packed = asset["source"]["packaging"] == "zip"
            for place in asset["destinations"].values():
                upload(s3, place, zipped(source) if packed else source.read_bytes())


def upload(s3: Any, place: Mapping[str, str], body: bytes) -> None:
    bucket = resolved(place["bucketName"])
    try:
        s3.head_object(Bucket=bucket, Key=place["objectKey"])
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        taken = (s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists)
        with contextlib.suppress(*taken):
            s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key=place["objectKey"], Body=body)


def resolved(text: str) -> str:
    """An asset's place, with the emulator's account and region."""
    return text.replace("${AWS::AccountId}", ACCOUNT).replace("${AWS::Region}", REGION)


def zipped(folder: Path) -> bytes:
    """The folder as a zip whose bytes depend on names and content only."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), FIXED_TIME)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes())
    return buffer.getvalue()


def template_of(stack: Stack, endpoint: str) -> dict[str, str]:
    """By its place among the assets, as the CDK CLI names it: a text may have 51,200 bytes only."""
    if stack.template_url is None:
        return {"TemplateBody": json.dumps(stack.template, separators=(",", ":"))}
    return {"TemplateURL": f"{endpoint}/{resolved(stack.template_url).removeprefix('s3://')}"}


def create_or_update(
    cloudformation: Any, stack: Stack, given: Mapping[str, str], endpoint: str
) -> None:
    passed = {
        name
        for name, declared in parameters_of(stack).items()
        if not declared["Type"].startswith(STORED)
    }
    request = {
        "StackName": stack.name,
        "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in given.items()
            if name in passed
        ],
    } | template_of(stack, endpoint)
    try:
        cloudformation.create_stack(**request)
    except cloudformation.exceptions.AlreadyExistsException:
        try:
            cloudformation.update_stack(**request)
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise


def wait_until_final(cloudformation: Any, name: str, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        status = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            break
        if time.monotonic() > deadline:
            raise TimedOutError(f"stack {name} is {status} after {timeout_s:g} s")
        time.sleep(POLL_S)
    if status not in FINAL:
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        causes = [
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
            for event in events
            if event["ResourceStatus"].endswith("FAILED")
        ]
        raise FindingError(f"stack {name} is {status}: {'; '.join(causes)}")


def apply_dropped_settings(client: Client, stacks: list[Stack]) -> list[str]:
    """Set what the emulator's CloudFormation drops; logical ids of the resources it was for."""
    cloudformation, applied = client("cloudformation"), []
    for stack in stacks:
        for logical_id, resource in stack.template["Resources"].items():
            properties = resource.get("Properties", {})
            time_to_live = properties.get("TimeToLiveSpecification")
            object_lock = properties.get("ObjectLockConfiguration")
            if not (time_to_live or object_lock):
                continue
            name = cloudformation.describe_stack_resource(
                StackName=stack.name, LogicalResourceId=logical_id
            )["StackResourceDetail"]["PhysicalResourceId"]
            if time_to_live and resource["Type"] == "AWS::DynamoDB::Table":
                client("dynamodb").update_time_to_live(
                    TableName=name, TimeToLiveSpecification=time_to_live
                )
            if object_lock and resource["Type"] == "AWS::S3::Bucket":
                client("s3").put_object_lock_configuration(
                    Bucket=name, ObjectLockConfiguration=object_lock
                )
            applied.append(logical_id)
    return applied
