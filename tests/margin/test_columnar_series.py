"""Options over arrays as time passes: ticks, days, other positions; and series without a value."""

import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from support.array_books import Case, book_of, check, check_faults, day_ms

from margin.assessment import Band, assess
from margin.columnar import BANDS, Book, Ints, Valuation, Valuer, value_accounts
from margin.columnar.series import Series
from margin.columnar.theoretical import MOST_DAYS, theoretical_values
from margin.market import Instrument, Kind, Market, OptionTerms, Quote, Right, Style
from margin.option_book import OptionLeg, Underlying
from margin.option_model import build
from margin.portfolio import AccountType, Portfolio, Position
from margin.rulebook import REFERENCE, Rulebook

TODAY = date(2026, 11, 25)
D = Decimal


def market_on(day: date, prices: dict[str, Decimal], known: dict[str, Instrument]) -> Market:
    """A market at the start of a day, every price just made."""
    live = {s: i for s, i in known.items() if i.option is None or i.option.expires_on >= day}
    return Market(
        quotes={s: Quote(price, day_ms(day.toordinal())) for s, price in prices.items()},
        betas={"XYZ": D("1.3"), "LEV": D("2.1")},
        instruments=known,
        theoretical_usd=theoretical_values(live, prices, REFERENCE, day),
    )


def option(symbol: str, days: int, **changed: object) -> Instrument:
    right = Right.CALL if "-C" in symbol else Right.PUT
    terms = OptionTerms(
        underlying=symbol.partition("-")[0],
        right=right,
        strike_usd=D(symbol.rpartition("-")[2][1:]),
        expires_on=TODAY + timedelta(days),
    )
    return Instrument(symbol=symbol, kind=Kind.OPTION, option=replace(terms, **changed))  # type: ignore[arg-type]


XYZ = Instrument(symbol="XYZ", kind=Kind.STOCK)
LEV = Instrument(symbol="LEV", kind=Kind.ETF, leverage=D(2))
KNOWN = {
    i.symbol: i
    for i in (
        XYZ,
        LEV,
        option("XYZ-C100", 3),
        option("XYZ-P90", 40, style=Style.EUROPEAN),
        option("XYZ-C110", 40),
        option("LEV-P50", 2, multiplier=D(10)),
        option("LEV-C55", 275),
    )
}
PRICES = {
    "XYZ": D("101.25"),
    "LEV": D("52.4"),
    "XYZ-C100": D("3.1"),
    "XYZ-P90": D("0.85"),
    "XYZ-C110": D("1.4"),
    "LEV-P50": D("0.9"),
    "LEV-C55": D("6.75"),
}


def cases_of(draw: random.Random) -> list[Case]:
    def case() -> Case:
        held = draw.sample(sorted(KNOWN), draw.randint(1, 5))
        positions = tuple(Position(s, D(draw.choice((-3, -1, 1, 2, 100)))) for s in held)
        cash_usd = D(draw.randint(-50_000, 50_000))
        portfolio = Portfolio(account_id="A", cash_usd=cash_usd, positions=positions)
        return Case(portfolio, draw.choice(list(AccountType)))

    return [case() for _ in range(40)]


@pytest.mark.parametrize("seed", range(4))
def test_any_sequence_of_ticks_days_and_trades_gives_what_the_scalar_rules_give(seed: int) -> None:
    draw = random.Random(seed)
    cases, prices, day = cases_of(draw), dict(PRICES), TODAY
    valuer, expired = Valuer(REFERENCE), 0
    for _ in range(25):
        step = draw.choice(("underlying", "option", "day", "trade", "nothing"))
        if step in ("underlying", "option"):
            symbol = draw.choice([s for s in sorted(KNOWN) if ("-" in s) is (step == "option")])
            prices[symbol] = (prices[symbol] * draw.randint(90, 110) / 100).quantize(D("0.0001"))
        elif step == "day":
            day += timedelta(1)
        elif step == "trade":
            cases = cases_of(draw)
        market = market_on(day, prices, KNOWN)
        as_of_ms = day_ms(day.toordinal())
        book = book_of(cases, market, as_of_ms)
        valuation = valuer.value(book)
        check_faults(book, valuation, market)
        expired += int(valuation.faults.option_expired.any())
        for row, case in enumerate(cases):
            check(valuation, row, case, market, as_of_ms)
    assert expired, "options expire on the way"


def one_account(held: dict[str, int], market: Market) -> tuple[Valuation, Book]:
    positions = tuple(Position(s, D(number)) for s, number in held.items())
    case = Case(Portfolio(account_id="A", positions=positions), AccountType.PORTFOLIO_MARGIN)
    book = book_of([case], market, day_ms(TODAY.toordinal()))
    return value_accounts(book, REFERENCE), book


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"LEV-C55": option("LEV-C55", MOST_DAYS + 1)}, id="more than 40 years to go"),
        pytest.param({"LEV": replace(LEV, leverage=D(7))}, id="a fall of 105 %"),
    ],
)
def test_a_series_without_values_leaves_its_accounts_alone_unpriced(
    odd: dict[str, Instrument],
) -> None:
    market = market_on(TODAY, PRICES, KNOWN | odd)
    assert "LEV-C55" not in market.theoretical_usd
    holder = Portfolio(account_id="A", positions=(Position("LEV-C55", D(1)),))
    other = Portfolio(account_id="B", positions=(Position("XYZ-C110", D(-1)),))
    cases = [Case(p, AccountType.MARGIN) for p in (holder, other)]
    as_of_ms = day_ms(TODAY.toordinal())
    valuation = value_accounts(book_of(cases, market, as_of_ms), REFERENCE)
    found = assess(holder, AccountType.MARGIN, market, REFERENCE, as_of_ms)
    assert found.flags == ("THEORETICAL_MISSING:LEV-C55",)
    assert [BANDS[band] is Band.UNPRICED for band in valuation.band] == [True, False]
    for row, case in enumerate(cases):
        check(valuation, row, case, market, as_of_ms)


def test_forty_years_to_go_have_finite_values_whatever_the_prices() -> None:
    far = {"XYZ-C100": option("XYZ-C100", MOST_DAYS), "XYZ-P90": option("XYZ-P90", MOST_DAYS)}
    wild = PRICES | {"XYZ": D("0.0001"), "XYZ-C100": D(10**9), "XYZ-P90": D("0.0001")}
    market = market_on(TODAY, wild, KNOWN | far)
    values = [v for s in far for v in market.theoretical_usd[s]]
    assert len(values) == 20
    assert all(0 <= value <= 10**9 for value in values)


def test_values_of_a_book_are_those_of_the_scalar_rules() -> None:
    market = market_on(TODAY, PRICES, KNOWN)
    valuation, book = one_account(dict.fromkeys(KNOWN, 1), market)
    symbols = sorted(KNOWN)[::-1]
    found = {symbols[s]: row.tolist() for s, row in valuation.theoretical_usd_e4.items()}
    assert found == {s: [int(v * 10_000) for v in row] for s, row in market.theoretical_usd.items()}
    assert book.is_option.sum() == len(found)


class Counted(Series):
    """Series that tell how many were priced each time."""

    def __init__(self, rulebook: Rulebook) -> None:
        super().__init__(rulebook)
        self.priced: list[int] = []

    def _price(self, book: Book, symbols: Ints) -> None:
        self.priced.append(len(symbols))
        super()._price(book, symbols)


def test_only_series_whose_inputs_changed_are_priced_again() -> None:
    market = market_on(TODAY, PRICES, KNOWN)
    _, book = one_account(dict.fromkeys(KNOWN, 1), market)
    series = Counted(REFERENCE)
    symbols = sorted(KNOWN)[::-1]

    def with_price(symbol: str, usd: int) -> Book:
        prices = book.price_usd_e4.copy()
        prices[symbols.index(symbol)] = usd * 10_000
        return replace(book, price_usd_e4=prices)

    later = replace(book, as_of_ms=book.as_of_ms + 86_400_000)
    for now in (book, book, with_price("XYZ", 99), with_price("LEV-P50", 2), later):
        series.values(now)
    # All; none; the three on XYZ; these back and one of the others; all on another day.
    assert series.priced == [5, 0, 3, 4, 5]


def test_names_make_no_difference_to_series_of_the_same_terms() -> None:
    terms = option("XYZ-C100", 40).option
    assert terms is not None
    worth = [(D(-1), D("3.1")), (D(-1), D("3.4")), (D(-2), D("3.1"))]

    def order(names: str) -> list[tuple[Decimal, Decimal]]:
        legs = [OptionLeg(n, terms, *pair) for n, pair in zip(names, worth, strict=True)]
        model = build(None, legs, Underlying("XYZ", D(101)), REFERENCE, TODAY)
        return [(node.leg.contracts, node.leg.price_usd) for node in model.nodes]

    # The arrays name symbols by their numbers: pairing must not depend on it.
    assert order("ABC") == order("CBA") == order("BCA")
