"""CDK entry: `python app.py` writes cdk.out, with no credentials, no Docker and no AWS call."""

import argparse
import os
from pathlib import Path

from stacks.application import build


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the templates and code assets to cdk.out.")
    parser.add_argument("--fast", action="store_true", help="without the CDK's template checks")
    parser.add_argument("--nag", action="store_true", help="with the AWS Solutions rules")
    options = parser.parse_args()
    # The CDK CLI names its own folder.
    outdir = Path(os.environ.get("CDK_OUTDIR") or Path(__file__).resolve().parent / "cdk.out")
    build(outdir, check_templates=not options.fast, nag=options.nag).synth()


if __name__ == "__main__":
    main()
