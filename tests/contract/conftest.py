"""Engines for the contract suites, begun when the first test asks for one."""

from collections.abc import Iterator

import pytest

from tests.engine import Engine, kafka, need, running


@pytest.fixture(scope="session")
def kafka_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One broker."""
    need("kafka")
    (broker,) = kafka(tmp_path_factory.mktemp("kafka"))
    with running([broker]):
        yield broker.address


@pytest.fixture(scope="session")
def mongo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that speaks MongoDB's protocol; put a database's name behind."""
    need("mongo")
    server = Engine("mongo", tmp_path_factory.mktemp("mongo"))
    with running([server]):
        yield f"mongodb://{server.address}/"
