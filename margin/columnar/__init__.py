"""The rules over arrays: the only folder of margin/ that needs NumPy."""

from margin.columnar.arithmetic import CENT_E4, E4, Flags, Floats, Ints, e4, mul_div
from margin.columnar.book import (
    ACCOUNT_TYPES,
    BANDS,
    KINDS,
    UNKNOWN,
    Book,
    Faults,
    GroupRisks,
    Valuation,
)
from margin.columnar.class_groups import class_group_risks
from margin.columnar.exact import LARGEST_USD
from margin.columnar.valuation import Valuer, value_accounts

__all__ = [
    "ACCOUNT_TYPES",
    "BANDS",
    "CENT_E4",
    "E4",
    "KINDS",
    "LARGEST_USD",
    "UNKNOWN",
    "Book",
    "Faults",
    "Flags",
    "Floats",
    "GroupRisks",
    "Ints",
    "Valuation",
    "Valuer",
    "class_group_risks",
    "e4",
    "mul_div",
    "value_accounts",
]
