"""Which shard gets a record: an account's own shard by the key, every shard for market data."""

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  the name that PySpark's guide gives it

from spark_jobs.schemas import MARKET_TOPICS

KEYS_TRIED = 4096


def spread_keys(spark: SparkSession, shards: int) -> list[int]:
    """One key for each shuffle partition, for good: Spark hashes keys, 0..n-1 would share some."""
    hashed = spark.range(KEYS_TRIED).selectExpr(
        "int(id) AS key", f"pmod(hash(int(id)), {shards}) AS partition"
    )
    by_partition = {row.partition: row.key for row in reversed(hashed.collect())}
    return [by_partition[i] for i in range(shards)]


def addressed(records: DataFrame, shard_keys: list[int]) -> DataFrame:
    """Records with the shard they go to: columns shard and schemas.RECORD.

    In: sources.COLUMNS. A record without a key goes by its value,
    so that each one has exactly one shard that answers for it (`mine`), also when it is bad.
    """
    shards = F.array(*[F.lit(key) for key in shard_keys])
    owner = _owner(shards, len(shard_keys))
    is_market = F.col("topic").isin(*MARKET_TOPICS)
    sent_to = F.explode(F.when(is_market, shards).otherwise(F.array(owner)))
    return records.select(
        sent_to.alias("shard"),
        owner.alias("owner"),
        "topic",
        "partition",
        "offset",
        "sequence",
        F.unix_millis("timestamp").alias("logged_ms"),
        "key",
        "value",
    ).select(
        "shard",
        "topic",
        "partition",
        "offset",
        "sequence",
        "logged_ms",
        "key",
        "value",
        (F.col("shard") == F.col("owner")).alias("mine"),
    )


def _owner(shards: Column, count: int) -> Column:
    subject = F.coalesce("key", "value", F.lit("").cast("binary"))
    return F.element_at(shards, (F.pmod(F.xxhash64(subject), F.lit(count)) + 1).cast("int"))
