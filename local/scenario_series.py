"""Option series of a scenario: terms that move with the day, and marks at one volatility."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from local.errors import UsageError
from local.scenario_entries import choice, positive
from margin.columnar.pricing import american, european
from margin.columnar.theoretical import DAYS_OF_A_YEAR
from margin.market import OptionTerms, Right, Style
from margin.money import VALUE_PLACES, half_up
from margin.rulebook import REFERENCE

MOST_DAYS = 3_650


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One option series. `days` to expiry count from the day the scenario is played, so that its
    figures are those of every day; `vol` is a yearly fraction, the strike in USD per share."""

    underlying: str
    right: Right
    strike_usd: Decimal
    days: int
    vol: Decimal
    style: Style
    multiplier: Decimal

    def terms(self, on: date) -> OptionTerms:
        """The terms when the scenario is played on that day."""
        return OptionTerms(
            underlying=self.underlying,
            right=self.right,
            strike_usd=self.strike_usd,
            expires_on=on + timedelta(days=self.days),
            style=self.style,
            multiplier=self.multiplier,
        )

    def mark(self, spot_usd: Decimal) -> Decimal:
        """Its price at a price of the underlying, USD per share, to 0.0001 and at least that.

        A price is market data: the feed of the scenario quotes it, and no rule reads `vol`.
        """
        price_of = american if self.style is Style.AMERICAN else european
        value = price_of(
            float(spot_usd),
            float(self.strike_usd),
            float(REFERENCE.risk_free_rate.value),
            0.0,
            float(self.vol),
            self.days / DAYS_OF_A_YEAR,
            self.right is Right.CALL,
        )
        # The price is rounded where it becomes a decimal: from here on it is exact.
        return max(half_up(Decimal(float(value)), VALUE_PLACES), Decimal(1).scaleb(-VALUE_PLACES))


def read_series(name: str, data: dict[str, Any]) -> Series:
    """The series in the entry of an option. UsageError where it is malformed."""
    what = f"symbols.{name}"
    days = data["days"]
    if type(days) is not int or not 1 <= days <= MOST_DAYS:
        raise UsageError(f"{what}.days: expected a number from 1 to {MOST_DAYS}, found {days!r}")
    return Series(
        underlying=data["underlying"],
        right=choice(f"{what}.right", data["right"], Right),
        strike_usd=positive(f"{what}.strike", data["strike"]),
        days=days,
        vol=positive(f"{what}.vol", data["vol"]),
        style=choice(f"{what}.style", data.get("style", Style.AMERICAN), Style),
        multiplier=positive(f"{what}.multiplier", data.get("multiplier", "100")),
    )


def with_marks(
    prices_usd: Mapping[str, Decimal], series: Mapping[str, Series]
) -> dict[str, Decimal]:
    """Prices of one step with, for each priced underlying, a mark of every option on it that is
    not given, USD per share."""
    marks = {
        name: own.mark(prices_usd[own.underlying])
        for name, own in series.items()
        if own.underlying in prices_usd
    }
    return {**marks, **prices_usd}
