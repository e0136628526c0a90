"""A finding of the AWS Solutions rules that is meant so, with the reason."""

import aws_cdk as cdk
from constructs import IConstruct


def acknowledge(scope: IConstruct, finding: str, reason: str) -> None:
    """For the scope and what is in it."""
    cdk.Validations.of(scope).acknowledge(
        cdk.Acknowledgment(id=f"AwsSolutions-{finding}", reason=reason)
    )


def acknowledge_resource(scope: IConstruct, resource: str, reason: str) -> None:
    """A `*` in one resource of a policy, written as cdk-nag does: <Name> for a reference."""
    acknowledge(scope, f"IAM5[Resource::{resource}]", reason)
