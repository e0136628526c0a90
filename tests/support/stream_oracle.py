"""What a stream must say of accounts, by the scalar rules alone: from its events to its bytes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from margin.assessment import Assessment, Unassessable, assess
from margin.columnar.theoretical import theoretical_values
from margin.events import (
    AccountEvent,
    BetaEvent,
    CashEvent,
    FillEvent,
    InputEvent,
    InstrumentEvent,
    PriceEvent,
)
from margin.market import Instrument, Kind, Market, Quote
from margin.portfolio import AccountType, Portfolio, apply_cash, apply_fill
from margin.rulebook import REFERENCE
from margin.valuation import as_of_date
from margin.wire_assessment import AssessmentEvent, event_from_assessment


@dataclass
class Oracle:
    """Accounts and market after some events, each newer than those before it."""

    portfolios: dict[str, Portfolio] = field(default_factory=dict)
    types: dict[str, AccountType] = field(default_factory=dict)
    quotes: dict[str, Quote] = field(default_factory=dict)
    betas: dict[str, Decimal] = field(default_factory=dict)
    instruments: dict[str, Instrument] = field(default_factory=dict)
    as_of_ms: int = 0
    version: int = 0

    def take(self, events: Iterable[InputEvent]) -> None:
        for event in events:
            self.as_of_ms, self.version = max(self.as_of_ms, event.at_ms), self.version + 1
            match event:
                case FillEvent():
                    self.portfolios[event.account_id] = apply_fill(self._of(event), event.fill())
                case CashEvent():
                    moved = apply_cash(self._of(event), event.movement())
                    self.portfolios[event.account_id] = moved
                case PriceEvent():
                    self.quotes[event.symbol] = Quote(event.price_usd, event.at_ms)
                case BetaEvent():
                    self.betas[event.symbol] = event.beta
                case InstrumentEvent():
                    self.instruments[event.symbol] = event.instrument()
                case AccountEvent():
                    self.types[event.account_id] = event.account_type
                    self.portfolios[event.account_id] = self._of(event)

    def market(self) -> Market:
        """All that is known, with the values of every option that can be priced."""
        prices = {symbol: quote.price_usd for symbol, quote in self.quotes.items()}
        priced = {s: i for s, i in self.instruments.items() if self._is_priced(i)}
        on = as_of_date(self.as_of_ms)
        return Market(
            quotes=self.quotes,
            betas=self.betas,
            instruments=self.instruments,
            theoretical_usd=theoretical_values(priced, prices, REFERENCE, on),
        )

    def found(self, account_id: str) -> Assessment | Unassessable:
        held, account_type = self.portfolios[account_id], self.types.get(account_id)
        return assess(held, account_type, self.market(), REFERENCE, self.as_of_ms)

    def event(self, account_id: str, inputs: Mapping[str, int]) -> AssessmentEvent:
        """The assessment of an account of which nothing was said before."""
        return event_from_assessment(
            self.found(account_id),
            self.portfolios[account_id],
            self.types.get(account_id),
            self.market(),
            stress_mode="ladder",
            version=self.version,
            as_of_ms=self.as_of_ms,
            inputs=inputs,
            previous_band=None,
        )

    def _of(self, event: FillEvent | CashEvent | AccountEvent) -> Portfolio:
        own = Portfolio(account_id=event.account_id)
        return self.portfolios.get(event.account_id, own)

    def _is_priced(self, instrument: Instrument) -> bool:
        terms = instrument.option
        if terms is None:
            return True
        underlying = self.instruments.get(terms.underlying)
        alive = terms.expires_on >= as_of_date(self.as_of_ms)
        return alive and underlying is not None and underlying.kind is not Kind.OPTION
