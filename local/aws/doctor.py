"""What an account must have before a deploy, each with what to do where it has not."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from local.aws.account import Account
from local.errors import LocalError

BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
# What the CDK's templates ask for themselves.
LEAST_BOOTSTRAP = 6
LEAST_NODE = 22
# A quota's service and words of its name, the least that a student's stacks need, and why.
QUOTAS = (
    ("lambda", "concurrent executions", 10, "nothing is reserved, so 10 will do"),
    ("emr-serverless", "concurrent vcpu", 4, "a job needs 2, and 2 more while it restarts"),
    ("kafka", "serverless clusters", 1, "one for each student"),
    ("vpc", "vpcs per region", 1, "one for each student"),
)


@dataclass(frozen=True, slots=True)
class Check:
    """One line: `ok` is None where nobody can tell."""

    name: str
    ok: bool | None
    found: str
    advice: str = ""


def checks(account: Account) -> Iterator[Check]:
    """Everything that can be looked at. What needs an account is left out without one."""
    yield _node()
    try:
        identity = account.identity()
    except LocalError as error:
        yield Check("credentials", False, str(error))
        return
    yield Check("credentials", True, identity.arn)
    yield Check("region", True, identity.region)
    yield _bootstrap(account)
    for service, words, least, why in QUOTAS:
        yield _quota(account, service, words, least=least, why=why)
    yield _plan(account)


def _node() -> Check:
    node = shutil.which("node")
    advice = f"install Node {LEAST_NODE} or newer: the CDK's command line runs on it"
    if node is None or shutil.which("npx") is None:
        return Check("node", False, "no node and npx on the path", advice)
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    version = done.stdout.strip()
    major = re.match(r"v(\d+)\.", version)
    ok = major is not None and int(major[1]) >= LEAST_NODE
    return Check("node", ok, version or "no version", "" if ok else advice)


def _bootstrap(account: Account) -> Check:
    advice = "run `npx aws-cdk@2.1148.1 bootstrap` once in this account and region"
    try:
        answer = account.client("ssm").get_parameter(Name=BOOTSTRAP_PARAMETER)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ParameterNotFound":
            return Check("bootstrap", False, "this account and region are not bootstrapped", advice)
        return Check("bootstrap", None, f"cannot be read: {code}", advice)
    version = int(answer["Parameter"]["Value"])
    ok = version >= LEAST_BOOTSTRAP
    return Check("bootstrap", ok, f"version {version}", "" if ok else advice)


def _quota(account: Account, service: str, words: str, *, least: int, why: str) -> Check:
    name, advice = f"quota of {service}", "look at the Service Quotas page"
    try:
        pages = account.client("service-quotas").get_paginator("list_service_quotas")
        listed = [q for page in pages.paginate(ServiceCode=service) for q in page["Quotas"]]
    except (ClientError, BotoCoreError) as error:
        return Check(name, None, f"cannot be read: {_code(error)}", advice)
    found = [quota for quota in listed if words in quota["QuotaName"].lower()]
    if not found:
        return Check(name, None, f"none of {words} is listed", advice)
    value = int(found[0]["Value"])
    ok = value >= least
    ask = "" if ok else f"ask for at least {least} on the Service Quotas page: {why}"
    return Check(name, ok, f"{value}, {found[0]['QuotaName']}", ask)


def _plan(account: Account) -> Check:
    """Accounts since July 2025 run on a free plan or a paid one; credits go with either."""
    advice = "the free plan leaves services out: see the Billing page, credits stay with a paid one"
    try:
        found = account.client("freetier").get_account_plan_state()
    except (ClientError, BotoCoreError) as error:
        return Check("plan", None, f"cannot be read: {_code(error)}", advice)
    left = found.get("accountPlanRemainingCredits", {})
    credits = f", {left['amount']} {left['unit']} of credits left" if left else ""
    paid = found["accountPlanType"] == "PAID"
    kind = f"{found['accountPlanType'].lower()}{credits}"
    return Check("plan", True if paid else None, kind, "" if paid else advice)


def _code(error: Exception) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else str(error)
