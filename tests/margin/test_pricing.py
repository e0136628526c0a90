"""Our prices against QuantLib's, and what must hold for any price."""

import warnings
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin.columnar.pricing import american, european, implied_vol
from margin.columnar.theoretical import theoretical_values
from margin.errors import MarginError
from margin.market import Instrument, Kind, OptionTerms, Right, Style
from margin.rulebook import REFERENCE

with warnings.catch_warnings():
    # Its wrapper was made by a SWIG that newer Pythons warn of.
    warnings.simplefilter("ignore", DeprecationWarning)
    import QuantLib as ql  # noqa: N813

TODAY = ql.Date(25, 11, 2026)

spots = st.floats(20, 400)
moneyness = st.floats(0.7, 1.4)
vols = st.floats(0.08, 0.9)
days = st.integers(3, 700)
rates = st.floats(0.0, 0.08)
yields = st.floats(0.0, 0.05)


def quantlib(
    spot: float,
    strike: float,
    rate: float,
    held: float,
    vol: float,
    days: int,
    *,
    is_call: bool,
    engine: str,
    dividends: tuple[tuple[int, float], ...] = (),
) -> float:
    ql.Settings.instance().evaluationDate = TODAY
    counter = ql.Actual365Fixed()
    flat = [
        ql.YieldTermStructureHandle(ql.FlatForward(TODAY, each, counter)) for each in (held, rate)
    ]
    surface = ql.BlackConstantVol(TODAY, ql.NullCalendar(), vol, counter)
    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(spot)), *flat, ql.BlackVolTermStructureHandle(surface)
    )
    expiry = TODAY + days
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if is_call else ql.Option.Put, strike)
    if engine == "european":
        option = ql.VanillaOption(payoff, ql.EuropeanExercise(expiry))
        option.setPricingEngine(ql.AnalyticEuropeanEngine(process))
    else:
        option = ql.VanillaOption(payoff, ql.AmericanExercise(TODAY, expiry))
        schedule = [ql.FixedDividend(usd, TODAY + at) for at, usd in dividends]
        option.setPricingEngine(
            ql.FdBlackScholesVanillaEngine(
                process,
                schedule,
                400,
                400,
                0,
                ql.FdmSchemeDesc.Douglas(),
                False,
                -ql.nullDouble(),
                ql.FdBlackScholesVanillaEngine.Escrowed,
            )
        )
    return float(option.NPV())


@given(spots, moneyness, rates, yields, vols, days, st.booleans())
def test_european_price_is_quantlibs(
    spot: float, ratio: float, rate: float, held: float, vol: float, days: int, is_call: bool
) -> None:
    strike = spot * ratio
    ours = float(european(spot, strike, rate, held, vol, days / 365, is_call))
    theirs = quantlib(spot, strike, rate, held, vol, days, is_call=is_call, engine="european")
    assert ours == pytest.approx(theirs, abs=1e-9 * spot)


@given(spots, moneyness, rates, yields, vols, days, st.booleans())
def test_american_price_is_quantlibs_within_two_basis_points_of_the_spot(
    spot: float, ratio: float, rate: float, held: float, vol: float, days: int, is_call: bool
) -> None:
    strike = spot * ratio
    ours = float(american(spot, strike, rate, held, vol, days / 365, is_call))
    theirs = quantlib(spot, strike, rate, held, vol, days, is_call=is_call, engine="american")
    assert ours == pytest.approx(theirs, abs=2e-4 * spot)


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("strike", [90.0, 100.0, 110.0])
def test_american_price_with_discrete_dividends_is_quantlibs(strike: float, is_call: bool) -> None:
    paid = ((40, 0.8), (130, 0.8))
    years = tuple((at / 365, usd) for at, usd in paid)
    ours = float(american(100.0, strike, 0.04, 0.0, 0.3, 180 / 365, is_call, dividends=years))
    theirs = quantlib(
        100.0, strike, 0.04, 0.0, 0.3, 180, is_call=is_call, engine="american", dividends=paid
    )
    without = float(american(100.0, strike, 0.04, 0.0, 0.3, 180 / 365, is_call))
    assert ours == pytest.approx(theirs, abs=0.03)
    assert abs(ours - without) > 0.2


@given(spots, moneyness, rates, yields, vols, days)
def test_call_less_put_is_forward_less_strike(
    spot: float, ratio: float, rate: float, held: float, vol: float, days: int
) -> None:
    strike, years = spot * ratio, days / 365
    call, put = (european(spot, strike, rate, held, vol, years, c) for c in (True, False))
    forward = spot * np.exp(-held * years) - strike * np.exp(-rate * years)
    assert float(call - put) == pytest.approx(forward, abs=1e-9 * spot)


@given(spots, moneyness, rates, yields, vols, days, st.booleans())
def test_early_exercise_never_costs(
    spot: float, ratio: float, rate: float, held: float, vol: float, days: int, is_call: bool
) -> None:
    own = (spot, spot * ratio, rate, held, vol, days / 365, is_call)
    intrinsic = max(0.0, (spot - own[1]) * (1 if is_call else -1))
    assert float(american(*own)) >= max(intrinsic, float(european(*own)))


@given(spots, moneyness, rates, vols, days, st.booleans(), st.booleans())
def test_implied_volatility_gives_back_the_price(
    spot: float, ratio: float, rate: float, vol: float, days: int, is_call: bool, early: bool
) -> None:
    own = (spot, spot * ratio, rate, 0.0)
    value = american if early else european
    price = float(value(*own, vol, days / 365, is_call))
    if price < 0.01:
        return  # no market has a price that low
    found, clamped = implied_vol(price, *own, days / 365, is_call, early)
    assert float(value(*own, float(found), days / 365, is_call)) == pytest.approx(price, abs=1e-5)
    assert not clamped or price <= max(0.0, (spot - own[1]) * (1 if is_call else -1)) + 1e-4


def test_a_price_below_any_volatility_is_clamped_and_said() -> None:
    vol, clamped = implied_vol(1.0, 100.0, 50.0, 0.04, 0.0, 0.5, True, True)
    assert (float(vol), bool(clamped)) == (0.0001, True)


def test_one_call_prices_every_series_as_it_would_alone() -> None:
    strikes = np.array([80.0, 100.0, 120.0])
    calls = np.array([True, False, True])
    together = american(100.0, strikes, 0.04, 0.01, 0.3, 0.5, calls)
    alone = [
        float(american(100.0, k, 0.04, 0.01, 0.3, 0.5, bool(c)))
        for k, c in zip(strikes, calls, strict=True)
    ]
    assert together.tolist() == pytest.approx(alone, rel=1e-12)


@pytest.mark.parametrize(
    ("argument", "value"), [("strike", -1.0), ("spot", float("nan")), ("vol", 0.0), ("years", -1.0)]
)
def test_bad_number_is_named(argument: str, value: float) -> None:
    good = {"spot": 100.0, "strike": 100.0, "vol": 0.2, "years": 1.0, "rate": 0.0}
    with pytest.raises(MarginError, match=argument):
        european(**good | {argument: value}, dividend_yield=0.0, is_call=True)


def put(expires_on: date, style: Style = Style.AMERICAN) -> dict[str, Instrument]:
    terms = OptionTerms(
        underlying="NVDA",
        right=Right.PUT,
        strike_usd=Decimal(380),
        expires_on=expires_on,
        style=style,
    )
    return {
        "NVDA": Instrument(symbol="NVDA", kind=Kind.STOCK),
        "PUT": Instrument(symbol="PUT", kind=Kind.OPTION, option=terms),
    }


PRICES = {"NVDA": Decimal(400), "PUT": Decimal("18.5239")}


def test_values_at_the_ten_points_are_the_demo_accounts() -> None:
    found = theoretical_values(put(date(2027, 1, 24)), PRICES, REFERENCE, date(2026, 11, 25))
    # ACC_HEDGED_004 at 09:30: 500 NVDA and five of these puts.
    loss = 500 * Decimal(-60) + 500 * (found["PUT"][0] - PRICES["PUT"])
    assert loss == pytest.approx(Decimal("-14552.11"), rel=Decimal("0.005"))


def test_an_option_without_a_price_has_no_values() -> None:
    known = put(date(2027, 1, 24))
    assert theoretical_values(known, {"NVDA": Decimal(1)}, REFERENCE, date(2026, 11, 25)) == {}
    assert theoretical_values(known, {"PUT": Decimal(1)}, REFERENCE, date(2026, 11, 25)) == {}


def test_an_expired_option_is_refused_and_one_that_expires_today_is_worth_its_intrinsic() -> None:
    found = theoretical_values(put(date(2026, 11, 25)), PRICES, REFERENCE, date(2026, 11, 25))
    assert found["PUT"][0] == Decimal("40.0000")
    with pytest.raises(MarginError, match="expires on 2026-11-26 or later expected"):
        theoretical_values(put(date(2026, 11, 25)), PRICES, REFERENCE, date(2026, 11, 26))
