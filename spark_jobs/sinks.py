"""Where messages go: each to the channel it names, on Kafka or on Kinesis."""

from pyspark.sql import DataFrame
from pyspark.sql.streaming.query import StreamingQuery
from pyspark.sql.streaming.readwriter import DataStreamWriter

from spark_jobs.transports import Kafka, Kinesis, Wire

QUERY_NAME = "marginwatch"


def write_messages(
    messages: DataFrame, wire: Wire, *, checkpoint: str, trigger_ms: int
) -> StreamingQuery:
    """Start the query. In: topic, key, value. At least once; (account, version) is the identity."""
    return (
        _to(messages.writeStream, wire)
        .queryName(QUERY_NAME)
        .option("checkpointLocation", checkpoint)
        .outputMode("update")
        .trigger(processingTime=f"{trigger_ms} milliseconds")
        .start()
    )


def _to(writer: DataStreamWriter, wire: Wire) -> DataStreamWriter:
    match wire:
        case Kafka():
            return writer.format("kafka").options(**wire.options())
        case Kinesis():
            from spark_jobs.kinesis_writer import KinesisWriter

            return writer.foreach(KinesisWriter(wire))
