"""The columns of every stage: records in, rows of the input topics, messages out, state kept."""

from typing import Final

import pyarrow as pa

from margin.topics import ACCOUNTS, BETAS, CASH, FILLS, INSTRUMENTS, PRICES

# What the JVM hands to a shard: one record, and whether this shard answers for it when it is bad.
RECORD: Final = pa.schema(
    [
        ("topic", pa.string()),
        ("partition", pa.int32()),
        ("offset", pa.int64()),  # on Kafka
        ("sequence", pa.string()),  # on Kinesis
        ("logged_ms", pa.int64()),
        ("key", pa.binary()),
        ("value", pa.binary()),
        ("mine", pa.bool_()),
    ]
)

# What a shard hands back: one message, its topic and its key.
MESSAGE_DDL: Final = "topic string, key string, value string"

# State of a shard: where it is; its last snapshot; what came and went since, by batch.
ABOUT_DDL: Final = (
    "lineage string, batch long, snapshot_batch long, frame_bytes long, snapshot_bytes long"
)
SNAPSHOT_DDL: Final = "blob binary"
FRAME_KEY_DDL: Final = "batch long"
FRAME_DDL: Final = "records binary, emitted binary"

# By topic: columns of text, then of decimals, then of whole numbers; every row also has at_ms.
ROWS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]]] = {
    FILLS: (
        ("event_id", "account_id", "symbol", "liquidation_id"),
        ("quantity", "price", "fee", "multiplier"),
        (),
    ),
    CASH: (("event_id", "account_id"), ("amount",), ()),
    PRICES: (("event_id", "symbol"), ("price",), ("sequence",)),
    BETAS: (("event_id", "symbol"), ("beta",), ("sequence",)),
    INSTRUMENTS: (
        (
            *("event_id", "symbol", "kind", "class_group", "product_group"),
            *("underlying", "right", "expires_on", "style"),
        ),
        ("leverage", "dividend_yield", "strike", "multiplier"),
        (),
    ),
    ACCOUNTS: (("event_id", "account_id", "account_type", "stress_mode"), (), ()),
}
ACCOUNT_TOPICS: Final = (FILLS, CASH, ACCOUNTS)
MARKET_TOPICS: Final = (PRICES, BETAS, INSTRUMENTS)
