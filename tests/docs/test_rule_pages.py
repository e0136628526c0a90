"""The pages about the rules: each figure is computed here, and each heading cited exists."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import pytest
from support.pages import ROOT

from local.scenario import find, load, minutes
from margin import money, reference_design
from margin.assessment import Assessment, assess
from margin.ladder import Action, LadderState, decide, reading_of
from margin.liquidation import Target, buffer_target, size_liquidation, warning_target
from margin.maintenance_call import trigger_long_market_value
from margin.market import Instrument, Kind, Market, Quote
from margin.portfolio import (
    AccountType,
    CashMovement,
    Fill,
    Portfolio,
    apply_cash,
    apply_fill,
)
from margin.rulebook import REFERENCE, Entry, StressMode, ladder_policy
from margin.stress import is_severe
from margin.tims import class_group_risk, position_points, tims_moves

DOCS = ROOT / "docs"
FINRA, TIMS, BETA = (
    DOCS / name for name in ("01-finra-4210.md", "02-what-is-tims.md", "03-beta-weighting.md")
)
PAGES = (FINRA, TIMS, BETA)
SCENARIO = load(find("nvda-selloff"))
ENTRIES = dict(REFERENCE.entries())
DEMO, LONGSHORT = "ACC_DEMO_001", "ACC_LONGSHORT_007"
MINUTE_MS = 60_000

Row: TypeAlias = dict[str, str]


# ---- the accounts of the scenario, played through the rules


@dataclass(frozen=True, slots=True)
class Account:
    portfolio: Portfolio
    account_type: AccountType
    market: Market
    now_ms: int

    def assessed(self) -> Assessment:
        found = assess(
            self.portfolio, self.account_type, self.market, REFERENCE, as_of_ms=self.now_ms
        )
        assert isinstance(found, Assessment), found
        return found

    def price(self, symbol: str) -> Decimal:
        return self.market.quotes[symbol].price_usd

    def repriced(self, symbol: str, price_usd: Decimal) -> Account:
        quotes = {**self.market.quotes, symbol: Quote(price_usd, self.now_ms)}
        return replace(self, market=replace(self.market, quotes=quotes))


def played(account_id: str, at: str) -> Account:
    """One account after every step of the demo up to a time; a fill id counts once."""
    book = Portfolio(account_id=account_id)
    quotes: dict[str, Quote] = {}
    fills: set[str] = set()
    now_ms = minutes(at) * MINUTE_MS
    for step in (step for step in SCENARIO.steps if minutes(step.at) <= minutes(at)):
        for symbol, price in step.prices.items():
            quotes[symbol] = Quote(Decimal(price), minutes(step.at) * MINUTE_MS)
        for paid in (c for c in step.cash if c["account"] == account_id):
            book = apply_cash(book, _movement(account_id, paid["amount"]))
        for sent in (f for f in step.fills if f["account"] == account_id):
            book = book if sent["id"] in fills else apply_fill(book, _fill(account_id, sent))
            fills.add(sent["id"])
    kinds = {s.name: (Kind(s.kind), Decimal(s.leverage)) for s in SCENARIO.symbols}
    market = Market(
        quotes=quotes,
        betas={s.name: Decimal(s.beta) for s in SCENARIO.symbols},
        instruments={
            name: Instrument(symbol=name, kind=kind, leverage=leverage)
            for name, (kind, leverage) in kinds.items()
        },
    )
    account_type = next(a.account_type for a in SCENARIO.accounts if a.account_id == account_id)
    return Account(book, AccountType(account_type), market, now_ms)


def _movement(account_id: str, amount: str) -> CashMovement:
    return CashMovement(
        movement_id="c", account_id=account_id, amount_usd=Decimal(amount), kind="deposit"
    )


def _fill(account_id: str, sent: object) -> Fill:
    assert isinstance(sent, dict)
    return Fill(
        fill_id=sent["id"],
        account_id=account_id,
        symbol=sent["symbol"],
        quantity_shares=Decimal(sent["quantity"]),
        price_usd=Decimal(sent["price"]),
    )


def ladder_steps(account_id: str) -> dict[tuple[str, str], Decimal | None]:
    """(time, action) -> amount of every step of one account, decided at each time of the demo."""
    policy = ladder_policy(REFERENCE, StressMode.LADDER)
    found: dict[tuple[str, str], Decimal | None] = {}
    state = LadderState.EMPTY
    for now in range(minutes("09:00"), minutes("13:30") + 1):
        at = f"{now // 60:02}:{now % 60:02}"
        reading = reading_of(played(account_id, at).assessed())
        decision = decide(state, reading, policy, now * MINUTE_MS, "CASE")
        state = decision.state
        found |= {(at, step.action.value): step.amount_usd for step in decision.steps}
    return found


# ---- how a page writes a figure


def usd(amount_usd: Decimal) -> str:
    whole, cents = money.usd_text(amount_usd).split(".")
    return f"{int(whole):,}" + (f".{cents}" if cents.strip("0") else "")


def signed(amount_usd: Decimal) -> str:
    return f"+{usd(amount_usd)}" if amount_usd > 0 else usd(amount_usd)


def percent(rate: Decimal) -> str:
    return f"{money.decimal_text(rate * 100)} %"


def signed_percent(move: Decimal) -> str:
    return f"+{percent(move)}" if move > 0 else percent(move)


def figure(entry: Entry[object]) -> str:
    """The value of a rulebook entry as a page writes it, in its unit."""
    value = entry.value
    if isinstance(value, tuple):
        return ", ".join(signed_percent(m).removesuffix(" %") for m in value) + " %"
    assert isinstance(value, Decimal | int)
    match entry.unit:
        case "rate":
            return percent(Decimal(value))
        case "usd per share":
            return f"{money.usd_text(Decimal(value)).removesuffix('.00')} USD a share"
        case "seconds":
            count = money.decimal_text(Decimal(value) / 60)
            return f"{count} minute" if value == 60 else f"{count} minutes"
        case "ms":
            return f"{money.decimal_text(Decimal(value) / 3_600_000)} hours"
        case _:
            return str(value)


# ---- the tables: what each row must say, all columns but those that name it


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


@pytest.mark.parametrize(
    ("page", "name", "row"),
    ROWS,
    ids=[f"{p.stem}: {' '.join(r.values())[:40]}" for p, _, r in ROWS],
)
def test_a_row_says_what_the_rules_compute(page: Path, name: str, row: Row) -> None:
    keys, compute = CHECKS[page, name]
    assert {k: v for k, v in row.items() if k not in keys} == compute(row)


def test_no_table_is_left_out() -> None:
    shown = [(page, name) for page in PAGES for name, _ in tables(page)]
    assert sorted(shown) == sorted(CHECKS)


def test_the_ten_points_and_the_steps_of_the_demo_are_complete() -> None:
    points = [row["point"] for page, name, row in ROWS if (page, name) == (TIMS, "point")]
    assert points == [str(k + 1) for k in range(2 * REFERENCE.tims_points_per_side.value)]
    steps = [(row["at"], row["step"]) for page, name, row in ROWS if name == "at step"]
    assert steps == list(ladder_steps(DEMO))
    assert {step for _, step in steps} < set(Action)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_shows_every_rate_of_its_rule(page: Path) -> None:
    prefixes = {
        FINRA: ("long_", "short_", "low_priced_", "leveraged_", "concentration_", "reg_t_rate"),
        TIMS: ("tims_",),
        BETA: ("stress_moves", "severe_", "missing_beta"),
    }[page]
    shown = {row["entry"].strip("`") for p, _, row in ROWS if p == page and "entry" in row}
    kinds = {"concentration_exempt"}  # a kind of instrument, no figure
    assert shown == {name for name in ENTRIES if name.startswith(prefixes)} - kinds


def test_the_account_that_both_methods_see_differently() -> None:
    a = played(LONGSHORT, "09:30").assessed()
    # 200,000 x (25 % + 10 %) + 360,000 x 30 % = 70,000 + 108,000
    assert a.requirement_usd == Decimal(178_000)
    # 200,000 x 15 % + 360,000 x 6 % = 30,000 + 21,600
    assert a.portfolio_margin_usd == Decimal(51_600)
    text = _text(TIMS)
    assert f"is a margin account, so its requirement is {usd(a.requirement_usd)}." in text
    assert f"As a portfolio margin account it would be {usd(a.portfolio_margin_usd)}." in text


# ---- the text between the tables

CLAIM = re.compile(r"([\d.]+ (?:%|minutes?|hours|USD a share)) \(`(\w+)`\)")
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")


def _text(page: Path) -> str:
    """The text without tables, and with each line break a blank."""
    return " ".join(re.sub(r"^[|#].*$", "", page.read_text(), flags=re.MULTILINE).split())


def _numbers(text: str) -> set[Decimal]:
    for name in (r"`[^`]*`", r"\]\([^)]*\)", r"ACC_\w+", r"Rule 4210(\(\w\))?", r"\d\d:\d\d"):
        text = re.sub(name, " ", text)
    return {Decimal(n.replace(",", "")) for n in NUMBER.findall(text)}


def _scenario_numbers(page: Path) -> set[Decimal]:
    """What the accounts named on a page paid, hold, and are priced with."""
    found: set[Decimal] = set()
    for account_id in set(re.findall(r"ACC_\w+", page.read_text())):
        for step in SCENARIO.steps:
            found |= {abs(Decimal(c["amount"])) for c in step.cash if c["account"] == account_id}
            fills = [f for f in step.fills if f["account"] == account_id]
            found |= {abs(Decimal(f[k])) for f in fills for k in ("quantity", "price")}
            held = {f.symbol for f in played(account_id, "09:00").portfolio.positions}
            found |= {Decimal(step.prices[s]) for s in held if s in step.prices}
            found |= {Decimal(s.beta) for s in SCENARIO.symbols if s.name in held}
    return found


CLAIMS = [(page, *claim) for page in PAGES for claim in CLAIM.findall(_text(page))]


@pytest.mark.parametrize(
    ("page", "shown", "entry"), CLAIMS, ids=[f"{p.stem}: {entry}" for p, _, entry in CLAIMS]
)
def test_a_figure_in_the_text_is_the_rulebooks(page: Path, shown: str, entry: str) -> None:
    assert shown == figure(ENTRIES[entry]), page.name


def test_the_clocks_of_the_ladder_are_on_the_page() -> None:
    claimed = {entry for page, _, entry in CLAIMS if page == FINRA}
    clocks = {"restrict_after", "liquidate_after", "stress_confirm", "restrict_to_liquidate_gap"}
    assert clocks | {"warning_rate", "stale_price_after_ms"} == claimed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_number_in_the_text_is_accounted_for(page: Path) -> None:
    cells = [cell for p, _, row in ROWS if p == page for cell in row.values()]
    known = _numbers(" ".join(cells)) | _scenario_numbers(page)
    known |= _numbers(" ".join(shown for p, shown, _ in CLAIMS if p == page))
    known |= {Decimal(1).scaleb(-n) for n in (money.VALUE_PLACES, money.CENT_PLACES)}
    assert _numbers(_text(page).replace("rule of 2026", "")) - known == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_time_on_a_page_is_one_of_the_demo(page: Path) -> None:
    times = {step.at for step in SCENARIO.steps} | {at for at, _ in ladder_steps(DEMO)}
    assert set(re.findall(r"\b\d\d:\d\d\b", page.read_text())) <= times


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_short_and_says_what_is_missing(page: Path) -> None:
    lines = page.read_text().splitlines()
    assert len(lines) <= 110
    assert max(map(len, lines)) <= 120
    assert "## Not in yet" in lines


# ---- the other direction: what the code cites

ROOMS = ("margin", "functions", "spark_jobs", "local", "stacks")
CITATION = re.compile(r'docs/([\w-]+\.md)(?:,[\s#]+"([^"]+)")?')


def _citations() -> list[tuple[str, str]]:
    kinds = {".py", ".toml", ".json"}
    files = [f for room in ROOMS for f in (ROOT / room).rglob("*") if f.suffix in kinds]
    found = {match for f in files for match in CITATION.findall(f.read_text())}
    return sorted((name, " ".join(heading.split())) for name, heading in found)


@pytest.mark.parametrize(("name", "heading"), _citations(), ids=lambda part: part or "exists")
def test_a_page_and_heading_that_code_cites_exist(name: str, heading: str) -> None:
    headings = re.findall(r"^#+ (.+)$", (DOCS / name).read_text(), re.MULTILINE)
    assert not heading or heading in headings


def test_citations_are_found() -> None:
    assert ("01-finra-4210.md", "Rounding") in _citations()
