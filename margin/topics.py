"""Every topic: its name, key, partitions and how long it is kept."""

from dataclasses import dataclass
from typing import Final

DAY_MS: Final = 24 * 60 * 60 * 1000
WEEK_MS: Final = 7 * DAY_MS
KEPT: Final = -1  # Kafka's own word for "no time limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic of the catalogue; `key` says which field of the message is the Kafka key."""

    name: str
    key: str
    partitions: int
    retention_ms: int = WEEK_MS
    compacted: bool = False


FILLS: Final = "fills.v1"
CASH: Final = "cash.v1"
PRICES: Final = "prices.v1"
BETAS: Final = "betas.v1"
INSTRUMENTS: Final = "instruments.v1"
ACCOUNTS: Final = "accounts.v1"
MARGIN_CALC: Final = "margin.calc.v1"
STRESS_BETA_SPY: Final = "stress.beta_spy.v1"
STRESS_TIMS: Final = "stress.tims.v1"
FIRM_RISK: Final = "firm.risk.v1"
MARGIN_CALLS: Final = "margin.calls.v1"
RESTRICTIONS: Final = "restrictions.v1"
LIQUIDATIONS: Final = "liquidations.v1"
AUDIT: Final = "audit.v1"
DEAD_LETTER: Final = "dead-letter.v1"

INPUTS: Final = (FILLS, CASH, PRICES, BETAS, INSTRUMENTS, ACCOUNTS)
CONTROLS: Final = (MARGIN_CALLS, RESTRICTIONS, LIQUIDATIONS)

# Three partitions where the volume is, one elsewhere: a partition of MSK Serverless costs
# 1.10 USD a month. A fill is remembered for as long as fills.v1 is kept.
CATALOGUE: Final = (
    Topic(name=FILLS, key="account_id", partitions=3),
    Topic(name=CASH, key="account_id", partitions=3),
    Topic(name=PRICES, key="symbol", partitions=3),
    Topic(name=BETAS, key="symbol", partitions=1, retention_ms=KEPT, compacted=True),
    Topic(name=INSTRUMENTS, key="symbol", partitions=1, retention_ms=KEPT, compacted=True),
    Topic(name=ACCOUNTS, key="account_id", partitions=1, retention_ms=KEPT, compacted=True),
    Topic(name=MARGIN_CALC, key="account_id", partitions=3),
    Topic(name=STRESS_BETA_SPY, key="account_id", partitions=3),
    Topic(name=STRESS_TIMS, key="account_id", partitions=3),
    Topic(name=FIRM_RISK, key="firm", partitions=1),
    Topic(name=MARGIN_CALLS, key="account_id", partitions=1),
    Topic(name=RESTRICTIONS, key="account_id", partitions=1),
    Topic(name=LIQUIDATIONS, key="account_id", partitions=1),
    Topic(name=AUDIT, key="account_id", partitions=1),
    Topic(name=DEAD_LETTER, key="source topic", partitions=1),
)


def topic(name: str) -> Topic:
    """The catalogue entry of one topic.

    >>> topic("fills.v1").partitions
    3
    """
    return _BY_NAME[name]


_BY_NAME: Final = {entry.name: entry for entry in CATALOGUE}
