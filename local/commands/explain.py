"""`marginwatch explain`: how each figure of an account came about."""

from __future__ import annotations

import json
from typing import Any

import click


@click.command(
    "explain",
    epilog="Examples: `marginwatch explain docs/examples/collar.toml`; "
    "`marginwatch explain ACC_DEMO_001 --json`.",
)
@click.argument("account", metavar="FILE|ACCOUNT")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(account: str, as_json: bool) -> None:
    """Print every step of an account's margin: formula, inputs and origin, value, rule, source.

    FILE is a TOML or JSON account with its prices; ACCOUNT one of the running system.
    """
    from local import assessed, explained

    found = assessed.find(account)
    body = explained.explanation(found, assessed.assessed(found))
    click.echo(json.dumps(body, indent=1) if as_json else text(body), nl=as_json)


def text(body: dict[str, Any]) -> str:
    """The lines in groups, parts under the total they add up to."""
    rows = [f"{body['account_id']}  {body['account_type']}  {body['band']}  {body['as_of']}"]
    for flag in body["flags"]:
        rows.append(f"  assumed: {flag}")
    for own in body["overrides"]:
        rows.append(f"  own rule: {own['entry']} {own['value']}, for others {own['else']}")
    for group in body["groups"]:
        rows.append("")
        for line in (*group["parts"], group["total"]):
            mark = "= " if line is group["total"] else "  "
            rows.append(f"{mark}{line['term']:58} {line['value']:>18}")
            rows.append(f"      {line['formula']}   [{line['rule']}; {line['source']}]")
            for entry in line["inputs"]:
                rows.append(f"      {entry['name']} {entry['value']}  ({entry['origin']})")
    rows += ["", "for information"]
    rows += [f"  {name:58} {value:>18}" for name, value in body["information"].items()]
    return "\n".join(rows) + "\n"
