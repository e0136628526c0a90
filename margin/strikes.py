"""Strikes: what a broker does with an account that meets calls by liquidation again and again."""

from dataclasses import dataclass

from margin.errors import MarginError
from margin.rulebook_entries import Entry, Rulebook, Tiers


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """What follows: for how many days the requirement is higher, or only liquidations pass."""

    higher_requirement_days: int = 0
    liquidations_only_days: int = 0

    @property
    def text(self) -> str:
        """The consequence in words."""
        if self.liquidations_only_days:
            return f"liquidations only {self.liquidations_only_days} days"
        if self.higher_requirement_days:
            return f"strike + higher requirement {self.higher_requirement_days} days"
        return "strike"


def consequence(strikes_in_12_months: int, rulebook: Rulebook) -> Consequence:
    """What the latest strike brings, by the number within 12 months (>= 1, else MarginError).

    Source: OptionsHouse as published; FINRA Rule 4210(f)(7).

    >>> from margin.rulebook import REFERENCE
    >>> [consequence(n, REFERENCE).text for n in (1, 2, 5)]
    ['strike', 'strike + higher requirement 30 days', 'liquidations only 90 days']
    """
    if strikes_in_12_months < 1:
        raise MarginError(f"a number of strikes >= 1 expected, was {strikes_in_12_months}")
    return Consequence(
        higher_requirement_days=_days(rulebook.strike_higher_requirement, strikes_in_12_months),
        liquidations_only_days=_days(rulebook.strike_liquidations_only, strikes_in_12_months),
    )


def _days(entry: Entry[Tiers], strikes: int) -> int:
    for up_to, days in entry.value:
        if up_to is None or strikes <= up_to:
            return int(days)
    raise MarginError(f"days for any number of strikes expected, found none for {strikes}")
