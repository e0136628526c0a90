"""Where records come from: the input topics on Kafka."""

from pyspark.sql import DataFrame, SparkSession

from margin.topics import INPUTS

LARGEST_BATCH = 400_000  # records; a first start reads the whole log in pieces of this
IAM_OPTIONS = {
    "kafka.security.protocol": "SASL_SSL",
    "kafka.sasl.mechanism": "AWS_MSK_IAM",
    "kafka.sasl.jaas.config": "software.amazon.msk.auth.iam.IAMLoginModule required;",
    "kafka.sasl.client.callback.handler.class": (
        "software.amazon.msk.auth.iam.IAMClientCallbackHandler"
    ),
}


def kafka_options(bootstrap_servers: str, auth: str) -> dict[str, str]:
    """How to reach Kafka; auth is "none" or "iam" (MSK).

    >>> kafka_options("127.0.0.1:9092", "none")
    {'kafka.bootstrap.servers': '127.0.0.1:9092'}
    """
    own = {"kafka.bootstrap.servers": bootstrap_servers}
    return own | (IAM_OPTIONS if auth == "iam" else {})


def read_inputs(spark: SparkSession, options: dict[str, str]) -> DataFrame:
    """All records of the input topics, from the first one on: Kafka's own columns."""
    return (
        spark.readStream.format("kafka")
        .options(**options)
        .option("subscribe", ",".join(INPUTS))
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", LARGEST_BATCH)
        .load()
    )
