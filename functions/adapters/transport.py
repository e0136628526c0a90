"""The port through which functions send to channels, and the transport that the settings name."""

from typing import Protocol

from functions.settings import Settings
from margin.channels import Transport


class Sender(Protocol):
    """Sends to channels of either transport. Kept for the life of the process."""

    def send(self, *messages: tuple[str, str, bytes]) -> None:
        """Send (channel, key, value) each and wait until all are confirmed, or PublishError.

        Those of one channel and key keep their order.
        """

    def close(self) -> None:
        """Let go of connections; the next use makes others."""


def sender_of(settings: Settings) -> Sender:
    """The adapter of the transport; each brings in only its own client."""
    if settings.transport == Transport.KINESIS:
        from functions.adapters.control_stream import ControlStream

        return ControlStream.of(settings)
    from functions.adapters.control_topic import ControlTopic

    return ControlTopic.of(settings)
