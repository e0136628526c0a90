"""Ten thousand random books with options: the arrays give what `assess` gives, to the last unit."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.array_books import Case, book_of, check, check_faults, check_groups, day_ms

from margin.columnar import Valuer
from margin.columnar.theoretical import theoretical_values
from margin.market import Instrument, Kind, Market, OptionTerms, Quote, Right, Style
from margin.portfolio import AccountType, Portfolio, Position
from margin.rulebook import REFERENCE

MARKETS, ACCOUNTS = 20, 900
TODAY = date(2026, 11, 25)
AS_OF_MS = day_ms(TODAY.toordinal()) + 14 * 3_600_000
STALE_MS = REFERENCE.stale_price_after_ms.value
UNDERLYINGS = {
    "KO": Kind.STOCK,
    "NVDA": Kind.STOCK,
    "PENNY": Kind.STOCK,
    "QLD": Kind.ETF,
    "SPX": Kind.BROAD_INDEX,
    "SPY": Kind.BROAD_ETF,
}
PRICES = {"KO": 60, "NVDA": 400, "PENNY": 4, "QLD": 90, "SPX": 6000, "SPY": 600}
PRODUCTS = [name for name, _, _ in REFERENCE.product_group_offsets.value]


def market_of(draw: random.Random) -> Market:
    """Six underlyings and some two dozen series; now and then something is missing or old."""
    instruments, prices = {}, {}
    for symbol, kind in UNDERLYINGS.items():
        product = draw.choice(PRODUCTS) if symbol in ("SPX", "SPY") and draw.random() < 0.7 else ""
        instruments[symbol] = Instrument(
            symbol=symbol,
            kind=kind,
            leverage=Decimal(2 if symbol == "QLD" else 1),
            product_group=product if draw.random() < 0.95 else "nobody knows",
            dividend_yield=Decimal(draw.choice(("0", "0.012", "0.03"))),
        )
        prices[symbol] = Decimal(PRICES[symbol] * draw.randint(7000, 13000)) / 10_000
        for _ in range(4):
            series = series_of(draw, symbol, prices[symbol])
            instruments[series.symbol] = series
            prices[series.symbol] = Decimal(draw.randint(1, PRICES[symbol] * 2000)) / 10_000
    quotes = {
        symbol: Quote(price, AS_OF_MS - (STALE_MS + draw.choice((0, 1)) if rare(draw) else 0))
        for symbol, price in prices.items()
        if not rare(draw)
    }
    betas = {s: Decimal(draw.randint(-5000, 30000)) / 10_000 for s in UNDERLYINGS if not rare(draw)}
    live = {
        s: i for s, i in instruments.items() if i.option is None or i.option.expires_on >= TODAY
    }
    now = {symbol: quote.price_usd for symbol, quote in quotes.items()}
    return Market(
        quotes=quotes,
        betas=betas,
        instruments=instruments,
        theoretical_usd=theoretical_values(live, now, REFERENCE, TODAY),
    )


def rare(draw: random.Random) -> bool:
    return draw.random() < 0.01


def series_of(draw: random.Random, underlying: str, price: Decimal) -> Instrument:
    strike = max(Decimal("0.5"), (price * draw.randint(80, 120) / 100).quantize(Decimal("0.5")))
    days, right = (-1 if rare(draw) else draw.choice((0, 20, 90, 300))), draw.choice(list(Right))
    terms = OptionTerms(
        underlying=underlying,
        right=right,
        strike_usd=strike,
        expires_on=TODAY + timedelta(days),
        style=draw.choice(list(Style)),
        multiplier=Decimal("100.5") if rare(draw) else Decimal(draw.choice((100, 100, 100, 10))),
    )
    return Instrument(
        symbol=f"{underlying}-{right}{strike}-{days}",
        kind=Kind.OPTION,
        option=terms,
        product_group=draw.choice(PRODUCTS) if rare(draw) else "",
    )


def case_of(draw: random.Random, market: Market) -> Case:
    """An account of any type: shorts, parts of shares, prices below 5 USD."""
    names = sorted(s for s in market.instruments if s != "SPX" or rare(draw))
    held = draw.sample(names, draw.randint(0, 8))
    positions = tuple(Position(s, quantity_of(draw, market.instruments[s])) for s in sorted(held))
    portfolio = Portfolio(
        account_id="A",
        cash_usd=Decimal(draw.randint(-3 * 10**9, 3 * 10**9)) / 10_000,
        positions=positions,
    )
    return Case(portfolio, None if rare(draw) else draw.choice(list(AccountType)))


def quantity_of(draw: random.Random, instrument: Instrument) -> Decimal:
    side = draw.choice((-1, 1))
    if instrument.option is not None:
        return side * (Decimal("1.5") if rare(draw) else Decimal(draw.randint(1, 6)))
    if draw.random() < 0.5:
        return side * Decimal(draw.choice((100, 200, 300, 500)))
    return side * Decimal(draw.randint(1, 9_000_000)) / 10_000


def books() -> Iterator[tuple[Market, list[Case]]]:
    for seed in range(MARKETS):
        draw = random.Random(seed)
        market = market_of(draw)
        yield market, [case_of(draw, market) for _ in range(ACCOUNTS)]


def test_arrays_equal_the_scalar_kernel_on_ten_thousand_books_with_options() -> None:
    valuer, seen, priced = Valuer(REFERENCE), 0, 0
    for market, cases in books():
        book = book_of(cases, market, AS_OF_MS)
        # One valuer for all of them: nothing may be left of the book before.
        valuation = valuer.value(book)
        check_faults(book, valuation, market)
        for row, case in enumerate(cases):
            check(valuation, row, case, market, AS_OF_MS)
        for case in cases[:20]:
            check_groups(case, market, AS_OF_MS)
        seen, priced = seen + len(cases), priced + int((~valuation.unpriced).sum())
    assert seen >= 10_000
    # Of those with something missing there is no figure to compare.
    assert priced >= 10_000


@pytest.mark.parametrize("symbol", ["NVDA", "SPX"])
def test_a_tick_of_the_underlying_values_its_options_again(symbol: str) -> None:
    draw = random.Random(99)
    market = market_of(draw)
    cases = [case_of(draw, market) for _ in range(200)]
    book, valuer = book_of(cases, market, AS_OF_MS), Valuer(REFERENCE)
    valuer.value(book)
    quotes = dict(market.quotes)
    quotes[symbol] = Quote(Decimal(PRICES[symbol]) * Decimal("1.07"), AS_OF_MS)
    now = {s: quote.price_usd for s, quote in quotes.items()}
    live = {
        s: i
        for s, i in market.instruments.items()
        if i.option is None or i.option.expires_on >= TODAY
    }
    values = theoretical_values(live, now, REFERENCE, TODAY)
    moved = replace(market, quotes=quotes, theoretical_usd=values)
    valuation = valuer.value(book_of(cases, moved, AS_OF_MS))
    for row, case in enumerate(cases):
        check(valuation, row, case, moved, AS_OF_MS)


# A market prices its two dozen series: few examples, each of a dozen accounts.
@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_arrays_equal_the_scalar_kernel_on_any_book_with_options(draw: random.Random) -> None:
    market = market_of(draw)
    cases = [case_of(draw, market) for _ in range(12)]
    book = book_of(cases, market, AS_OF_MS)
    valuation = Valuer(REFERENCE).full(book)
    for row, case in enumerate(cases):
        check(valuation, row, case, market, AS_OF_MS)
        check_groups(case, market, AS_OF_MS)
