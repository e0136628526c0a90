"""Reads an account with its market from a file: TOML or JSON, refused with one clear line."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from local.errors import UsageError
from margin.errors import MarginError
from margin.market import Instrument, Kind, Market, OptionTerms, Quote, Right, Style
from margin.portfolio import AccountType, Portfolio, Position
from margin.rulebook import REFERENCE, REFERENCE_ON, REFERENCE_TEXT, Rulebook
from margin.rulebook_file import parse_rulebook
from margin.valuation import as_of_date

NEEDED = ("account_type", "cash", "as_of", "positions", "prices", "instruments")
KNOWN = (*NEEDED, "account_id", "betas", "overrides")
OF_INSTRUMENT = ("kind", "leverage", "class_group", "product_group", "dividend_yield")
OF_OPTION = ("underlying", "right", "strike", "expires_on", "style", "multiplier")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What `assess` takes: holdings, type, market, moment and the rules for this account."""

    portfolio: Portfolio
    account_type: AccountType | None
    market: Market
    as_of_ms: int
    rulebook: Rulebook = REFERENCE


def is_file(name: str) -> bool:
    """Whether an argument means a file and not the id of an account."""
    return Path(name).suffix in (".toml", ".json") or Path(name).is_file()


def read_account(path: Path) -> Account:
    """The account in a file, its options valued at the ten points; UsageError where it is bad."""
    try:
        return _account(path)
    except (KeyError, ValueError, InvalidOperation, MarginError) as error:
        raise _refused(path, str(error)) from error


def _account(path: Path) -> Account:
    body = _body(path)
    _keys(path, "the account", body, NEEDED, KNOWN)
    for name in ("positions", "prices", "instruments", "betas", "overrides"):
        if not isinstance(body.get(name, {}), dict):
            raise _refused(path, f"a table expected for {name}, found {body[name]!r}")
    as_of_ms = _moment_ms(path, body["as_of"])
    instruments = {s: _instrument(path, s, i) for s, i in body["instruments"].items()}
    prices = {s: _positive(path, f"price of {s}", p) for s, p in body["prices"].items()}
    betas = {s: _number(path, f"beta of {s}", b) for s, b in body.get("betas", {}).items()}
    positions = tuple(
        Position(s, _number(path, f"quantity of {s}", q)) for s, q in body["positions"].items()
    )
    return Account(
        portfolio=Portfolio(
            account_id=str(body.get("account_id", path.stem)),
            cash_usd=_number(path, "cash", body["cash"]),
            positions=positions,
        ),
        account_type=AccountType(
            _choice(path, "account_type", body["account_type"], [*AccountType])
        ),
        market=_market(prices, betas, instruments, as_of_ms),
        as_of_ms=as_of_ms,
        rulebook=_rulebook(body.get("overrides", {})),
    )


def _rulebook(overrides: Mapping[str, Any]) -> Rulebook:
    """The rulebook with the firm's stricter numbers for this one account."""
    if not overrides:
        return REFERENCE
    return parse_rulebook(
        REFERENCE_TEXT, REFERENCE_ON, {name: str(value) for name, value in overrides.items()}
    )


def _market(
    prices: Mapping[str, Decimal],
    betas: Mapping[str, Decimal],
    instruments: Mapping[str, Instrument],
    as_of_ms: int,
) -> Market:
    on = as_of_date(as_of_ms)
    # What has expired is flagged by the assessment and has no value at any point.
    live = {s: i for s, i in instruments.items() if i.option is None or i.option.expires_on >= on}
    theoretical = {}
    if any(i.option is not None for i in live.values()):
        from margin.columnar.theoretical import theoretical_values

        theoretical = theoretical_values(live, prices, REFERENCE, on)
    return Market(
        quotes={symbol: Quote(price, as_of_ms) for symbol, price in prices.items()},
        betas=betas,
        instruments=instruments,
        theoretical_usd=theoretical,
    )


def _body(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _refused(path, f"a readable text file expected: {error}") from error
    try:
        if path.suffix == ".json":
            body = json.loads(text, parse_float=Decimal)
        else:
            body = tomllib.loads(text, parse_float=Decimal)
    except ValueError as error:
        raise _refused(path, f"TOML or JSON expected: {error}") from error
    if not isinstance(body, dict):
        raise _refused(path, f"a table of an account expected, found {type(body).__name__}")
    return body


def _instrument(path: Path, symbol: str, entry: object) -> Instrument:
    if not isinstance(entry, dict):
        raise _refused(path, f"a table expected for instrument {symbol}, found {entry!r}")
    kind = Kind(_choice(path, f"kind of {symbol}", entry.get("kind"), [*Kind]))
    option = kind is Kind.OPTION
    needed = ("kind", "underlying", "right", "strike", "expires_on") if option else ("kind",)
    known = (*OF_INSTRUMENT, *OF_OPTION) if option else OF_INSTRUMENT
    _keys(path, f"instrument {symbol}", entry, needed, known)
    return Instrument(
        symbol=symbol,
        kind=kind,
        leverage=_number(path, f"leverage of {symbol}", entry.get("leverage", 1)),
        class_group=str(entry.get("class_group", "")),
        product_group=str(entry.get("product_group", "")),
        dividend_yield=_number(path, f"dividend_yield of {symbol}", entry.get("dividend_yield", 0)),
        option=_terms(path, symbol, entry) if option else None,
    )


def _terms(path: Path, symbol: str, entry: Mapping[str, Any]) -> OptionTerms:
    style = _choice(path, f"style of {symbol}", entry.get("style", "american"), [*Style])
    return OptionTerms(
        underlying=str(entry["underlying"]),
        right=Right(_choice(path, f"right of {symbol}", entry["right"], [*Right])),
        strike_usd=_positive(path, f"strike of {symbol}", entry["strike"]),
        expires_on=_day(path, symbol, entry["expires_on"]),
        style=Style(style),
        multiplier=_positive(path, f"multiplier of {symbol}", entry.get("multiplier", 100)),
    )


def _keys(
    path: Path, of: str, body: Mapping[str, Any], needed: tuple[str, ...], known: tuple[str, ...]
) -> None:
    missing = [name for name in needed if name not in body]
    strange = sorted(body.keys() - set(known))
    if missing:
        raise _refused(path, f"{', '.join(missing)} expected in {of}, found none")
    if strange:
        raise _refused(path, f"only {', '.join(known)} expected in {of}, found {strange[0]!r}")


def _choice(path: Path, name: str, value: object, choices: list[Any]) -> str:
    if value not in choices:
        known = ", ".join(str(choice) for choice in choices)
        raise _refused(path, f"{name}: one of {known} expected, found {value!r}")
    return str(value)


def _number(path: Path, name: str, value: object) -> Decimal:
    try:
        if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
            raise InvalidOperation
        number = Decimal(value)
    except InvalidOperation:
        raise _refused(path, f"{name}: a number expected, found {value!r}") from None
    if not number.is_finite():
        raise _refused(path, f"{name}: a finite number expected, found {value!r}")
    return number


def _positive(path: Path, name: str, value: object) -> Decimal:
    number = _number(path, name, value)
    if number <= 0:
        raise _refused(path, f"{name}: a number > 0 expected, found {value!r}")
    return number


def _day(path: Path, symbol: str, value: object) -> date:
    try:
        found = value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        raise _refused(
            path, f"expires_on of {symbol}: a date such as 2027-01-15 expected, found {value!r}"
        ) from None
    return found.date() if isinstance(found, datetime) else found


def _moment_ms(path: Path, value: object) -> int:
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise _refused(
            path, f"as_of: a time such as 2026-11-25T20:00:00Z expected, found {str(value)!r}"
        )
    since = found.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def _refused(path: Path, what: str) -> UsageError:
    return UsageError(f"{path}: {what}; correct the file (examples: docs/examples)")
