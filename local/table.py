"""What is drawn in a terminal: plain rows, the demo's live table and its verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from local.demo import Moment
from local.projection import Rung
from local.scenario import Expectation, Scenario
from local.verdict import AccountVerdict, Verdict, figures_phrase, phrase

WIDE = 160
TIME = re.compile(r"\d{4}-\d\d-\d\dT")
STYLES = {
    "WARNING": "yellow",
    "MARGIN_CALL": "bold yellow",
    "RESTRICTED": "magenta",
    "LIQUIDATING": "bold red",
    "DEFICIENCY": "bold red",
    "STRESS": "cyan",
    "UNPRICED": "dim",
    "OK": "green",
    "ACTIVE": "green",
}


def print_rows(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows on standard output, whole: where a terminal is too narrow a cell takes more lines."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        right = column in ("equity", "requirement", "excess", "lasted_ms")
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    output_console().print(table)


def output_console() -> Console:
    """Standard output; as wide as it takes where it is not a terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDE)


def live(scenario: Scenario, moment: Moment) -> Group:
    """Account, band, figures and state of the case, as of now."""
    at = moment.step.at if moment.step else "     "
    title = moment.step.title if moment.step else "starting"
    table = Table(box=None, pad_edge=False)
    for name in ("account", "band"):
        table.add_column(name, no_wrap=True)
    for name in ("equity", "requirement", "excess"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("case", no_wrap=True)
    table.add_column("last rung")
    for account in scenario.accounts:
        assessment = moment.view.latest(account.account_id) or {}
        rungs = moment.view.rungs(account.account_id)
        band = str(assessment.get("band", "-"))
        status = rungs[-1].status if rungs else "ACTIVE"
        table.add_row(
            account.account_id,
            Text(band, STYLES.get(band, "")),
            *(money(assessment.get(name)) for name in ("equity", "requirement", "excess")),
            Text(status, STYLES.get(status, "")),
            _rung_text(rungs[-1]) if rungs else "",
        )
    head = Text(f"{at}  {title}   ({moment.seconds:.0f} s)", style="bold")
    return Group(head, table)


def verdict(console: Console, found: Verdict) -> None:
    """Each account: expected and seen side by side, and one sentence that says why."""
    for account in found.accounts:
        console.print(_account(account))
    for account_id, reason in found.scenario.left_out:
        console.print(f"{account_id}: left out, {reason}")
    letters = "; ".join(f"{d['source']}: {d['reason']}" for d in found.dead_letters) or "none"
    console.print(f"dead letters: {len(found.dead_letters)} ({letters})")
    state = "verified" if found.audit_problem is None else found.audit_problem
    console.print(f"audit: {found.audit_records} records, {state}")
    figures = found.figures
    console.print(
        f"{figures['seconds']} s in all, first assessment after "
        f"{figures['seconds_to_first_assessment']} s, at most {figures['peak_rss_mb']} MB resident"
    )
    for difference in found.differences():
        console.print(Text(f"NOT AS EXPECTED  {difference}", style="bold red"))
    passed = found.passed
    console.print(
        Text(
            f"verdict: {'pass' if passed else 'fail'}", style="bold green" if passed else "bold red"
        )
    )


def _account(a: AccountVerdict) -> Group:
    mark = "ok " if a.match else "NOT"
    head = Text(f"{mark} {a.account.account_id}: {a.account.shows}", style="bold")
    rungs = _rungs(a) if a.account.expect or a.seen else Text("    expected no rung, seen none")
    figures = [_figures(a)] if a.account.figures else []
    return Group(head, rungs, *figures, Text(f"    why: {a.account.why}\n"))


def _rungs(a: AccountVerdict) -> Table:
    table = _beside()
    for number in range(max(len(a.account.expect), len(a.seen))):
        want = a.account.expect[number] if number < len(a.account.expect) else None
        have = a.seen[number] if number < len(a.seen) else None
        table.add_row(
            f"    {want.at if want else ''}",
            _expectation_text(want) if want else "nothing more",
            _rung_text(have) if have else "nothing",
        )
    return table


def _figures(a: AccountVerdict) -> Table:
    """The expected figures; what was seen only where it differs, to keep the row short."""
    table = _beside()
    for want, have in zip(a.account.figures, a.seen_figures, strict=True):
        seen = "the same" if have == want.usd else figures_phrase(have)
        table.add_row(f"    {want.at}", figures_phrase(want.usd), seen)
    return table


def _beside() -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for name in ("    at", "expected", "seen"):
        table.add_column(name, no_wrap=True)
    return table


def _expectation_text(want: Expectation) -> str:
    return phrase(want.event, want.price_usd, want.amount_usd, want.quantity_shares)


def _rung_text(rung: Rung) -> str:
    return phrase(rung.event, rung.price_usd, rung.amount_usd, rung.quantity_shares)


def money(value: str | None) -> str:
    """ "-1040.00" -> "-1,040.00"; what is missing shows as "-"."""
    return "-" if value is None else f"{Decimal(value):,.2f}"


def _cell(value: object) -> str:
    """A value as text; of a time of day the date is left out."""
    text = "-" if value is None else str(value)
    return text.partition("T")[2].removesuffix("+00:00") if TIME.match(text) else text
