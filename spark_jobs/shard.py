"""The book of one shard of the accounts: events in, positions, cash and market out. No Spark here.

What it holds never depends on the order in which records came: fills and cash count once by their
id, and of prices, betas, instruments and account types the newest holds.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from margin.columnar import (
    ACCOUNT_TYPES,
    E4,
    UNKNOWN,
    Book,
    Ints,
    Valuation,
    Valuer,
    mul_div,
)
from margin.rulebook import Rulebook
from margin.topics import (
    ACCOUNTS,
    BETAS,
    CASH,
    INPUTS,
    PRICES,
)
from margin.wire import STRESS_MODES
from spark_jobs.holdings import LONG_AGO, Names, Newest, Parts, SeenIds, WideSums, grown
from spark_jobs.instruments import INSTRUMENT_COLUMNS, codes, instrument_columns
from spark_jobs.parsing import parse
from spark_jobs.places import next_offsets
from spark_jobs.refusals import DEDUP_WINDOW_MS, DeadLetter, acceptable, ints, one_array, set_aside
from spark_jobs.schemas import ACCOUNT_TOPICS

SYMBOL_BITS: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What came of a batch: accounts with events of their own, and the records set aside."""

    touched: Ints
    dead_letters: tuple[DeadLetter, ...]


class Shard:
    """Positions, cash and market of a slice of the accounts, and what was last said of each."""

    def __init__(self) -> None:
        self.version = 0
        self.as_of_ms = LONG_AGO
        self.inputs: dict[str, int] = {}
        self.accounts, self.symbols = Names(), Names()
        self.class_groups, self.product_groups = Names(), Names()
        self.position = np.zeros(0, np.int64)  # account << 32 | symbol, sorted
        self.quantity = WideSums()  # beside position
        self.cash = WideSums()  # by account
        self.account_types = Newest({"account_type": UNKNOWN, "stress_mode": 0})
        self.prices = Newest({"price": 0})
        self.betas = Newest({"beta": 0})
        self.instruments = Newest(INSTRUMENT_COLUMNS)
        self.seen = SeenIds()
        self.liquidations: dict[int, set[str]] = {}
        self.last_band = np.zeros(0, np.int64)
        self.last_excess_usd_e4 = np.zeros(0, np.int64)
        self.last_said_ms = np.zeros(0, np.int64)
        # No part of the state: what it keeps only saves time.
        self._valuer: tuple[Rulebook, Valuer] | None = None

    def apply(self, records: pa.Table) -> Applied:
        """Take a batch of records (schemas.RECORD); one bad record never stops its neighbours."""
        oldest_ms = self.as_of_ms - DEDUP_WINDOW_MS
        touched: list[Ints] = [np.zeros(0, np.int64)]
        dead: list[DeadLetter] = []
        for topic in INPUTS:
            given = records.filter(pc.equal(records["topic"], topic)).combine_chunks()
            if not len(given):
                continue
            parsed = parse(topic, one_array(given["value"]))
            dead += set_aside(given, dict(parsed.refused))
            rows, refused = acceptable(topic, given, parsed, oldest_ms)
            dead += set_aside(given, refused)
            touched.append(self._apply(topic, rows))
        self._count(records)
        self.seen.forget(self.as_of_ms - DEDUP_WINDOW_MS)
        return Applied(touched=np.unique(np.concatenate(touched)), dead_letters=tuple(dead))

    def book(self) -> Book:
        """The arrays that margin.columnar values; positions of 0 are left out."""
        cash, cash_over = self.cash.values()
        quantity, quantity_over = self.quantity.values()
        overflown = cash_over.copy()
        overflown[self.position[quantity_over] >> SYMBOL_BITS] = True
        held = quantity != 0
        position, facts = self.position[held], self.instruments.columns
        return Book(
            as_of_ms=self.as_of_ms,
            account_type=self.account_types.columns["account_type"],
            cash_usd_e4=cash,
            overflown=overflown,
            account=position >> SYMBOL_BITS,
            symbol=position & ((1 << SYMBOL_BITS) - 1),
            quantity_e4=quantity[held],
            price_usd_e4=self.prices.columns["price"],
            price_at_ms=self.prices.at_ms,
            beta_e4=self.betas.columns["beta"],
            beta_known=self.betas.at_ms != LONG_AGO,
            kind=facts["kind"],
            leverage_e4=facts["leverage"],
            class_group=facts["class_group"],
            underlying=facts["underlying"],
            is_call=facts["is_call"].astype(np.bool_),
            is_american=facts["is_american"].astype(np.bool_),
            strike_usd_e4=facts["strike"],
            expires_day=facts["expires_day"],
            multiplier_e4=facts["multiplier"],
            product_group=facts["product_group"],
            dividend_yield_e4=facts["dividend_yield"],
            product_groups=tuple(self.product_groups.values),
        )

    def value(self, book: Book, rulebook: Rulebook) -> Valuation:
        """Every figure of every account; only what changed since the last book is redone."""
        if self._valuer is None or self._valuer[0] is not rulebook:
            self._valuer = rulebook, Valuer(rulebook)
        return self._valuer[1].value(book)

    def say(self, account: Ints, band: Ints, excess_usd_e4: Ints) -> None:
        """Remember what was said of accounts, now."""
        self.last_band[account] = band
        self.last_excess_usd_e4[account] = excess_usd_e4
        self.last_said_ms[account] = self.as_of_ms

    def dumps(self) -> bytes:
        """The whole state as bytes."""
        parts: Parts = {
            "position": self.position,
            "last_band": self.last_band,
            "last_excess_usd_e4": self.last_excess_usd_e4,
            "last_said_ms": self.last_said_ms,
            **self.quantity.parts("quantity"),
            **self.cash.parts("cash"),
            **self.seen.parts("seen"),
        }
        for name, newest in self._newest().items():
            parts |= newest.parts(name)
        parts["texts"] = np.frombuffer(json.dumps(self._texts()).encode(), np.uint8)
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **parts)
        return file.getvalue()

    @classmethod
    def loads(cls, blob: bytes) -> "Shard":
        """The shard of these bytes."""
        with np.load(io.BytesIO(blob), allow_pickle=False) as file:
            parts = {name: file[name] for name in file.files}
        texts = json.loads(parts["texts"].tobytes())
        shard = cls()
        shard.version, shard.as_of_ms, shard.inputs = (
            texts["version"],
            texts["as_of_ms"],
            texts["inputs"],
        )
        shard.accounts, shard.symbols = Names(texts["accounts"]), Names(texts["symbols"])
        shard.class_groups = Names(texts["class_groups"])
        shard.product_groups = Names(texts.get("product_groups", ()))  # older: without options
        shard.liquidations = {int(key): set(ids) for key, ids in texts["liquidations"].items()}
        shard.position, shard.last_band = parts["position"], parts["last_band"]
        shard.last_excess_usd_e4 = parts["last_excess_usd_e4"]
        shard.last_said_ms = parts["last_said_ms"]
        shard.quantity = WideSums.of("quantity", parts)
        shard.cash = WideSums.of("cash", parts)
        shard.seen.load("seen", parts)
        for name, newest in shard._newest().items():
            newest.load(name, parts, texts[name])
        return shard

    def _texts(self) -> Mapping[str, object]:
        return {
            "version": self.version,
            "as_of_ms": self.as_of_ms,
            "inputs": self.inputs,
            "accounts": self.accounts.values,
            "symbols": self.symbols.values,
            "class_groups": self.class_groups.values,
            "product_groups": self.product_groups.values,
            "liquidations": {str(i): sorted(ids) for i, ids in self.liquidations.items()},
            **{name: newest.event_id for name, newest in self._newest().items()},
        }

    def _newest(self) -> dict[str, Newest]:
        return {
            "account_types": self.account_types,
            "prices": self.prices,
            "betas": self.betas,
            "instruments": self.instruments,
        }

    def _apply(self, topic: str, rows: pa.Table) -> Ints:
        """Take good rows of one topic; the accounts they belong to."""
        nobody = np.zeros(0, np.int64)
        if not len(rows):
            return nobody
        self.as_of_ms = max(self.as_of_ms, pc.max(rows["at_ms"]).as_py())
        if topic in ACCOUNT_TOPICS:
            return self._apply_account_rows(topic, rows)
        symbol = self._symbols(rows["symbol"])
        if topic == PRICES:
            self.prices.offer(symbol, rows, {"price": ints(rows["price"])})
        elif topic == BETAS:
            self.betas.offer(symbol, rows, {"beta": ints(rows["beta"])})
        else:
            groups = self.class_groups, self.product_groups
            columns = instrument_columns(rows, self.symbols, *groups)
            self._grow_market()
            self.instruments.offer(symbol, rows, columns)
        return nobody

    def _apply_account_rows(self, topic: str, rows: pa.Table) -> Ints:
        account = self._accounts(rows)
        if topic == ACCOUNTS:
            columns = {
                "account_type": codes(rows["account_type"], ACCOUNT_TYPES),
                "stress_mode": codes(rows["stress_mode"], STRESS_MODES),
            }
            self.account_types.offer(account, rows, columns)
            return account
        # An id belongs to its topic and account: whatever the number of shards, it counts once.
        ids = pc.binary_join_element_wise(topic, rows["account_id"], rows["event_id"], "|")
        first = self.seen.first_seen(ids.to_pylist(), ints(rows["at_ms"]))
        rows, account = rows.take(pa.array(first)), account[first]
        if topic == CASH:
            self.cash.add(account, ints(rows["amount"]))
        else:
            self._apply_fills(rows, account)
        return account

    def _apply_fills(self, rows: pa.Table, account: Ints) -> None:
        quantity = ints(rows["quantity"])
        paid = paid_e4(np.abs(quantity), ints(rows["price"]), ints(rows["multiplier"]))
        self.cash.add(account, -np.sign(quantity) * paid)
        self.cash.add(account, -ints(rows["fee"]))
        key = account << SYMBOL_BITS | self._symbols(rows["symbol"])
        new = np.setdiff1d(key, self.position)
        if len(new):
            positions = np.sort(np.concatenate([self.position, new]))
            self.quantity.move(np.searchsorted(positions, self.position), len(positions))
            self.position = positions
        self.quantity.add(np.searchsorted(self.position, key), quantity)
        ordered = rows["liquidation_id"].to_numpy()
        for i in np.flatnonzero(ordered != "").tolist():
            self.liquidations.setdefault(int(account[i]), set()).add(str(ordered[i]))

    def _accounts(self, rows: pa.Table) -> Ints:
        account = self.accounts.encode(rows["account_id"])
        count = len(self.accounts)
        self.cash.grow(count)
        self.account_types.grow(count)
        self.last_band = grown(self.last_band, count, UNKNOWN)
        self.last_excess_usd_e4 = grown(self.last_excess_usd_e4, count)
        self.last_said_ms = grown(self.last_said_ms, count, LONG_AGO)
        return account

    def _symbols(self, names: pa.ChunkedArray) -> Ints:
        symbol = self.symbols.encode(names)
        self._grow_market()
        return symbol

    def _grow_market(self) -> None:
        for newest in (self.prices, self.betas, self.instruments):
            newest.grow(len(self.symbols))

    def _count(self, records: pa.Table) -> None:
        self.version += len(records)
        for name, after in next_offsets(records).items():
            self.inputs[name] = max(self.inputs.get(name, 0), after)


def paid_e4(quantity: Ints, price: Ints, multiplier: Ints) -> Ints:
    """quantity x price x multiplier in 1e-4 USD, rounded half up once; all in 1e-4, none below 0.

    >>> paid_e4(np.array([20_000]), np.array([72_500]), np.array([1_000_000])).tolist()
    [14500000]
    """
    paid = mul_div(quantity, price, E4)
    for i in np.flatnonzero(multiplier != E4).tolist():
        # Three factors of 18 digits: only Python's integers hold them.
        product = int(quantity[i]) * int(price[i]) * int(multiplier[i])
        paid[i] = (2 * product + E4**2) // (2 * E4**2)
    return paid
