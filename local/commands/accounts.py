"""`marginwatch accounts`: where each account stands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from local.errors import UsageError
from local.state import StateFolder

if TYPE_CHECKING:
    from local.lines import Line

COLUMNS = ("account_id", "status", "band", "equity", "requirement", "excess", "case")


@click.group(
    "accounts",
    invoke_without_command=True,
    epilog="Examples: `marginwatch accounts`; `marginwatch accounts show ACC_DEMO_001`.",
)
@click.pass_context
def command(ctx: click.Context) -> None:
    """The accounts and where each stands."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_accounts)


@command.command("list", epilog="Example: `marginwatch accounts list --json`.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def list_accounts(as_json: bool = False) -> None:
    """Every account: status of the ladder, band of its newest assessment, figures."""
    rows = _rows()
    if as_json:
        click.echo(json.dumps({"accounts": rows}, indent=1))
        return
    from local.table import print_rows

    print_rows(COLUMNS, rows)


@command.command("show", epilog="Example: `marginwatch accounts show ACC_DEMO_001 --json`.")
@click.argument("account_id")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(account_id: str, as_json: bool) -> None:
    """One account: its newest assessment, its ladder and its case."""
    from local import items
    from local.emulator import aws_client

    running = StateFolder.here().running()
    dynamodb = aws_client(running.aws, "dynamodb")
    held = {
        item["sk"]: item
        for item in items.query(dynamodb, running.outputs["TableName"], f"ACCT#{account_id}")
    }
    assessment = newest(running.line).get(account_id)
    if assessment is None and not held:
        raise UsageError(
            f"expected an account of `marginwatch accounts list`, found {account_id!r}"
        )
    ladder = held.get("LADDER", {})
    found = {
        "account_id": account_id,
        "assessment": assessment,
        "status": ladder.get("status", "ACTIVE"),
        "ladder": json.loads(ladder["body"]) if "body" in ladder else None,
        "cases": [item for sk, item in held.items() if sk.startswith("CASE#")],
    }
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    click.echo(f"{account_id}  {found['status']}")
    for name, value in (assessment or {}).items():
        if name not in ("positions", "inputs", "type", "schema") and value not in (None, []):
            click.echo(f"  {name:24} {value}")
    for position in (assessment or {}).get("positions", ()):
        click.echo(f"  {position['symbol']:8} {position['quantity']:>12} at {position['price']}")


def _rows() -> list[dict[str, Any]]:
    from local import cases, items
    from local.emulator import aws_client

    running = StateFolder.here().running()
    dynamodb = aws_client(running.aws, "dynamodb")
    states = items.scan_states(dynamodb, running.outputs["TableName"])
    open_cases = {c["account_id"]: c["case_id"] for c in cases.open_cases(running)}
    rows = []
    for account_id, assessment in sorted(newest(running.line).items()):
        ladder = states.get(account_id, {}).get("LADDER", {})
        rows.append(
            {
                "account_id": account_id,
                "account_type": assessment["account_type"],
                "status": ladder.get("status", "ACTIVE"),
                "band": assessment["band"],
                "equity": assessment["equity"],
                "requirement": assessment["requirement"],
                "excess": assessment["excess"],
                "case": open_cases.get(account_id),
            }
        )
    return rows


def newest(line: Line) -> dict[str, dict[str, Any]]:
    """The newest assessment of each account, from the topic's beginning to its present end."""
    from margin.topics import MARGIN_CALC

    found: dict[str, dict[str, Any]] = {}
    for record in line.read((MARGIN_CALC,), from_beginning=True, poll_ms=500):
        if record is None:
            return found
        event = json.loads(record.value)
        held = found.get(event["account_id"])
        if held is None or event["version"] > held["version"]:
            found[event["account_id"]] = event
    return found
