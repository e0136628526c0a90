"""Which accounts a batch speaks of, and that what was said is remembered."""

from dataclasses import dataclass

import numpy as np

from margin.assessment import Band
from margin.columnar import BANDS, UNKNOWN, Ints, Valuation
from spark_jobs.shard import Shard


@dataclass(frozen=True, slots=True, kw_only=True)
class EmissionPolicy:
    """When an unchanged account is said again: event time in ms, move of excess in 1e-4 USD."""

    heartbeat_ms: int = 60_000
    emit_move_usd_e4: int = 100


def due_accounts(shard: Shard, valuation: Valuation, touched: Ints, policy: EmissionPolicy) -> Ints:
    """The accounts to speak of, in the order of their names.

    First seen or in another band; with events of its own; outside OK and moved; or not spoken of
    for a heartbeat of the shard's event time.
    """
    outside = valuation.band != BANDS.index(Band.OK)
    moved = np.abs(valuation.excess_usd_e4 - shard.last_excess_usd_e4) >= policy.emit_move_usd_e4
    due = (shard.last_band == UNKNOWN) | (valuation.band != shard.last_band)
    due |= outside & moved & ~valuation.unpriced
    due |= shard.as_of_ms - shard.last_said_ms >= policy.heartbeat_ms
    due[touched] = True
    names = shard.accounts.values
    return np.array(sorted(np.flatnonzero(due).tolist(), key=names.__getitem__), np.int64)
