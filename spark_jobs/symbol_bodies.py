"""What an assessment says of symbols: the JSON of margin.wire_symbol, made from arrays."""

from typing import TypeAlias

import numpy as np

from margin.columnar import KINDS, UNKNOWN, Ints, Valuation
from margin.market import Right, Style
from margin.wire import at_text
from spark_jobs.holdings import LONG_AGO
from spark_jobs.instruments import NONE, OPTION, day_text
from spark_jobs.shard import Shard
from spark_jobs.texts import number_texts

Body: TypeAlias = dict[str, object]


class SymbolBodies:
    """The JSON of symbols and of what their options are on, made once for a batch."""

    def __init__(self, shard: Shard, valuation: Valuation, symbol: Ints) -> None:
        self._names = shard.symbols.values
        self._underlying = shard.instruments.columns["underlying"]
        known = np.unique(np.concatenate([symbol, self._underlying[symbol]]))
        self._any_option = bool((self._underlying[symbol] != NONE).any())
        self.by_symbol = _bodies(shard, valuation, known[known != NONE])

    def underlyings(self, held: Ints) -> list[Body]:
        """Of the symbols that options among the held ones are on and that are not held."""
        if not self._any_option:
            return []
        needed = set(self._underlying[held].tolist()) - set(held.tolist()) - {NONE}
        return [self.by_symbol[i] for i in sorted(needed, key=self._names.__getitem__)]


def _bodies(shard: Shard, valuation: Valuation, symbols: Ints) -> dict[int, Body]:
    facts = shard.instruments.columns
    price = number_texts(shard.prices.columns["price"][symbols])
    beta = number_texts(shard.betas.columns["beta"][symbols])
    leverage = number_texts(facts["leverage"][symbols])
    dividend = number_texts(facts["dividend_yield"][symbols])
    found: dict[int, Body] = {}
    for row, number in enumerate(symbols.tolist()):
        priced_ms = int(shard.prices.at_ms[number])
        kind, group = int(facts["kind"][number]), int(facts["class_group"][number])
        product = int(facts["product_group"][number])
        priced, known = priced_ms != LONG_AGO, kind != UNKNOWN
        body: Body = {
            "symbol": shard.symbols.values[number],
            "price": price[row] if priced else None,
            "price_at": at_text(priced_ms) if priced else None,
            "beta": beta[row] if shard.betas.at_ms[number] != LONG_AGO else None,
            "kind": KINDS[kind] if known else None,
            "leverage": leverage[row] if known else None,
            "class_group": shard.class_groups.values[group] if known else None,
        }
        if product != NONE:
            body["product_group"] = shard.product_groups.values[product]
        if dividend[row] != "0":
            body["dividend_yield"] = dividend[row]
        found[number] = body
    options = symbols[facts["kind"][symbols] == OPTION]
    for number, own in _options(shard, valuation, options).items():
        found[number] |= own
    return found


def _options(shard: Shard, valuation: Valuation, symbols: Ints) -> dict[int, Body]:
    """Terms and theoretical values of options, null where they are not known."""
    facts = shard.instruments.columns
    strike = number_texts(facts["strike"][symbols])
    multiplier = number_texts(facts["multiplier"][symbols])
    theoretical = _theoretical(valuation, symbols)
    found: dict[int, Body] = {}
    for row, number in enumerate(symbols.tolist()):
        underlying = int(facts["underlying"][number])
        terms: Body = {
            "underlying": shard.symbols.values[underlying],
            "right": Right.CALL if facts["is_call"][number] else Right.PUT,
            "strike": strike[row],
            "expires_on": day_text(int(facts["expires_day"][number])),
            "style": Style.AMERICAN if facts["is_american"][number] else Style.EUROPEAN,
            "multiplier": multiplier[row],
        }
        found[number] = {
            "option": terms if underlying != NONE else None,
            "theoretical": theoretical[row],
        }
    return found


def _theoretical(valuation: Valuation, symbols: Ints) -> list[list[str] | None]:
    """The values of each option at its points as text; None where they are not known."""
    known = [s for s in symbols.tolist() if s in valuation.theoretical_usd_e4]
    if not known:
        return [None] * len(symbols)
    values = np.stack([valuation.theoretical_usd_e4[s] for s in known])
    texts = number_texts(values.ravel())
    points = values.shape[1]
    by_symbol = {s: texts[i * points : (i + 1) * points] for i, s in enumerate(known)}
    return [by_symbol.get(s) for s in symbols.tolist()]
