"""What the streaming job runs on at AWS: one release, and everything that comes with it.

A test holds the offline run to it: the pins of PySpark and of the jars, and the packaged Python.
Source: the release page of EMR Serverless for this label, September 2026.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One row of EMR's releases; `python` is one of the versions in its image."""

    label: str
    spark: str
    scala: str
    java: str
    python: str
    kafka_clients: str
    commons_pool: str


# Long-term support to September 2029.
RELEASE: Final = Release(
    label="emr-spark-8.1.0",
    spark="4.1.1",
    scala="2.13",
    java="17",
    python="3.11",
    kafka_clients="3.9.1",
    commons_pool="2.12.1",
)
# A fifth cheaper than x86, and every package has wheels for it.
ARCHITECTURE: Final = "ARM64"
WHEELS: Final = "aarch64"
