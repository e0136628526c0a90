"""The rules over arrays: all accounts of a shard at once, equal to `assess` to the last unit.

Money, prices, quantities, rates and betas are int64 in 1e-4. Sums wrap only where `too_large`.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from margin.assessment import Band
from margin.market import Kind
from margin.portfolio import AccountType
from margin.rulebook import Rates, Rulebook
from margin.stress import is_severe

Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

E4: Final = 10_000
CENT_E4: Final = 100
UNKNOWN: Final = -1
ACCOUNT_TYPES: Final = tuple(AccountType)
KINDS: Final = tuple(Kind)
BANDS: Final = tuple(Band)
# No figure of an account under this can leave int64, nor the 14 digits of a decimal on the wire.
LARGEST_USD: Final = 90_000_000_000_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Accounts, their positions and the market. Positions are sorted by account, none is 0.

    Codes are places in ACCOUNT_TYPES and KINDS, or UNKNOWN; a price of 0 is none.
    """

    as_of_ms: int
    account_type: Ints
    cash_usd_e4: Ints
    overflown: Flags
    account: Ints
    symbol: Ints
    quantity_e4: Ints
    price_usd_e4: Ints
    price_at_ms: Ints
    beta_e4: Ints
    beta_known: Flags
    kind: Ints
    leverage_e4: Ints
    class_group: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What is wrong, by position; any of them makes its account UNPRICED."""

    price_missing: Flags
    price_stale: Flags
    instrument_missing: Flags
    option: Flags
    any: Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRisks:
    """Ten points, worst and requirement by (account, class group), sorted by both."""

    account: Ints
    class_group: Ints
    points_usd_e4: Ints
    requirement_usd_e4: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """The figures of `Assessment` by account; 0 where the account is unpriced."""

    band: Ints
    unpriced: Flags
    too_large: Flags
    long_market_value_usd_e4: Ints
    short_market_value_usd_e4: Ints
    equity_usd_e4: Ints
    maintenance_requirement_usd_e4: Ints
    concentration_addon_usd_e4: Ints
    portfolio_margin_usd_e4: Ints
    reg_t_requirement_usd_e4: Ints
    requirement_usd_e4: Ints
    excess_usd_e4: Ints
    warning_threshold_usd_e4: Ints
    beta_weighted_exposure_usd_e4: Ints
    pnl_usd_e4: Ints
    worst_severe_excess_usd_e4: Ints
    faults: Faults
    groups: GroupRisks


def value_accounts(book: Book, rulebook: Rulebook) -> Valuation:
    """Every figure of every account, in 1e-4 USD; the twin of `assess`.

    Source: docs/01-finra-4210.md, "The figures of an account".

    >>> value_accounts.__name__
    'value_accounts'
    """
    accounts = len(book.cash_usd_e4)
    faults = _faults(book, rulebook)
    value = mul_div(np.abs(book.quantity_e4), book.price_usd_e4[book.symbol], E4)
    too_large = book.overflown | _too_large(book, rulebook)
    faulty = np.bincount(book.account[faults.any], minlength=accounts) > 0
    unpriced = too_large | faulty | (book.account_type == UNKNOWN)
    starts = np.searchsorted(book.account, np.arange(accounts + 1))
    is_long = book.quantity_e4 > 0
    signed = np.where(is_long, value, -value)
    long_value = _sums(np.where(is_long, value, 0), starts)
    short_value = _sums(np.where(is_long, 0, value), starts)
    gross = long_value + short_value
    maintenance = _sums(_maintenance(book, value, rulebook), starts)
    addon = _sums(_concentration(book, value, gross, rulebook), starts)
    reg_t = _sums(_cents(value, e4(rulebook.reg_t_rate.value), E4), starts)
    groups = _class_groups(book, signed, rulebook)
    runs = np.searchsorted(groups.account, np.arange(accounts + 1))
    risk = _sums(groups.requirement_usd_e4, runs)
    by_risk = book.account_type == ACCOUNT_TYPES.index(AccountType.PORTFOLIO_MARGIN)
    requirement = np.where(by_risk, risk, maintenance + addon)
    equity = book.cash_usd_e4 + long_value - short_value
    excess = equity - requirement
    beta = np.where(book.beta_known, book.beta_e4, e4(rulebook.missing_beta.value))
    exposure = _sums(_signed(signed, beta[book.symbol]), starts)
    moves = rulebook.stress_moves.value
    pnl = np.stack([_signed(exposure, np.int64(e4(move))) for move in moves], axis=1)
    severe = [is_severe(move, rulebook) for move in moves]
    worst = excess + pnl[:, severe].min(axis=1)
    warning_e4 = e4(rulebook.warning_rate.value)
    threshold = -_share_down(-gross, warning_e4)  # excess < x is excess < ceil(x)
    known = ~unpriced
    return Valuation(
        band=_bands(book, unpriced, excess, threshold=threshold, worst=worst),
        unpriced=unpriced,
        too_large=too_large,
        long_market_value_usd_e4=long_value * known,
        short_market_value_usd_e4=short_value * known,
        equity_usd_e4=equity * known,
        maintenance_requirement_usd_e4=maintenance * known,
        concentration_addon_usd_e4=addon * known,
        portfolio_margin_usd_e4=risk * known,
        reg_t_requirement_usd_e4=reg_t * known,
        requirement_usd_e4=requirement * known,
        excess_usd_e4=excess * known,
        warning_threshold_usd_e4=mul_div(gross, warning_e4, E4) * known,
        beta_weighted_exposure_usd_e4=exposure * known,
        pnl_usd_e4=pnl * known[:, None],
        worst_severe_excess_usd_e4=worst * known,
        faults=faults,
        groups=groups,
    )


def mul_div(a: Ints, b: Ints | int | np.int64, d: int) -> Ints:
    """a x b / d, rounded half up, for a and b >= 0; exact wherever the result fits.

    Split at d so that no step leaves int64: needs min(b, d) x d < 9e18.

    >>> mul_div(np.array([15]), 10**17, 10_000).tolist()
    [150000000000000]
    """
    above, below = np.divmod(a, d)
    b_above, b_below = np.divmod(b, d)
    rounded: Ints = above * b + below * b_above + (below * b_below + d // 2) // d
    return rounded


def e4(number: Decimal) -> int:
    """A rate, price or beta in 1e-4; ValueError where it has a fifth decimal.

    >>> e4(Decimal("0.25"))
    2500
    """
    scaled = number * E4
    if scaled != int(scaled):
        raise ValueError(f"at most four decimals expected, was {number}")
    return int(scaled)


def _faults(book: Book, rulebook: Rulebook) -> Faults:
    missing = book.price_usd_e4 == 0
    stale = ~missing & (book.as_of_ms - book.price_at_ms > rulebook.stale_price_after_ms.value)
    unknown, option = book.kind == UNKNOWN, book.kind == KINDS.index(Kind.OPTION)
    return Faults(
        price_missing=missing[book.symbol],
        price_stale=stale[book.symbol],
        instrument_missing=unknown[book.symbol],
        option=option[book.symbol],
        any=(missing | stale | unknown | option)[book.symbol],
    )


def _too_large(book: Book, rulebook: Rulebook) -> Flags:
    """Accounts whose parts, all taken as positive, might exceed what int64 or the wire holds."""
    widest = max(float(max(_range(kind, rulebook))) for kind in KINDS)
    floor_usd = float(max(rulebook.short_floor.value, rulebook.low_priced_short_floor.value))
    factor = 4 + np.abs(book.beta_e4) / E4 + widest * book.leverage_e4 / E4
    shares = np.abs(book.quantity_e4) / E4
    parts = np.ceil(shares * (book.price_usd_e4 / E4 * factor)[book.symbol] + shares * floor_usd)
    # Whole dollars below 2**53 add up exactly in a float, in any order.
    totals = np.bincount(book.account, parts, len(book.cash_usd_e4))
    too_large: Flags = totals + np.abs(book.cash_usd_e4 / E4) > LARGEST_USD
    return too_large


def _maintenance(book: Book, value: Ints, rulebook: Rulebook) -> Ints:
    price, leverage = book.price_usd_e4[book.symbol], book.leverage_e4[book.symbol]
    low = price < e4(rulebook.low_priced_below.value)
    is_short = book.quantity_e4 < 0
    base = np.where(is_short, e4(rulebook.short_rate.value), e4(rulebook.long_rate.value))
    cap_e8 = e4(rulebook.leveraged_rate_cap.value) * E4
    # Beyond 10,000 times any rate is at the cap; the product of rates must stay in int64.
    rate_e8 = np.minimum(cap_e8, base * np.minimum(leverage, E4 * E4))
    rate_e8 = np.where(is_short & low, e4(rulebook.low_priced_short_rate.value) * E4, rate_e8)
    floor = np.where(low, e4(rulebook.low_priced_short_floor.value), e4(rulebook.short_floor.value))
    floors = np.where(is_short, _cents(np.abs(book.quantity_e4), floor, E4), 0)
    return np.maximum(_cents(value, rate_e8, E4 * E4), floors)


def _concentration(book: Book, value: Ints, gross: Ints, rulebook: Rulebook) -> Ints:
    limit = _share_down(gross, e4(rulebook.concentration_above.value))
    exempt = np.isin(book.kind, [KINDS.index(kind) for kind in rulebook.concentration_exempt.value])
    concentrated = (value > limit[book.account]) & ~exempt[book.symbol]
    return np.where(concentrated, _cents(value, e4(rulebook.concentration_rate.value), E4), 0)


def _class_groups(book: Book, signed: Ints, rulebook: Rulebook) -> GroupRisks:
    span = int(book.class_group.max(initial=0)) + 1
    key = book.account * span + book.class_group[book.symbol]
    order = np.argsort(key, kind="stable")
    keys, first = np.unique(key[order], return_index=True)
    starts = np.append(first, len(key))
    moves = [move[book.symbol] for move in _point_moves(book, rulebook)]
    points = np.stack([_sums(_signed(signed, move)[order], starts) for move in moves], axis=1)
    worst = np.maximum(0, -points.min(axis=1, initial=0))
    return GroupRisks(
        account=keys // span,
        class_group=keys % span,
        points_usd_e4=points,
        requirement_usd_e4=_cents(worst, 1, 1),
    )


def _point_moves(book: Book, rulebook: Rulebook) -> list[Ints]:
    """By point, from the deepest fall to the highest rise, the signed move of every symbol."""
    ranges = [[e4(rate) for rate in _range(kind, rulebook)] for kind in KINDS]
    up, down = np.array(ranges, np.int64)[book.kind].T
    count = rulebook.tims_points_per_side.value
    falls = [-mul_div(book.leverage_e4, down * k, E4 * count) for k in range(count, 0, -1)]
    rises = [mul_div(book.leverage_e4, up * k, E4 * count) for k in range(1, count + 1)]
    return falls + rises


def _range(kind: Kind, rulebook: Rulebook) -> Rates:
    if kind is Kind.BROAD_ETF:
        return rulebook.tims_broad_etf_up.value, rulebook.tims_broad_etf_down.value
    if kind is Kind.ETF:
        return rulebook.tims_etf_up.value, rulebook.tims_etf_down.value
    # An option and an unknown instrument make their account UNPRICED: their range never shows.
    return rulebook.tims_stock_up.value, rulebook.tims_stock_down.value


def _bands(book: Book, unpriced: Flags, excess: Ints, *, threshold: Ints, worst: Ints) -> Ints:
    is_cash = book.account_type == ACCOUNT_TYPES.index(AccountType.CASH)
    found = [unpriced, is_cash, excess < 0, excess < threshold, worst < 0]
    bands = [Band.UNPRICED, Band.OK, Band.DEFICIENCY, Band.WARNING, Band.STRESS]
    codes = np.select(found, [BANDS.index(band) for band in bands], BANDS.index(Band.OK))
    return codes.astype(np.int64)


def _signed(amount: Ints, rate_e4: Ints | np.int64) -> Ints:
    """amount x rate in 1e-4 USD, both signed, rounded half away from zero."""
    product = mul_div(np.abs(amount), np.abs(rate_e4), E4)
    signed: Ints = np.sign(amount) * np.sign(rate_e4) * product
    return signed


def _cents(amount: Ints, rate: Ints | int, one: int) -> Ints:
    """amount x rate / one in 1e-4 USD, rounded half up to whole cents."""
    return mul_div(amount, rate, one * CENT_E4) * CENT_E4


def _share_down(amount: Ints, rate_e4: int) -> Ints:
    """amount x rate in 1e-4 USD, rounded down: an integer is above the share if above this."""
    share: Ints = amount // E4 * rate_e4 + amount % E4 * rate_e4 // E4
    return share


def _sums(parts: Ints, starts: Ints) -> Ints:
    """Sum of each run parts[starts[i]:starts[i + 1]]; exact, also for empty runs."""
    running = np.concatenate([np.zeros(1, np.int64), np.cumsum(parts)])
    return np.diff(running[starts])
