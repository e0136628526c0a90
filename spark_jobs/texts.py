"""Amounts and numbers of arrays as the text of messages, whole columns at once."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from margin.columnar import Ints


def usd_texts(amounts_usd_e4: Ints) -> list[str]:
    """Amounts of 1e-4 USD as `usd_text` writes them.

    >>> usd_texts(np.array([3_568_000, -212_885_120, 0]))
    ['356.80', '-21288.512', '0.00']
    """
    texts: list[str] = pc.replace_substring_regex(
        _decimals(amounts_usd_e4), "0{1,2}$", ""
    ).to_pylist()
    return texts


def number_texts(numbers_e4: Ints) -> list[str]:
    """Numbers in 1e-4 as `decimal_text` writes them.

    >>> number_texts(np.array([5_000_000, 5_000, 0]))
    ['500', '0.5', '0']
    """
    texts: list[str] = pc.replace_substring_regex(_decimals(numbers_e4), r"\.?0*$", "").to_pylist()
    return texts


def _decimals(values: Ints) -> pa.Array:
    """The values as text with exactly four decimals, by way of decimal128."""
    words = np.empty((len(values), 2), np.int64)
    words[:, 0], words[:, 1] = values, values >> 63
    exact = pa.Array.from_buffers(
        pa.decimal128(20, 4), len(values), [None, pa.py_buffer(words.tobytes())]
    )
    return exact.cast(pa.string())
