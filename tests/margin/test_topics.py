"""The catalogue of topics: complete, keyed, and affordable."""

import pytest

from margin import topics
from margin.topics import CATALOGUE, KEPT, WEEK_MS, topic


def test_every_topic_is_listed_once() -> None:
    named = {
        value for name, value in vars(topics).items() if name.isupper() and isinstance(value, str)
    }
    assert len(CATALOGUE) == len({entry.name for entry in CATALOGUE}) == 15
    assert {entry.name for entry in CATALOGUE} == named


def test_what_only_its_latest_record_matters_of_is_kept_compacted() -> None:
    compacted = {entry.name for entry in CATALOGUE if entry.compacted}
    assert compacted == {"betas.v1", "instruments.v1", "accounts.v1"}
    assert {topic(name).retention_ms for name in compacted} == {KEPT}


def test_fills_are_kept_for_the_seven_days_they_are_remembered() -> None:
    assert topic("fills.v1").retention_ms == WEEK_MS == 7 * 24 * 3600 * 1000


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_every_topic_has_a_key_and_partitions(entry: topics.Topic) -> None:
    assert entry.key in {"account_id", "symbol", "firm", "source topic"}
    assert entry.partitions in {1, 3}


def test_an_unknown_topic_is_not_invented() -> None:
    with pytest.raises(KeyError):
        topic("fills.v2")
