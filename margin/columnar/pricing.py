"""Prices of options over arrays: Black-Scholes-Merton, a binomial tree, implied volatility.

The only floating point in `margin/`. What leaves here for the rules is rounded to 0.0001 USD in
`theoretical.py` and is market data from then on. All arguments broadcast.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np

from margin.columnar.arithmetic import Flags, Floats
from margin.columnar.normal import normal_cdf
from margin.errors import MarginError

Number: TypeAlias = Floats | float

LOWEST_VOL: Final = 0.0001
HIGHEST_VOL: Final = 10.0
STEPS: Final = 96
NEAREST: Final = 1e-8
ITERATIONS: Final = 80


def european(
    spot: Number,
    strike: Number,
    rate: Number,
    dividend_yield: Number,
    vol: Number,
    years: Number,
    is_call: Number | Flags,
) -> Floats:
    """Value of European options, USD per share; rates and yield continuous per year, vol a
    yearly fraction, years >= 0. MarginError where a number is missing or out of range.

    Source: Black and Scholes 1973, Merton 1973.

    >>> round(float(european(42.0, 40.0, 0.1, 0.0, 0.2, 0.5, True)), 4)
    4.7594
    """
    _check(spot=spot, strike=strike, vol=vol, years=years, rate=rate, dividend_yield=dividend_yield)
    s, k, r, q, v, t, call = _shaped(spot, strike, rate, dividend_yield, vol, years, is_call)
    return _european(s, k, r, q, v, t, call)


def american(
    spot: Number,
    strike: Number,
    rate: Number,
    dividend_yield: Number,
    vol: Number,
    years: Number,
    is_call: Number | Flags,
    *,
    steps: int = STEPS,
    dividends: Sequence[tuple[float, float]] = (),
) -> Floats:
    """Value of American options, USD per share, by a binomial tree of `steps` (even, >= 4).

    The last step is Black-Scholes and two trees are extrapolated. `dividends` are (years, USD per
    share) of the underlying: their present value before expiry is taken off the spot. MarginError
    where a number is missing or out of range.
    Source: Cox, Ross and Rubinstein 1979; Broadie and Detemple 1996 (BBSR).

    >>> round(float(american(36.0, 40.0, 0.06, 0.0, 0.2, 1.0, False)), 2)
    4.49
    """
    _check(spot=spot, strike=strike, vol=vol, years=years, rate=rate, dividend_yield=dividend_yield)
    if steps < 4 or steps % 2:
        raise MarginError(f"an even number of steps >= 4 expected, was {steps}")
    s, k, r, q, v, t, call = _shaped(spot, strike, rate, dividend_yield, vol, years, is_call)
    shape = s.shape
    full, *flat = (
        np.ravel(a) for a in (s, s - _present(dividends, r, t, 0.0), k, r, q, v, t, call)
    )
    if not np.all(flat[0] > 0):
        raise MarginError("a spot above the present value of its dividends expected, was below")
    fine = _tree(*flat, steps=steps, dividends=dividends)
    coarse = _tree(*flat, steps=steps // 2, dividends=dividends)
    least = np.maximum(_intrinsic(full, flat[1], flat[6]), _european(*flat))
    return np.maximum(2 * fine - coarse, least).reshape(shape)


def implied_vol(
    price: Number,
    spot: Number,
    strike: Number,
    rate: Number,
    dividend_yield: Number,
    years: Number,
    is_call: Number | Flags,
    is_american: Number | Flags,
) -> tuple[Floats, Flags]:
    """Volatility (yearly fraction, 0.0001 to 10) at which the value is a price, USD per share,
    and whether the price lies outside what any such volatility gives; it is then clamped.

    MarginError where a number is missing or out of range. Source: docs/02-what-is-tims.md.

    >>> vol, clamped = implied_vol(4.7594, 42.0, 40.0, 0.1, 0.0, 0.5, True, False)
    >>> round(float(vol), 3), bool(clamped)
    (0.2, False)
    """
    _check(
        spot=spot, strike=strike, price=price, years=years, rate=rate, dividend_yield=dividend_yield
    )
    p, s, k, r, q, t, call, early = _shaped(
        price, spot, strike, rate, dividend_yield, years, is_call, is_american
    )
    shape = p.shape
    flat = [np.ravel(a) for a in (p, s, k, r, q, t, call, early)]
    vols, clamped = np.empty(flat[0].shape), np.empty(flat[0].shape, np.bool_)
    for kind in (False, True):
        chosen = flat[7].astype(np.bool_) == kind
        if chosen.any():
            part = [a[chosen] for a in flat[:7]]
            vols[chosen], clamped[chosen] = _solve(*part, early=kind)
    return vols.reshape(shape), clamped.reshape(shape)


def _solve(
    p: Floats, s: Floats, k: Floats, r: Floats, q: Floats, t: Floats, call: Floats, *, early: bool
) -> tuple[Floats, Flags]:
    """Regula falsi (Illinois) between bounds that always hold the root."""

    def value(vol: Floats, at: Flags) -> Floats:
        own = (s[at], k[at], r[at], q[at], vol, t[at], call[at])
        return american(*own) if early else _european(*own)

    every = np.ones(p.shape, np.bool_)
    low, high = np.full(p.shape, LOWEST_VOL), np.full(p.shape, HIGHEST_VOL)
    f_low, f_high = value(low, every) - p, value(high, every) - p
    vol = np.where(f_low >= 0, low, high)
    clamped = (f_low > NEAREST) | (f_high < -NEAREST) | (t <= 0)
    open_ = (f_low < 0) & (f_high > 0)
    for turn in range(ITERATIONS):
        if not open_.any():
            break
        a, b, fa, fb = low[open_], high[open_], f_low[open_], f_high[open_]
        # Halving every third turn bounds the number of turns however flat the price is.
        guess = (a + b) / 2 if turn % 3 == 0 else a - fa * (b - a) / (fb - fa)
        f = value(guess, open_) - p[open_]
        vol[open_] = guess
        above = f > 0
        high[open_], f_high[open_] = np.where(above, guess, b), np.where(above, f, fb / 2)
        low[open_], f_low[open_] = np.where(above, a, guess), np.where(above, fa / 2, f)
        still = (np.abs(f) > NEAREST) & (high[open_] - low[open_] > NEAREST)
        open_[open_] = still
    return vol, clamped


def _european(
    s: Floats, k: Floats, r: Floats, q: Floats, v: Floats, t: Floats, call: Floats
) -> Floats:
    deviation = np.maximum(v * np.sqrt(t), 1e-300)
    d1 = (np.log(s / k) + (r - q) * t) / deviation + deviation / 2
    d2 = d1 - deviation
    sign = np.where(call, 1.0, -1.0)
    held = s * np.exp(-q * t) * normal_cdf(sign * d1)
    owed = k * np.exp(-r * t) * normal_cdf(sign * d2)
    value: Floats = np.where(t > 0, np.maximum(sign * (held - owed), 0.0), _intrinsic(s, k, call))
    return value


def _tree(
    s: Floats,
    k: Floats,
    r: Floats,
    q: Floats,
    v: Floats,
    t: Floats,
    call: Floats,
    *,
    steps: int,
    dividends: Sequence[tuple[float, float]],
) -> Floats:
    """Binomial tree whose values one step before expiry are European: smooth in the strike."""
    dt = np.maximum(t, 1e-12) / steps
    # A tree needs up > growth: a volatility too low for its drift is widened to it.
    spread = np.maximum(v * np.sqrt(dt), np.abs(r - q) * dt * 1.0001)
    up = np.exp(spread)
    discount = np.exp(-r * dt)
    chance = (np.exp((r - q) * dt) - 1 / up) / (up - 1 / up)
    rise, fall = discount * chance, discount * (1 - chance)
    last = steps - 1
    column = (slice(None), None)
    powers = np.arange(-last, last + 1, dtype=np.float64)
    spots = s[column] * np.exp(spread[column] * powers[None, :])  # all nodes of both parities
    sign = np.where(call, 1.0, -1.0)
    exercised = sign[column] * (spots - k[column])
    # Who exercises gets the stock with the dividends still to come.
    coming = [(sign * _present(dividends, r, t, dt * at))[column] for at in range(steps)]
    nodes = spots[:, ::2]
    k_, r_, q_, v_, dt_, call_ = (a[column] for a in (k, r, q, v, dt, call))
    value = np.maximum(
        _european(nodes, k_, r_, q_, v_, dt_, call_), exercised[:, ::2] + coming[last]
    )
    for step in range(last - 1, -1, -1):
        first = last - step
        held = rise[column] * value[:, 1:] + fall[column] * value[:, :-1]
        own = exercised[:, first : first + 2 * step + 1 : 2] + coming[step]
        value = np.maximum(held, own)
    found: Floats = np.where(t > 0, value[:, 0], _intrinsic(s, k, call))
    return found


def _present(
    dividends: Sequence[tuple[float, float]], r: Floats, t: Floats, at: Floats | float
) -> Floats:
    """Value at a time of the dividends paid after it and no later than expiry."""
    found = np.zeros(r.shape)
    for paid, usd in dividends:
        found += np.where((paid > at) & (paid <= t), usd * np.exp(-r * (paid - at)), 0.0)
    return found


def _intrinsic(s: Floats, k: Floats, call: Floats) -> Floats:
    inside: Floats = np.maximum(np.where(call, s - k, k - s), 0.0)
    return inside


def _check(**arguments: Number) -> None:
    signed = ("rate", "dividend_yield")
    for name, argument in arguments.items():
        values = np.asarray(argument)
        if not np.all(np.isfinite(values)):
            raise MarginError(f"a finite {name} expected, was {values.ravel()[:1]}")
        lowest = values.min(initial=1.0)
        if name not in signed and (lowest < 0 or (lowest == 0 and name != "years")):
            raise MarginError(
                f"{name} must be {'>= 0' if name == 'years' else '> 0'}, was {lowest}"
            )


def _shaped(*arguments: Number | Flags | bool) -> list[Floats]:
    return [np.array(a) for a in np.broadcast_arrays(*(np.asarray(x) for x in arguments))]
