"""What is known of the market: instruments, latest quotes and betas."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from margin.errors import MarginError


class Kind(StrEnum):
    """What an instrument is; the range of its stress and its exemptions depend on it."""

    STOCK = "stock"
    ETF = "etf"
    BROAD_ETF = "broad_etf"
    OPTION = "option"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One product. `leverage` is its factor, >= 1 (2 for a 2x ETF); `class_group` its underlying.

    An empty class group means the symbol itself.
    """

    symbol: str
    kind: Kind
    leverage: Decimal = Decimal(1)
    class_group: str = ""

    def __post_init__(self) -> None:
        if self.leverage < 1:
            raise MarginError(f"leverage of {self.symbol} must be >= 1, was {self.leverage}")
        if not self.class_group:
            object.__setattr__(self, "class_group", self.symbol)


@dataclass(frozen=True, slots=True)
class Quote:
    """Latest price of a symbol, USD per share, > 0, and its event time in ms."""

    price_usd: Decimal
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Latest quote, beta and instrument by symbol."""

    quotes: Mapping[str, Quote]
    betas: Mapping[str, Decimal]
    instruments: Mapping[str, Instrument]
