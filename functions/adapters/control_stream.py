"""The control channels in Kinesis: nothing counts as told before the stream has it."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from functions.adapters.clients import client, code_of
from functions.adapters.streams import put
from functions.errors import PublishError
from functions.settings import Settings, needed
from margin.channels import stream_name
from margin.ordered_put import Entry, StillRefusedError


class ControlStream:
    """One stream a channel, below a prefix."""

    def __init__(self, prefix: str, kinesis: Any) -> None:
        self._prefix = prefix
        self._kinesis = kinesis

    @classmethod
    def of(cls, settings: Settings) -> "ControlStream":
        return cls(needed(settings.stream_prefix, "STREAM_PREFIX"), client("kinesis"))

    def send(self, *messages: tuple[str, str, bytes]) -> None:
        """Send (channel, key, value) each and wait until all are confirmed."""
        by_channel: dict[str, list[Entry]] = {}
        for channel, key, value in messages:
            by_channel.setdefault(channel, []).append(Entry(key=key, value=value))
        try:
            for channel, entries in by_channel.items():
                put(self._kinesis, stream_name(self._prefix, channel), entries)
        except ClientError as error:
            raise PublishError(f"Kinesis: {code_of(error)}") from error
        except BotoCoreError as error:
            raise PublishError(f"Kinesis: {type(error).__name__}") from error
        except StillRefusedError as error:
            raise PublishError(f"Kinesis: {error}") from error

    def close(self) -> None:
        """Nothing: boto3 keeps its own connections."""
