"""The other convention: equity without options, a short option's value in the requirement."""

from dataclasses import dataclass
from decimal import Decimal

from margin.assessment import Assessment
from margin.money import ZERO
from margin.portfolio import AccountType


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanValueView:
    """Equity without options, the requirement that goes with it, and their difference, USD."""

    equity_usd: Decimal
    requirement_usd: Decimal
    excess_usd: Decimal


def loan_value_view(assessment: Assessment) -> LoanValueView:
    """The figures of an account where options have no value in equity, USD, signed.

    Its excess is that of the assessment, to the cent.
    Source: docs/adr/0006-options-at-market-in-equity.md.

    >>> loan_value_view.__name__
    'loan_value_view'
    """
    stock_usd = sum((f.signed_value_usd for f in assessment.figures if f.option is None), ZERO)
    equity_usd = assessment.cash_usd + stock_usd
    if assessment.account_type is AccountType.PORTFOLIO_MARGIN:
        options = (f.signed_value_usd for f in assessment.figures if f.option is not None)
        requirement_usd = assessment.requirement_usd - sum(options, ZERO)
    else:
        plain_usd = sum((f.maintenance_usd for f in assessment.plain), ZERO)
        strategies = (s.elv_maintenance_usd for s in assessment.strategies)
        requirement_usd = plain_usd + sum(strategies, ZERO) + assessment.concentration_addon_usd
    return LoanValueView(
        equity_usd=equity_usd,
        requirement_usd=requirement_usd,
        excess_usd=equity_usd - requirement_usd,
    )
