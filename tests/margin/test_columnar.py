"""The rules over arrays give what `assess` gives, to the last unit."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from margin.assessment import Assessment, Band, assess
from margin.columnar import (
    ACCOUNT_TYPES,
    BANDS,
    E4,
    KINDS,
    UNKNOWN,
    Book,
    Valuation,
    e4,
    mul_div,
    value_accounts,
)
from margin.market import Instrument, Kind, Market, Quote
from margin.portfolio import AccountType, Portfolio, Position
from margin.rulebook import REFERENCE

AS_OF_MS = 1_800_000_000_000
STALE_MS = REFERENCE.stale_price_after_ms.value
SYMBOLS = ("AAPL", "MSFT", "NVDA", "QLD", "SPY", "TSLA")
GROUPS = ("AAPL", "SPY", "TSLA")
COMPARED = [field.name for field in fields(Valuation) if field.name.endswith("_usd_e4")]


@dataclass(frozen=True, slots=True)
class Case:
    """One account as the scalar kernel takes it."""

    portfolio: Portfolio
    account_type: AccountType | None


def decimals(low: str, high: str) -> st.SearchStrategy[Decimal]:
    return st.decimals(low, high, places=4)


# Where a rule changes: 2.50 and 5 USD, 16.67 where 30 % overtakes 5 USD a share.
EDGES = ("0.0001", "2.4999", "2.50", "2.5001", "4.9999", "5", "5.0001", "16.6666", "16.67", "100")
prices = st.sampled_from([Decimal(edge) for edge in EDGES]) | decimals("0.0001", "3000")
leverages = st.sampled_from([Decimal(1), Decimal(2), Decimal(3), Decimal("1.0001")]) | decimals(
    "1", "12"
)
# Many round quantities, so that weights of exactly 30 % come up.
quantities = st.sampled_from([Decimal(q) for q in (-700, -300, -100, 100, 300, 400, 700)]) | (
    decimals("-5000", "5000").filter(bool)
)
ages_ms = st.sampled_from([0, 1, STALE_MS - 1, STALE_MS, STALE_MS + 1])


def optional[T](strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.one_of(strategy, strategy, strategy, strategy, st.none())
