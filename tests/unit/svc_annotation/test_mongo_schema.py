"""How MongoDB spreads history: by keys that it takes, and that keep unique what must be."""

import pytest

from svc_annotation.stores.mongo_schema import INDEXES, RECORDS, SHARD_KEYS


@pytest.mark.parametrize("collection", SHARD_KEYS)
def test_a_shard_key_is_one_that_mongodb_takes(collection: str) -> None:
    values = list(SHARD_KEYS[collection].values())
    assert all(value in (1, "hashed") for value in values)
    assert values.count("hashed") <= 1


@pytest.mark.parametrize("collection", SHARD_KEYS)
def test_every_unique_index_begins_with_the_shard_key(collection: str) -> None:
    unique = [index.document["key"] for index in INDEXES[collection] if index.document.get("unique")]
    assert unique
    for key in unique:
        assert list(key.items())[: len(SHARD_KEYS[collection])] == list(SHARD_KEYS[collection].items())


def test_rows_are_unique_by_what_they_are_spread_by() -> None:
    assert dict(SHARD_KEYS[RECORDS]) == {"video_id": 1, "ordinal": 1}
    assert any(dict(index.document["key"]) == dict(SHARD_KEYS[RECORDS]) for index in INDEXES[RECORDS])
