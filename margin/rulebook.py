"""The rulebook that is in force, its hash, and what of it makes an account's ladder.

The values themselves are data, in margin/rulebooks/reference.toml.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from importlib.resources import files
from typing import Final

from margin.errors import RulebookError
from margin.money import decimal_text
from margin.rulebook_entries import Entry, GroupRates, Offsets, Rates, Rulebook, Tiers
from margin.rulebook_file import parse_rulebook
from margin.rulebook_values import ANY_MORE

__all__ = [
    "REFERENCE",
    "REFERENCE_ON",
    "REFERENCE_TEXT",
    "Change",
    "Entry",
    "GroupRates",
    "LadderPolicy",
    "Offsets",
    "Rates",
    "Rulebook",
    "StressMode",
    "Tiers",
    "changes",
    "ladder_policy",
    "rulebook_hash",
    "value_text",
    "whole_ms",
]

# A fixed day: the rules of intraday margin are in force, and no figure depends on the clock.
REFERENCE_ON: Final = date(2026, 11, 25)
REFERENCE_TEXT: Final = (files("margin") / "rulebooks" / "reference.toml").read_text("utf-8")
REFERENCE: Final = parse_rulebook(REFERENCE_TEXT, REFERENCE_ON)


class StressMode(StrEnum):
    """When a stress breach restricts: confirmed while a call is open, or at once."""

    LADDER = "ladder"
    IMMEDIATE = "immediate"


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderPolicy:
    """The marks (fractions of gross market value) and clocks (seconds) of one account's ladder."""

    warning_pct: Decimal = REFERENCE.warning_rate.value
    clear_warning_pct: Decimal = REFERENCE.clear_warning_rate.value
    stress_mode: StressMode = StressMode.LADDER
    restrict_after_s: Decimal = REFERENCE.restrict_after.value
    liquidate_after_s: Decimal = REFERENCE.liquidate_after.value
    stress_confirm_s: Decimal = REFERENCE.stress_confirm.value
    min_gap_restrict_to_liquidate_s: Decimal = REFERENCE.restrict_to_liquidate_gap.value

    def __post_init__(self) -> None:
        shortest = min(self.restrict_after_s, self.liquidate_after_s, self.stress_confirm_s)
        if shortest < 0:
            raise RulebookError(f"clocks of the ladder must be >= 0 s, one was {shortest}")
        if self.min_gap_restrict_to_liquidate_s <= 0:
            gap = self.min_gap_restrict_to_liquidate_s
            raise RulebookError(f"gap from restriction to liquidation must be > 0 s, was {gap}")
        if self.clear_warning_pct < self.warning_pct:
            raise RulebookError(f"clear_warning_pct must be >= {self.warning_pct}")

    def scaled(self, speed: Decimal) -> "LadderPolicy":
        """The same policy with every clock divided by speed (> 0, no unit): 60 makes 30 min 30 s.

        >>> LadderPolicy().scaled(Decimal(60)).restrict_after_s
        Decimal('30')
        """
        if speed <= 0:
            raise RulebookError(f"ladder speed must be > 0, was {speed}")
        return replace(
            self,
            restrict_after_s=self.restrict_after_s / speed,
            liquidate_after_s=self.liquidate_after_s / speed,
            stress_confirm_s=self.stress_confirm_s / speed,
            min_gap_restrict_to_liquidate_s=self.min_gap_restrict_to_liquidate_s / speed,
        )


def ladder_policy(rulebook: Rulebook, stress_mode: StressMode) -> LadderPolicy:
    """The ladder of an account under a rulebook; marks as fractions, clocks in seconds.

    Source: the ladder entries of the rulebook.

    >>> ladder_policy(REFERENCE, StressMode.LADDER) == LadderPolicy()
    True
    """
    return LadderPolicy(
        warning_pct=rulebook.warning_rate.value,
        clear_warning_pct=rulebook.clear_warning_rate.value,
        stress_mode=stress_mode,
        restrict_after_s=rulebook.restrict_after.value,
        liquidate_after_s=rulebook.liquidate_after.value,
        stress_confirm_s=rulebook.stress_confirm.value,
        min_gap_restrict_to_liquidate_s=rulebook.restrict_to_liquidate_gap.value,
    )


def whole_ms(seconds: Decimal) -> int:
    """Seconds as whole milliseconds, rounded up, so that a clock never runs out early.

    Source: docs/04-architecture.md, "Clocks".

    >>> whole_ms(Decimal("0.0001")), whole_ms(Decimal(300))
    (1, 300000)
    """
    return int((seconds * 1000).to_integral_value(ROUND_CEILING))


def rulebook_hash(rulebook: Rulebook) -> str:
    """SHA-256 in hex over every value, unit and source; the same rules give the same hash.

    Source: docs/04-architecture.md, "Audit".

    >>> len(rulebook_hash(REFERENCE)), rulebook_hash(REFERENCE) == rulebook_hash(replace(REFERENCE))
    (64, True)
    """
    content = {
        name: {"value": value_text(entry.value), "unit": entry.unit, "source": entry.source}
        for name, entry in rulebook.entries()
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Change:
    """One entry on which two rulebooks differ: as it is in the first and in the second."""

    name: str
    before: Entry[object]
    after: Entry[object]


def changes(first: Rulebook, second: Rulebook) -> tuple[Change, ...]:
    """Every entry whose value, unit or source differs, in the order of the rulebook.

    Source: docs/04-architecture.md, "Audit".

    >>> stricter = replace(REFERENCE, long_rate=Entry(Decimal("0.30"), "rate", "House policy"))
    >>> [(c.name, c.before.value, c.after.value) for c in changes(REFERENCE, stricter)]
    [('long_rate', Decimal('0.25'), Decimal('0.30'))]
    """
    pairs = zip(first.entries(), second.entries(), strict=True)
    return tuple(Change(name, a, b) for (name, a), (_, b) in pairs if a != b)


def value_text(value: object) -> str:
    """A value of an entry as its one text, in the unit of the entry; parts of a list by a space.

    Source: docs/04-architecture.md, "Audit".

    >>> value_text(Decimal("0.250")), value_text(((Decimal(1), Decimal(9)), (None, Decimal(2))))
    ('0.25', '1:9 more:2')
    """
    if isinstance(value, tuple):
        return " ".join(_part_text(part) for part in value)
    # 0.25 and 0.250 are one rate and must give one hash.
    return decimal_text(value) if isinstance(value, Decimal) else str(value)


def _part_text(part: object) -> str:
    if isinstance(part, tuple):
        return ":".join(_part_text(inner) for inner in part)
    return ANY_MORE if part is None else value_text(part)
