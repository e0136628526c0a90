"""`marginwatch bench`: how fast this machine computes margin."""

from __future__ import annotations

import json
from typing import Any

import click


@click.group("bench", epilog="Example: `marginwatch bench kernel --json`.")
def command() -> None:
    """How fast this machine computes margin."""


@command.command(
    "kernel", epilog="Example: `marginwatch bench kernel --accounts 10000 --positions 20`."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--accounts", type=click.IntRange(min=1), default=100_000, show_default=True)
@click.option("--positions", type=click.IntRange(1, 500), default=20, show_default=True)
@click.option("--repetitions", type=click.IntRange(min=1), default=9, show_default=True)
def kernel(as_json: bool, accounts: int, positions: int, repetitions: int) -> None:
    """Value random accounts in full and after 2 % of the symbols moved, beside one plain pass.

    The plain pass only multiplies quantities by prices and sums by account. Times are medians of
    alternating repetitions on one core; ratios say more than times.
    """
    from local.bench_kernel import measure

    found = measure(accounts, positions, repetitions)
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    for line in _lines(found):
        click.echo(line)


def _lines(found: dict[str, Any]) -> list[str]:
    risk = found["portfolio_margin"]
    return [
        f"{found['accounts']} accounts x {found['positions_per_account']} positions, "
        f"{found['symbols']} symbols, median of {found['repetitions']}",
        f"plain pass        {found['baseline_ms']:10.2f} ms",
        f"full valuation    {found['full_ms']:10.2f} ms  {found['full_to_baseline']:.2f} x plain",
        f"2 % of symbols    {found['tick_ms']:10.2f} ms  {found['tick_to_baseline']:.2f} x plain, "
        f"{found['tick_to_full']:.2f} x full",
        f"layout, once      {found['layout_once_ms']:10.2f} ms",
        f"scalar rules      {found['scalar_us_per_account']:10.2f} us an account",
        f"portfolio margin of {risk['accounts']} accounts, {risk['positions']} positions, "
        f"{risk['series']} option series in {risk['classes']} classes",
        f"  pricing alone   {risk['pricing_ms']:10.2f} ms",
        f"  end to end      {risk['end_to_end_ms']:10.2f} ms  "
        f"{risk['end_to_end_to_pricing']:.2f} x pricing",
        f"  series priced   {risk['valuation_ms']:10.2f} ms",
        f"  2 % of classes  {risk['tick_ms']:10.2f} ms  of it pricing "
        f"{risk['tick_pricing_ms']:.2f} ms",
    ]
