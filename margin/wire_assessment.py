"""The assessment on margin.calc.v1: its value, its bytes, and the account rebuilt from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from margin.assessment import Assessment, Band, Unassessable
from margin.canonical import JsonObject, at_text, canonical_json, parse_json_object
from margin.channels import wire_number
from margin.fields import SCHEMA, Fields
from margin.market import Market
from margin.money import usd_text
from margin.portfolio import AccountType, Portfolio, Position
from margin.wire import ACCOUNT_TYPES, STRESS_MODES
from margin.wire_symbol import (
    AssessedPosition,
    AssessedSymbol,
    assessed_position,
    assessed_symbol,
    market_of,
    needed_underlyings,
    position_body,
    read_position,
    read_symbol,
    symbol_body,
)

# The figures of an assessment: their names on the wire and in Assessment. Cash comes first and is
# always known; the others are null where the account is UNPRICED.
FIGURES: Final = (
    ("cash", "cash_usd"),
    ("long_market_value", "long_market_value_usd"),
    ("short_market_value", "short_market_value_usd"),
    ("equity", "equity_usd"),
    ("maintenance_requirement", "maintenance_requirement_usd"),
    ("concentration_addon", "concentration_addon_usd"),
    ("portfolio_margin", "portfolio_margin_usd"),
    ("reg_t_requirement", "reg_t_requirement_usd"),
    ("requirement", "requirement_usd"),
    ("excess", "excess_usd"),
    ("warning_threshold", "warning_threshold_usd"),
    ("beta_weighted_exposure", "beta_weighted_exposure_usd"),
    ("worst_severe_excess", "worst_severe_excess_usd"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentEvent:
    """One account at one version. `figures_usd` holds what is known, by its name on the wire.

    `underlyings` are the symbols that its options are on and that it does not hold.
    """

    account_id: str
    account_type: AccountType | None
    stress_mode: str
    version: int
    as_of_ms: int
    inputs: tuple[tuple[str, int], ...]
    band: Band
    previous_band: Band | None
    enforce: bool
    flags: tuple[str, ...]
    figures_usd: Mapping[str, Decimal]
    liquidations_filled: tuple[str, ...]
    positions: tuple[AssessedPosition, ...]
    underlyings: tuple[AssessedSymbol, ...] = ()

    @property
    def event_id(self) -> str:
        """Account and version: the identity that makes a redelivery harmless."""
        return f"{self.account_id}:{self.version}"

    @property
    def gross_usd(self) -> Decimal:
        """Long + short market value, USD, never negative."""
        return self.figures_usd["long_market_value"] + self.figures_usd["short_market_value"]


def is_enforced(account_type: AccountType | None, band: Band, previous_band: Band | None) -> bool:
    """True where the router must see the assessment: the band is not OK or has just changed.

    >>> is_enforced(AccountType.MARGIN, Band.OK, Band.WARNING)
    True
    """
    if account_type == AccountType.CASH:
        return False
    return band != Band.OK or previous_band not in (None, Band.OK)


def event_from_assessment(
    assessment: Assessment | Unassessable,
    portfolio: Portfolio,
    account_type: AccountType | None,
    market: Market,
    *,
    stress_mode: str,
    version: int,
    as_of_ms: int,
    inputs: Mapping[str, int],
    previous_band: Band | None,
    liquidations_filled: tuple[str, ...] = (),
) -> AssessmentEvent:
    """The event that says what `assess` found, with all that is needed to find it again."""
    known = isinstance(assessment, Assessment)
    band = assessment.band if isinstance(assessment, Assessment) else Band.UNPRICED
    figures = {wire: getattr(assessment, name) for wire, name in FIGURES} if known else {}
    return AssessmentEvent(
        account_id=portfolio.account_id,
        account_type=account_type,
        stress_mode=stress_mode,
        version=version,
        as_of_ms=as_of_ms,
        inputs=tuple(sorted(inputs.items())),
        band=band,
        previous_band=previous_band,
        enforce=is_enforced(account_type, band, previous_band),
        flags=assessment.flags,
        figures_usd={"cash": portfolio.cash_usd} | figures,
        liquidations_filled=liquidations_filled,
        positions=tuple(assessed_position(p, market) for p in portfolio.positions),
        underlyings=tuple(
            assessed_symbol(symbol, market) for symbol in needed_underlyings(portfolio, market)
        ),
    )


def portfolio_and_market(event: AssessmentEvent) -> tuple[Portfolio, AccountType | None, Market]:
    """The account as the stream saw it, so that `assess` can be run on it again."""
    portfolio = Portfolio(
        account_id=event.account_id,
        cash_usd=event.figures_usd["cash"],
        positions=tuple(Position(p.symbol, p.quantity_shares) for p in event.positions),
    )
    market = market_of((*event.positions, *event.underlyings))
    return portfolio, event.account_type, market


def differences(event: AssessmentEvent, found: Assessment | Unassessable) -> tuple[str, ...]:
    """What the stream and a second calculation disagree on, to the cent; empty when they agree."""
    if isinstance(found, Unassessable):
        agreed = event.band == Band.UNPRICED
        return () if agreed else (f"band: streamed {event.band}, recomputed UNPRICED",)
    if found.band != event.band:
        return (f"band: streamed {event.band}, recomputed {found.band}",)
    pairs = ((wire, event.figures_usd.get(wire), getattr(found, name)) for wire, name in FIGURES)
    return tuple(
        f"{wire}: streamed {_text_or_null(streamed)}, recomputed {usd_text(own)}"
        for wire, streamed, own in pairs
        if streamed != own
    )


def encode_assessment(event: AssessmentEvent) -> bytes:
    """The bytes on margin.calc.v1; parse_assessment gives back an equal event.

    Where no underlying is needed, `underlyings` is left out.
    """
    as_of = at_text(event.as_of_ms)
    figures = {wire: _text_or_null(event.figures_usd.get(wire)) for wire, _ in FIGURES}
    body: JsonObject = {
        "type": "assessment",
        "schema": SCHEMA,
        "event_id": event.event_id,
        "at": as_of,
        "as_of": as_of,
        "correlation_id": event.event_id,
        "account_id": event.account_id,
        "account_type": event.account_type,
        "stress_mode": event.stress_mode,
        "version": event.version,
        "inputs": {place: wire_number(offset) for place, offset in event.inputs},
        "band": event.band,
        "previous_band": event.previous_band,
        "enforce": event.enforce,
        "flags": list(event.flags),
        "liquidations_filled": list(event.liquidations_filled),
        "positions": [position_body(position) for position in event.positions],
    }
    if event.underlyings:
        body["underlyings"] = [symbol_body(known) for known in event.underlyings]
    return canonical_json(body | figures)


def parse_assessment(raw: bytes) -> AssessmentEvent:
    """The event in the bytes of one record of margin.calc.v1, or EventError with the reason."""
    fields = Fields(parse_json_object(raw))
    fields.expect("type", "assessment")
    fields.expect("schema", SCHEMA)
    band = Band(fields.choice("band", tuple(Band)))
    previous = fields.choice("previous_band", tuple(Band)) if fields.has("previous_band") else None
    return AssessmentEvent(
        account_id=fields.identifier("account_id"),
        account_type=_account_type(fields),
        stress_mode=fields.choice("stress_mode", STRESS_MODES),
        version=fields.whole("version"),
        as_of_ms=fields.time_ms("as_of"),
        inputs=fields.offsets("inputs"),
        band=band,
        previous_band=Band(previous) if previous is not None else None,
        enforce=fields.flag("enforce"),
        flags=fields.texts("flags"),
        figures_usd=_figures(fields, band),
        liquidations_filled=fields.texts("liquidations_filled"),
        positions=tuple(read_position(entry) for entry in fields.objects("positions")),
        underlyings=tuple(
            read_symbol(entry)
            for entry in (fields.objects("underlyings") if fields.has("underlyings") else ())
        ),
    )


def _figures(fields: Fields, band: Band) -> dict[str, Decimal]:
    if band == Band.UNPRICED:
        return {"cash": fields.decimal("cash")}
    return {wire: fields.decimal(wire) for wire, _ in FIGURES}


def _account_type(fields: Fields) -> AccountType | None:
    if not fields.has("account_type"):
        return None
    return AccountType(fields.choice("account_type", ACCOUNT_TYPES))


def _text_or_null(amount_usd: Decimal | None) -> str | None:
    return None if amount_usd is None else usd_text(amount_usd)
