"""Where brokers and workers are: isolated subnets without a way out. It is free, and stays."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from stacks.published import publish, reference
from stacks.settings import Settings

# MSK Serverless takes IAM only, and listens nowhere else. 9092 and 9094 are other clusters' ports.
KAFKA_PORT = 9098
HTTPS = 443
ADDRESSES = "10.42.0.0/22"
SUBNET_MASK = 24
SUBNETS = ("subnet-a", "subnet-b")
GROUPS = ("brokers", "clients", "stream", "endpoints")


class Places:
    """The network's ids as other stacks name them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def vpc_id(self) -> str:
        return reference(self._settings, "vpc")

    @property
    def subnet_ids(self) -> Sequence[str]:
        return [reference(self._settings, name) for name in SUBNETS]

    @property
    def broker_security_group_id(self) -> str:
        """The cluster, and the pollers that read it for a function."""
        return self._group("brokers")

    @property
    def client_security_group_id(self) -> str:
        """Functions that talk to the brokers: publisher and topic administrator."""
        return self._group("clients")

    @property
    def stream_security_group_id(self) -> str:
        """The workers of the streaming job."""
        return self._group("stream")

    @property
    def endpoint_security_group_id(self) -> str:
        """Interface endpoints, where a transport needs some."""
        return self._group("endpoints")

    def _group(self, name: str) -> str:
        return reference(self._settings, f"{name}-group")


class Network(cdk.Stack):
    """Two zones, no NAT gateway, no public address, gateway endpoints for S3 and DynamoDB.

    The security groups are here and not beside what uses them: interfaces of a function are gone
    only long after the function, and until then its group cannot be deleted.
    """

    def __init__(self, scope: Construct, name: str, settings: Settings) -> None:
        super().__init__(scope, name, description="marginwatch: isolated subnets, free of charge")
        self._settings = settings
        self._places = Places(settings)
        self.vpc = self._vpc()
        self.groups = {group: self._group(group) for group in GROUPS}
        self._let_through()
        self._publish_names()
        self._acknowledge()

    @property
    def places(self) -> Places:
        return self._places

    @property
    def subnet_ids(self) -> Sequence[str]:
        return self._places.subnet_ids

    @property
    def stream_security_group_id(self) -> str:
        return self._places.stream_security_group_id

    def _vpc(self) -> ec2.Vpc:
        return ec2.Vpc(
            self,
            "Vpc",
            vpc_name=self._settings.prefix,
            ip_addresses=ec2.IpAddresses.cidr(ADDRESSES),
            max_azs=len(SUBNETS),
            nat_gateways=0,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="isolated",
                    subnet_type=ec2.SubnetType.PRIVATE_ISOLATED,
                    cidr_mask=SUBNET_MASK,
                )
            ],
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
                "DynamoDb": ec2.GatewayVpcEndpointOptions(
                    service=ec2.GatewayVpcEndpointAwsService.DYNAMODB
                ),
            },
        )

    def _group(self, name: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self,
            name.title(),
            vpc=self.vpc,
            security_group_name=f"{self._settings.prefix}-{name}",
            description=f"marginwatch {self._settings.student}: {name}",
            # Rules of a group name other groups: written beside them, they would need a circle.
            disable_inline_rules=True,
            allow_all_outbound=False,
        )

    def _let_through(self) -> None:
        kafka, https = ec2.Port.tcp(KAFKA_PORT), ec2.Port.tcp(HTTPS)
        brokers, endpoints = self.groups["brokers"], self.groups["endpoints"]
        for source in ("brokers", "clients", "stream"):
            brokers.add_ingress_rule(self.groups[source], kafka, "Kafka with IAM")
            self.groups[source].add_egress_rule(brokers, kafka, "Kafka with IAM")
            # No route leads out: what is reached are the endpoints of this network.
            self.groups[source].add_egress_rule(ec2.Peer.any_ipv4(), https, "endpoints in the VPC")
        for source in ("brokers", "stream"):
            endpoints.add_ingress_rule(self.groups[source], https, "AWS APIs")
        # The driver and the executors talk to each other on ports that they choose.
        stream = self.groups["stream"]
        stream.add_ingress_rule(stream, ec2.Port.all_tcp(), "Spark workers")
        stream.add_egress_rule(stream, ec2.Port.all_tcp(), "Spark workers")

    def _publish_names(self) -> None:
        subnets = zip(SUBNETS, self.vpc.isolated_subnets, strict=True)
        groups = self.groups.items()
        publish(
            self,
            self._settings,
            {
                "vpc": self.vpc.vpc_id,
                **{name: subnet.subnet_id for name, subnet in subnets},
                **{f"{name}-group": group.security_group_id for name, group in groups},
            },
        )

    def _acknowledge(self) -> None:
        cdk.Validations.of(self.vpc).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions-VPC7",
                reason="Flow logs cost by volume, and the stream is that volume. No route leads "
                "in or out of these subnets.",
            )
        )
