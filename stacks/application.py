"""The whole app: stacks in order, their code, and the checks they pass."""

from pathlib import Path

import aws_cdk as cdk

from stacks.budget import Budget
from stacks.enforcement import Enforcement
from stacks.kafka_channels import KafkaChannels
from stacks.kinesis_channels import KinesisChannels
from stacks.network import Network
from stacks.observability import Observability
from stacks.risk import Risk
from stacks.settings import Settings
from stacks.state import State
from stacks.teardown import Teardown
from stacks.transport import Channels
from stacks.transport_kafka import MskTransport
from stacks.transport_kinesis import KinesisTransport


def new_app(
    outdir: Path,
    *,
    check_templates: bool = True,
    nag: bool = False,
    expires_at: str | None = None,
) -> cdk.App:
    """An empty app. Needs no credentials and no Docker.

    `check_templates` is the CDK's own validation, most of the time a synth takes. `nag` adds the
    AWS Solutions rules and needs the developers' packages.
    """
    app = cdk.App(
        outdir=str(outdir),
        analytics_reporting=False,
        builtin_cloud_formation_validation=check_templates,
        context=None if expires_at is None else {"expires_at": expires_at},
    )
    if nag:
        _add_nag(app)
    return app


def add_stacks(app: cdk.App, settings: Settings) -> None:
    """Every stack of one student, in the order in which they are deployed."""
    teardown = Teardown(app, _name(settings, "teardown"), settings)
    if settings.email:
        Budget(teardown, "Budget", settings, limit_usd=settings.budget_usd, email=settings.email)
    network = Network(app, _name(settings, "network"), settings)
    transport = _transport(app, settings, network)
    transport.add_stack_dependency(network)
    risk = Risk(app, _name(settings, "risk"), settings, network, transport.channels)
    risk.add_stack_dependency(transport)
    state, enforcement = add_offline_stacks(app, settings)
    enforcement.add_stack_dependency(transport)
    watched = (transport, enforcement, state)
    observability = Observability(app, _name(settings, "observability"), settings, *watched)
    for stack in (teardown, network, transport, risk, observability):
        _tag(stack, settings)


def add_offline_stacks(app: cdk.App, settings: Settings) -> tuple[State, Enforcement]:
    """Those of which an emulator has every service. Their templates are the same ones."""
    state = State(app, _name(settings, "state"), settings)
    enforcement = Enforcement(app, _name(settings, "enforcement"), settings, channels_of(settings))
    enforcement.add_stack_dependency(state)
    for stack in (state, enforcement):
        _tag(stack, settings)
    return state, enforcement


def channels_of(settings: Settings) -> Channels:
    return KinesisChannels(settings) if settings.transport == "kinesis" else KafkaChannels(settings)


def _transport(
    app: cdk.App, settings: Settings, network: Network
) -> MskTransport | KinesisTransport:
    kind = KinesisTransport if settings.transport == "kinesis" else MskTransport
    return kind(app, _name(settings, "transport"), settings, network)


def _name(settings: Settings, stack: str) -> str:
    return f"{settings.prefix}-{stack}"


def _tag(stack: cdk.Stack, settings: Settings) -> None:
    """By these a leftover is found, and told whose it is. A deploy says when it is taken down."""
    tags = {"Project": "marginwatch", "Student": settings.student}
    expires_at = stack.node.try_get_context("expires_at")
    if expires_at is not None:
        tags["ExpiresAt"] = str(expires_at)
    for name, value in tags.items():
        cdk.Tags.of(stack).add(name, value)


def _add_nag(app: cdk.App) -> None:
    # Imported here: a demo's synth must not need it, nor wait for it.
    from cdk_nag import AwsSolutionsChecks

    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
