"""One synthesis for all tests of this room: every variant, with the AWS Solutions rules."""

from collections.abc import Mapping

import pytest
from support.stack_variants import VARIANTS, Variant, synthesize

USUAL = "ka-class-on"


@pytest.fixture(scope="session")
def variants(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Variant]:
    return synthesize(tmp_path_factory.mktemp("assembly"))


@pytest.fixture(scope="session")
def assembly(variants: Mapping[str, Variant]) -> Variant:
    """What `python app.py` writes where nothing else is asked for."""
    return variants[USUAL]


@pytest.fixture(scope="session", params=VARIANTS)
def variant(request: pytest.FixtureRequest, variants: Mapping[str, Variant]) -> Variant:
    """Each variant in turn."""
    return variants[request.param]
