"""Single entries of a scenario file, each checked; a wrong one is named in one line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from local.errors import UsageError

TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
DECIMAL = re.compile(r"-?\d{1,14}(\.\d{1,4})?")
Choice = TypeVar("Choice", bound=StrEnum)


def time_of_day(text: str) -> str:
    """ "HH:MM" as it is."""
    if not isinstance(text, str) or not TIME.fullmatch(text):
        raise UsageError(f'expected a time such as "09:30", found {text!r}')
    return text


def decimal(what: str, text: str) -> Decimal:
    """A decimal in quotes; a TOML float would not be exact."""
    if not isinstance(text, str) or not DECIMAL.fullmatch(text):
        raise UsageError(
            f"{what}: expected a decimal in quotes with at most four decimals, found {text!r}"
        )
    return Decimal(text)


def positive(what: str, text: str) -> Decimal:
    """A decimal in quotes above 0."""
    value = decimal(what, text)
    if value <= 0:
        raise UsageError(f"{what}: expected a decimal above 0, found {text!r}")
    return value


def choice(what: str, text: str, choices: type[Choice]) -> Choice:
    try:
        return choices(text)
    except ValueError:
        known = ", ".join(choices)
        raise UsageError(f"{what}: expected one of {known}, found {text!r}") from None


def declared(where: str, what: str, used: Iterable[str], known: Iterable[str]) -> None:
    """UsageError that names whatever is used and not known."""
    unknown = sorted(set(used) - set(known))
    if unknown:
        raise UsageError(f"{where}: expected a declared {what}, found {', '.join(unknown)}")
