"""The fast valuation over arrays gives what integers give, whatever was valued before it."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from margin.columnar import E4, KINDS, Book, Ints, Valuation, Valuer, exact
from margin.columnar.arithmetic import PRODUCT_LIMIT, amount_limit, factor, mul_div
from margin.market import Kind
from margin.rulebook import REFERENCE

AS_OF_MS = 1_800_000_000_000
STALE_MS = REFERENCE.stale_price_after_ms.value
SYMBOLS, GROUPS = 40, 25
STOCKS = [KINDS.index(kind) for kind in (Kind.STOCK, Kind.STOCK, Kind.ETF, Kind.BROAD_ETF)]
Draw = np.random.Generator


def spread(draw: Draw, low: int, high: int, size: int) -> Ints:
    """Whole numbers of every order of magnitude from 10**low to 10**high."""
    return (10 ** draw.uniform(low, high, size)).astype(np.int64)


def book_of(draw: Draw, *, accounts: int, largest: int) -> Book:
    """Accounts with 0 to 12 positions of up to 10**largest in 1e-4 shares, whole and not."""
    held = draw.random((accounts, SYMBOLS)) < draw.uniform(0, 12 / SYMBOLS, (accounts, 1))
    account, symbol = np.nonzero(held)
    quantity = spread(draw, 2, largest, len(account)) * draw.choice([-1, 1], len(account))
    whole = draw.random(len(account)) < 0.5
    return Book(
        as_of_ms=AS_OF_MS,
        account_type=draw.integers(-1, 3, accounts),
        cash_usd_e4=spread(draw, 4, largest, accounts) * draw.choice([-1, 1], accounts),
        overflown=draw.random(accounts) < 0.01,
        account=account,
        symbol=symbol,
        quantity_e4=np.where(
            whole, np.sign(quantity) * (np.abs(quantity) // E4 + 1) * E4, quantity
        ),
        price_usd_e4=spread(draw, 0, 7, SYMBOLS),
        price_at_ms=AS_OF_MS - draw.integers(0, STALE_MS, SYMBOLS),
        beta_e4=draw.integers(-30_000, 50_000, SYMBOLS),
        beta_known=draw.random(SYMBOLS) < 0.9,
        kind=draw.choice(STOCKS, SYMBOLS),
        leverage_e4=draw.choice([10_000, 20_000, 30_000, 10_001, 123_457], SYMBOLS),
        class_group=draw.integers(0, GROUPS, SYMBOLS),
    )


def changed(draw: Draw, values: npt.NDArray[Any], given: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The values with one to four of them replaced."""
    some = draw.choice(len(values), draw.integers(1, 5), replace=False)
    found = values.copy()
    found[some] = given[some]
    return found


def next_book(draw: Draw, book: Book, *, largest: int) -> Book:
    """The same positions in a market that moved: most often prices, at times all else."""
    prices = spread(draw, 0, largest, SYMBOLS) * (draw.random(SYMBOLS) < 0.9)
    moves: dict[str, Any] = {"price_usd_e4": changed(draw, book.price_usd_e4, prices)}
    other = draw.integers(0, 8)
    if other == 0:
        moves["beta_e4"] = changed(draw, book.beta_e4, draw.integers(-(10**6), 10**6, SYMBOLS))
    if other == 1:
        moves["beta_known"] = changed(draw, book.beta_known, draw.random(SYMBOLS) < 0.5)
    if other == 2:
        moves["kind"] = changed(draw, book.kind, draw.integers(-1, len(KINDS), SYMBOLS))
    if other == 3:
        moves["leverage_e4"] = changed(
            draw, book.leverage_e4, draw.integers(10_000, 10**6, SYMBOLS)
        )
    if other == 4:
        moves["cash_usd_e4"] = changed(draw, book.cash_usd_e4, -book.cash_usd_e4)
    if other == 5:
        moves["class_group"] = changed(draw, book.class_group, draw.integers(0, GROUPS, SYMBOLS))
    fresh = np.full(SYMBOLS, book.as_of_ms)
    return replace(
        book,
        as_of_ms=book.as_of_ms + int(draw.integers(0, STALE_MS // 3)),
        price_at_ms=changed(draw, book.price_at_ms, fresh),
        **moves,
    )


def assert_same(found: Valuation, wanted: Valuation) -> None:
    for field in fields(Valuation):
        if field.name != "faults":
            one, other = getattr(found, field.name), getattr(wanted, field.name)
            assert np.array_equal(one, other), field.name
    for field in fields(found.faults):
        one, other = getattr(found.faults, field.name), getattr(wanted.faults, field.name)
        assert np.array_equal(one, other), field.name


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("largest", [9, 13, 18], ids=lambda digits: f"up to 1e{digits}")
def test_full_valuation_equals_integers(seed: int, largest: int) -> None:
    draw = np.random.default_rng([seed, largest])
    book = book_of(draw, accounts=1000, largest=largest)
    assert_same(Valuer(REFERENCE).full(book), exact.value_accounts(book, REFERENCE))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("largest", [8, 14, 18], ids=lambda digits: f"up to 1e{digits}")
def test_any_sequence_of_changes_gives_what_a_first_valuation_gives(
    seed: int, largest: int
) -> None:
    draw = np.random.default_rng([seed, largest])
    book = book_of(draw, accounts=200, largest=largest)
    valuer = Valuer(REFERENCE)
    unpriced = set[int]()
    for _ in range(30):
        assert_same(valuer.value(book), exact.value_accounts(book, REFERENCE))
        unpriced.add(int(valuer.value(book).unpriced.sum()))
        book = next_book(draw, book, largest=min(largest, 12))
    assert len(unpriced) > 3, "prices become stale and missing on the way"


def plain_book(draw: Draw, accounts: int, symbols: int, *, largest: int) -> Book:
    """Accounts that hold every symbol, at 1 USD, with beta 1 and without leverage."""
    flat, held = np.full(symbols, E4), accounts * symbols
    return Book(
        as_of_ms=AS_OF_MS,
        account_type=np.zeros(accounts, np.int64),
        cash_usd_e4=np.zeros(accounts, np.int64),
        overflown=np.zeros(accounts, np.bool_),
        account=np.repeat(np.arange(accounts), symbols),
        symbol=np.tile(np.arange(symbols), accounts),
        quantity_e4=draw.integers(1, largest, held) * draw.choice([-1, 1], held),
        price_usd_e4=flat,
        price_at_ms=np.full(symbols, AS_OF_MS),
        beta_e4=flat,
        beta_known=np.ones(symbols, np.bool_),
        kind=np.full(symbols, KINDS.index(Kind.BROAD_ETF)),
        leverage_e4=flat,
        class_group=np.arange(symbols),
    )


@pytest.mark.parametrize("column", ["beta_e4", "leverage_e4", "price_usd_e4"])
def test_a_product_too_large_for_float_is_made_by_integers(column: str) -> None:
    draw = np.random.default_rng(1)
    book = plain_book(draw, 500, 20, largest=10**12)
    odd = replace(book, **{column: draw.integers(E4, 5 * E4, 20) | 1})  # type: ignore[arg-type]
    assert_same(Valuer(REFERENCE).full(odd), exact.value_accounts(odd, REFERENCE))


@pytest.mark.parametrize(
    ("symbols", "risen", "price"),
    [
        pytest.param(10, 1, 10**17, id="one position is too large"),
        pytest.param(4000, 4000, 100_001 * E4, id="only their sum is too large"),
    ],
)
def test_prices_that_were_too_high_for_a_while_leave_no_trace(
    symbols: int, risen: int, price: int
) -> None:
    book = plain_book(np.random.default_rng(1), 2, symbols, largest=10**8)
    mad = book.price_usd_e4.copy()
    mad[:risen] = price
    valuer = Valuer(REFERENCE)
    for now in (book, replace(book, price_usd_e4=mad), book):
        assert_same(valuer.value(now), exact.value_accounts(now, REFERENCE))


def test_a_book_whose_arrays_are_changed_in_place_is_seen_to_have_changed() -> None:
    book = book_of(np.random.default_rng(1), accounts=50, largest=8)
    valuer = Valuer(REFERENCE)
    valuer.value(book)
    for column in (book.price_usd_e4, book.leverage_e4, book.class_group, book.cash_usd_e4):
        column[:5] += 1
        assert_same(valuer.value(book), exact.value_accounts(book, REFERENCE))


def test_other_positions_are_seen_to_be_others() -> None:
    book = book_of(np.random.default_rng(1), accounts=50, largest=8)
    valuer = Valuer(REFERENCE)
    valuer.value(book)
    other = replace(book, quantity_e4=book.quantity_e4 * 2)
    assert_same(valuer.value(other), exact.value_accounts(other, REFERENCE))


def test_no_position_at_all() -> None:
    book = book_of(np.random.default_rng(1), accounts=3, largest=8)
    none = np.zeros(0, np.int64)
    empty = replace(book, account=none, symbol=none, quantity_e4=none)
    assert_same(Valuer(REFERENCE).value(empty), exact.value_accounts(empty, REFERENCE))


@pytest.mark.parametrize("divisor", [100, E4, E4 * 100, E4 * E4 * 100])
def test_float_multiplication_rounds_like_integers_up_to_its_limit(divisor: int) -> None:
    draw = np.random.default_rng(divisor)
    rates = np.concatenate([spread(draw, 0, 6, 20_000), np.array([1, 25, 2500, 5000, 10_001])])
    limit = np.minimum(amount_limit(rates, divisor), PRODUCT_LIMIT)
    amounts = [(limit * draw.random(len(rates))).astype(np.int64), limit.astype(np.int64)]
    # A half and its two neighbours, as near to the limit as they come.
    size = rates // np.gcd(rates, divisor)
    part = divisor // np.gcd(rates, divisor)
    halves = (limit / part).astype(np.int64) * part + part // 2
    amounts += [np.clip(halves + i, 0, limit.astype(np.int64)) for i in (-part, -1, 0, 1)]
    for amount in amounts:
        wanted = [
            (2 * a * s + p) // (2 * p)
            for a, s, p in zip(amount.tolist(), size.tolist(), part.tolist(), strict=True)
        ]
        assert np.rint(amount * factor(rates, divisor)).astype(np.int64).tolist() == wanted
    assert (
        mul_div(amounts[0], rates, divisor).tolist()
        == np.rint(amounts[0] * factor(rates, divisor)).astype(np.int64).tolist()
    )
