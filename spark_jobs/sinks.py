"""Where messages go: one Kafka sink, each message to the topic it names."""

from pyspark.sql import DataFrame
from pyspark.sql.streaming.query import StreamingQuery

QUERY_NAME = "marginwatch"


def write_messages(
    messages: DataFrame, options: dict[str, str], *, checkpoint: str, trigger_ms: int
) -> StreamingQuery:
    """Start the query. In: topic, key, value. At least once; (account, version) is the identity."""
    return (
        messages.writeStream.format("kafka")
        .queryName(QUERY_NAME)
        .options(**options)
        .option("checkpointLocation", checkpoint)
        .outputMode("update")
        .trigger(processingTime=f"{trigger_ms} milliseconds")
        .start()
    )
