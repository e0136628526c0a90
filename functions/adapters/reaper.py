"""Takes one student's stacks apart. Each call acts, then says what is not there yet.

Every call may be repeated. What belongs to a stack is read from the stack itself, never guessed
from a name: two students of one account may have names that begin alike.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from functions.adapters.clients import code_of
from functions.adapters.listings import ENDED_JOBS, Aws, pages
from functions.errors import TeardownError

# A call of a function lasts seconds: 8 pages of 1,000 objects, then the machine calls again.
PAGES_A_CALL = 8
SETTLED_APPLICATIONS = frozenset({"CREATED", "STOPPED", "TERMINATED"})
STOPPING = "STOPPING"


class Reaper:
    """The AWS calls of the teardown, with the clients of `aws`."""

    def __init__(self, aws: Aws) -> None:
        self._aws = cache(aws)  # one client a service

    def disable_mappings(self, stacks: Iterable[str]) -> list[str]:
        """Ids of the event source mappings that still read, or are about to stop."""
        return [
            uuid
            for uuid in self._ids(stacks, "AWS::Lambda::EventSourceMapping")
            if not self._is_disabled(uuid)
        ]

    def _is_disabled(self, uuid: str) -> bool:
        functions = self._aws("lambda")
        try:
            state = functions.get_event_source_mapping(UUID=uuid)["State"]
            if state == "Enabled":
                functions.update_event_source_mapping(UUID=uuid, Enabled=False)
        except ClientError as error:
            # In use: it is between two states, and is looked at again.
            if code_of(error) == "ResourceInUseException":
                return False
            if code_of(error) != "ResourceNotFoundException":
                raise
            return True
        return bool(state == "Disabled")

    def cancel_jobs(self, stacks: Iterable[str]) -> list[str]:
        """Ids of the job runs that have not ended."""
        emr, left = self._aws("emr-serverless"), []
        for application in self._applications(stacks):
            for run in pages(
                self._aws,
                "emr-serverless",
                "list_job_runs",
                "jobRuns",
                applicationId=application["applicationId"],
            ):
                if run["state"] in ENDED_JOBS:
                    continue
                left.append(str(run["id"]))
                if run["state"] != "CANCELLING":
                    emr.cancel_job_run(applicationId=run["applicationId"], jobRunId=run["id"])
        return left

    def stop_applications(self, stacks: Iterable[str]) -> list[str]:
        """Ids of the applications that have not stopped; one with running jobs cannot."""
        left = []
        for application in self._applications(stacks):
            if application["state"] in SETTLED_APPLICATIONS:
                continue
            left.append(str(application["applicationId"]))
            if application["state"] != STOPPING:
                self._aws("emr-serverless").stop_application(
                    applicationId=application["applicationId"]
                )
        return left

    def _applications(self, stacks: Iterable[str]) -> Iterator[dict[str, Any]]:
        for identity in self._ids(stacks, "AWS::EMRServerless::Application"):
            try:
                found = self._aws("emr-serverless").get_application(applicationId=identity)
            except ClientError as error:
                if code_of(error) != "ResourceNotFoundException":
                    raise
                continue
            yield found["application"]

    def remove_buckets(self, stack: str) -> list[str]:
        """Names of the stack's buckets that are still there.

        All versions go, past a governance lock too where the role may bypass it. TeardownError
        where an object cannot be deleted.
        """
        return [
            name
            for name in self._ids([stack], "AWS::S3::Bucket")
            if not (self._emptied(name) and self._removed(name))
        ]

    def _emptied(self, bucket: str) -> bool:
        s3 = self._aws("s3")
        for _ in range(PAGES_A_CALL):
            try:
                page = s3.list_object_versions(Bucket=bucket)
            except ClientError as error:
                if code_of(error) != "NoSuchBucket":
                    raise
                return True
            objects = [
                {"Key": one["Key"], "VersionId": one["VersionId"]}
                for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
            ]
            if not objects:
                return True
            done = s3.delete_objects(
                Bucket=bucket,
                Delete={"Objects": objects, "Quiet": True},
                BypassGovernanceRetention=True,
            )
            if refused := done.get("Errors"):
                raise TeardownError(
                    f"{len(refused)} objects of {bucket} should be deleted, "
                    f"but S3 refused: {refused[0].get('Code')}"
                )
        return False

    def _removed(self, bucket: str) -> bool:
        try:
            self._aws("s3").delete_bucket(Bucket=bucket)
        except ClientError as error:
            if code_of(error) == "BucketNotEmpty":  # somebody has just written to it
                return False
            if code_of(error) != "NoSuchBucket":
                raise
        return True

    def delete_stack(self, stack: str) -> list[str]:
        """The stack while it is still there, with its status."""
        status = self._status(stack)
        if status is None:
            return []
        # One that is being updated refuses; one that failed to go is asked again.
        if not status.endswith("_IN_PROGRESS") or status == "CREATE_IN_PROGRESS":
            self._aws("cloudformation").delete_stack(StackName=stack)
            status = self._status(stack)
        return [] if status is None else [f"{stack} is {status}"]

    def _status(self, stack: str) -> str | None:
        try:
            found = self._aws("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        except ClientError as error:
            if not _is_missing(error):
                raise
            return None
        status = str(found["StackStatus"])
        return None if status == "DELETE_COMPLETE" else status

    def _ids(self, stacks: Iterable[str], kind: str) -> Iterator[str]:
        """Physical ids of the resources of one type in those of the stacks that exist."""
        for stack in stacks:
            try:
                listed = list(
                    pages(
                        self._aws,
                        "cloudformation",
                        "list_stack_resources",
                        "StackResourceSummaries",
                        StackName=stack,
                    )
                )
            except ClientError as error:
                if not _is_missing(error):
                    raise
                continue
            for one in listed:
                if one["ResourceType"] == kind and one.get("PhysicalResourceId"):
                    yield str(one["PhysicalResourceId"])


def _is_missing(error: ClientError) -> bool:
    """CloudFormation has no error name of its own for a stack that does not exist."""
    return code_of(error) == "ValidationError" and "does not exist" in str(error)
