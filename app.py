"""CDK entry: `python app.py` writes cdk.out, with no credentials, no Docker and no AWS call."""

import argparse
import os
import sys
from pathlib import Path

from stacks.application import add_offline_stacks, add_stacks, new_app
from stacks.settings import SettingsError, read_context, read_settings
from stacks.sizes import written_sizes


def main() -> None:
    options = _options()
    try:
        context = read_context(dict(options.context), os.environ)
        settings = read_settings(context)
    except SettingsError as error:
        sys.exit(f"app.py: {error}")
    # The CDK CLI names its own folder.
    outdir = Path(os.environ.get("CDK_OUTDIR") or Path(__file__).resolve().parent / "cdk.out")
    expires_at = context.get("expires_at")
    app = new_app(
        outdir,
        check_templates=not options.fast,
        nag=options.nag or context.get("nag") in (True, "true"),
        expires_at=None if expires_at is None else str(expires_at),
    )
    try:
        (add_offline_stacks if options.offline else add_stacks)(app, settings)
    except SettingsError as error:  # expires_at is read where it counts
        sys.exit(f"app.py: {error}")
    app.synth()
    if options.sizes:
        sys.stdout.write(written_sizes(outdir))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Write the templates and code assets to cdk.out.")
    parser.add_argument("--fast", action="store_true", help="without the CDK's template checks")
    parser.add_argument("--nag", action="store_true", help="with the AWS Solutions rules")
    parser.add_argument("--offline", action="store_true", help="only what an emulator can run")
    parser.add_argument("--sizes", action="store_true", help="say how large each template is")
    parser.add_argument(
        *("-c", "--context"),
        action="append",
        default=[],
        type=_pair,
        metavar="NAME=VALUE",
        help="such as student=ada, over the values of cdk.json",
    )
    return parser.parse_args()


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"NAME=VALUE expected, was {text!r}")
    return name, value


if __name__ == "__main__":
    main()
