"""Rows of the demo: the figures of an account at each step."""

from collections.abc import Iterator

from support.case_hedged import HEDGED_FIGURES, hedged_figures
from support.case_values import Object, Value, book, case_files, items, keys, load, obj, text

from margin.assessment import Assessment, assess
from margin.portfolio import AccountType
from margin.rulebook import REFERENCE
from margin.stress import is_severe


def demo_rows() -> Iterator[tuple[str, Object, Object, Object]]:
    for path in case_files():
        content = load(path)
        for account in map(obj, items(content.get("accounts", []))):
            for name in ("rows", "rows_decline"):
                for row in map(obj, items(account.get(name, []))):
                    yield f"{text(account['account'])}-{text(row['step'])}", content, account, row


DEMO_FIGURES = keys(
    "cash lmv smv equity base_requirement concentration_addon requirement excess "
    "warning_threshold warning deficient beta_weighted_exposure tims_class_group_margin "
    "underwater_severe excess_stressed"
)


def demo_figures(a: Assessment) -> Object:
    below = a.excess_usd < REFERENCE.warning_rate.value * a.gross_market_value_usd
    underwater: list[Value] = [
        str(s.move)
        for s in a.scenarios
        if is_severe(s.move, REFERENCE) and s.stressed_excess_usd < 0
    ]
    return {
        "cash": a.cash_usd,
        "lmv": a.long_market_value_usd,
        "smv": a.short_market_value_usd,
        "equity": a.equity_usd,
        "base_requirement": a.maintenance_requirement_usd,
        "concentration_addon": a.concentration_addon_usd,
        "requirement": a.requirement_usd,
        "excess": a.excess_usd,
        "warning_threshold": a.warning_threshold_usd,
        "warning": a.excess_usd >= 0 and below,
        "deficient": a.excess_usd < 0,
        "beta_weighted_exposure": a.beta_weighted_exposure_usd,
        "tims_class_group_margin": a.portfolio_margin_usd,
        "underwater_severe": underwater,
        "excess_stressed": {str(s.move): s.stressed_excess_usd for s in a.scenarios},
    }


def holds_options(account: Object) -> bool:
    return "option_inputs" in account


def demo_expected(row: Object) -> Object:
    return {name: value for name, value in row.items() if name in DEMO_FIGURES | HEDGED_FIGURES}


def demo_found(content: Object, account: Object, row: Object) -> Object:
    if holds_options(account):
        return hedged_figures(account, row)
    symbols = obj(content["symbols"])
    betas: Object = {symbol: obj(entry)["beta"] for symbol, entry in symbols.items()}
    positions = obj(account.get("positions", {}))
    portfolio, market = book(row | {"positions": positions, "betas": betas})
    assessed = assess(portfolio, AccountType(text(account["type"])), market, REFERENCE, 0)
    assert isinstance(assessed, Assessment)
    return demo_figures(assessed)
