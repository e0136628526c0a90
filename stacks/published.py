"""What stacks tell each other: by name in the parameter store, never by export.

An export keeps its stack from being deleted or changed while another one uses it. A parameter
does not, so the stacks go in any order, and a stack that failed half way can go at all.
"""

from collections.abc import Mapping
from typing import Protocol

import aws_cdk as cdk
from aws_cdk import aws_ssm as ssm
from constructs import Construct


class Named(Protocol):
    """Whose names they are."""

    @property
    def student(self) -> str: ...


def parameter_name(named: Named, name: str) -> str:
    return f"/marginwatch/{named.student}/{name}"


def publish(
    stack: cdk.Stack, named: Named, values: Mapping[str, str]
) -> dict[str, ssm.StringParameter]:
    """Write each value under its name."""
    return {
        name: ssm.StringParameter(
            stack,
            f"Name-{name}",
            parameter_name=parameter_name(named, name),
            string_value=value,
        )
        for name, value in values.items()
    }


def published(scope: Construct, named: Named, name: str) -> str:
    """A value of another stack that may be made anew: CloudFormation reads it at every deploy.

    One parameter a stack and name, called as the name is: kafka-bootstrap is KafkaBootstrap.
    """
    stack = cdk.Stack.of(scope)
    home = stack.node.try_find_child("Published") or Construct(stack, "Published")
    assert isinstance(home, Construct)
    found = home.node.try_find_child(name)
    if found is None:
        found = cdk.CfnParameter(
            home,
            name,
            type="AWS::SSM::Parameter::Value<String>",
            default=parameter_name(named, name),
            description=f"Where another stack of this student wrote its {name}",
        )
        found.override_logical_id("".join(word.title() for word in name.split("-")))
    assert isinstance(found, cdk.CfnParameter)
    return found.value_as_string


def reference(named: Named, name: str) -> str:
    """A value of the network, which stays for as long as anything stands in it.

    Read only when what uses it is made or changed. It needs no parameter of the stack, so it can
    be handed to a stack that is still to be made.
    """
    return f"{{{{resolve:ssm:{parameter_name(named, name)}}}}}"
