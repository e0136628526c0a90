"""What the stream knew of a symbol, as an assessment carries it: value, JSON, and back."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from margin.canonical import Json, JsonObject, at_text
from margin.fields import Fields
from margin.market import Instrument, Kind, Market, OptionTerms, Quote
from margin.money import ZERO, decimal_text
from margin.portfolio import Portfolio, Position
from margin.wire import INSTRUMENT_KINDS
from margin.wire_option import read_terms, terms_body


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessedSymbol:
    """One symbol and what was known of it; None where it was not known.

    `theoretical_usd` are the values of an option at the points of its underlying, USD per share.
    """

    symbol: str
    price_usd: Decimal | None
    price_at_ms: int | None
    beta: Decimal | None
    kind: Kind | None
    leverage: Decimal | None
    class_group: str | None
    product_group: str = ""
    dividend_yield: Decimal = ZERO
    option: OptionTerms | None = None
    theoretical_usd: tuple[Decimal, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessedPosition(AssessedSymbol):
    """One position, in shares or in contracts, and what was known of its symbol."""

    quantity_shares: Decimal


def assessed_position(position: Position, market: Market) -> AssessedPosition:
    """The position with what a market says of it."""
    known = assessed_symbol(position.symbol, market)
    facts = {name: getattr(known, name) for name in AssessedSymbol.__slots__}
    return AssessedPosition(quantity_shares=position.quantity_shares, **facts)


def assessed_symbol(symbol: str, market: Market) -> AssessedSymbol:
    """What a market says of a symbol."""
    quote = market.quotes.get(symbol)
    instrument = market.instruments.get(symbol)
    is_option = instrument is not None and instrument.kind is Kind.OPTION
    return AssessedSymbol(
        symbol=symbol,
        price_usd=quote.price_usd if quote else None,
        price_at_ms=quote.at_ms if quote else None,
        beta=market.betas.get(symbol),
        kind=instrument.kind if instrument else None,
        leverage=instrument.leverage if instrument else None,
        class_group=instrument.class_group if instrument else None,
        product_group=instrument.product_group if instrument else "",
        dividend_yield=instrument.dividend_yield if instrument else ZERO,
        option=instrument.option if instrument else None,
        theoretical_usd=market.theoretical_usd.get(symbol) if is_option else None,
    )


def needed_underlyings(portfolio: Portfolio, market: Market) -> tuple[str, ...]:
    """The symbols that options of a portfolio are on and that it does not hold, sorted."""
    held = {position.symbol for position in portfolio.positions}
    terms = (i.option for s in held if (i := market.instruments.get(s)) is not None)
    return tuple(sorted({own.underlying for own in terms if own is not None} - held))


def market_of(known: Iterable[AssessedSymbol]) -> Market:
    """The market that these symbols are of."""
    symbols = tuple(known)
    return Market(
        quotes={
            k.symbol: Quote(k.price_usd, k.price_at_ms)
            for k in symbols
            if k.price_usd is not None and k.price_at_ms is not None
        },
        betas={k.symbol: k.beta for k in symbols if k.beta is not None},
        instruments={k.symbol: i for k in symbols if (i := _instrument(k)) is not None},
        theoretical_usd={
            k.symbol: k.theoretical_usd for k in symbols if k.theoretical_usd is not None
        },
    )


def position_body(position: AssessedPosition) -> Json:
    """The JSON of a position."""
    return symbol_body(position) | {"quantity": decimal_text(position.quantity_shares)}


def symbol_body(known: AssessedSymbol) -> JsonObject:
    """The JSON of a symbol; what is at its default, or no option's, is left out."""
    body: JsonObject = {
        "symbol": known.symbol,
        "price": _number_or_null(known.price_usd),
        "price_at": None if known.price_at_ms is None else at_text(known.price_at_ms),
        "beta": _number_or_null(known.beta),
        "kind": known.kind,
        "leverage": _number_or_null(known.leverage),
        "class_group": known.class_group,
    }
    if known.product_group:
        body["product_group"] = known.product_group
    if known.dividend_yield:
        body["dividend_yield"] = decimal_text(known.dividend_yield)
    if known.kind is Kind.OPTION:
        values = known.theoretical_usd
        body["option"] = None if known.option is None else terms_body(known.option)
        body["theoretical"] = None if values is None else [decimal_text(value) for value in values]
    return body


def read_position(fields: Fields) -> AssessedPosition:
    """The position in its JSON, or EventError with the reason."""
    known = read_symbol(fields)
    facts = {name: getattr(known, name) for name in AssessedSymbol.__slots__}
    return AssessedPosition(quantity_shares=fields.nonzero("quantity"), **facts)


def read_symbol(fields: Fields) -> AssessedSymbol:
    """The symbol in its JSON, or EventError with the reason."""
    symbol = fields.symbol("symbol")
    kind = fields.choice("kind", INSTRUMENT_KINDS) if fields.has("kind") else None
    if kind != Kind.OPTION:
        fields.absent(("option", "theoretical"), "an option")
    return AssessedSymbol(
        symbol=symbol,
        price_usd=fields.optional_decimal("price"),
        price_at_ms=fields.optional_time_ms("price_at"),
        beta=fields.optional_decimal("beta"),
        kind=Kind(kind) if kind is not None else None,
        leverage=fields.optional_decimal("leverage"),
        class_group=fields.symbol("class_group") if fields.has("class_group") else None,
        product_group=fields.optional_identifier("product_group") or "",
        dividend_yield=fields.share("dividend_yield", default="0"),
        option=read_terms(fields.object("option"), symbol) if fields.has("option") else None,
        theoretical_usd=fields.decimals("theoretical") if fields.has("theoretical") else None,
    )


def _instrument(known: AssessedSymbol) -> Instrument | None:
    if known.kind is None or known.leverage is None or known.class_group is None:
        return None
    return Instrument(
        symbol=known.symbol,
        kind=known.kind,
        leverage=known.leverage,
        class_group=known.class_group,
        product_group=known.product_group,
        option=known.option,
        dividend_yield=known.dividend_yield,
    )


def _number_or_null(number: Decimal | None) -> str | None:
    return None if number is None else decimal_text(number)
