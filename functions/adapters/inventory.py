"""What one student's stacks have left in an account and region: found by tag and by name.

A tag is lost when a stack is half made, and a name when AWS chose it: either one is enough. A
resource that is tagged for another student is never ours, whatever it is called: `marginwatch-ana`
begins the names of `marginwatch-ana-b` too.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from functions.adapters.listings import LISTINGS, NO_TAGS, Aws, Prices, Resource, pages

PROJECT = "marginwatch"
PROJECT_TAG, STUDENT_TAG = "Project", "Student"
# Free, and made once an account: subnets, security groups and gateway endpoints stay for the next
# run. What is billed in it, such as an interface endpoint, is found all the same.
PERMANENT_STACK = "network"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """One resource that is still there. `prices`: keys of the price table, and how many of each."""

    kind: str
    name: str
    arn: str
    found_by: str  # "tag", else "name"
    prices: Prices = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "arn": self.arn,
            "found_by": self.found_by,
            "prices": [list(price) for price in self.prices],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What was found, and the listings that gave no answer: nobody knows what is in those."""

    leftovers: tuple[Leftover, ...]
    unread: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        return not self.leftovers and not self.unread


def stack_prefix(student: str) -> str:
    return f"{PROJECT}-{student}"


def take_inventory(student: str, aws: Aws, *, kept_stacks: Collection[str] = ()) -> Inventory:
    """All that is left of the student's stacks, the dearest first.

    `aws` gives the boto3 client of a service. `kept_stacks` are the short names, such as
    "teardown", of stacks that are meant to stay. A service that refuses does not raise: its
    listing is in `unread`, and the inventory is not clean.
    """
    aws = cache(aws)  # one client a service
    tags, unread = _tags(student, aws)
    leftovers: list[Leftover] = []
    for listing, read in LISTINGS.items():
        try:
            leftovers += _ours(read(aws), student, tags, kept_stacks)
        except (ClientError, BotoCoreError) as error:
            unread.append(f"{listing}: {error}")
    return Inventory(leftovers=tuple(leftovers), unread=tuple(unread))


def _tags(student: str, aws: Aws) -> tuple[dict[str, Mapping[str, str]], list[str]]:
    """ARN to tags of everything the project has tagged, for every student."""
    wanted = [{"Key": PROJECT_TAG, "Values": [PROJECT]}]
    found = pages(
        aws,
        "resourcegroupstaggingapi",
        "get_resources",
        "ResourceTagMappingList",
        TagFilters=wanted,
    )
    try:
        return {
            one["ResourceARN"]: {tag["Key"]: tag["Value"] for tag in one["Tags"]} for one in found
        }, []
    except (ClientError, BotoCoreError) as error:
        return {}, [f"tags of {student}: {error}"]


def _ours(
    resources: Iterator[Resource],
    student: str,
    tags: Mapping[str, Mapping[str, str]],
    kept_stacks: Collection[str],
) -> Iterator[Leftover]:
    for one in resources:
        found_by = owner_sign(one, student, one.tags or tags.get(one.arn, NO_TAGS))
        if found_by and not _stays(one, student, kept_stacks):
            yield Leftover(
                kind=one.kind, name=one.name, arn=one.arn, found_by=found_by, prices=one.prices
            )


def owner_sign(one: Resource, student: str, tags: Mapping[str, str]) -> str | None:
    """ "tag" or "name", by which the resource is the student's; None where it is not."""
    if STUDENT_TAG in tags and tags.get(PROJECT_TAG) == PROJECT:
        return "tag" if tags[STUDENT_TAG] == student else None
    return "name" if _is_named(one, stack_prefix(student)) else None


def _stays(one: Resource, student: str, kept_stacks: Collection[str]) -> bool:
    prefix = stack_prefix(student)
    if _is_named(one, f"{prefix}-{PERMANENT_STACK}") and not one.prices:
        return True
    return any(_is_named(one, f"{prefix}-{stack}") for stack in kept_stacks)


def _is_named(one: Resource, prefix: str) -> bool:
    """At the beginning, or after a slash as in /aws/lambda/marginwatch-demo-router."""
    return re.search(rf"(?:^|/){re.escape(prefix)}(?![a-z0-9])", one.name) is not None
