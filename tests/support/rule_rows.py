"""What each row of the tables on the rule pages must say, computed from the rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from support.pages import ROOT
from support.played import DEMO, LONGSHORT, Account, ladder_steps, played
from support.rule_options import option_point
from support.rule_words import Row, figure, percent, signed, signed_percent, usd

from margin import money, reference_design
from margin.liquidation import Target, buffer_target, size_liquidation, warning_target
from margin.maintenance_call import trigger_long_market_value
from margin.market import Instrument, Kind
from margin.rulebook import REFERENCE
from margin.stress import is_severe
from margin.tims import class_group_risk, position_points, tims_moves

DOCS = ROOT / "docs"
FINRA, TIMS, BETA = (
    DOCS / name for name in ("01-finra-4210.md", "02-what-is-tims.md", "03-beta-weighting.md")
)
PAGES = (FINRA, TIMS, BETA)
ENTRIES = dict(REFERENCE.entries())


def _rate(row: Row) -> Row:
    entry = ENTRIES[row["entry"].strip("`")]
    shown, _, rest = row["figure"].partition(figure(entry))
    assert not shown, f"{row['figure']} shown, {figure(entry)} in force"
    assert rest in ("", " of market value", " of gross", " of its value"), rest
    assert row["source"], "a source is expected"
    assert entry.source.startswith(row["source"]), entry.source
    return {"figure": row["figure"], "source": row["source"]}


def _demo_price_row(row: Row) -> Row:
    account = played(DEMO, row["at"])
    a = account.assessed()
    return {
        "price": f"{account.price('NVDA'):,.2f}",
        "cash": usd(a.cash_usd),
        "equity": usd(a.equity_usd),
        "to open": usd(a.reg_t_requirement_usd),
        "maintenance": usd(a.maintenance_requirement_usd),
        "add-on": usd(a.concentration_addon_usd),
        "requirement": usd(a.requirement_usd),
        "excess": signed(a.excess_usd),
        f"{figure(ENTRIES['warning_rate'])} of gross": usd(a.warning_threshold_usd),
        "band": a.band.value,
    }


def _band(row: Row) -> Row:
    account, cent = played(DEMO, "13:20"), Decimal("0.01")
    rates = [REFERENCE.long_rate, REFERENCE.concentration_rate]
    if row["band of ACC_DEMO_001"] == "WARNING":
        rates.append(REFERENCE.warning_rate)
    rate = sum((entry.value for entry in rates), Decimal(0))
    value_usd = trigger_long_market_value(-account.portfolio.cash_usd, rate)
    edge_usd = value_usd / account.portfolio.quantity_of("NVDA")
    bands = [account.repriced("NVDA", p).assessed().band for p in (edge_usd, edge_usd - cent)]
    assert [band == row["band of ACC_DEMO_001"] for band in bands] == [False, True], bands
    return {"begins below": f"{edge_usd:,.2f}"}


def _step(row: Row) -> Row:
    amount_usd = ladder_steps(DEMO)[row["at"], row["step"]]
    return {"amount": "" if amount_usd is None else usd(amount_usd)}


def _sizing(row: Row) -> Row:
    account = played(DEMO, "13:30")
    buffer = f"{percent(REFERENCE.liquidation_buffer_rate.value)} of the deficiency"
    clear = f"{percent(REFERENCE.warning_rate.value)} of the gross that is left"
    targets = {
        "zero": Target(),
        buffer: buffer_target(account.assessed().deficiency_usd, REFERENCE),
        clear: warning_target(REFERENCE),
    }
    found = size_liquidation(
        *(account.portfolio, account.account_type, account.market, REFERENCE, "NVDA"),
        target=targets[row["target"]],
    )
    assert found.shares is not None
    assert found.proceeds_usd is not None
    assert found.excess_after_usd is not None
    return {
        "shares": usd(found.shares),
        "proceeds": usd(found.proceeds_usd),
        "excess after": signed(found.excess_after_usd),
    }


def _known_error(row: Row) -> Row:
    if row["case"] == f"requirement of {LONGSHORT} at 09:30":
        a = played(LONGSHORT, "09:30").assessed()
        net_usd = a.long_market_value_usd - a.short_market_value_usd
        theirs_usd = reference_design.reference_requirement(net_usd, REFERENCE)
        return {"reference design": usd(theirs_usd), "here": usd(a.requirement_usd)}
    assert row["case"] == f"shares sold for {DEMO} at 13:30"
    account = played(DEMO, "13:30")
    shares = reference_design.reference_shares_sold(
        account.assessed().deficiency_usd,
        account.price("NVDA"),
        account.portfolio.quantity_of("NVDA"),
        REFERENCE,
    )
    return {"reference design": usd(shares), "here": _sizing({"target": "zero"})["shares"]}


def _point(row: Row) -> Row:
    account = played(LONGSHORT, "09:30")
    k = int(row["point"]) - 1
    risks = {risk.class_group: risk for risk in account.assessed().tims}
    instruments = account.market.instruments
    return {
        "stock": signed_percent(tims_moves(instruments["NVDA"], REFERENCE)[k]),
        _holding(account, "NVDA"): signed(risks["NVDA"].points[k]),
        "broad-index ETF": signed_percent(tims_moves(instruments["SPY"], REFERENCE)[k]),
        _holding(account, "SPY"): signed(risks["SPY"].points[k]),
    }


def _holding(account: Account, symbol: str) -> str:
    return f"{symbol}, {account.portfolio.quantity_of(symbol)} at {account.price(symbol)}"


def _class_group(row: Row) -> Row:
    a = played(LONGSHORT, "09:30").assessed()
    if row["class group"] == "the account":
        total = usd(a.portfolio_margin_usd)
        return {"worst point": "", "minimum charge": "", "requirement": total}
    risk = next(risk for risk in a.tims if risk.class_group == row["class group"])
    return {
        "worst point": usd(risk.worst_usd),
        "minimum charge": usd(risk.minimum_usd),
        "requirement": usd(risk.requirement_usd),
    }


def _strategy_position(row: Row) -> Row:
    a = played(LONGSHORT, "09:30").assessed()
    held = [f for f in a.figures if row["position"] in (f.symbol, "the account")]
    assert held
    value_usd = sum((f.market_value_usd for f in held), Decimal(0))
    maintenance_usd = sum((f.maintenance_usd for f in held), Decimal(0))
    addon_usd = sum((f.concentration_usd for f in held), Decimal(0))
    return {
        "market value": usd(value_usd),
        "maintenance": usd(maintenance_usd),
        "add-on": usd(addon_usd),
        "requirement": usd(maintenance_usd + addon_usd),
    }


def _same_shock(row: Row) -> Row:
    if row["book"] == f"{LONGSHORT} at 09:30":
        a = played(LONGSHORT, "09:30").assessed()
        values_usd = [f.signed_value_usd for f in a.figures]
        groups_usd = a.portfolio_margin_usd
    else:
        assert row["book"] == "long 15,000 of one stock, short 15,000 of another"
        values_usd = [Decimal(15_000), Decimal(-15_000)]
        moves = tims_moves(Instrument(symbol="X", kind=Kind.STOCK), REFERENCE)
        risks = (class_group_risk("X", [position_points(v, moves)]) for v in values_usd)
        groups_usd = sum((risk.requirement_usd for risk in risks), Decimal(0))
    theirs_usd = reference_design.reference_tims_margin(values_usd, REFERENCE)
    return {"same shock": usd(theirs_usd), "class groups": usd(groups_usd)}


def _stress_move(row: Row) -> Row:
    a = played(DEMO, "09:30").assessed()
    found = next(s for s in a.scenarios if signed_percent(s.move) == row["SPY"])
    return {
        "gain or loss": signed(found.pnl_usd),
        "stressed excess": signed(found.stressed_excess_usd),
        "severe": "yes" if is_severe(found.move, REFERENCE) else "no",
    }


def _stress_price_row(row: Row) -> Row:
    account = played(DEMO, row["at"])
    a = account.assessed()
    severe = [s for s in a.scenarios if is_severe(s.move, REFERENCE)]
    return {
        "price": f"{account.price('NVDA'):,.2f}",
        "exposure": usd(a.beta_weighted_exposure_usd),
        "excess": signed(a.excess_usd),
        **{f"after SPY {signed_percent(s.move)}": signed(s.stressed_excess_usd) for s in severe},
    }


def _stress_account(row: Row) -> Row:
    a = played(row["account at 09:30"], "09:30").assessed()
    return {
        "exposure": usd(a.beta_weighted_exposure_usd),
        "excess": signed(a.excess_usd),
        "worst severe excess": signed(a.worst_severe_excess_usd),
        "underwater": "yes" if a.underwater else "no",
    }


def _beta_series(row: Row) -> Row:
    returns = [Decimal(day) / 100 for day in range(int(row["daily returns"]))]
    right = reference_design.beta_of(returns, returns)
    theirs = reference_design.reference_beta(returns, returns)
    return {
        "covariance / variance": money.decimal_text(money.half_up(right, 4)),
        "reference design": money.decimal_text(money.half_up(theirs, 4)),
    }


def _missing_beta(row: Row) -> Row:
    account = played(DEMO, "09:30")
    beta = row["beta of NVDA"]
    betas = {} if beta == "missing" else {"NVDA": Decimal(beta)}
    assert betas.items() <= account.market.betas.items()
    a = replace(account, market=replace(account.market, betas=betas)).assessed()
    return {
        "exposure": usd(a.beta_weighted_exposure_usd),
        "worst severe excess": signed(a.worst_severe_excess_usd),
        "flags": " ".join(a.flags),
    }


# By page and first column: the other columns that name a row, and what computes the rest.
CHECKS: dict[tuple[Path, str], tuple[tuple[str, ...], Callable[[Row], Row]]] = {
    (FINRA, "for"): (("for", "entry"), _rate),
    (FINRA, "at price"): (("at",), _demo_price_row),
    (FINRA, "band of ACC_DEMO_001"): (("band of ACC_DEMO_001",), _band),
    (FINRA, "at step"): (("at", "step"), _step),
    (FINRA, "target"): (("target",), _sizing),
    (FINRA, "case"): (("case",), _known_error),
    (TIMS, "range of"): (("range of", "entry"), _rate),
    (TIMS, "point"): (("point",), _point),
    (TIMS, "class group"): (("class group",), _class_group),
    (TIMS, "position"): (("position",), _strategy_position),
    (TIMS, "point of ACC_HEDGED_004"): (("point of ACC_HEDGED_004",), option_point),
    (TIMS, "book"): (("book",), _same_shock),
    (BETA, "what"): (("what", "entry"), _rate),
    (BETA, "SPY"): (("SPY",), _stress_move),
    (BETA, "at price"): (("at",), _stress_price_row),
    (BETA, "account at 09:30"): (("account at 09:30",), _stress_account),
    (BETA, "daily returns"): (("daily returns",), _beta_series),
    (BETA, "beta of NVDA"): (("beta of NVDA",), _missing_beta),
}


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def tables(page: Path) -> list[tuple[str, list[Row]]]:
    """Every table of a page: the name it has in CHECKS, and its rows by column."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", page.read_text(), re.MULTILINE):
        header, _, *lines = [_cells(line) for line in block.splitlines()]
        name = " ".join(header[:2]) if header[0] == "at" else header[0]
        found.append((name, [dict(zip(header, line, strict=True)) for line in lines]))
    return found


ROWS = [(page, name, row) for page in PAGES for name, rows in tables(page) for row in rows]
