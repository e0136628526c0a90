"""Where records come from: the input channels, on Kafka or on Kinesis, in the same columns."""

from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  the name that PySpark's guide gives it

from margin.channels import HASH_BITS
from margin.topics import INPUTS, topic
from spark_jobs.transports import Kafka, Kinesis, Wire

COLUMNS = ("topic", "partition", "offset", "sequence", "timestamp", "key", "value")
LARGEST_BATCH = 400_000  # records; a first start reads the whole log in pieces of this
CONNECTOR = "aws-kinesis"


def read_inputs(spark: SparkSession, wire: Wire) -> DataFrame:
    """All records of the input channels, from the first one on, in COLUMNS."""
    match wire:
        case Kafka():
            return _from_kafka(spark, wire)
        case Kinesis():
            return _from_kinesis(spark, wire)


def _from_kafka(spark: SparkSession, kafka: Kafka) -> DataFrame:
    return (
        spark.readStream.format("kafka")
        .options(**kafka.options())
        .option("subscribe", ",".join(INPUTS))
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", LARGEST_BATCH)
        .load()
        .withColumn("sequence", F.lit(None).cast("string"))
        .select(*COLUMNS)
    )


def _from_kinesis(spark: SparkSession, kinesis: Kinesis) -> DataFrame:
    streams = [kinesis.stream(channel) for channel in INPUTS]
    if kinesis.is_emulated:
        # Not there before: it needs boto3, which EMR's own connector does without.
        from spark_jobs.kinesis_source import NAME, KinesisSource

        spark.dataSource.register(KinesisSource)
        records = _stream(spark, kinesis, NAME, ",".join(streams))
    else:
        # The connector reads one stream a source.
        found = [_stream(spark, kinesis, CONNECTOR, stream) for stream in streams]
        records = reduce(DataFrame.unionByName, found)
    return kinesis_columns(records, kinesis)


def _stream(spark: SparkSession, kinesis: Kinesis, source: str, streams: str) -> DataFrame:
    return (
        spark.readStream.format(source)
        .option("kinesis.streamName", streams)
        .option("kinesis.region", kinesis.region)
        .option("kinesis.endpointUrl", kinesis.url)
        .option("kinesis.startingPosition", "TRIM_HORIZON")
        .option("kinesis.failOnDataLoss", "true")
        .load()
    )


def kinesis_columns(records: DataFrame, kinesis: Kinesis) -> DataFrame:
    """The connector's columns as COLUMNS; the partition is the key's share, as partition_of's."""
    channel = _by_stream(kinesis, {name: F.lit(name) for name in INPUTS})
    partitions = _by_stream(kinesis, {name: F.lit(topic(name).partitions) for name in INPUTS})
    digest = F.conv(F.substring(F.md5("partitionKey"), 1, HASH_BITS // 4), 16, 10).cast("long")
    return records.select(
        channel.alias("topic"),
        F.shiftright(digest * partitions, HASH_BITS).cast("int").alias("partition"),
        F.lit(None).cast("long").alias("offset"),
        F.col("sequenceNumber").alias("sequence"),
        F.col("approximateArrivalTimestamp").alias("timestamp"),
        F.col("partitionKey").cast("binary").alias("key"),
        F.col("data").alias("value"),
    )


def _by_stream(kinesis: Kinesis, values: dict[str, Column]) -> Column:
    pairs = [(F.lit(kinesis.stream(channel)), value) for channel, value in values.items()]
    return F.create_map(*[part for pair in pairs for part in pair])[F.col("streamName")]
