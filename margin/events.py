"""The input events as values: fills, cash, prices, betas, instruments, accounts."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from margin.market import Instrument, Kind, OptionTerms
from margin.money import ZERO
from margin.portfolio import AccountType, CashMovement, Fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What every event carries; `at_ms` is event time."""

    event_id: str
    at_ms: int
    correlation_id: str
    causation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FillEvent(Envelope):
    """One execution: `quantity_shares` is signed, a buy is positive. Counted once by event_id.

    An option is counted in contracts, priced per share, and carries its shares per contract.
    """

    account_id: str
    symbol: str
    quantity_shares: Decimal
    price_usd: Decimal
    fee_usd: Decimal
    multiplier: Decimal = Decimal(1)
    venue: str | None = None
    liquidation_id: str | None = None

    def fill(self) -> Fill:
        """The fill as the rules know it."""
        return Fill(
            fill_id=self.event_id,
            account_id=self.account_id,
            symbol=self.symbol,
            quantity_shares=self.quantity_shares,
            price_usd=self.price_usd,
            fee_usd=self.fee_usd,
            multiplier=self.multiplier,
            liquidation_id=self.liquidation_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CashEvent(Envelope):
    """Money into (positive) or out of an account. Counted once by event_id."""

    account_id: str
    amount_usd: Decimal
    kind: str

    def movement(self) -> CashMovement:
        """The cash movement as the rules know it."""
        return CashMovement(
            movement_id=self.event_id,
            account_id=self.account_id,
            amount_usd=self.amount_usd,
            kind=self.kind,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceEvent(Envelope):
    """A price; the latest by (at_ms, sequence, event_id) holds."""

    symbol: str
    price_usd: Decimal
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BetaEvent(Envelope):
    """A beta to SPY; the latest by (at_ms, sequence, event_id) holds."""

    symbol: str
    beta: Decimal
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentEvent(Envelope):
    """What a symbol is; the latest by (at_ms, event_id) holds. An option has terms, others none."""

    symbol: str
    kind: Kind
    leverage: Decimal
    class_group: str
    product_group: str | None = None
    option: OptionTerms | None = None
    dividend_yield: Decimal = ZERO

    def instrument(self) -> Instrument:
        """The instrument as the rules know it."""
        return Instrument(
            symbol=self.symbol,
            kind=self.kind,
            leverage=self.leverage,
            class_group=self.class_group,
            product_group=self.product_group or "",
            option=self.option,
            dividend_yield=self.dividend_yield,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEvent(Envelope):
    """What an account is; the latest by (at_ms, event_id) holds."""

    account_id: str
    account_type: AccountType
    stress_mode: str


InputEvent: TypeAlias = (
    FillEvent | CashEvent | PriceEvent | BetaEvent | InstrumentEvent | AccountEvent
)
