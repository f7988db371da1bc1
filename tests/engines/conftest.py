"""What takes long, or long to install: run by `make check-engines`, not with each change."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine import Engine, kafka, need, running


@pytest.fixture
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Engine]]:
    """Three of the test's own, each record on all of them and two needed for it."""
    need("kafka")
    engines = kafka(tmp_path_factory.mktemp("kafka"), brokers=3)
    with running(engines):
        yield engines


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    """A MongoDB of this test alone."""
    need("mongo")
    engine = Engine("mongo", tmp_path / "mongo")
    with running([engine]):
        yield engine


@pytest.fixture
def toxiproxy(tmp_path: Path) -> Iterator[Engine]:
    """What goes before an engine to cut its answers."""
    need("toxiproxy")
    engine = Engine("toxiproxy", tmp_path / "toxiproxy")
    with running([engine]):
        yield engine
