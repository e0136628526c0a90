"""Every rate and threshold of the rules, each with its unit and its source."""

import hashlib
import json
from dataclasses import dataclass, fields, replace
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from typing import Generic, TypeVar

from margin.errors import RulebookError
from margin.market import Kind
from margin.money import decimal_text

T = TypeVar("T")

LADDER_SOURCE = "Reference ladder: Warning, Margin Call, Restriction, Liquidation"
HOUSE_SOURCE = "Reference design, house policy under FINRA Rule 4210(d)"
TIMS_SOURCE = "OCC TIMS/CPM as used by FINRA Rule 4210(g)"


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One value of the rulebook, what it is measured in, and where it comes from."""

    value: T
    unit: str
    source: str


Rates = tuple[Decimal, ...]


def _rate(text: str, source: str) -> Entry[Decimal]:
    return Entry(Decimal(text), "rate", source)


def _usd(text: str, source: str) -> Entry[Decimal]:
    return Entry(Decimal(text), "usd", source)


def _usd_per_share(text: str, source: str) -> Entry[Decimal]:
    return Entry(Decimal(text), "usd per share", source)


def _seconds(text: str, source: str) -> Entry[Decimal]:
    return Entry(Decimal(text), "seconds", source)


def _moves(*texts: str, source: str) -> Entry[Rates]:
    return Entry(tuple(Decimal(text) for text in texts), "move of SPY", source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """The rates and thresholds that every rule takes as an argument.

    Rates are fractions (0.25 is 25 %), never negative; moves are signed fractions.
    """

    # Maintenance margin
    long_rate: Entry[Decimal]
    short_rate: Entry[Decimal]
    short_floor: Entry[Decimal]
    low_priced_below: Entry[Decimal]
    low_priced_short_rate: Entry[Decimal]
    low_priced_short_floor: Entry[Decimal]
    leveraged_rate_cap: Entry[Decimal]
    box_rate: Entry[Decimal]

    # House add-ons
    concentration_above: Entry[Decimal]
    concentration_rate: Entry[Decimal]
    concentration_exempt: Entry[tuple[Kind, ...]]
    volatility_above: Entry[Decimal]
    volatility_rate: Entry[Decimal]
    high_volatility_above: Entry[Decimal]
    high_volatility_rate: Entry[Decimal]

    # Market stress
    stress_moves: Entry[Rates]
    severe_at_least: Entry[Decimal]
    missing_beta: Entry[Decimal]

    # Portfolio margin
    tims_points_per_side: Entry[int]
    tims_stock_up: Entry[Decimal]
    tims_stock_down: Entry[Decimal]
    tims_etf_up: Entry[Decimal]
    tims_etf_down: Entry[Decimal]
    tims_broad_etf_up: Entry[Decimal]
    tims_broad_etf_down: Entry[Decimal]

    # Regulation T and new accounts
    reg_t_rate: Entry[Decimal]
    minimum_equity: Entry[Decimal]
    reg_t_waived_up_to: Entry[Decimal]

    # Ladder
    warning_rate: Entry[Decimal]
    clear_warning_rate: Entry[Decimal]
    restrict_after: Entry[Decimal]
    liquidate_after: Entry[Decimal]
    stress_confirm: Entry[Decimal]
    restrict_to_liquidate_gap: Entry[Decimal]
    liquidation_buffer_rate: Entry[Decimal]

    # Prices
    stale_price_after_ms: Entry[int]

    def __post_init__(self) -> None:
        for name, entry in self.entries():
            if isinstance(entry.value, Decimal | int) and entry.value < 0:
                raise RulebookError(f"{name} must be >= 0, was {entry.value}")
        if self.tims_points_per_side.value < 1:
            raise RulebookError("tims_points_per_side must be >= 1, was 0")
        if not any(abs(m) >= self.severe_at_least.value for m in self.stress_moves.value):
            raise RulebookError("stress_moves must contain a severe move, found none")

    def entries(self) -> tuple[tuple[str, Entry[object]], ...]:
        """Name and entry of every rate and threshold, in the order of this file."""
        return tuple((field.name, getattr(self, field.name)) for field in fields(self))


REFERENCE = Rulebook(
    # Maintenance margin
    long_rate=_rate("0.25", "FINRA Rule 4210(c)(1)"),
    short_rate=_rate("0.30", "FINRA Rule 4210(c)(3)"),
    short_floor=_usd_per_share("5.00", "FINRA Rule 4210(c)(3)"),
    low_priced_below=_usd_per_share("5.00", "FINRA Rule 4210(c)(2)-(3)"),
    low_priced_short_rate=_rate("1.00", "FINRA Rule 4210(c)(2)"),
    low_priced_short_floor=_usd_per_share("2.50", "FINRA Rule 4210(c)(2)"),
    leveraged_rate_cap=_rate("1.00", "FINRA Regulatory Notice 09-53"),
    box_rate=_rate("0.05", "FINRA Rule 4210(e)(1)"),
    # House add-ons
    concentration_above=_rate("0.30", f"{HOUSE_SOURCE}, concentration"),
    concentration_rate=_rate("0.10", f"{HOUSE_SOURCE}, concentration"),
    concentration_exempt=Entry(
        (Kind.BROAD_ETF,), "kinds of instrument", f"{HOUSE_SOURCE}, broad-index ETFs exempt"
    ),
    volatility_above=_rate("0.40", f"{HOUSE_SOURCE}, volatility"),
    volatility_rate=_rate("0.05", f"{HOUSE_SOURCE}, volatility"),
    high_volatility_above=_rate("0.60", f"{HOUSE_SOURCE}, volatility"),
    high_volatility_rate=_rate("0.10", f"{HOUSE_SOURCE}, volatility"),
    # Market stress
    stress_moves=_moves(
        *("-0.08", "-0.06", "-0.04", "-0.02", "0", "0.02", "0.04", "0.06"),
        source="Reference design, SPY beta stress",
    ),
    severe_at_least=_rate("0.06", "Reference design, severe SPY moves"),
    missing_beta=Entry(
        Decimal(1), "beta", "Reference design: an unknown beta counts as the market's, flagged"
    ),
    # Portfolio margin
    tims_points_per_side=Entry(5, "points", f"{TIMS_SOURCE}: ten equidistant points"),
    tims_stock_up=_rate("0.15", f"{TIMS_SOURCE}: any single equity"),
    tims_stock_down=_rate("0.15", f"{TIMS_SOURCE}: any single equity"),
    tims_etf_up=_rate("0.15", f"{TIMS_SOURCE}: sector index or narrow ETF"),
    tims_etf_down=_rate("0.15", f"{TIMS_SOURCE}: sector index or narrow ETF"),
    tims_broad_etf_up=_rate("0.06", f"{TIMS_SOURCE}: high-cap broad index"),
    tims_broad_etf_down=_rate("0.08", f"{TIMS_SOURCE}: high-cap broad index"),
    # Regulation T and new accounts
    reg_t_rate=_rate("0.50", "12 CFR 220.12(a), (c)"),
    minimum_equity=_usd("2000", "FINRA Rule 4210(b)(4)"),
    reg_t_waived_up_to=_usd("1000", "12 CFR 220.4(d)"),
    # Ladder
    warning_rate=_rate("0.05", LADDER_SOURCE),
    clear_warning_rate=_rate("0.05", LADDER_SOURCE),
    restrict_after=_seconds("1800", f"{LADDER_SOURCE}, 30 minutes"),
    liquidate_after=_seconds("1800", f"{LADDER_SOURCE}, 30 minutes"),
    stress_confirm=_seconds("300", f"{LADDER_SOURCE}, 5 minutes"),
    restrict_to_liquidate_gap=_seconds("60", f"{LADDER_SOURCE}, 1 minute"),
    liquidation_buffer_rate=_rate("0.10", "Reference design, exercise 5"),
    # Prices
    stale_price_after_ms=Entry(
        21_600_000, "ms", "House policy: a price older than six hours is not used"
    ),
)


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
        name: {"value": _value_text(entry.value), "unit": entry.unit, "source": entry.source}
        for name, entry in rulebook.entries()
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _value_text(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(_value_text(part) for part in value)
    # 0.25 and 0.250 are one rate and must give one hash.
    return decimal_text(value) if isinstance(value, Decimal) else str(value)
