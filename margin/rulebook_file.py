"""Reads a rulebook from the text of a TOML file: what is in force on one day.

The form of the file is told at the head of margin/rulebooks/reference.toml.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from margin.errors import RulebookError
from margin.rulebook_entries import Entry, Rulebook
from margin.rulebook_values import TYPES, read_override, read_value

NO_OVERRIDES: Final[Mapping[str, str]] = MappingProxyType({})
FIELDS: Final = frozenset({"value", "unit", "source", "stricter", "from", "until"})
ORIGINS: Final = (
    *("FINRA ", "SEC ", "12 CFR ", "17 CFR ", "Cboe ", "OCC ", "IBKR", "Fidelity ", "Lightspeed"),
    *("Schwab", "Reference design", "Reference ladder", "House policy", "Placeholder: "),
)


class Stricter(StrEnum):
    """Which way a value is stricter on the account."""

    HIGHER = "higher"
    LOWER = "lower"
    # No account may have a value of its own.
    NEITHER = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """An entry in force from the day `since` to the day before `until`; None is without bound."""

    entry: Entry[object]
    stricter: Stricter
    since: date | None
    until: date | None

    def covers(self, on: date) -> bool:
        """True when the entry is in force on the day."""
        begun = self.since is None or self.since <= on
        return begun and (self.until is None or on < self.until)


# Title of a section, to names, to the periods of each in the order of time.
Sections = Mapping[str, Mapping[str, tuple[Period, ...]]]


def parse_rulebook(text: str, on: date, overrides: Mapping[str, str] = NO_OVERRIDES) -> Rulebook:
    """The rulebook in force on a day; units as each entry says.

    `overrides` are one account's own numbers, by entry, as text: each may only be as strict as the
    rulebook or stricter, in the direction that the file gives, and becomes house policy.
    RulebookError: the file is no TOML or not of this form, an entry is unknown, missing or not in
    force, an override is unknown, not allowed or milder. Source: the file; overrides are
    FINRA Rule 4210(d).

    >>> parse_rulebook("long_rate = 1", date(2026, 11, 25))
    Traceback (most recent call last):
    margin.errors.RulebookError: section long_rate must be a table of entries, was int
    """
    periods = {name: found for part in sections(text).values() for name, found in part.items()}
    missing = [name for name in TYPES if name not in periods]
    if missing:
        raise RulebookError(f"rulebook must have every entry, {missing[0]} is missing")
    current = {name: _in_force(name, periods[name], on) for name in TYPES}
    entries = {name: period.entry for name, period in current.items()}
    for name, value in overrides.items():
        _known(name)
        entries[name] = _overridden(name, current[name], value)
    make: Callable[..., Rulebook] = Rulebook
    return make(**entries)


def sections(text: str) -> Sections:
    """Every section of a rulebook file with all periods of its entries, in the order of the file.

    RulebookError as parse_rulebook; entries may be missing. Source: the file.

    >>> text = '[A]\\nlong_rate = { value = "0.3", unit = "rate", source = "House policy" }'
    >>> sections(text)["A"]["long_rate"][0].entry.value
    Decimal('0.3')
    """
    try:
        tables: dict[str, object] = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise RulebookError(f"rulebook must be TOML: {error}") from error
    found: dict[str, dict[str, tuple[Period, ...]]] = {}
    seen: set[str] = set()
    for title, table in tables.items():
        if not isinstance(table, dict):
            kind = type(table).__name__
            raise RulebookError(f"section {title} must be a table of entries, was {kind}")
        found[title] = {}
        for name, raw in table.items():
            _known(name)
            if name in seen:
                raise RulebookError(f"{name} must be in one section, found again in {title}")
            seen.add(name)
            found[title][name] = _periods(name, raw)
    return found


def nearest(name: str) -> str:
    """The names of entries most like this one, as the end of a sentence; empty if none is.

    Source: the entries of the rulebook, margin/rulebook_entries.py.

    >>> nearest("long_rte")
    '; nearest: long_rate, long_box_rate, long_option_rate'
    """
    near = get_close_matches(name, TYPES)
    return f"; nearest: {', '.join(near)}" if near else ""


def _known(name: str) -> None:
    if name not in TYPES:
        raise RulebookError(f"{name} is no entry of the rulebook{nearest(name)}")


def _periods(name: str, raw: object) -> tuple[Period, ...]:
    rows = raw if isinstance(raw, list) else [raw]
    if not rows:
        raise RulebookError(f"{name} must have a period, found none")
    found = sorted((_period(name, row) for row in rows), key=lambda p: p.since or date.min)
    for earlier, later in pairwise(found):
        _check_follows(name, earlier, later)
    return tuple(found)


def _check_follows(name: str, earlier: Period, later: Period) -> None:
    if earlier.until is None or later.since is None or later.since < earlier.until:
        shared = later.since or "the first day"
        raise RulebookError(f"{name} must have one value a day, two overlap on {shared}")
    if later.since > earlier.until:
        raise RulebookError(f"{name} has a gap from {earlier.until} to {later.since}")


def _period(name: str, raw: object) -> Period:
    if not isinstance(raw, dict):
        raise RulebookError(f"{name} must be a table with value, unit and source, was {raw!r}")
    unknown = sorted(set(raw) - FIELDS)
    if unknown:
        raise RulebookError(f"{name} must have no field but {_listed()}, found {unknown[0]}")
    if "value" not in raw:
        raise RulebookError(f"{name} must have a value, found none")
    since, until = _bound(name, raw, "from"), _bound(name, raw, "until")
    if since is not None and until is not None and since >= until:
        raise RulebookError(f"{name} must begin before it ends, was {since} until {until}")
    entry = Entry(read_value(name, raw["value"]), _filled(name, raw, "unit"), _source(name, raw))
    return Period(entry=entry, stricter=_stricter(name, raw), since=since, until=until)


def _listed() -> str:
    return ", ".join(sorted(FIELDS))


def _bound(name: str, raw: Mapping[str, object], field: str) -> date | None:
    value = raw.get(field)
    if value is None:
        return None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise RulebookError(f"{name}: `{field}` must be a date, was {value!r}")
    return value


def _filled(name: str, raw: Mapping[str, object], field: str) -> str:
    value = raw.get(field)
    if not isinstance(value, str) or not value.strip():
        raise RulebookError(f"{name}: {field} must be text, was {value!r}")
    return value


def _source(name: str, raw: Mapping[str, object]) -> str:
    source = _filled(name, raw, "source")
    if not source.startswith(ORIGINS):
        known = ", ".join(origin.strip(": ") for origin in ORIGINS)
        raise RulebookError(f"{name}: source must begin with one of {known}, was {source!r}")
    return source


def _stricter(name: str, raw: Mapping[str, object]) -> Stricter:
    value = raw.get("stricter")
    if value is None:
        return Stricter.NEITHER
    if value not in ("higher", "lower") or TYPES[name] not in (Decimal, int):
        expected = "higher or lower, of a single number"
        raise RulebookError(f"{name}: stricter must be {expected}, was {value!r}")
    return Stricter(value)


def _in_force(name: str, periods: tuple[Period, ...], on: date) -> Period:
    for period in periods:
        if period.covers(on):
            return period
    first, last = periods[0].since, periods[-1].until
    known = f"from {first or 'ever'} until {last or 'further notice'}"
    raise RulebookError(f"{name} has no value on {on}, only {known}")


def _overridden(name: str, period: Period, text: str) -> Entry[object]:
    if period.stricter is Stricter.NEITHER:
        raise RulebookError(f"{name} cannot be overridden for an account")
    value, base = read_override(name, text), period.entry.value
    assert isinstance(base, type(value))
    if value == base:
        return period.entry
    if (value > base) != (period.stricter is Stricter.HIGHER):
        least = ">=" if period.stricter is Stricter.HIGHER else "<="
        raise RulebookError(f"{name} of an account must be {least} {base}, was {value}")
    source = f"House policy for the account under FINRA Rule 4210(d); else {period.entry.source}"
    return Entry(value, period.entry.unit, source)
