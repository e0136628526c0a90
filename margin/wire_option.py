"""The terms of an option series on the wire: fields of an instrument, or an object of their own."""

from typing import Final

from margin.canonical import JsonObject
from margin.errors import EventError
from margin.fields import Fields
from margin.market import OptionTerms, Right, Style
from margin.money import decimal_text

RIGHTS: Final = tuple(Right)
STYLES: Final = tuple(Style)
DEFAULT_STYLE: Final = Style.AMERICAN
DEFAULT_MULTIPLIER: Final = "100"
TERM_FIELDS: Final = ("underlying", "right", "strike", "expires_on", "style", "multiplier")


def read_terms(fields: Fields, symbol: str) -> OptionTerms:
    """The terms of an option, strike in USD per share, or EventError with the reason.

    >>> read_terms(Fields({"underlying": "NVDA", "right": "P", "strike": "380",
    ...     "expires_on": "2027-01-15"}), "NVDA-P380-20270115").multiplier
    Decimal('100')
    """
    underlying = fields.symbol("underlying")
    if underlying == symbol:
        raise EventError(f"underlying must be another symbol than {symbol}")
    return OptionTerms(
        underlying=underlying,
        right=Right(fields.choice("right", RIGHTS)),
        strike_usd=fields.positive("strike"),
        expires_on=fields.day("expires_on"),
        style=Style(fields.choice("style", STYLES, default=DEFAULT_STYLE)),
        multiplier=fields.positive("multiplier", default=DEFAULT_MULTIPLIER),
    )


def terms_body(terms: OptionTerms) -> JsonObject:
    """The fields that `read_terms` reads, all of them."""
    return {
        "underlying": terms.underlying,
        "right": terms.right,
        "strike": decimal_text(terms.strike_usd),
        "expires_on": terms.expires_on.isoformat(),
        "style": terms.style,
        "multiplier": decimal_text(terms.multiplier),
    }
