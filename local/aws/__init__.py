"""A student's stacks in an AWS account: looked at, deployed, and taken down."""
