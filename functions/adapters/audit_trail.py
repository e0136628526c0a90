"""The audit objects in S3: written once, never changed."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from functions.adapters.clients import client, code_of
from functions.errors import AuditConflictError, PublishError
from functions.settings import Settings, needed


class AuditTrail:
    """One bucket. A stored record stays; a different one under its key is an error."""

    def __init__(self, bucket: str, s3: Any) -> None:
        self._bucket = bucket
        self._s3 = s3

    @classmethod
    def of(cls, settings: Settings) -> "AuditTrail":
        return cls(needed(settings.audit_bucket, "AUDIT_BUCKET"), client("s3"))

    def write(self, key: str, record: bytes) -> None:
        """Store the record unless this very record is stored already."""
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=record,
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if code_of(error) != "PreconditionFailed":
                raise PublishError(f"audit object: {code_of(error)}") from error
            self._expect(key, record)
        except BotoCoreError as error:
            raise PublishError(f"audit object: {type(error).__name__}") from error

    def _expect(self, key: str, record: bytes) -> None:
        try:
            stored = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except (BotoCoreError, ClientError) as error:
            raise PublishError(
                "an audit object is stored already and cannot be read back"
            ) from error
        if stored != record:
            raise AuditConflictError("an audit object is stored already with other content")
