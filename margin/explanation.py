"""How each figure of an assessment came about: lines whose parts add up to the cent."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from margin.money import decimal_text, usd_text
from margin.rulebook import Rulebook
from margin.tims import ClassGroupRisk
from margin.valuation import PositionFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One step of a calculation. Lines with `part_of` sum to the line of that term."""

    term: str
    formula: str
    inputs: tuple[tuple[str, str], ...]
    value_usd: Decimal
    rule: str
    source: str
    part_of: str = ""


EQUITY = "equity"
MAINTENANCE = "maintenance requirement"
CONCENTRATION = "concentration add-on"
PORTFOLIO_MARGIN = "portfolio margin"
REQUIREMENT = "requirement"
EXCESS = "excess"

_ORIGINS = {
    "cash": "ledger",
    "quantity": "position",
    "contracts": "position",
    "shares": "position",
    "price": "price",
    "S": "price",
    "rate": "rulebook",
    "floor": "rulebook",
    "minimum charge": "rulebook and position",
    "main": "rulebook",
    "K": "instrument",
    "K of the call": "instrument",
    "K of the put": "instrument",
    "more than nine months": "instrument and rulebook",
    "leverage": "instrument",
    "multiplier": "instrument",
    "class groups": "instrument",
}
_VALUATION = "FINRA Rule 4210(a), current market value"


def equity_lines(cash_usd: Decimal, figures: Iterable[PositionFigures]) -> tuple[Line, ...]:
    """Cash and every signed market value, USD; they sum to equity. Source: 12 CFR 220.2.

    >>> equity_lines(Decimal(5000), [])[0].value_usd
    Decimal('5000')
    """
    cash = Line(
        term="cash",
        formula="ledger balance",
        inputs=(("cash", usd_text(cash_usd)),),
        value_usd=cash_usd,
        rule="deposits, withdrawals and fills",
        source="12 CFR 220.2",
        part_of=EQUITY,
    )
    return (cash, *(_value_line(f) for f in figures))


def maintenance_lines(figures: Iterable[PositionFigures], rulebook: Rulebook) -> tuple[Line, ...]:
    """Maintenance requirement of every position, USD, never negative; they sum to the total.

    Source: FINRA Rule 4210(c)(1)-(3).

    >>> from margin.rulebook import REFERENCE
    >>> maintenance_lines([], REFERENCE)
    ()
    """
    return tuple(_maintenance_line(f, rulebook) for f in figures)


def concentration_lines(
    figures: Iterable[PositionFigures], gross_usd: Decimal, rulebook: Rulebook
) -> tuple[Line, ...]:
    """Concentration add-on of every position that has one, USD; they sum to the total.

    Source: house policy under FINRA Rule 4210(d).

    >>> from margin.rulebook import REFERENCE
    >>> concentration_lines([], Decimal(0), REFERENCE)
    ()
    """
    charged = (f for f in figures if f.concentration_usd)
    return tuple(_concentration_line(f, gross_usd, rulebook) for f in charged)


def class_group_lines(risks: Iterable[ClassGroupRisk], rulebook: Rulebook) -> tuple[Line, ...]:
    """Portfolio margin of every class group, USD, never negative; they sum to the total.

    Source: FINRA Rule 4210(g).

    >>> from margin.rulebook import REFERENCE
    >>> class_group_lines([], REFERENCE)
    ()
    """
    return tuple(_class_group_line(risk, rulebook) for risk in risks)


def total_line(term: str, formula: str, value_usd: Decimal, *, rule: str, source: str) -> Line:
    """A total, USD, signed: the sum of the lines that are part of it.

    Source: docs/01-finra-4210.md, "Excess".

    >>> total_line("excess", "equity - requirement", Decimal(1), rule="r", source="s").part_of
    ''
    """
    return Line(
        term=term, formula=formula, inputs=(), value_usd=value_usd, rule=rule, source=source
    )


def origin_of(name: str) -> str:
    """Where the input of that name comes from: price, position, ledger, rulebook or instrument.

    An amount in USD or shares of several of them is of "position and price".
    Source: docs/01-finra-4210.md, "The figures of an account".

    >>> origin_of("price"), origin_of("rate")
    ('price', 'rulebook')
    """
    return _ORIGINS.get(name, "position and price")


def _value_line(f: PositionFigures) -> Line:
    return Line(
        term=f"market value of {f.symbol}",
        formula="quantity x price" if f.option is None else "contracts x multiplier x price",
        inputs=_holding(f),
        value_usd=f.signed_value_usd,
        rule="a long adds to equity, a short takes from it",
        source=_VALUATION,
        part_of=EQUITY,
    )


def _maintenance_line(f: PositionFigures, rulebook: Rulebook) -> Line:
    leverage = (("leverage", decimal_text(f.instrument.leverage)),)
    value = ("market value", usd_text(f.market_value_usd))
    if f.position.quantity_shares > 0:
        formula, entry = "market value x min(cap, rate x leverage)", rulebook.long_rate
        extra: tuple[tuple[str, str], ...] = leverage
    elif f.price_usd < rulebook.low_priced_below.value:
        formula, entry = "max(shares x floor, market value x rate)", rulebook.low_priced_short_rate
        extra = (("floor", usd_text(rulebook.low_priced_short_floor.value)),)
    else:
        formula = "max(shares x floor, market value x min(cap, rate x leverage))"
        entry = rulebook.short_rate
        extra = (*leverage, ("floor", usd_text(rulebook.short_floor.value)))
    return Line(
        term=f"maintenance of {f.symbol}",
        formula=formula,
        inputs=(*_holding(f), value, ("rate", decimal_text(entry.value)), *extra),
        value_usd=f.maintenance_usd,
        rule="maintenance margin",
        source=entry.source,
        part_of=MAINTENANCE,
    )


def _concentration_line(f: PositionFigures, gross_usd: Decimal, rulebook: Rulebook) -> Line:
    above = decimal_text(rulebook.concentration_above.value)
    return Line(
        term=f"concentration of {f.symbol}",
        formula=f"market value x rate where market value > {above} x gross",
        inputs=(
            ("market value", usd_text(f.market_value_usd)),
            ("gross", usd_text(gross_usd)),
            ("rate", decimal_text(rulebook.concentration_rate.value)),
        ),
        value_usd=f.concentration_usd,
        rule="concentration add-on",
        source=rulebook.concentration_rate.source,
        part_of=CONCENTRATION,
    )


def _class_group_line(risk: ClassGroupRisk, rulebook: Rulebook) -> Line:
    points = " ".join(usd_text(point) for point in risk.points)
    return Line(
        term=f"portfolio margin of {risk.class_group}",
        formula="max(0, -lowest point, minimum charge)",
        inputs=(("points", points), ("minimum charge", usd_text(risk.minimum_usd))),
        value_usd=risk.requirement_usd,
        rule="portfolio margin, worst of ten points",
        source=rulebook.tims_points_per_side.source,
        part_of=PORTFOLIO_MARGIN,
    )


def _holding(f: PositionFigures) -> tuple[tuple[str, str], ...]:
    if f.option is not None:
        return (
            ("contracts", decimal_text(f.position.quantity_shares)),
            ("multiplier", decimal_text(f.instrument.multiplier)),
            ("price", usd_text(f.price_usd)),
        )
    return (
        ("quantity", decimal_text(f.position.quantity_shares)),
        ("price", usd_text(f.price_usd)),
    )
