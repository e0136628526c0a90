"""Records that the router could not take, where their source cannot set them aside.

Lambda's shared pollers for Kafka do not hear which records of a batch failed, and try a batch that
raises until its records expire: one bad record would hold up its partition for a week.
"""

from typing import Any, Protocol


class Queue(Protocol):
    """Where somebody looks, and an alarm does."""

    def put(self, place: dict[str, Any]) -> None: ...


def set_aside(answer: dict[str, Any], queue: Queue) -> dict[str, Any]:
    """Put where each failed record stands into the queue; nothing is left to be tried again.

    Only its place: the record itself stays in the topic, and the account's next assessment
    replaces it within a heartbeat. What the queue does not take is raised, and the batch is
    delivered again.
    """
    for failed in answer["batchItemFailures"]:
        queue.put({"failed": failed["itemIdentifier"]})
    return {"batchItemFailures": []}
