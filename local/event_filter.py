"""The filter pattern of a Lambda event source, as far as marginwatch uses it: exact values.

A name asks for one of a list of values, or for a pattern inside an object:
`{"enforce": [true], "data": {"kind": ["a", "b"]}}`. All names must fit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local.errors import UsageError

Pattern = Mapping[str, Any]


def parse_pattern(text: str) -> Pattern:
    """The pattern in a JSON text; UsageError for anything this module would not apply as AWS."""
    try:
        pattern = json.loads(text)
    except ValueError as error:
        raise UsageError(f"filter pattern must be JSON, was {text!r}") from error
    check(pattern)
    checked: Pattern = pattern
    return checked


def check(pattern: object) -> None:
    if not isinstance(pattern, dict) or not pattern:
        raise UsageError(f"filter pattern must be an object with names, was {pattern!r}")
    for name, wanted in pattern.items():
        if isinstance(wanted, dict):
            check(wanted)
        elif not isinstance(wanted, list) or any(isinstance(w, (dict, list)) for w in wanted):
            raise UsageError(f"filter for {name} must be a list of plain values, was {wanted!r}")


def matches(pattern: Pattern, value: object) -> bool:
    """True where the value, a parsed JSON document, fits the pattern."""
    if not isinstance(value, dict):
        return False
    return all(fits(wanted, value[name]) for name, wanted in pattern.items() if name in value) and (
        pattern.keys() <= value.keys()
    )


def fits(wanted: Any, value: object) -> bool:
    if isinstance(wanted, dict):
        return matches(wanted, value)
    # In Python True == 1, in JSON it is not.
    return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in wanted)
