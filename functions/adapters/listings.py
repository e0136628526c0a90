"""Every kind of resource the stacks make or a run can leave, listed page by page.

A listing says what is there in the account and region, whoever owns it. Prices are named by the
keys of the price table, with how many of each are billed; what costs nothing while it idles has
none.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

# A boto3 client of the service with this name. boto3 has no types.
Aws: TypeAlias = Callable[[str], Any]
Prices: TypeAlias = tuple[tuple[str, int], ...]

NO_TAGS: Mapping[str, str] = MappingProxyType({})
ENDED_CLUSTERS = frozenset({"DELETING"})
ENDED_APPLICATIONS = frozenset({"TERMINATED"})
ENDED_JOBS = frozenset({"SUCCESS", "FAILED", "CANCELLED"})
ENDED_ENDPOINTS = frozenset({"deleted", "deleting"})
# Driver and one executor of 1 vCPU and 4 GB each: the size that the job is submitted with.
JOB_VCPU, JOB_GB = 2, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource; `tags` only where its listing has them."""

    kind: str
    name: str
    arn: str
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    prices: Prices = ()


Listing: TypeAlias = Callable[[Aws], Iterator[Resource]]


def pages(aws: Aws, service: str, operation: str, answer: str, **request: Any) -> Iterator[Any]:
    """The items under `answer` of every page."""
    for page in aws(service).get_paginator(operation).paginate(**request):
        yield from page.get(answer, ())


def _clusters(aws: Aws) -> Iterator[Resource]:
    for one in pages(aws, "kafka", "list_clusters_v2", "ClusterInfoList"):
        if one["State"] not in ENDED_CLUSTERS:
            yield Resource(
                kind="MSK cluster",
                name=one["ClusterName"],
                arn=one["ClusterArn"],
                tags=one.get("Tags", NO_TAGS),
                # A provisioned cluster is not ours to size: its brokers are priced elsewhere.
                prices=(("msk_cluster", 1),) if one["ClusterType"] == "SERVERLESS" else (),
            )


def _applications(aws: Aws) -> Iterator[Resource]:
    for one in pages(aws, "emr-serverless", "list_applications", "applications"):
        if one["state"] not in ENDED_APPLICATIONS:
            yield Resource(kind="EMR application", name=one["name"], arn=one["arn"])


def _job_runs(aws: Aws) -> Iterator[Resource]:
    for application in pages(aws, "emr-serverless", "list_applications", "applications"):
        runs = pages(
            aws, "emr-serverless", "list_job_runs", "jobRuns", applicationId=application["id"]
        )
        for run in runs:
            if run["state"] not in ENDED_JOBS:
                chip = "arm" if application.get("architecture") == "ARM64" else "x86"
                yield Resource(
                    kind="EMR job run",
                    # Its application says whose it is, whatever the run is called.
                    name=f"{application['name']}/{run['id']}",
                    arn=run["arn"],
                    prices=((f"emr_vcpu_{chip}", JOB_VCPU), (f"emr_gb_{chip}", JOB_GB)),
                )


def _streams(aws: Aws) -> Iterator[Resource]:
    for one in pages(aws, "kinesis", "list_streams", "StreamSummaries"):
        if one["StreamStatus"] != "DELETING":
            yield Resource(
                kind="Kinesis stream",
                name=one["StreamName"],
                arn=one["StreamARN"],
                prices=_stream_prices(aws, one),
            )


def _stream_prices(aws: Aws, stream: Mapping[str, Any]) -> Prices:
    mode = stream.get("StreamModeDetails", {}).get("StreamMode")
    if mode == "ON_DEMAND":
        return (("kds_stream", 1),)
    summary = aws("kinesis").describe_stream_summary(StreamName=stream["StreamName"])
    return (("kds_shard", summary["StreamDescriptionSummary"]["OpenShardCount"]),)


def _mappings(aws: Aws) -> Iterator[Resource]:
    for one in pages(aws, "lambda", "list_event_source_mappings", "EventSourceMappings"):
        function = one["FunctionArn"].split(":function:")[-1]
        prefix = one["FunctionArn"].partition(":function:")[0]
        yield Resource(
            kind="event source mapping",
            name=f"{function}/{one['UUID']}",
            arn=f"{prefix}:event-source-mapping:{one['UUID']}",
            prices=(("epu", 1),) if one.get("ProvisionedPollerConfig") else (),
        )


def _functions(aws: Aws) -> Iterator[Resource]:
    for one in pages(aws, "lambda", "list_functions", "Functions"):
        yield Resource(kind="Lambda function", name=one["FunctionName"], arn=one["FunctionArn"])


def _endpoints(aws: Aws) -> Iterator[Resource]:
    # Gateway endpoints are free and stay with the network.
    wanted = [{"Name": "vpc-endpoint-type", "Values": ["Interface"]}]
    for one in pages(aws, "ec2", "describe_vpc_endpoints", "VpcEndpoints", Filters=wanted):
        if one["State"].lower() not in ENDED_ENDPOINTS:
            zones = len(one.get("SubnetIds", ())) or 1
            yield _of_ec2("interface endpoint", one["VpcEndpointId"], one, (("vpce", zones),))


def _gateways(aws: Aws) -> Iterator[Resource]:
    for one in pages(aws, "ec2", "describe_nat_gateways", "NatGateways"):
        if one["State"] not in ENDED_ENDPOINTS | {"failed"}:
            yield _of_ec2("NAT gateway", one["NatGatewayId"], one, (("nat", 1),))


def _addresses(aws: Aws) -> Iterator[Resource]:
    # This one has no pages: an account has few.
    for one in aws("ec2").describe_addresses().get("Addresses", ()):
        yield _of_ec2("elastic IP", one["AllocationId"], one, (("public_ipv4", 1),))


def _of_ec2(kind: str, identity: str, one: Mapping[str, Any], prices: Prices) -> Resource:
    """EC2 has no names and few ARNs: the id, and the tag that people call the name."""
    tags = {tag["Key"]: tag["Value"] for tag in one.get("Tags", ())}
    return Resource(
        kind=kind, name=tags.get("Name", identity), arn=identity, tags=tags, prices=prices
    )


def _buckets(aws: Aws) -> Iterator[Resource]:
    for one in pages(aws, "s3", "list_buckets", "Buckets"):
        yield Resource(kind="bucket", name=one["Name"], arn=f"arn:aws:s3:::{one['Name']}")


def _log_groups(aws: Aws) -> Iterator[Resource]:
    for one in pages(aws, "logs", "describe_log_groups", "logGroups"):
        arn = one["arn"].removesuffix(":*")
        yield Resource(kind="log group", name=one["logGroupName"], arn=arn)


def _keys(aws: Aws) -> Iterator[Resource]:
    aliases = {
        one["TargetKeyId"]: one["AliasName"].removeprefix("alias/")
        for one in pages(aws, "kms", "list_aliases", "Aliases")
        if "TargetKeyId" in one
    }
    for one in pages(aws, "kms", "list_keys", "Keys"):
        about = aws("kms").describe_key(KeyId=one["KeyId"])["KeyMetadata"]
        # A key that waits for its deletion is no longer billed.
        if about["KeyManager"] == "CUSTOMER" and about["KeyState"] != "PendingDeletion":
            name = aliases.get(one["KeyId"], one["KeyId"])
            yield Resource(kind="KMS key", name=name, arn=one["KeyArn"], prices=(("kms", 1),))


def _tables(aws: Aws) -> Iterator[Resource]:
    for name in pages(aws, "dynamodb", "list_tables", "TableNames"):
        described = aws("dynamodb").describe_table(TableName=name)["Table"]
        yield Resource(kind="table", name=name, arn=described["TableArn"])


def _machines(aws: Aws) -> Iterator[Resource]:
    for one in pages(aws, "stepfunctions", "list_state_machines", "stateMachines"):
        yield Resource(kind="state machine", name=one["name"], arn=one["stateMachineArn"])


def _topics(aws: Aws) -> Iterator[Resource]:
    for one in pages(aws, "sns", "list_topics", "Topics"):
        arn = one["TopicArn"]
        yield Resource(kind="SNS topic", name=arn.rpartition(":")[2], arn=arn)


def _queues(aws: Aws) -> Iterator[Resource]:
    for url in pages(aws, "sqs", "list_queues", "QueueUrls"):
        yield Resource(kind="queue", name=url.rpartition("/")[2], arn=url)


def _schedules(aws: Aws) -> Iterator[Resource]:
    for one in pages(aws, "scheduler", "list_schedules", "Schedules"):
        yield Resource(kind="schedule", name=one["Name"], arn=one["Arn"])


def _rules(aws: Aws) -> Iterator[Resource]:
    for one in pages(aws, "events", "list_rules", "Rules"):
        yield Resource(kind="event rule", name=one["Name"], arn=one["Arn"])


def _alarms(aws: Aws) -> Iterator[Resource]:
    for one in pages(aws, "cloudwatch", "describe_alarms", "MetricAlarms"):
        arn = one["AlarmArn"]
        yield Resource(kind="alarm", name=one["AlarmName"], arn=arn, prices=(("alarm", 1),))


def _dashboards(aws: Aws) -> Iterator[Resource]:
    for one in pages(aws, "cloudwatch", "list_dashboards", "DashboardEntries"):
        name, arn = one["DashboardName"], one.get("DashboardArn", one["DashboardName"])
        yield Resource(kind="dashboard", name=name, arn=arn, prices=(("dashboard", 1),))


def _stacks(aws: Aws) -> Iterator[Resource]:
    for one in pages(aws, "cloudformation", "describe_stacks", "Stacks"):
        if one["StackStatus"] != "DELETE_COMPLETE":
            tags = {tag["Key"]: tag["Value"] for tag in one.get("Tags", ())}
            yield Resource(kind="stack", name=one["StackName"], arn=one["StackId"], tags=tags)


# The dearest first: that is the order in which a reader wants to see what is left.
LISTINGS: Mapping[str, Listing] = MappingProxyType(
    {
        "MSK clusters": _clusters,
        "EMR job runs": _job_runs,
        "event source mappings": _mappings,
        "Kinesis streams": _streams,
        "NAT gateways": _gateways,
        "interface endpoints": _endpoints,
        "elastic IPs": _addresses,
        "KMS keys": _keys,
        "dashboards": _dashboards,
        "alarms": _alarms,
        "EMR applications": _applications,
        "buckets": _buckets,
        "tables": _tables,
        "Lambda functions": _functions,
        "state machines": _machines,
        "SNS topics": _topics,
        "queues": _queues,
        "schedules": _schedules,
        "event rules": _rules,
        "log groups": _log_groups,
        "stacks": _stacks,
    }
)
