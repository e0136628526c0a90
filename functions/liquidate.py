"""A liquidation: the smallest order that cures the account, decided and sized together."""

from functools import cache, partial
from typing import Any

from functions.case import CaseWork, Request, Situation, case_work
from functions.deciding import Next
from functions.messages import Order
from functions.rung import act
from margin.ladder import Step
from margin.liquidation import plan_liquidation
from margin.rulebook import Rulebook
from margin.wire_assessment import portfolio_and_market


def liquidate(request: Request, work: CaseWork) -> dict[str, Any]:
    """Trigger the liquidation that is due, with its order."""
    return act(Next.LIQUIDATE, request, work, partial(plan, work.rulebook))


def plan(rulebook: Rulebook, situation: Situation, step: Step) -> Order | None:
    """The order of this step; None where a debit is left and no position to sell."""
    portfolio, account_type, market = portfolio_and_market(situation.event)
    if not portfolio.positions or account_type is None or step.liquidation_id is None:
        return None
    planned = plan_liquidation(portfolio, account_type, market, rulebook)
    return Order(
        liquidation_id=step.liquidation_id,
        symbol=planned.symbol,
        quantity_shares=planned.quantity_shares,
        price_usd=planned.price_usd,
        excess_after_usd=planned.excess_after_usd,
        unsecured_debit_usd=planned.unsecured_debit_usd,
        multiplier=market.instruments[planned.symbol].multiplier,
    )


@cache
def _work() -> CaseWork:
    return case_work("functions.liquidate")


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    return liquidate(Request.read(event), _work())
