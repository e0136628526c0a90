"""Reads the values of a rulebook file strictly: one reader for each type of entry."""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Final, get_args

from margin.errors import RulebookError
from margin.market import Kind
from margin.rulebook_entries import GroupRates, Kinds, Offsets, Rates, Rulebook, Tiers

Reader = Callable[[str, object], object]

ANY_MORE: Final = "more"
_DECIMAL: Final = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,12})?")


def read_value(name: str, raw: object) -> object:
    """The value of entry `name` from its TOML form: in the unit of the entry, of its exact type.

    Anything but the entry's type, a NaN, an infinity or a negative number raises RulebookError.
    Source: the rulebook files, margin/rulebooks.

    >>> read_value("long_rate", "0.25"), read_value("due_cash_call", 3)
    (Decimal('0.25'), 3)
    """
    return READERS[TYPES[name]](name, raw)


def read_override(name: str, text: str) -> Decimal | int:
    """A number given as text for one account, in the unit of the entry; else RulebookError.

    Source: FINRA Rule 4210(d), higher requirements for single accounts.

    >>> read_override("long_rate", "0.40"), read_override("due_cash_call", "2")
    (Decimal('0.40'), 2)
    """
    if TYPES[name] is Decimal:
        return _amount(name, text)
    if TYPES[name] is int and text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    raise _wrong(name, "a whole number" if TYPES[name] is int else "a single number", text)


def _number(name: str, raw: object) -> Decimal:
    if not isinstance(raw, str) or not _DECIMAL.fullmatch(raw):
        raise _wrong(name, 'a decimal as text, like "0.25"', raw)
    return Decimal(raw)


def _amount(name: str, raw: object) -> Decimal:
    value = _number(name, raw)
    if value < 0:
        raise RulebookError(f"{name} must be >= 0, was {value}")
    return value


def _whole(name: str, raw: object) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool):
        raise _wrong(name, "a whole number", raw)
    if raw < 0:
        raise RulebookError(f"{name} must be >= 0, was {raw}")
    return raw


def _text(name: str, raw: object) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise _wrong(name, "text", raw)
    return raw


def _day(name: str, raw: object) -> date:
    if not isinstance(raw, date) or isinstance(raw, datetime):
        raise _wrong(name, "a date", raw)
    return raw


def _list(name: str, raw: object, length: int | None = None) -> list[object]:
    if not isinstance(raw, list) or not raw or length not in (None, len(raw)):
        raise _wrong(name, "a list" if length is None else f"lists of {length}", raw)
    return list(raw)


def _moves(name: str, raw: object) -> Rates:
    return tuple(_number(name, part) for part in _list(name, raw))


def _kinds(name: str, raw: object) -> Kinds:
    texts = [_text(name, part) for part in _list(name, raw)]
    unknown = [text for text in texts if text not in {kind.value for kind in Kind}]
    if unknown:
        raise _wrong(name, f"some of {', '.join(Kind)}", unknown[0])
    return tuple(Kind(text) for text in texts)


def _tiers(name: str, raw: object) -> Tiers:
    pairs = [_list(name, part, 2) for part in _list(name, raw)]
    *limits, last = (None if up_to == ANY_MORE else _amount(name, up_to) for up_to, _ in pairs)
    known = [limit for limit in limits if limit is not None]
    whole = known if last is None else [*known, last]
    if len(known) != len(limits) or any(a >= b for a, b in pairwise(whole)):
        raise RulebookError(f'{name} must have limits that rise, "{ANY_MORE}" only as the last')
    rates = (_amount(name, rate) for _, rate in pairs)
    return tuple(zip([*limits, last], rates, strict=True))


def _offsets(name: str, raw: object) -> Offsets:
    rows = [_list(name, part, 3) for part in _list(name, raw)]
    return tuple((_text(name, a), _share(name, b), _text(name, c)) for a, b, c in rows)


def _group_rates(name: str, raw: object) -> GroupRates:
    rows = [_list(name, part, 2) for part in _list(name, raw)]
    return tuple((_text(name, group), _share(name, rate)) for group, rate in rows)


def _share(name: str, raw: object) -> Decimal:
    value = _amount(name, raw)
    if value > 1:
        raise RulebookError(f"{name} must have offsets from 0 to 1, was {value}")
    return value


def _wrong(name: str, expected: str, found: object) -> RulebookError:
    shown = repr(found)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return RulebookError(f"{name} must be {expected}, was {shown} ({type(found).__name__})")


# The type of an entry is the one that its field of Rulebook declares: Entry[Decimal] is a Decimal.
TYPES: Final[Mapping[str, object]] = {f.name: get_args(f.type)[0] for f in fields(Rulebook)}
READERS: Final[Mapping[object, Reader]] = {
    Decimal: _amount,
    int: _whole,
    str: _text,
    date: _day,
    Rates: _moves,
    Kinds: _kinds,
    Tiers: _tiers,
    Offsets: _offsets,
    GroupRates: _group_rates,
}
