"""The rulebook for a person to read: what is in force, what differs, and the reference page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from local.errors import UsageError
from margin.errors import RulebookError
from margin.rulebook import (
    REFERENCE_ON,
    REFERENCE_TEXT,
    Change,
    Rulebook,
    changes,
    rulebook_hash,
    value_text,
)
from margin.rulebook_file import Period, nearest, parse_rulebook, sections

DATE = re.compile(r"\d{4}-\d\d-\d\d")
INTRODUCTION = """\
# Rules reference

Every rate and threshold of the rules, from `margin/rulebooks/reference.toml`. This page is
generated: `marginwatch rules reference > docs/10-rules-reference.md` writes it.

An entry with more than one row changed on a date; *until* is the first day on which the row is no
longer in force. The system uses what is in force on {on}. A limit and its rate read
`limit:rate`. *Placeholder* marks values that are not published; a firm puts its own there."""


@dataclass(frozen=True, slots=True)
class Row:
    """One period of one entry, as text; `since` and `until` are empty where there is no bound."""

    section: str
    entry: str
    value: str
    unit: str
    source: str
    since: str
    until: str
    in_force: bool


def day(text: str | None) -> date:
    """The date of a text like 2026-11-25; without a text the day whose rules the system uses."""
    if text is None:
        return REFERENCE_ON
    try:
        if DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise UsageError(f"expected a date like {REFERENCE_ON}, found {text!r}")


def rows(on: date) -> list[Row]:
    """Every period of every entry of the packaged rulebook, marked whether in force on the day."""
    return [
        _row(title, name, period, on)
        for title, entries in sections(REFERENCE_TEXT).items()
        for name, periods in entries.items()
        for period in periods
    ]


def matching(found: list[Row], term: str) -> list[Row]:
    """All periods of the entry of this name; else what is in force of the entries that contain it.

    A term may also be part of a section's title. Blanks and hyphens count as underscores.
    """
    wanted = _plain(term)
    exact = [row for row in found if row.entry == wanted]
    if exact:
        return exact
    names = {row.entry for row in found if wanted in row.entry or wanted in _plain(row.section)}
    if not names:
        hint = nearest(wanted) or "; `marginwatch rules show` lists all"
        raise UsageError(f"no entry of the rulebook is like {term!r}{hint}")
    return [row for row in found if row.entry in names and row.in_force]


def rulebook_on(on: date) -> Rulebook:
    """The packaged rulebook as it is in force on a day."""
    try:
        return parse_rulebook(REFERENCE_TEXT, on)
    except RulebookError as error:
        raise UsageError(f"the rulebook does not reach back to {on}: {error}") from error


def hash_on(on: date) -> str:
    """The hash that the chain of decisions carries for the packaged rulebook of a day."""
    return rulebook_hash(rulebook_on(on))


def rulebook_of(place: str, on: date) -> Rulebook:
    """The packaged rulebook of a date, or the rulebook of a TOML file as of `on`."""
    if DATE.fullmatch(place):
        return rulebook_on(day(place))
    try:
        return parse_rulebook(Path(place).read_text(encoding="utf-8"), on)
    except (OSError, UnicodeDecodeError) as error:
        found = getattr(error, "strerror", None) or "no text in UTF-8"
        message = (
            f"expected a date like {REFERENCE_ON} or a TOML rulebook, found {place!r}: {found}"
        )
        raise UsageError(message) from error
    except RulebookError as error:
        raise UsageError(f"{place}: {error}") from error


def differences(first: str, second: str, on: date) -> list[dict[str, str]]:
    """What two rulebooks differ in, one row for each part of an entry that differs, as text."""
    found = changes(rulebook_of(first, on), rulebook_of(second, on))
    return [row for change in found for row in _parts(change)]


def reference_page() -> str:
    """The text of docs/10-rules-reference.md: each section of the packaged rulebook as a table."""
    lines = [INTRODUCTION.format(on=REFERENCE_ON)]
    title = ""
    for row in rows(REFERENCE_ON):
        if row.section != title:
            title = row.section
            lines += ["", f"## {title}", "", "| entry | value | unit | source | since |"]
            lines += ["| --- | --- | --- | --- | --- |"]
        cells = (f"`{row.entry}`", row.value, row.unit, row.source, _span(row))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _row(title: str, name: str, period: Period, on: date) -> Row:
    return Row(
        section=title,
        entry=name,
        value=value_text(period.entry.value),
        unit=period.entry.unit,
        source=period.entry.source,
        since=str(period.since or ""),
        until=str(period.until or ""),
        in_force=period.covers(on),
    )


def _parts(change: Change) -> Iterator[dict[str, str]]:
    sides = (change.before, change.after)
    shown = {
        "value": [value_text(entry.value) for entry in sides],
        "unit": [entry.unit for entry in sides],
        "source": [entry.source for entry in sides],
    }
    for part, (before, after) in shown.items():
        if before != after:
            yield {"entry": change.name, "part": part, "before": before, "after": after}


def _span(row: Row) -> str:
    until = f" until {row.until}" if row.until else ""
    return f"{row.since or '-'}{until}"


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", "_", text.strip().lower())
