"""One batch of one shard: records in, messages out, and what to remember of it."""

from typing import NamedTuple

import pyarrow as pa

from margin.columnar import Ints
from margin.rulebook import Rulebook
from spark_jobs.emission import EmissionPolicy, due_accounts
from spark_jobs.messages import Message, account_messages, dead_letter_messages
from spark_jobs.places import position_column
from spark_jobs.shard import Shard


class Batch(NamedTuple):
    """The messages of a batch, and the accounts, bands and excesses they told."""

    messages: list[Message]
    emitted: tuple[Ints, Ints, Ints]


def run_batch(shard: Shard, records: pa.Table, policy: EmissionPolicy, rulebook: Rulebook) -> Batch:
    """Apply records (schemas.RECORD), value every account, and say what is due.

    The same records on the same shard give the same bytes.
    """
    position = position_column(records)
    in_order = records.sort_by([(name, "ascending") for name in ("topic", "partition", position)])
    applied = shard.apply(in_order)
    book = shard.book()
    valuation = shard.value(book, rulebook)
    due = due_accounts(shard, valuation, applied.touched, policy)
    messages = [
        *dead_letter_messages(applied.dead_letters),
        *account_messages(shard, book, valuation, due, rulebook),
    ]
    emitted = (due, valuation.band[due], valuation.excess_usd_e4[due])
    shard.say(*emitted)
    return Batch(messages, emitted)
