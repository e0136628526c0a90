"""`marginwatch workflow`: the cases of the ladder, from their execution histories."""

from __future__ import annotations

import json
from typing import Any

import click

from local.errors import UsageError
from local.state import StateFolder


@click.group(
    "workflow",
    invoke_without_command=True,
    epilog="Examples: `marginwatch workflow list`; `marginwatch workflow show ACC_DEMO_001`.",
)
@click.pass_context
def command(ctx: click.Context) -> None:
    """The cases of the ladder, step by step."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_cases)


@command.command("list", epilog="Example: `marginwatch workflow list --json`.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def list_cases(as_json: bool = False) -> None:
    """Every execution of the state machine, oldest first."""
    from local import cases

    found = cases.executions(StateFolder.here().running())
    if as_json:
        click.echo(json.dumps({"executions": found}, indent=1))
        return
    from local.table import print_rows

    print_rows(("execution", "status", "started_at", "stopped_at"), found)


@command.command("show", epilog="Example: `marginwatch workflow show ACC_DEMO_001`.")
@click.argument("case", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(case: str, as_json: bool) -> None:
    """The steps of a case: when each state was entered, how long it took, and why it was next.

    ID is an execution, or an account: then its newest execution.
    """
    from local import cases

    running = StateFolder.here().running()
    execution = _find(case, cases.executions(running))
    steps = cases.steps(running, execution["arn"])
    if as_json:
        click.echo(json.dumps(execution | {"steps": steps}, indent=1))
        return
    from local.table import print_rows

    click.echo(f"{execution['execution']}  {execution['status']}")
    print_rows(("state", "entered_at", "lasted_ms", "why"), steps)


def _find(case: str, executions: list[dict[str, Any]]) -> dict[str, Any]:
    matching = [
        e for e in executions if e["execution"] == case or e["execution"].rsplit("-", 2)[0] == case
    ]
    if not matching:
        raise UsageError(
            f"expected an execution or account of `marginwatch workflow list`, found {case!r}"
        )
    return matching[-1]
