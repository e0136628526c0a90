"""The rules for trading within a day change on two dates."""

from datetime import date

import pytest

from margin.intraday_regime import Regime, regime_on
from margin.rulebook import REFERENCE


@pytest.mark.parametrize(
    ("day", "phased_in", "regime"),
    [
        ("2026-06-03", True, Regime.LEGACY_PDT),
        ("2026-06-03", False, Regime.LEGACY_PDT),
        ("2026-06-04", True, Regime.INTRADAY_MARGIN),
        ("2026-06-04", False, Regime.LEGACY_PDT_PERMITTED),
        ("2027-10-20", False, Regime.LEGACY_PDT_PERMITTED),
        ("2027-10-21", False, Regime.INTRADAY_MARGIN),
    ],
)
def test_regime_by_date(day: str, phased_in: bool, regime: Regime) -> None:
    assert regime_on(date.fromisoformat(day), REFERENCE, phased_in) is regime
