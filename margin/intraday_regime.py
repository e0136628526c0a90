"""Which rules for trading within a day hold on a date."""

from datetime import date
from enum import StrEnum

from margin.rulebook import Rulebook


class Regime(StrEnum):
    """The day-trading rules, those rules while a firm may still use them, the intraday rules."""

    LEGACY_PDT = "legacy_pdt"
    LEGACY_PDT_PERMITTED = "legacy_pdt_permitted"
    INTRADAY_MARGIN = "intraday_margin"


def regime_on(day: date, rulebook: Rulebook, firm_phased_in: bool = True) -> Regime:
    """Rules of a day: new from 4 June 2026; a firm not phased in may wait until 20 October 2027.

    Source: FINRA Regulatory Notice 26-10; FINRA Rule 4210(d)(2).

    >>> from margin.rulebook import REFERENCE
    >>> [str(regime_on(date(2026, 6, day), REFERENCE)) for day in (3, 4)]
    ['legacy_pdt', 'intraday_margin']
    """
    if day < rulebook.intraday_effective_on.value:
        return Regime.LEGACY_PDT
    if not firm_phased_in and day <= rulebook.intraday_phase_in_until.value:
        return Regime.LEGACY_PDT_PERMITTED
    return Regime.INTRADAY_MARGIN


def regime_text(regime: Regime, rulebook: Rulebook) -> str:
    """A regime as text, with the last day of one that is only permitted.

    Source: FINRA Regulatory Notice 26-10.

    >>> from margin.rulebook import REFERENCE
    >>> regime_text(Regime.LEGACY_PDT_PERMITTED, REFERENCE)
    'legacy_pdt_permitted_until_2027-10-20'
    """
    if regime is Regime.LEGACY_PDT_PERMITTED:
        return f"{regime}_until_{rulebook.intraday_phase_in_until.value.isoformat()}"
    return regime.value
