"""The whole app: stacks in order, their code, and the checks they pass."""

from pathlib import Path
from tempfile import TemporaryDirectory

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_

from stacks.enforcement import Enforcement
from stacks.packaging import COMMON, WITH_KAFKA, stage
from stacks.state import State


def build(outdir: Path, *, check_templates: bool = True, nag: bool = False) -> cdk.App:
    """The app, ready to be synthesized into `outdir`. Needs no credentials and no Docker.

    `check_templates` is the CDK's own validation, most of the time a synth takes. `nag`, or the
    context value of that name, adds the AWS Solutions rules and needs the developers' packages.
    """
    app = cdk.App(
        outdir=str(outdir),
        analytics_reporting=False,
        builtin_cloud_formation_validation=check_templates,
        context={"@aws-cdk/core:defaultCrossStackReferences": "strong"},
    )
    state = State(app, "marginwatch-state")
    # The CDK copies an asset when it is declared, so the staged folders can go right after.
    with TemporaryDirectory() as common, TemporaryDirectory() as with_kafka:
        Enforcement(
            app,
            "marginwatch-enforcement",
            state=state,
            code=lambda_.Code.from_asset(str(stage(Path(common), COMMON))),
            kafka_code=lambda_.Code.from_asset(str(stage(Path(with_kafka), WITH_KAFKA))),
        )
    if nag or app.node.try_get_context("nag") in (True, "true"):
        _add_nag(app)
    return app


def _add_nag(app: cdk.App) -> None:
    # Imported here: a demo's synth must not need it, nor wait for it.
    from cdk_nag import AwsSolutionsChecks

    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
