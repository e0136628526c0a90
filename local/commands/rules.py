"""`marginwatch rules`: the rates and thresholds, their sources, and what changed."""

from __future__ import annotations

import json
from dataclasses import asdict

import click


@click.group(
    "rules",
    epilog="Examples: `marginwatch rules show long_rate`; "
    "`marginwatch rules diff 2024-05-27 2024-05-28`.",
)
def command() -> None:
    """The rates and thresholds, their sources, and what changed."""


@command.command("show", epilog="Example: `marginwatch rules show due_reg_t_call --on 2020-01-02`.")
@click.argument("term", required=False)
@click.option("--on", "on_text", metavar="DATE", help="Of this day, in place of the system's own.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(term: str | None, on_text: str | None, as_json: bool) -> None:
    """Print what is in force: entry, value, unit, source and since when.

    TERM is the name of an entry, which shows all its periods, or part of a name or of a section's
    title. Without it: every entry.
    """
    from local import rules

    on = rules.day(on_text)
    found = rules.rows(on)
    found = rules.matching(found, term) if term else [row for row in found if row.in_force]
    if as_json:
        entries = [asdict(row) for row in found]
        click.echo(json.dumps({"on": str(on), "hash": rules.hash_on(on), "entries": entries}))
        return
    from local.table import print_rows

    shown = [asdict(row) | {"in force": "yes" if row.in_force else "no"} for row in found]
    columns = ("entry", "value", "unit", "source", "since")
    of_one = {row.entry for row in found} == {found[0].entry}
    print_rows((*columns, "until", "in force") if of_one else columns, shown)


@command.command("diff", epilog="Example: `marginwatch rules diff 2026-11-25 ours.toml`.")
@click.argument("a")
@click.argument("b")
@click.option("--on", "on_text", metavar="DATE", help="The day for which a file is read.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def diff(a: str, b: str, on_text: str | None, as_json: bool) -> None:
    """Print every entry whose value, unit or source differs between A and B.

    Each is a date, which stands for the packaged rulebook of that day, or a TOML rulebook.
    """
    from local import rules

    on = rules.day(on_text)
    found = rules.differences(a, b, on)
    if as_json:
        click.echo(json.dumps({"a": a, "b": b, "differences": found}))
    elif not found:
        click.echo(f"no difference between {a} and {b}")
    else:
        from local.table import print_rows

        print_rows(("entry", "part", "before", "after"), found)


@command.command("reference", epilog="Example: `marginwatch rules reference > rules.md`.")
def reference() -> None:
    """Print the whole rulebook as a page: docs/10-rules-reference.md."""
    from local import rules

    click.echo(rules.reference_page(), nl=False)
