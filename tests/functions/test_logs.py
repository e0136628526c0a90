"""Logs are for operators: no account, no task token and no amount is in them."""

import io
import logging
from typing import Any

import pytest
from support.enforcement_world import ACCOUNT, World

SHOWN = ("342.4", "117000", "5720")


@pytest.fixture
def logged() -> Any:
    """Everything that any logger says, at its most talkative, but the AWS client's own."""
    text = io.StringIO()
    handler, root = logging.StreamHandler(text), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    quiet = [logging.getLogger(name) for name in ("boto3", "botocore", "moto", "urllib3")]
    for other in quiet:
        other.setLevel(logging.CRITICAL)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)
    for other in quiet:
        other.setLevel(logging.NOTSET)


def walk(world: World) -> None:
    for price in ("400", "385.60", "356.80", "342.40", "342.40"):
        world.feed(price)
        world.later(31)


def test_no_account_token_or_amount_is_logged(
    world: World, logged: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    walk(world)
    world.topic.failures = 1
    world.publish()
    assert world.route(b"not an assessment", world.assessed("330")) == [0]
    logging.getLogger("functions").warning("the end of the walk")
    printed = capsys.readouterr()
    text = logged.getvalue() + printed.out + printed.err
    # The outage was logged, so what is missing below is missing from a log that is there.
    assert "not told yet" in text
    assert "the end of the walk" in text
    for secret in (ACCOUNT, "token-", *SHOWN):
        assert secret not in text, secret


def test_an_audit_conflict_is_logged_without_its_account(world: World, logged: io.StringIO) -> None:
    walk(world)
    first = next(iter(world.table.outbox_of(ACCOUNT)))
    world.s3.put_object(Bucket="audit", Key=str(first.body["audit_key"]), Body=b"another")
    world.publish()
    assert "stored already with other content" in logged.getvalue()
    assert ACCOUNT not in logged.getvalue()
