"""Maintenance of debt, of stock that no credit is given on, and of convertible offsets."""

from decimal import Decimal

from margin.errors import MarginError
from margin.money import CENT_PLACES, half_up
from margin.rulebook import Rulebook


def treasury_rate(years: Decimal, rulebook: Rulebook) -> Decimal:
    """Rate of a US Treasury by years to maturity (>= 0, else MarginError), a fraction.

    1 % below one year, 2 % below three, 3 % below five, 4 % below ten, 5 % below twenty, then 6 %.
    Source: FINRA Rule 4210(e)(2).

    >>> from margin.rulebook import REFERENCE
    >>> [str(treasury_rate(Decimal(years), REFERENCE)) for years in ("0.99", "1", "20")]
    ['0.01', '0.02', '0.06']
    """
    if years < 0:
        raise MarginError(f"years to maturity >= 0 expected, was {years}")
    for below, rate in rulebook.treasury_rates.value:
        if below is None or years < below:
            return rate
    raise MarginError(f"a last tier of treasury_rates without end expected, none holds {years}")


def treasury_requirement(value_usd: Decimal, years: Decimal, rulebook: Rulebook) -> Decimal:
    """Maintenance of a US Treasury, long or short, USD; market value USD >= 0, years >= 0.

    Source: FINRA Rule 4210(e)(2).

    >>> from margin.rulebook import REFERENCE
    >>> treasury_requirement(Decimal(100000), Decimal(7), REFERENCE)
    Decimal('4000.00')
    """
    return _cents(value_usd, treasury_rate(years, rulebook))


def investment_grade_requirement(value_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """Maintenance of investment-grade debt, USD, 10 % of its market value (USD >= 0).

    Source: FINRA Rule 4210(e)(2).

    >>> from margin.rulebook import REFERENCE
    >>> investment_grade_requirement(Decimal(50000), REFERENCE)
    Decimal('5000.00')
    """
    return _cents(value_usd, rulebook.investment_grade_rate.value)


def listed_debt_requirement(
    value_usd: Decimal, principal_usd: Decimal, rulebook: Rulebook
) -> Decimal:
    """Maintenance of other listed debt, USD: the greater of 20 % of value and 7 % of principal.

    Both in USD >= 0. Source: FINRA Rule 4210(e)(2).

    >>> from margin.rulebook import REFERENCE
    >>> listed_debt_requirement(Decimal(3000), Decimal(10000), REFERENCE)
    Decimal('700.00')
    """
    by_value_usd = _cents(value_usd, rulebook.listed_debt_rate.value)
    return max(by_value_usd, _cents(principal_usd, rulebook.listed_debt_principal_rate.value))


def short_bond_requirement(
    value_usd: Decimal, principal_usd: Decimal, rulebook: Rulebook
) -> Decimal:
    """Maintenance of a short bond, USD: the greater of 5 % of principal and 30 % of value.

    Both in USD >= 0. Source: FINRA Rule 4210(c)(4).

    >>> from margin.rulebook import REFERENCE
    >>> short_bond_requirement(Decimal(1000), Decimal(10000), REFERENCE)
    Decimal('500.00')
    """
    by_value_usd = _cents(value_usd, rulebook.short_bond_rate.value)
    return max(by_value_usd, _cents(principal_usd, rulebook.short_bond_principal_rate.value))


def non_marginable_requirement(value_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """Maintenance of long stock that no credit is given on, USD: all of its value (USD >= 0).

    Source: FINRA Rule 4210(c).

    >>> from margin.rulebook import REFERENCE
    >>> non_marginable_requirement(Decimal("12.345"), REFERENCE)
    Decimal('12.35')
    """
    return _cents(value_usd, rulebook.non_marginable_rate.value)


def convertible_offset_requirement(long_value_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """Maintenance of a convertible held against the same stock short, USD: 10 % of the long side.

    The long side exchangeable or convertible without limit into the short; value USD >= 0.
    Source: FINRA Rule 4210(e)(1).

    >>> from margin.rulebook import REFERENCE
    >>> convertible_offset_requirement(Decimal(20000), REFERENCE)
    Decimal('2000.00')
    """
    return _cents(long_value_usd, rulebook.convertible_offset_rate.value)


def _cents(value_usd: Decimal, rate: Decimal) -> Decimal:
    if not value_usd.is_finite() or value_usd < 0:
        raise MarginError(f"a value >= 0 expected, was {value_usd}")
    return half_up(value_usd * rate, CENT_PLACES)
