"""`marginwatch compare`: the strategy rules beside portfolio margin, for the same book."""

from __future__ import annotations

import json

import click


@click.command(
    "compare",
    epilog="Examples: `marginwatch compare docs/examples/collar.toml`; "
    "`marginwatch compare ACC_DEMO_001 --json`.",
)
@click.argument("account", metavar="FILE|ACCOUNT")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(account: str, as_json: bool) -> None:
    """Print what an account owes as a margin account and under portfolio margin, class by class.

    The saving is Regulation T maintenance with house add-ons less portfolio margin.
    """
    from local import assessed, compared

    body = compared.comparison(assessed.find(account))
    if as_json:
        click.echo(json.dumps(body, indent=1))
        return
    from local.table import print_rows

    print_rows(("class", "reg_t", "portfolio_margin", "saving", "made_by"), body["classes"])
