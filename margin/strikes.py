"""Strikes: what a broker does with an account that meets calls by liquidation again and again."""

from dataclasses import dataclass

from margin.errors import MarginError


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


_LADDER = (
    Consequence(),
    Consequence(higher_requirement_days=30),
    Consequence(higher_requirement_days=90),
    Consequence(liquidations_only_days=90),
)


def consequence(strikes_in_12_months: int) -> Consequence:
    """What the latest strike brings, by the number within 12 months (>= 1, else MarginError).

    Source: OptionsHouse as published; FINRA Rule 4210(f)(7).

    >>> [consequence(n).text for n in (1, 2, 5)]
    ['strike', 'strike + higher requirement 30 days', 'liquidations only 90 days']
    """
    if strikes_in_12_months < 1:
        raise MarginError(f"a number of strikes >= 1 expected, was {strikes_in_12_months}")
    return _LADDER[min(strikes_in_12_months, len(_LADDER)) - 1]
