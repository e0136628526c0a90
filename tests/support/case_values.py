"""What the runners of worked cases share: the values of a case, and how figures are compared."""

import json
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import cast

from margin.maintenance import maintenance_requirement
from margin.market import Instrument, Kind, Market, Quote
from margin.money import ZERO
from margin.portfolio import Portfolio, Position
from margin.rulebook import REFERENCE, Rulebook

Value = Decimal | bool | str | None | list["Value"] | dict[str, "Value"]
Object = dict[str, Value]
Runner = Callable[[Object], Object]
Rules = dict[tuple[str, frozenset[str]], Runner]

CASES = Path(os.environ.get("GOLDEN_CASES", str(Path(__file__).parents[1] / "cases")))
CENT = Decimal("0.01")
RATIO = Decimal("0.0001")


def load(path: Path) -> Object:
    content = path.read_text(encoding="utf-8")
    return cast(Object, json.loads(content, parse_float=Decimal, parse_int=Decimal))


def case_files() -> list[Path]:
    files = sorted(CASES.glob("*.json"))
    if not files:
        raise FileNotFoundError(f"a folder of worked cases expected in GOLDEN_CASES, was {CASES}")
    return files


def dec(value: Value) -> Decimal:
    assert isinstance(value, Decimal), f"a number expected, was {value!r}"
    return value


def obj(value: Value) -> Object:
    assert isinstance(value, dict), f"an object expected, was {value!r}"
    return value


def items(value: Value) -> list[Value]:
    assert isinstance(value, list), f"a list expected, was {value!r}"
    return value


def text(value: Value) -> str:
    assert isinstance(value, str), f"a text expected, was {value!r}"
    return value


def keys(names: str) -> frozenset[str]:
    return frozenset(names.split())


def rules(*forms: tuple[str, str, Runner]) -> Rules:
    """Runner by methodology and the names of the inputs, in any order."""
    return {(methodology, keys(names)): runner for methodology, names, runner in forms}


def stock(symbol: str, leverage: Decimal = Decimal(1)) -> Instrument:
    kind = Kind.BROAD_ETF if symbol == "SPY" else Kind.STOCK
    return Instrument(symbol=symbol, kind=kind, leverage=leverage)


def maintained(quantity: Decimal, price: Decimal, rulebook: Rulebook = REFERENCE) -> Decimal:
    return maintenance_requirement(Position("X", quantity), price, stock("X"), rulebook)


def book(inputs: Object) -> tuple[Portfolio, Market]:
    held = {symbol: dec(quantity) for symbol, quantity in obj(inputs["positions"]).items()}
    portfolio = Portfolio(
        account_id="CASE",
        cash_usd=dec(inputs["cash"]),
        positions=tuple(Position(symbol, quantity) for symbol, quantity in held.items()),
    )
    prices = {symbol: dec(price) for symbol, price in obj(inputs["prices"]).items()}
    market = Market(
        quotes={symbol: Quote(price, 0) for symbol, price in prices.items()},
        betas={symbol: dec(beta) for symbol, beta in obj(inputs.get("betas", {})).items()},
        instruments={symbol: stock(symbol) for symbol in held},
    )
    return portfolio, market


def check(found: Object, expected: Object, tolerance: Object) -> None:
    missing = sorted(set(expected) - set(found))
    assert not missing, f"no figure for {missing}"
    for name, wanted in expected.items():
        check_value(name, found[name], wanted, tolerance)


def check_value(name: str, got: Value, wanted: Value, tolerance: Object) -> None:
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        for n, (one, other) in enumerate(zip(got, wanted, strict=True), start=1):
            check_value(f"{name}[{n}]", one, other, tolerance)
        return
    if not isinstance(wanted, Decimal) or not isinstance(got, Decimal):
        assert got == wanted, f"{name}: {wanted!r} expected, was {got!r}"
        return
    absolute = dec(tolerance.get("abs", ZERO))
    if name == "equity_pct" or name.startswith("beta_correct"):
        absolute = min(absolute, RATIO)
    allowed = max(absolute, dec(tolerance.get("rel", ZERO)) * abs(wanted))
    assert abs(got - wanted) <= allowed, f"{name}: {wanted} expected, was {got}"
