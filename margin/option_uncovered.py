"""Options that stand alone: long, short uncovered, and a short straddle or strangle."""

from calendar import monthrange
from datetime import date
from decimal import Decimal

from margin.market import Kind, Right
from margin.money import ZERO
from margin.option_book import Underlying, out_of_the_money
from margin.rulebook import Rulebook

UNCOVERED_SOURCE = "FINRA Rule 4210(f)(2)(E); Cboe Rule 10.3"
STRADDLE_SOURCE = "FINRA Rule 4210(f)(2)(G); Cboe Rule 10.3"
LONG_SOURCE = "FINRA Rule 4210(f)(2)(D); 12 CFR 220.12(f)"


def uncovered_margin(
    right: Right, strike_usd: Decimal, underlying: Underlying, rulebook: Rulebook
) -> Decimal:
    """Margin of a short option beyond its market value, USD per share, never negative.

    20 % of the underlying (15 % of a broad index or an ETF on it) less the amount out of the
    money, at least 10 % of the underlying (call) or of the strike (put); leverage multiplies both.
    Source: FINRA Rule 4210(f)(2)(E); Cboe Rule 10.3.

    >>> from margin.rulebook import REFERENCE
    >>> stock = Underlying("XYZ", Decimal(95))
    >>> uncovered_margin(Right.PUT, Decimal(80), stock, REFERENCE)
    Decimal('8.00')
    """
    price_usd, leverage = underlying.price_usd, underlying.leverage
    main_usd = main_rate(underlying.kind, rulebook) * price_usd * leverage
    main_usd -= out_of_the_money(right, strike_usd, price_usd)
    base_usd = price_usd if right is Right.CALL else strike_usd
    factor = leverage if rulebook.option_minimum_leveraged.value else Decimal(1)
    return max(main_usd, rulebook.option_minimum_rate.value * base_usd * factor)


def main_rate(kind: Kind, rulebook: Rulebook) -> Decimal:
    """Fraction of the underlying's price for a short option: that of broad indexes, or of others.

    Source: FINRA Rule 4210(f)(2)(E)(i).

    >>> from margin.rulebook import REFERENCE
    >>> main_rate(Kind.BROAD_INDEX, REFERENCE), main_rate(Kind.STOCK, REFERENCE)
    (Decimal('0.15'), Decimal('0.20'))
    """
    broad = kind in (Kind.BROAD_INDEX, Kind.BROAD_ETF)
    return (rulebook.option_index_rate if broad else rulebook.option_main_rate).value


def uncovered_requirement(price_usd: Decimal, margin_usd: Decimal) -> Decimal:
    """Requirement of a short option, USD per share: all of its market value and its margin.

    Source: FINRA Rule 4210(f)(2)(E)(i).

    >>> uncovered_requirement(Decimal("2.00"), Decimal("8.00"))
    Decimal('10.00')
    """
    return price_usd + margin_usd


def straddle_requirement(
    call_price_usd: Decimal,
    call_margin_usd: Decimal,
    put_price_usd: Decimal,
    put_margin_usd: Decimal,
) -> Decimal:
    """Requirement of a short call and a short put, USD per share.

    The greater uncovered requirement of the two and the market value of the other: both values
    and the greater margin, except where the side with less margin requires more in all.
    Source: FINRA Rule 4210(f)(2)(G); Cboe Rule 10.3.

    >>> straddle_requirement(Decimal("2.10"), Decimal("7"), Decimal("1.20"), Decimal("7"))
    Decimal('10.30')
    """
    call_usd = uncovered_requirement(call_price_usd, call_margin_usd)
    put_usd = uncovered_requirement(put_price_usd, put_margin_usd)
    if call_usd >= put_usd:
        return call_usd + put_price_usd
    return put_usd + call_price_usd


def is_long_term(expires_on: date, on: date, rulebook: Rulebook) -> bool:
    """Whether an option has more than nine months left on a day; exactly nine is not more.

    Source: 12 CFR 220.12(f); FINRA Rule 4210(f)(2)(D).

    >>> from margin.rulebook import REFERENCE
    >>> is_long_term(date(2026, 10, 31), date(2026, 1, 31), REFERENCE)
    False
    """
    if (expires_on - on).days <= 28 * rulebook.long_term_months.value:
        return False
    return expires_on > months_after(on, rulebook.long_term_months.value)


def months_after(day: date, months: int) -> date:
    """Same day some calendar months later, or the last day of a shorter month.

    Source: FINRA Rule 4210(f)(2)(D), "months".

    >>> months_after(date(2026, 5, 31), 9)
    datetime.date(2027, 2, 28)
    """
    years, month = divmod(day.month - 1 + months, 12)
    last = monthrange(day.year + years, month + 1)[1]
    return date(day.year + years, month + 1, min(day.day, last))


def long_option_requirement(price_usd: Decimal, long_term: bool, rulebook: Rulebook) -> Decimal:
    """Requirement of a long option with options in equity, USD per share.

    All of its market value, or 75 % of it with more than nine months left.
    Source: FINRA Rule 4210(f)(2)(D); 12 CFR 220.12(f).

    >>> from margin.rulebook import REFERENCE
    >>> long_option_requirement(Decimal(12), True, REFERENCE)
    Decimal('9.00')
    """
    rate = rulebook.long_term_option_rate if long_term else rulebook.long_option_rate
    return price_usd * rate.value


def loan_value(price_usd: Decimal, long_term: bool, rulebook: Rulebook) -> Decimal:
    """Part of a long option's market value that may be borrowed, USD per share, >= 0.

    Source: 12 CFR 220.12(f).

    >>> from margin.rulebook import REFERENCE
    >>> loan_value(Decimal(12), True, REFERENCE)
    Decimal('3.00')
    """
    return max(ZERO, price_usd - long_option_requirement(price_usd, long_term, rulebook))
