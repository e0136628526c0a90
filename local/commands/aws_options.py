"""What the commands for AWS have in common: whose stacks, where, and of which shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from local.aws.account import Account
    from local.aws.deploying import Choice

Command = TypeVar("Command", bound=Callable[..., Any])


def options(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


STUDENT = click.option("--student", required=True, help="Whose stacks; begins every name.")
WHERE = options(
    click.option("--region", help="Default: that of the shell's AWS settings."),
    click.option("--endpoint-url", help="An emulator in place of AWS."),
)
SHAPE = options(
    click.option("--profile", type=click.Choice(("class", "prod")), default="class"),
    click.option("--transport", type=click.Choice(("kafka", "kinesis")), default="kafka"),
    click.option(
        "--esm-mode", type=click.Choice(("on-demand", "provisioned")), default="on-demand"
    ),
    click.option(
        "--ttl-hours", type=click.IntRange(1, 12), default=4, help="Then it is taken down."
    ),
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


def account_of(region: str | None, endpoint_url: str | None) -> Account:
    """The account of the shell's credentials."""
    from local.aws.account import Account

    return Account(region, endpoint_url)


def choice_of(student: str, profile: str, transport: str, esm_mode: str, ttl_hours: int) -> Choice:
    """The options as one value."""
    from local.aws.deploying import Choice

    return Choice(
        student=student,
        profile=profile,
        transport=transport,
        esm_mode=esm_mode,
        ttl_hours=ttl_hours,
    )
