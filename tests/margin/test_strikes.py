"""Strikes within twelve months, and what each brings."""

import pytest

from margin.errors import MarginError
from margin.rulebook import REFERENCE
from margin.strikes import consequence


def test_each_strike_has_its_consequence() -> None:
    assert [consequence(n, REFERENCE).text for n in range(1, 7)] == [
        "strike",
        "strike + higher requirement 30 days",
        "strike + higher requirement 90 days",
        "liquidations only 90 days",
        "liquidations only 90 days",
        "liquidations only 90 days",
    ]


def test_no_strike_has_no_consequence() -> None:
    with pytest.raises(MarginError, match=">= 1 expected, was 0"):
        consequence(0, REFERENCE)
