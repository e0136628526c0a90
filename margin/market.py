"""What is known of the market: instruments, latest quotes, betas and theoretical values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from margin.errors import MarginError
from margin.money import ZERO


class Kind(StrEnum):
    """What an instrument is; the range of its stress and its exemptions depend on it."""

    STOCK = "stock"
    ETF = "etf"
    BROAD_ETF = "broad_etf"
    OPTION = "option"
    # An index is the underlying of options and is never held itself.
    INDEX = "index"
    BROAD_INDEX = "broad_index"


class Right(StrEnum):
    """What the holder of an option may do: buy (call) or sell (put) the underlying."""

    CALL = "C"
    PUT = "P"


class Style(StrEnum):
    """When the holder of an option may exercise it: at any time, or only at expiry."""

    AMERICAN = "american"
    EUROPEAN = "european"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionTerms:
    """Terms of an option series: strike in USD per share (> 0), multiplier in shares (> 0)."""

    underlying: str
    right: Right
    strike_usd: Decimal
    expires_on: date
    style: Style = Style.AMERICAN
    multiplier: Decimal = Decimal(100)

    def __post_init__(self) -> None:
        for name, value in (("strike", self.strike_usd), ("multiplier", self.multiplier)):
            if not value.is_finite() or value <= 0:
                raise MarginError(
                    f"{name} of an option on {self.underlying} must be > 0, was {value}"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One product. `leverage` is its factor, >= 1 (2 for a 2x ETF); `class_group` its underlying.

    An empty class group means the symbol itself, or the underlying of an option. An empty product
    group means none: the class offsets with no other. Option terms belong to options alone;
    an option without them has no figures.
    `dividend_yield` is a continuous fraction per year.
    """

    symbol: str
    kind: Kind
    leverage: Decimal = Decimal(1)
    class_group: str = ""
    product_group: str = ""
    option: OptionTerms | None = None
    dividend_yield: Decimal = ZERO

    def __post_init__(self) -> None:
        if not self.leverage.is_finite() or self.leverage < 1:
            raise MarginError(f"leverage of {self.symbol} must be >= 1, was {self.leverage}")
        if self.option is not None and self.kind is not Kind.OPTION:
            raise MarginError(f"no option terms expected on {self.symbol}, a {self.kind}")
        if not self.class_group:
            own = self.symbol if self.option is None else self.option.underlying
            object.__setattr__(self, "class_group", own)

    @property
    def multiplier(self) -> Decimal:
        """Shares that one unit of a position stands for: 1, or the multiplier of an option."""
        return Decimal(1) if self.option is None else self.option.multiplier


@dataclass(frozen=True, slots=True)
class Quote:
    """Latest price of a symbol, USD per share, > 0, and its event time in ms."""

    price_usd: Decimal
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Latest quote, beta and instrument by symbol, with the values of options at ten points.

    `theoretical_usd`: by option symbol, USD per share at each point of the underlying's range,
    from the deepest fall to the highest rise. Prices are data, computed once per series.
    """

    quotes: Mapping[str, Quote]
    betas: Mapping[str, Decimal]
    instruments: Mapping[str, Instrument]
    theoretical_usd: Mapping[str, tuple[Decimal, ...]] = field(default_factory=dict)
