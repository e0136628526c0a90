"""A scenario file (TOML): a market step by step, and what must happen to each account."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from local.errors import UsageError
from local.scenario_entries import choice, decimal, declared, time_of_day
from local.scenario_series import Series, read_series, with_marks
from margin.market import Kind
from margin.portfolio import AccountType
from margin.rulebook import StressMode

FOLDER = Path(__file__).with_name("scenarios")
EVENTS = (
    "STRESS_ALERT",
    "WARNING",
    "MARGIN_CALL",
    "MARGIN_CALL_AMENDED",
    "MARGIN_CALL_SATISFIED",
    "RESTRICTION",
    "RESTRICTION_LIFTED",
    "LIQUIDATION",
    "CASE_CLOSED",
    "CASE_HALTED",
)
FIGURES = ("equity", "requirement", "excess")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One rung that must be seen; a field that is None is not compared."""

    at: str
    event: str
    price_usd: Decimal | None = None
    amount_usd: Decimal | None = None
    quantity_shares: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What an account must show once the step at `at` is used, USD to the cent, exactly."""

    at: str
    usd: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioAccount:
    account_id: str
    account_type: AccountType
    stress_mode: str
    watch: str
    shows: str
    why: str
    expect: tuple[Expectation, ...]
    figures: tuple[Figures, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """An option has a series and no beta: its underlying's counts."""

    name: str
    kind: Kind
    beta: Decimal | None
    leverage: Decimal
    series: Series | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    account_id: str
    amount_usd: Decimal
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A fill; one that comes twice has the same id. An option's carries its multiplier."""

    fill_id: str
    account_id: str
    symbol: str
    quantity_shares: Decimal
    price_usd: Decimal
    multiplier: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is sent at one moment. `starts_clock`: from here on the ladder's time is kept."""

    at: str
    title: str
    starts_clock: bool
    prices: Mapping[str, Decimal]
    late_prices: Mapping[str, Decimal]
    cash: tuple[Movement, ...]
    fills: tuple[Trade, ...]
    raw: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    name: str
    title: str
    speed: Decimal
    symbols: tuple[Symbol, ...]
    steps: tuple[Step, ...]
    accounts: tuple[ScenarioAccount, ...]
    left_out: tuple[tuple[str, str], ...]
    dead_letters: tuple[tuple[str, str], ...]


def names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def find(name_or_file: str) -> Path:
    """The file of a shipped scenario by its name, or the file itself."""
    shipped = FOLDER / f"{name_or_file}.toml"
    if shipped.is_file():
        return shipped
    path = Path(name_or_file)
    if path.suffix == ".toml" and path.is_file():
        return path
    raise UsageError(
        f"expected a scenario ({', '.join(names())}) or a .toml file, found {name_or_file!r}"
    )


def load(path: Path) -> Scenario:
    """Raises UsageError, naming the file and the entry, where something is missing or malformed."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: expected a TOML file, found: {error}") from error
    try:
        scenario = _scenario(data)
        _check(scenario)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: an entry is missing or of another form: {error}") from error
    return scenario


def minutes(at: str) -> int:
    """Minutes since midnight of "HH:MM"."""
    hours, rest = at.split(":")
    return int(hours) * 60 + int(rest)


def _scenario(data: dict[str, Any]) -> Scenario:
    symbols = tuple(_symbol(name, entry) for name, entry in data["symbols"].items())
    series = {s.name: s.series for s in symbols if s.series is not None}
    return Scenario(
        name=data["name"],
        title=data["title"],
        speed=speed(data.get("speed", "60")),
        symbols=symbols,
        steps=tuple(_step(s, series) for s in data["steps"]),
        accounts=tuple(_account(a) for a in data["accounts"]),
        left_out=tuple((a["id"], a["reason"]) for a in data.get("left_out", ())),
        dead_letters=tuple((d["source"], d["about"]) for d in data.get("dead_letters", ())),
    )


def _symbol(name: str, data: dict[str, Any]) -> Symbol:
    kind = choice(f"symbols.{name}.kind", data["kind"], Kind)
    is_option = kind is Kind.OPTION
    return Symbol(
        name=name,
        kind=kind,
        beta=None if is_option else decimal(f"symbols.{name}.beta", data["beta"]),
        leverage=decimal(f"symbols.{name}.leverage", data.get("leverage", "1")),
        series=read_series(name, data) if is_option else None,
    )


def speed(text: str) -> Decimal:
    """Scenario seconds per second of a clock of the ladder: more than 0, at most 600."""
    try:
        value = Decimal(str(text))
    except InvalidOperation:
        value = Decimal(0)
    if not (value.is_finite() and 0 < value <= 600):
        raise UsageError(f"expected a speed above 0 and at most 600, found {text!r}")
    return value


def _step(data: dict[str, Any], series: Mapping[str, Series]) -> Step:
    at = time_of_day(data["at"])
    return Step(
        at=at,
        title=data.get("title", ""),
        starts_clock=data.get("clock") == "start",
        prices=with_marks(_prices(at, data.get("prices", {})), series),
        late_prices=_prices(at, data.get("late_prices", {})),
        cash=tuple(_movement(at, m) for m in data.get("cash", ())),
        fills=tuple(_trade(at, t, series) for t in data.get("fills", ())),
        raw=tuple(data.get("raw", ())),
    )


def _prices(at: str, data: dict[str, str]) -> dict[str, Decimal]:
    return {name: decimal(f"step {at}, price of {name}", text) for name, text in data.items()}


def _movement(at: str, data: dict[str, str]) -> Movement:
    amount_usd = decimal(f"step {at}, cash of {data['account']}", data["amount"])
    usual = "withdrawal" if amount_usd < 0 else "deposit"
    return Movement(account_id=data["account"], amount_usd=amount_usd, kind=data.get("kind", usual))


def _trade(at: str, data: dict[str, str], series: Mapping[str, Series]) -> Trade:
    what = f"step {at}, fill {data['id']}"
    own = series.get(data["symbol"])
    return Trade(
        fill_id=data["id"],
        account_id=data["account"],
        symbol=data["symbol"],
        quantity_shares=decimal(f"{what}, quantity", data["quantity"]),
        price_usd=decimal(f"{what}, price", data["price"]),
        multiplier=Decimal(1) if own is None else own.multiplier,
    )


def _account(data: dict[str, Any]) -> ScenarioAccount:
    return ScenarioAccount(
        account_id=data["id"],
        account_type=choice(f"{data['id']}.type", data["type"], AccountType),
        stress_mode=choice(
            f"{data['id']}.stress_mode", data.get("stress_mode", "ladder"), StressMode
        ),
        watch=data["watch"],
        shows=data.get("shows", ""),
        why=data.get("why", ""),
        expect=tuple(_expectation(data["id"], e) for e in data.get("expect", ())),
        figures=tuple(_figures(data["id"], f) for f in data.get("figures", ())),
    )


def _expectation(account_id: str, data: dict[str, Any]) -> Expectation:
    if data["event"] not in EVENTS:
        raise UsageError(
            f"{account_id}: expected an event of {', '.join(EVENTS)}, found {data['event']!r}"
        )
    numbers = {
        key: decimal(f"{account_id}: {key}", data[key]) if key in data else None
        for key in ("price", "amount", "quantity")
    }
    return Expectation(
        at=time_of_day(data["at"]),
        event=data["event"],
        price_usd=numbers["price"],
        amount_usd=numbers["amount"],
        quantity_shares=numbers["quantity"],
    )


def _figures(account_id: str, data: dict[str, str]) -> Figures:
    return Figures(
        at=time_of_day(data["at"]),
        usd={name: decimal(f"{account_id}: {name}", data[name]) for name in FIGURES},
    )


def _check(scenario: Scenario) -> None:
    """Steps in order, one clock at most, and only accounts and symbols that are declared."""
    times = [minutes(step.at) for step in scenario.steps]
    if times != sorted(set(times)):
        raise UsageError("expected steps in ascending order of time, each time once")
    if sum(step.starts_clock for step in scenario.steps) > 1:
        raise UsageError('expected at most one step with clock = "start"')
    for account in scenario.accounts:
        expected = {f.at for f in account.figures}
        declared(account.account_id, "step", expected, {step.at for step in scenario.steps})
    symbols = {s.name for s in scenario.symbols}
    underlyings = {s.series.underlying for s in scenario.symbols if s.series is not None}
    declared("symbols", "underlying", underlyings, symbols)
    accounts = {account.account_id for account in scenario.accounts}
    for step in scenario.steps:
        declared(
            f"step {step.at}",
            "account",
            {m.account_id for m in step.cash} | {t.account_id for t in step.fills},
            accounts,
        )
        priced = {*step.prices, *step.late_prices}
        declared(f"step {step.at}", "symbol", priced, symbols)
