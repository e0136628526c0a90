"""Exact amounts: rounding in one place, and amounts as text."""

from decimal import ROUND_HALF_UP, Context, Decimal

ZERO = Decimal(0)

# Wide enough that rounding an amount never fails for want of digits.
_WIDE = Context(prec=60)

# Decimal places: a market value keeps 4, a requirement is stated in whole cents.
VALUE_PLACES = 4
CENT_PLACES = 2


def half_up(value: Decimal, places: int) -> Decimal:
    """Value rounded to a number of decimal places; the sign is kept, halves go away from zero.

    Source: docs/01-finra-4210.md, "Rounding".

    >>> half_up(Decimal("0.125"), 2), half_up(Decimal("-0.125"), 2)
    (Decimal('0.13'), Decimal('-0.13'))
    """
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, context=_WIDE)


def usd_text(amount_usd: Decimal) -> str:
    """USD amount as text, signed, with two to four decimals and no exponent.

    A fifth decimal is rounded half up. Source: docs/01-finra-4210.md, "Rounding".

    >>> usd_text(Decimal("356.8")), usd_text(Decimal("-21288.512")), usd_text(Decimal("-0"))
    ('356.80', '-21288.512', '0.00')
    """
    whole, fraction = f"{half_up(amount_usd, VALUE_PLACES):f}".split(".")
    text = f"{whole}.{fraction.rstrip('0').ljust(CENT_PLACES, '0')}"
    return text.removeprefix("-") if not half_up(amount_usd, VALUE_PLACES) else text


def decimal_text(number: Decimal) -> str:
    """Number (a quantity, a rate, a beta) as the shortest exact text, signed, no exponent.

    Source: docs/04-architecture.md, "Events".

    >>> decimal_text(Decimal("500.00")), decimal_text(Decimal("0.50")), decimal_text(Decimal("1E3"))
    ('500', '0.5', '1000')
    """
    if not number:
        return "0"
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
