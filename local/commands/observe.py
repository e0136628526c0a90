"""`marginwatch observe`: events as they come."""

from __future__ import annotations

import json

import click

from local.errors import UsageError
from local.state import StateFolder


@click.command(
    "observe",
    epilog="Examples: `marginwatch observe`; `marginwatch observe margin.calls.v1 --account"
    " ACC_DEMO_001 --from-beginning --limit 3`.",
)
@click.argument("topics", nargs=-1, metavar="[TOPIC]...")
@click.option("--account", help="Only this account's events.")
@click.option("--from-beginning", is_flag=True, help="All that the topics hold, then what comes.")
@click.option("--limit", type=click.IntRange(1), help="End after so many events.")
@click.option("--jsonl", is_flag=True, help="One JSON object a line, as in the topic.")
def command(
    topics: tuple[str, ...],
    account: str | None,
    from_beginning: bool,
    limit: int | None,
    jsonl: bool,
) -> None:
    """Print events from the topics as they come, until Ctrl-C.

    Without TOPIC: the calls, restrictions, liquidations and dead letters.
    """
    from margin.topics import CATALOGUE, DEAD_LETTER, LIQUIDATIONS, MARGIN_CALLS, RESTRICTIONS

    known = [topic.name for topic in CATALOGUE]
    for name in topics:
        if name not in known:
            raise UsageError(f"expected a topic ({', '.join(known)}), found {name!r}")
    chosen = topics or (MARGIN_CALLS, RESTRICTIONS, LIQUIDATIONS, DEAD_LETTER)
    running = StateFolder.here().running()
    shown = 0
    for record in running.line.read(chosen, from_beginning=from_beginning):
        if record is None:
            continue
        line = _line(record, account, jsonl)
        if line is None:
            continue
        click.echo(line)
        shown += 1
        if shown == limit:
            return


def _line(record: object, account: str | None, jsonl: bool) -> str | None:
    """The record as a line, or None where it is not the account's. What is not JSON shows as is."""
    topic, value = record.topic, record.value  # type: ignore[attr-defined]
    text = value.decode("utf-8", errors="replace")
    try:
        event = json.loads(text)
    except ValueError:
        return None if account else f"{topic}  {text}"
    if account and event.get("account_id") != account:
        return None
    if jsonl:
        return json.dumps({"topic": topic} | event, separators=(",", ":"))
    return f"{topic}  {event.get('at', '')}  {summary(event)}"


def summary(event: dict[str, object]) -> str:
    """The few fields that tell what an event is, in one line."""
    names = (
        "account_id", "symbol", "action", "band", "status", "quantity", "price", "amount", "beta",
        "equity", "requirement", "excess", "reason", "case_id",
    )  # fmt: skip
    amounts = event.get("amounts")
    flat = event | (amounts if isinstance(amounts, dict) else {})
    return "  ".join(f"{n}={flat[n]}" for n in names if flat.get(n) not in (None, ""))
