"""The one text form of JSON and of a point in time: what is hashed, sent and compared."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from margin.errors import EventError

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]

AT_PATTERN: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
_AT = re.compile(AT_PATTERN)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def canonical_json(value: object) -> bytes:
    """JSON with sorted keys, no spaces and UTF-8 as it is. A float is refused: it has no one text.

    >>> canonical_json({"b": 1, "a": "1.50"})
    b'{"a":"1.50","b":1}'
    """
    _refuse_inexact(value)
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def parse_json_object(raw: bytes) -> JsonObject:
    """The JSON object in `raw`, strict: UTF-8, no repeated name, no NaN. Floats stay readable.

    >>> parse_json_object(b'{"a":[1]}')
    {'a': [1]}
    """
    try:
        found = json.loads(raw.decode(), object_pairs_hook=_no_repeats, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise EventError(f"expected one JSON object in UTF-8: {error}") from error
    if not isinstance(found, dict):
        raise EventError(f"expected a JSON object, was {type(found).__name__}")
    return found


def at_text(at_ms: int) -> str:
    """A time in milliseconds since 1970 UTC as RFC 3339 text with exactly three decimals.

    >>> at_text(1764075600000)
    '2025-11-25T13:00:00.000Z'
    """
    moment = _EPOCH + at_ms * _MILLISECOND
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z".rjust(24, "0")


def at_ms(text: str) -> int:
    """Milliseconds since 1970 UTC of the text form; any other form is refused.

    >>> at_ms("2025-11-25T13:00:00.000Z")
    1764075600000
    """
    if not _AT.fullmatch(text):
        raise EventError(f"time must look like 2026-11-25T13:00:00.000Z, was {text[:40]!r}")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise EventError(f"time {text!r} is not in the calendar") from error
    return (moment - _EPOCH) // _MILLISECOND


def _refuse_inexact(value: object) -> None:
    match value:
        case None | bool() | int() | str():
            return
        case dict():
            for name, inner in value.items():
                if not isinstance(name, str):
                    raise TypeError(f"names must be text, was {name!r}")
                _refuse_inexact(inner)
        case list() | tuple():
            for inner in value:
                _refuse_inexact(inner)
        case _:
            raise TypeError(f"{type(value).__name__} has no exact JSON form: {value!r}")


def _no_repeats(pairs: list[tuple[str, Json]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")
