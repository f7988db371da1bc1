"""What an operator runs before MongoDB is used: indexes are there afterwards, however often it is run."""

import uuid
from collections.abc import Awaitable, Callable

import pytest
from pymongo import AsyncMongoClient

from svc_annotation import setup as annotation
from svc_version import setup as version

COMMANDS = [("mongo-setup", annotation.set_up, "records"), ("versions-setup", version.set_up, "versions")]
SetUp = Callable[[str], Awaitable[int]]


@pytest.mark.parametrize(("name", "set_up", "collection"), COMMANDS, ids=[name for name, _, _ in COMMANDS])
async def test_a_database_is_set_up_once_and_again(
    mongo_url: str, capsys: pytest.CaptureFixture[str], name: str, set_up: SetUp, collection: str
) -> None:
    url = f"{mongo_url}setup-{uuid.uuid4().hex}"
    for _ in range(2):
        assert await set_up(url) == 0
        assert "not spread: this is no sharded cluster" in capsys.readouterr().out
    async with AsyncMongoClient[dict[str, object]](url) as client:
        indexes = await client.get_default_database()[collection].index_information()
    assert any(index.get("unique") for key, index in indexes.items() if key != "_id_")


@pytest.mark.parametrize(("name", "set_up", "collection"), COMMANDS, ids=[name for name, _, _ in COMMANDS])
async def test_without_an_address_it_says_what_is_missing(
    capsys: pytest.CaptureFixture[str], name: str, set_up: SetUp, collection: str
) -> None:
    assert await set_up("") == 2
    assert f"rushes {name} --url" in capsys.readouterr().err
