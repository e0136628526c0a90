"""The network: isolated, free, and open on one port between those who need it."""

from typing import Any

from support.stack_variants import Variant

GROUP, RULE_IN = "AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress"
RULE_OUT = "AWS::EC2::SecurityGroupEgress"
GROUPS = ("Brokers", "Clients", "Stream", "Endpoints")
BILLED = (
    *("AWS::EC2::NatGateway", "AWS::EC2::InternetGateway", "AWS::EC2::EIP"),
    *("AWS::EC2::VPNGateway", "AWS::EC2::FlowLog", "AWS::EC2::Instance"),
)


def group(reference: Any) -> str:
    """Brokers, Clients, Stream or Endpoints."""
    name = str(reference["Fn::GetAtt"][0])
    return next(
        one for one in ("Brokers", "Clients", "Stream", "Endpoints") if name.startswith(one)
    )


def test_nothing_that_is_billed_or_leads_out(variant: Variant) -> None:
    kinds = {one["Type"] for one in variant.network.template["Resources"].values()}
    assert not kinds & set(BILLED)
    endpoints = variant.network.of_type("AWS::EC2::VPCEndpoint").values()
    assert [one["Properties"]["VpcEndpointType"] for one in endpoints] == ["Gateway", "Gateway"]
    # A route of its own would lead somewhere; the gateway endpoints add theirs by themselves.
    assert variant.network.of_type("AWS::EC2::Route") == {}


def test_two_zones_and_no_public_address(assembly: Variant) -> None:
    subnets = [one["Properties"] for one in assembly.network.of_type("AWS::EC2::Subnet").values()]
    zones = [one["AvailabilityZone"]["Fn::Select"][0] for one in subnets]
    assert sorted(zones) == [0, 1]
    assert not any(one["MapPublicIpOnLaunch"] for one in subnets)


def test_only_the_kafka_port_of_iam_is_open_to_clients(assembly: Variant) -> None:
    opened = {
        (
            group(rule["SourceSecurityGroupId"]),
            group(rule["GroupId"]),
            rule["FromPort"],
            rule["ToPort"],
        )
        for one in assembly.network.of_type(RULE_IN).values()
        for rule in (one["Properties"],)
    }
    assert opened == {
        ("Brokers", "Brokers", 9098, 9098),
        ("Clients", "Brokers", 9098, 9098),
        ("Stream", "Brokers", 9098, 9098),
        ("Brokers", "Endpoints", 443, 443),
        ("Stream", "Endpoints", 443, 443),
        ("Stream", "Stream", 0, 65535),
    }


def test_what_may_go_out_is_named_too(assembly: Variant) -> None:
    ports = {
        (group(rule["GroupId"]), rule["FromPort"])
        for one in assembly.network.of_type(RULE_OUT).values()
        for rule in (one["Properties"],)
    }
    assert ports == {
        *(("Brokers", 9098), ("Clients", 9098), ("Stream", 9098), ("Stream", 0)),
        *(("Brokers", 443), ("Clients", 443), ("Stream", 443)),
        # The CDK's way to write "nothing": an ICMP message that nobody sends.
        ("Endpoints", 252),
    }


def test_every_id_that_others_use_is_published(assembly: Variant) -> None:
    published = {
        one["Properties"]["Name"].rpartition("/")[2]
        for one in assembly.network.of_type("AWS::SSM::Parameter").values()
    }
    assert published == {
        *("vpc", "subnet-a", "subnet-b"),
        *("brokers-group", "clients-group", "stream-group", "endpoints-group"),
    }
