"""The price table: US dollars in us-east-1, each with its unit, its date and its source."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from local.errors import UsageError

FILE: Final = Path(__file__).parent / "prices.toml"
UNSOURCED: Final = "unsourced"
HOURS_A_MONTH: Final = 730
# How many of what is counted one price is for; a month is told in hours.
UNITS: Final[Mapping[str, int]] = {
    "hour": 1,
    "GB-hour": 1,
    "GB": 1,
    "GB-second": 1,
    "thousand": 1_000,
    "million": 1_000_000,
    "month": HOURS_A_MONTH,
}
# Prices of what is billed for as long as it is there, used or not.
TIMED: Final = frozenset({"hour", "GB-hour", "month"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """`usd` for one `per`; `seen` is the date of the source, empty where there is none."""

    key: str
    label: str
    usd: Decimal
    per: str
    seen: str
    source: str

    @property
    def is_sourced(self) -> bool:
        return self.source != UNSOURCED

    def of(self, count: Decimal | int) -> Decimal:
        """USD for so many: GB, requests or transitions, hours of one, GB-hours or GB-seconds."""
        return self.usd * count / UNITS[self.per]

    @property
    def usd_an_hour(self) -> Decimal:
        """What one of it costs for an hour of being there. UsageError where use is billed."""
        if self.per not in TIMED:
            raise UsageError(f"{self.key} is billed by the {self.per}, not by the hour")
        return self.of(1)


@cache
def prices(file: Path = FILE) -> Mapping[str, Price]:
    """The table by key. UsageError names the entry that is not a price."""
    return {
        key: _price(key, entry) for key, entry in tomllib.loads(file.read_text("utf-8")).items()
    }


def price(key: str) -> Price:
    """One entry. UsageError for a key that the table does not have."""
    try:
        return prices()[key]
    except KeyError:
        raise UsageError(f"a price of {FILE.name} expected, found {key!r}") from None


def _price(key: str, entry: dict[str, Any]) -> Price:
    expected = {"label", "usd", "per", "seen", "source"}
    if entry.keys() != expected:
        raise UsageError(f"{key}: expected {', '.join(sorted(expected))}, found {sorted(entry)}")
    if entry["per"] not in UNITS:
        raise UsageError(f"{key}: expected a unit of {', '.join(UNITS)}, found {entry['per']!r}")
    usd = Decimal(entry["usd"])
    if usd <= 0 or bool(entry["seen"]) == (entry["source"] == UNSOURCED):
        raise UsageError(
            f"{key}: expected a price above 0 with date and source, or {UNSOURCED!r} and no date"
        )
    return Price(key=key, **{**entry, "usd": usd})
