"""Amazon MSK Serverless: the cluster, its brokers' addresses and its topics.

It is billed from its creation to its deletion, whatever flows: the teardown takes it down.
"""

import hashlib

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_msk as msk
from aws_cdk import custom_resources as cr
from constructs import Construct

from margin.topics import CATALOGUE
from stacks.acknowledged import acknowledge, acknowledge_resource
from stacks.function import StepFunction
from stacks.kafka_channels import BOOTSTRAP, CLUSTER, GROUPS, TOPICS, KafkaChannels
from stacks.network import Network
from stacks.packaging import WITH_KAFKA, code_of
from stacks.published import publish
from stacks.retention import log_retention
from stacks.settings import Settings
from stacks.transport import Channels, interface_endpoint

BROKERS = "BootstrapBrokerStringSaslIam"
# What the CDK calls the one function of all such calls.
SINGLETON = f"AWS{cr.AwsCustomResource.PROVIDER_FUNCTION_UUID.replace('-', '')}"
ADMIN_TIMEOUT = cdk.Duration.minutes(5)
# Of the cluster, and of each of its topics. None lets it delete a topic.
ADMIN_OF_CLUSTER = ("AlterCluster", "Connect", "DescribeCluster")
ADMIN_OF_TOPICS = (
    *("AlterTopic", "AlterTopicDynamicConfiguration", "CreateTopic"),
    *("DescribeTopic", "DescribeTopicDynamicConfiguration"),
)
# What a poller on demand calls from the cluster's subnets: the function, as its role.
POLLER_APIS = ("lambda", "sts")


class MskTransport(cdk.Stack):
    """One serverless cluster, in both subnets of the network."""

    def __init__(self, scope: Construct, name: str, settings: Settings, network: Network) -> None:
        super().__init__(scope, name, description="marginwatch: Amazon MSK Serverless")
        self.settings = settings
        self.channels: Channels = KafkaChannels(settings)
        self._places = network.places
        self.cluster = self._cluster()
        brokers = self._brokers()
        self.admin = self._admin()
        topics = self._topics(brokers)
        names = publish(
            self,
            settings,
            {
                CLUSTER: self.cluster.attr_arn,
                TOPICS: self._arn_of("topic"),
                GROUPS: self._arn_of("group"),
                BOOTSTRAP: brokers,
            },
        )
        # Who knows the brokers finds the topics made.
        names[BOOTSTRAP].node.add_dependency(topics)
        if settings.esm_mode == "on-demand":
            for service in POLLER_APIS:
                interface_endpoint(self, service, self._places)

    def _cluster(self) -> msk.CfnServerlessCluster:
        serverless = msk.CfnServerlessCluster
        return serverless(
            self,
            "Cluster",
            cluster_name=self.settings.prefix,
            client_authentication=serverless.ClientAuthenticationProperty(
                sasl=serverless.SaslProperty(iam=serverless.IamProperty(enabled=True))
            ),
            vpc_configs=[
                serverless.VpcConfigProperty(
                    subnet_ids=list(self._places.subnet_ids),
                    security_groups=[self._places.broker_security_group_id],
                )
            ],
        )

    def _arn_of(self, kind: str) -> str:
        """How the ARNs of the cluster's topics or groups begin: ..:topic/<name>/<uuid>."""
        uuid = cdk.Fn.select(2, cdk.Fn.split("/", self.cluster.attr_arn))
        return self.format_arn(
            service="kafka", resource=kind, resource_name=f"{self.settings.prefix}/{uuid}"
        )

    def _brokers(self) -> str:
        """Their addresses, which CloudFormation does not know."""
        call = cr.AwsSdkCall(
            service="Kafka",
            action="getBootstrapBrokers",
            parameters={"ClusterArn": self.cluster.attr_arn},
            output_paths=[BROKERS],
            physical_resource_id=cr.PhysicalResourceId.of(f"{self.settings.prefix}-brokers"),
        )
        asked = cr.AwsCustomResource(
            self,
            "Brokers",
            on_create=call,
            on_update=call,
            install_latest_aws_sdk=False,
            log_group=self._logs("brokers"),
            policy=cr.AwsCustomResourcePolicy.from_statements(
                [_allow(["kafka:GetBootstrapBrokers"], self.cluster.attr_arn)]
            ),
        )
        self._acknowledge_framework(SINGLETON)
        return asked.get_response_field(BROKERS)

    def _admin(self) -> StepFunction:
        topics = self.format_arn(
            service="kafka", resource="topic", resource_name=f"{self.settings.prefix}/*/*"
        )
        admin = StepFunction(
            self,
            "TopicAdmin",
            step="topic_admin",
            settings=self.settings,
            code=code_of(WITH_KAFKA),
            environment={},
            statements=[
                _allow(_kafka(*ADMIN_OF_CLUSTER), self.cluster.attr_arn),
                _allow(_kafka(*ADMIN_OF_TOPICS), topics),
            ],
            timeout=ADMIN_TIMEOUT,
        )
        admin.place(self._places)
        acknowledge_resource(
            admin.role,
            "arn:<AWS::Partition>:kafka:<AWS::Region>:<AWS::AccountId>:topic/"
            f"{self.settings.prefix}/*/*",
            "Every topic of this one cluster: it makes them.",
        )
        return admin

    def _topics(self, brokers: str) -> cdk.CustomResource:
        """The whole catalogue as one resource, made anew in place when it changes."""
        provider = cr.Provider(
            self,
            "Topics",
            on_event_handler=self.admin.function,
            log_group=self._logs("topics"),
        )
        self._acknowledge_framework("Topics")
        function = self.admin.function.node.default_child
        assert isinstance(function, cdk.CfnElement)
        acknowledge_resource(
            provider,
            f"<{self.resolve(function.logical_id)}.Arn>:*",
            "Any version of this function.",
        )
        return cdk.CustomResource(
            self,
            "Catalogue",
            service_token=provider.service_token,
            resource_type="Custom::KafkaTopics",
            properties={"Bootstrap": brokers, "Catalogue": catalogue_digest()},
        )

    def _logs(self, name: str) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            f"{name.title()}Logs",
            log_group_name=f"/aws/lambda/{self.settings.prefix}-{name}",
            retention=log_retention(self.settings.profile),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )

    def _acknowledge_framework(self, name: str) -> None:
        scope = self.node.find_child(name)
        framework = "A function of the CDK's own, which runs at a deploy: "
        acknowledge(scope, "L1", framework + "the CDK chooses its runtime.")
        acknowledge(
            scope,
            "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
            "AWSLambdaBasicExecutionRole]",
            framework + "it writes its log and nothing else by this policy.",
        )


def catalogue_digest() -> str:
    """Changes with any topic, so that CloudFormation asks the administrator again."""
    return hashlib.sha256(repr(CATALOGUE).encode()).hexdigest()


def _kafka(*actions: str) -> list[str]:
    return [f"kafka-cluster:{action}" for action in actions]


def _allow(actions: list[str], resource: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=actions, resources=[resource])
