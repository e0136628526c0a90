"""The rules over arrays in int64: exact for every figure that fits, whatever its size.

The fast valuation hands it the accounts whose amounts are too large for its own arithmetic.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from margin.assessment import Band
from margin.columnar.arithmetic import (
    E4,
    Flags,
    Ints,
    cents,
    e4,
    mul_div,
    share_down,
    signed,
    sums,
)
from margin.columnar.book import (
    ACCOUNT_TYPES,
    BANDS,
    INDEX_CODES,
    OPTION_CODE,
    UNKNOWN,
    Book,
    Faults,
    Valuation,
)
from margin.columnar.class_groups import NO_VALUES, class_group_risks, point_moves
from margin.columnar.class_margins import ClassMargins
from margin.columnar.option_positions import (
    option_exposures,
    position_values,
    whole_contracts,
)
from margin.columnar.rates import (
    betas_e4,
    exempt_symbols,
    floor_usd,
    maintenance_rates_e8,
    short_floors_e4,
    width,
)
from margin.columnar.reliefs import reliefs
from margin.columnar.series import is_special, series_faults
from margin.portfolio import AccountType
from margin.rulebook import Rulebook
from margin.stress import is_severe

# No figure of an account under this can leave int64, nor the 14 digits of a decimal on the wire.
LARGEST_USD: Final = 90_000_000_000_000
ZEROS: Final = np.zeros(1, np.int64)


def value_accounts(
    book: Book,
    rulebook: Rulebook,
    theoretical_usd_e4: Mapping[int, Ints] = NO_VALUES,
    classes: ClassMargins | None = None,
) -> Valuation:
    """Every figure of every account, in 1e-4 USD, by integers alone; the twin of `assess`.

    `theoretical_usd_e4`: values of the options at the points, by symbol. `classes` keeps the
    pairings of classes with options from one book to the next.
    Source: docs/01-finra-4210.md, "The figures of an account".

    >>> value_accounts.__name__
    'value_accounts'
    """
    accounts = len(book.cash_usd_e4)
    faults = faults_of(book, rulebook)
    option = book.is_option[book.symbol]
    value = position_values(book, book.symbol, book.quantity_e4)
    too_large = book.overflown | _too_large(book, rulebook, theoretical_usd_e4)
    unpriced = too_large | faulty_accounts(book, faults) | (book.account_type == UNKNOWN)
    starts = np.searchsorted(book.account, np.arange(accounts + 1))
    long_value, short_value = _market_values(book, value, starts)
    gross = long_value + short_value
    alone = _maintenance(book, value, rulebook)
    found = (classes or ClassMargins(rulebook)).of(book, ~unpriced, alone)
    plain = ~(found.in_class | option)
    maintenance = sums(alone * plain, starts) + found.maintenance_usd_e4
    initial = cents(value, e4(rulebook.reg_t_rate.value), E4)
    reg_t = sums(initial * plain, starts) + found.initial_usd_e4
    addon = sums(_concentration(book, value, gross, rulebook) * ~option, starts)
    risk = _portfolio_margin(book, rulebook, theoretical_usd_e4)
    by_risk = book.account_type == ACCOUNT_TYPES.index(AccountType.PORTFOLIO_MARGIN)
    requirement = np.where(by_risk, risk, maintenance + addon)
    equity = book.cash_usd_e4 + long_value - short_value
    excess = equity - requirement
    exposure = sums(_exposures(book, value, rulebook, theoretical_usd_e4), starts)
    pnl, worst = _stressed(exposure, excess, rulebook)
    threshold = warning_mark(gross, rulebook)
    known = ~unpriced
    return Valuation(
        band=bands(book, unpriced, excess, threshold=threshold, worst=worst),
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
        warning_threshold_usd_e4=mul_div(gross, e4(rulebook.warning_rate.value), E4) * known,
        beta_weighted_exposure_usd_e4=exposure * known,
        pnl_usd_e4=pnl * known[:, None],
        worst_severe_excess_usd_e4=worst * known,
        faults=faults,
    )


def _market_values(book: Book, value: Ints, starts: Ints) -> tuple[Ints, Ints]:
    """What is long and what is short in each account, both positive."""
    is_long = book.quantity_e4 > 0
    return sums(np.where(is_long, value, 0), starts), sums(np.where(is_long, 0, value), starts)


def _portfolio_margin(
    book: Book, rulebook: Rulebook, theoretical_usd_e4: Mapping[int, Ints]
) -> Ints:
    """The risk of its class groups, less what product and portfolio groups relieve."""
    accounts = np.arange(len(book.cash_usd_e4))
    groups = class_group_risks(book, accounts, rulebook, theoretical_usd_e4)
    runs = np.searchsorted(groups.account, np.arange(len(accounts) + 1))
    return sums(groups.requirement_usd_e4, runs) + reliefs(book, groups, rulebook)


def _stressed(exposure: Ints, excess: Ints, rulebook: Rulebook) -> tuple[Ints, Ints]:
    """Profit or loss of each account at each move, and its worst excess at a severe one."""
    moves = rulebook.stress_moves.value
    pnl = np.stack([signed(exposure, np.int64(e4(move))) for move in moves], axis=1)
    severe = [is_severe(move, rulebook) for move in moves]
    return pnl, excess + pnl[:, severe].min(axis=1)


def faulty_accounts(book: Book, faults: Faults) -> Flags:
    """Accounts that hold a symbol with which something is wrong, or a part of a contract.

    Source: docs/01-finra-4210.md, "Unpriced accounts".

    >>> faulty_accounts.__name__
    'faulty_accounts'
    """
    faulty: Flags = np.zeros(len(book.cash_usd_e4), np.bool_)
    if faults.any.any():
        faulty[book.account[faults.any[book.symbol]]] = True
    option = book.is_option
    if option.any():
        at = np.flatnonzero(option[book.symbol])
        faulty[book.account[at[book.quantity_e4[at] % E4 != 0]]] = True
    return faulty


def faults_of(book: Book, rulebook: Rulebook) -> Faults:
    """What is wrong, by symbol. A price is stale when older than six hours (ms), strictly.

    Source: docs/01-finra-4210.md, "Unpriced accounts".

    >>> faults_of.__name__
    'faults_of'
    """
    missing = book.price_usd_e4 == 0
    stale = ~missing & (book.as_of_ms - book.price_at_ms > rulebook.stale_price_after_ms.value)
    found = {
        "price_missing": missing,
        "price_stale": stale,
        "instrument_missing": book.kind == UNKNOWN,
        "option": (book.kind == OPTION_CODE) & ~book.is_option,
        "index": np.isin(book.kind, INDEX_CODES),
    }
    if is_special(book).any():
        found |= series_faults(book, rulebook)
    return Faults(**found, any=np.logical_or.reduce(list(found.values())))


def warning_mark(gross_usd_e4: Ints, rulebook: Rulebook) -> Ints:
    """The least excess that is no warning, in 1e-4 USD: 5 % of gross value, rounded up.

    Source: docs/01-finra-4210.md, "Bands".

    >>> from margin.rulebook import REFERENCE
    >>> warning_mark(np.array([20, 21]), REFERENCE).tolist()
    [1, 2]
    """
    return -share_down(-gross_usd_e4, e4(rulebook.warning_rate.value))


def bands(book: Book, unpriced: Flags, excess: Ints, *, threshold: Ints, worst: Ints) -> Ints:
    """Band of every account, as its place in BANDS, from figures in 1e-4 USD.

    Source: docs/01-finra-4210.md, "Bands".

    >>> bands.__name__
    'bands'
    """
    # BANDS are in order of severity: the worst that is found holds.
    found = ((worst < 0, Band.STRESS), (excess < threshold, Band.WARNING))
    codes: Ints = (excess < 0) * np.int64(BANDS.index(Band.DEFICIENCY))
    for hit, band in found:
        np.maximum(codes, hit * np.int64(BANDS.index(band)), out=codes)
    codes *= book.account_type != ACCOUNT_TYPES.index(AccountType.CASH)
    return np.maximum(codes, unpriced * np.int64(BANDS.index(Band.UNPRICED)), out=codes)


def _too_large(book: Book, rulebook: Rulebook, theoretical_usd_e4: Mapping[int, Ints]) -> Flags:
    """Accounts whose parts, all taken as positive, might exceed what int64 or the wire holds."""
    shares = np.abs(book.quantity_e4) / E4
    per_share = book.price_usd_e4 / E4 * width(book, rulebook) + floor_usd(rulebook)
    option = np.flatnonzero(book.is_option)
    of = book.underlying[option]
    most = np.array([theoretical_usd_e4.get(s, ZEROS).max() for s in option.tolist()], np.float64)
    # What a share of the underlying is worth, by its own width, and the strike to be paid for it.
    per_share[option] += per_share[of] + (book.strike_usd_e4[option] + most) / E4
    per_share[option] *= book.multiplier_e4[option] / E4
    parts = np.ceil(shares * per_share[book.symbol])
    # Whole dollars below 2**53 add up exactly in a float, in any order.
    totals = np.bincount(book.account, parts, len(book.cash_usd_e4))
    too_large: Flags = totals + np.abs(book.cash_usd_e4 / E4) > LARGEST_USD
    return too_large


def _exposures(
    book: Book, value: Ints, rulebook: Rulebook, theoretical_usd_e4: Mapping[int, Ints]
) -> Ints:
    """Beta-weighted value of every position, 1e-4 USD, signed."""
    beta = betas_e4(book, rulebook)
    exposure = signed(np.where(book.quantity_e4 > 0, value, -value), beta[book.symbol])
    at = np.flatnonzero(book.is_option[book.symbol])
    if len(at):
        symbol = book.symbol[at]
        exposure[at] = option_exposures(
            book,
            symbol,
            whole_contracts(book, symbol, book.quantity_e4[at]),
            theoretical_usd_e4=theoretical_usd_e4,
            moves_e4=np.stack(point_moves(book, rulebook), axis=1),
            beta_e4=beta,
        )
    return exposure


def _maintenance(book: Book, value: Ints, rulebook: Rulebook) -> Ints:
    is_short = book.quantity_e4 < 0
    long_e8, short_e8 = maintenance_rates_e8(book, rulebook)
    rate_e8 = np.where(is_short, short_e8[book.symbol], long_e8[book.symbol])
    floor = short_floors_e4(book, rulebook)[book.symbol]
    floors = np.where(is_short, cents(np.abs(book.quantity_e4), floor, E4), 0)
    return np.maximum(cents(value, rate_e8, E4 * E4), floors)


def _concentration(book: Book, value: Ints, gross: Ints, rulebook: Rulebook) -> Ints:
    limit = share_down(gross, e4(rulebook.concentration_above.value))
    exempt = exempt_symbols(book, rulebook)[book.symbol]
    concentrated = (value > limit[book.account]) & ~exempt
    return np.where(concentrated, cents(value, e4(rulebook.concentration_rate.value), E4), 0)
