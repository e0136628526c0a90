"""The Spark session of the job, and what a checkpoint remembers of how it was made."""

from typing import Any, Final

from pyspark.sql import SparkSession

STREAMING: Final = "org.apache.spark.sql.execution.streaming."
SETTINGS: Final = {
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1000000",
    "spark.sql.streaming.pollingDelay": "1ms",
    "spark.sql.streaming.minBatchesToRetain": "3",
    "spark.sql.streaming.noDataMicroBatches.enabled": "false",
    "spark.sql.streaming.stopTimeout": "3s",
    "spark.sql.streaming.stateStore.providerClass": STREAMING + "state.RocksDBStateStoreProvider",
    "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
    # 4.1's DataSource V2 reader fails once on the first restart after a crash (SPARK-55271).
    "spark.sql.streaming.disabledV2MicroBatchReaders": (
        "org.apache.spark.sql.kafka010.KafkaSourceProvider"
    ),
}
LOCAL_SETTINGS: Final = {"spark.driver.host": "127.0.0.1"}
# Spark's own manager forks shell commands for every file on a local disk: 100 ms of a batch.
LOCAL_DISK_SETTINGS: Final = {
    "spark.sql.streaming.checkpointFileManagerClass": (
        STREAMING + "checkpointing.FileSystemBasedCheckpointFileManager"
    ),
}
SHARDS_FILE: Final = "marginwatch-shards"


def open_session(*, shards: int, checkpoint: str) -> SparkSession:
    """A session with the settings of the stream; the master is the environment's."""
    settings = SETTINGS | {"spark.sql.shuffle.partitions": str(shards)}
    if "://" not in checkpoint:
        settings |= LOCAL_SETTINGS | LOCAL_DISK_SETTINGS
    builder = SparkSession.builder.appName("marginwatch")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def shards_of_checkpoint(spark: SparkSession, checkpoint: str, shards: int) -> int:
    """How many shards the checkpoint was made with; a new one is made with `shards`.

    Hadoop's file system reaches a local disk and S3 alike.
    """
    jvm: Any = spark.sparkContext._jvm
    path = jvm.org.apache.hadoop.fs.Path(checkpoint, SHARDS_FILE)
    files = path.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration())
    if files.exists(path):
        stream = files.open(path)
        text = str(jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
        stream.close()
        if text.strip():  # empty: a start was cut off here, before any batch
            return int(text)
    out = files.create(path, True)
    out.writeBytes(f"{shards}\n")
    out.close()
    return shards
