"""Reads the fields of one JSON message strictly and says what was expected and what was found."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from margin.canonical import Json, JsonObject, at_ms
from margin.errors import EventError

SCHEMA: Final = 1
DECIMAL_PATTERN: Final = r"-?[0-9]{1,14}(\.[0-9]{1,4})?"
ID_PATTERN: Final = r"[A-Za-z0-9._:-]{1,64}"
SYMBOL_PATTERN: Final = r"[A-Z0-9./ -]{1,32}"
DAY_PATTERN: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
LARGEST_WHOLE: Final = 2**63 - 1

_DECIMAL = re.compile(DECIMAL_PATTERN)
_ID = re.compile(ID_PATTERN)
_SYMBOL = re.compile(SYMBOL_PATTERN)
_DAY = re.compile(DAY_PATTERN)
_LARGE_WHOLE = re.compile(r"[1-9][0-9]{0,128}")  # all that Kinesis allows a sequence number to be


class Fields:
    """The fields of one message; each reader refuses what is missing or malformed.

    >>> Fields({"fee": "1.25"}).decimal("fee")
    Decimal('1.25')
    """

    def __init__(self, message: Mapping[str, Json]) -> None:
        self._message = message

    def has(self, name: str) -> bool:
        """True when the field is there and not null."""
        return self._message.get(name) is not None

    def text(self, name: str) -> str:
        value = self._message.get(name)
        if not isinstance(value, str):
            raise EventError(f"{name} must be text, was {_shown(value)}")
        return value

    def identifier(self, name: str) -> str:
        return self._matching(name, _ID, "1-64 of A-Z a-z 0-9 . _ : -")

    def optional_identifier(self, name: str) -> str | None:
        return self.identifier(name) if self.has(name) else None

    def symbol(self, name: str, default: str | None = None) -> str:
        if default is not None and not self.has(name):
            return default
        return self._matching(name, _SYMBOL, "1-32 of A-Z 0-9 . / space -")

    def decimal(self, name: str) -> Decimal:
        """A decimal string with at most 14 digits before the point and 4 behind it."""
        text = self._matching(name, _DECIMAL, "a decimal string with at most 4 decimals")
        return Decimal(text) + 0  # "-0" becomes 0

    def optional_decimal(self, name: str) -> Decimal | None:
        return self.decimal(name) if self.has(name) else None

    def positive(self, name: str, default: str | None = None) -> Decimal:
        if default is not None and not self.has(name):
            return Decimal(default)
        value = self.decimal(name)
        if value <= 0:
            raise EventError(f"{name} must be > 0, was {value}")
        return value

    def nonzero(self, name: str) -> Decimal:
        value = self.decimal(name)
        if value == 0:
            raise EventError(f"{name} must not be 0")
        return value

    def not_negative(self, name: str) -> Decimal:
        value = self.decimal(name)
        if value < 0:
            raise EventError(f"{name} must be >= 0, was {value}")
        return value

    def share(self, name: str, default: str) -> Decimal:
        """A decimal from 0 to 1: a fraction of something."""
        value = self.decimal(name) if self.has(name) else Decimal(default)
        if not 0 <= value <= 1:
            raise EventError(f"{name} must be 0 to 1, was {value}")
        return value

    def decimals(self, name: str) -> tuple[Decimal, ...]:
        """A list of decimal strings."""
        return tuple(Fields({name: entry}).decimal(name) for entry in self._list(name))

    def day(self, name: str) -> date:
        """A day as YYYY-MM-DD."""
        text = self._matching(name, _DAY, "a day as YYYY-MM-DD")
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise EventError(f"{name} {text!r} is not in the calendar") from error

    def whole(self, name: str) -> int:
        value = self._message.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise EventError(f"{name} must be a whole number, was {_shown(value)}")
        if not 0 <= value <= LARGEST_WHOLE:
            raise EventError(f"{name} must be 0 to {LARGEST_WHOLE}, was {_shown(value)}")
        return value

    def flag(self, name: str) -> bool:
        value = self._message.get(name)
        if not isinstance(value, bool):
            raise EventError(f"{name} must be true or false, was {_shown(value)}")
        return value

    def time_ms(self, name: str) -> int:
        return at_ms(self.text(name))

    def optional_time_ms(self, name: str) -> int | None:
        return self.time_ms(name) if self.has(name) else None

    def choice(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        if default is not None and not self.has(name):
            return default
        value = self.text(name)
        if value not in allowed:
            raise EventError(f"{name} must be one of {', '.join(allowed)}, was {_shown(value)}")
        return value

    def objects(self, name: str) -> tuple["Fields", ...]:
        return tuple(Fields(_an_object(name, entry)) for entry in self._list(name))

    def object(self, name: str) -> "Fields":
        return Fields(_an_object(name, self._message.get(name)))

    def texts(self, name: str) -> tuple[str, ...]:
        entries = self._list(name)
        texts = tuple(entry for entry in entries if isinstance(entry, str))
        if len(texts) != len(entries):
            raise EventError(f"{name} must hold only text")
        return texts

    def offsets(self, name: str) -> tuple[tuple[str, int], ...]:
        """The offsets in a nested object, sorted by name: whole numbers, or text above 2^63."""
        inner = _an_object(name, self._message.get(name))
        return tuple((key, Fields(inner)._offset(key)) for key in sorted(inner))

    def expect(self, name: str, wanted: Json) -> None:
        """Refuse unless the field has exactly this value and type."""
        value = self._message.get(name)
        if value != wanted or type(value) is not type(wanted):
            raise EventError(f"{name} must be {_shown(wanted)}, was {_shown(value)}")

    def absent(self, names: Iterable[str], owner: str) -> None:
        """Refuse fields that only another kind of thing has; null counts as absent."""
        for name in names:
            if self.has(name):
                shown = _shown(self._message[name])
                raise EventError(f"{name} must be left out: only {owner} has one, was {shown}")

    def _offset(self, name: str) -> int:
        value = self._message.get(name)
        if isinstance(value, str) and _LARGE_WHOLE.fullmatch(value) and int(value) > LARGEST_WHOLE:
            return int(value)
        return self.whole(name)

    def _list(self, name: str) -> list[Json]:
        value = self._message.get(name)
        if not isinstance(value, list):
            raise EventError(f"{name} must be a list, was {_shown(value)}")
        return value

    def _matching(self, name: str, pattern: re.Pattern[str], wanted: str) -> str:
        value = self.text(name)
        if not pattern.fullmatch(value):
            raise EventError(f"{name} must be {wanted}, was {_shown(value)}")
        return value


def _an_object(name: str, value: Json) -> JsonObject:
    if not isinstance(value, dict):
        raise EventError(f"{name} must be an object, was {_shown(value)}")
    return value


def _shown(value: Json) -> str:
    """A short form for a message: a bad field must not fill the dead-letter topic."""
    if value is None:
        return "missing"
    if isinstance(value, int) and not -LARGEST_WHOLE <= value <= LARGEST_WHOLE:
        return "a longer whole number"  # repr() of a huge int is slow and may be refused
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
