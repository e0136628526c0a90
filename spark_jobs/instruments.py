"""What the instruments are, as arrays: by symbol, the newest that was said of each."""

from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from margin.columnar import E4, KINDS, UNKNOWN, Ints
from margin.market import Kind, Right, Style
from spark_jobs.holdings import Names
from spark_jobs.refusals import ints

NONE: Final = -1
OPTION: Final = KINDS.index(Kind.OPTION)
EPOCH_DAY: Final = date(1970, 1, 1).toordinal()

# By column, the value of a symbol of which nothing is known; numbers in 1e-4.
INSTRUMENT_COLUMNS: Final = {
    "kind": UNKNOWN,
    "leverage": E4,
    "class_group": 0,
    "product_group": NONE,
    "dividend_yield": 0,
    "underlying": NONE,
    "is_call": 0,
    "is_american": 0,
    "strike": 0,
    "expires_day": 0,
    "multiplier": E4,
}


def instrument_columns(
    rows: pa.Table, symbols: Names, class_groups: Names, product_groups: Names
) -> dict[str, Ints]:
    """The columns of good rows of instruments. An underlying gets its number, held or not."""
    kind = codes(rows["kind"], tuple(KINDS))
    is_option = kind == OPTION
    return {
        "kind": kind,
        "leverage": ints(rows["leverage"]),
        "class_group": class_groups.encode(rows["class_group"]),
        "product_group": _where_named(rows["product_group"], product_groups),
        "dividend_yield": ints(rows["dividend_yield"]),
        "underlying": _where_named(rows["underlying"], symbols),
        "is_call": is_option * _equal(rows["right"], Right.CALL),
        "is_american": is_option * _equal(rows["style"], Style.AMERICAN),
        "strike": ints(rows["strike"]),
        "expires_day": _days(rows["expires_on"]),
        "multiplier": np.where(is_option, ints(rows["multiplier"]), E4),
    }


def codes(column: pa.ChunkedArray, choices: tuple[str, ...]) -> Ints:
    """The place of every value among the choices."""
    return ints(pc.index_in(column, pa.array([str(choice) for choice in choices])))


def day_text(day: int) -> str:
    """A number of days since 1970 as YYYY-MM-DD.

    >>> day_text(20_833)
    '2027-01-15'
    """
    return date.fromordinal(EPOCH_DAY + day).isoformat()


def _where_named(column: pa.ChunkedArray, names: Names) -> Ints:
    """The number of every name; NONE where there is none."""
    named = pc.not_equal(column, "")
    found: Ints = np.full(len(column), NONE, np.int64)
    found[named.to_numpy()] = names.encode(column.filter(named))
    return found


def _equal(column: pa.ChunkedArray, wanted: str) -> Ints:
    return ints(pc.equal(column, str(wanted)))


def _days(column: pa.ChunkedArray) -> Ints:
    """Days since 1970 of texts YYYY-MM-DD, 0 where there is none; each different one read once."""
    coded = pa.concat_arrays(column.chunks).dictionary_encode()
    texts = coded.dictionary.to_pylist()
    days = [date.fromisoformat(text).toordinal() - EPOCH_DAY if text else 0 for text in texts]
    found: Ints = np.array(days, np.int64)[ints(coded.indices)]
    return found
