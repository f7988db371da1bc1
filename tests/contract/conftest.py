"""Engines for the contract suites, begun when the first test asks for one."""

from collections.abc import Iterator

import pytest

from tests.engine import kafka, need, running


@pytest.fixture(scope="session")
def kafka_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One broker."""
    need("kafka")
    (broker,) = kafka(tmp_path_factory.mktemp("kafka"))
    with running([broker]):
        yield broker.address
