"""Engines for the tests of a folder, begun when the first of them asks for one; conftest.py takes what it needs."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from redis import Redis

from tests.engine import BROKERS, S3, Engine, kafka, need, running


@pytest.fixture(scope="session")
def kafka_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """As many brokers as BROKERS says."""
    need("kafka")
    brokers = kafka(tmp_path_factory.mktemp("kafka"), brokers=BROKERS)
    with running(brokers):
        yield ",".join(broker.address for broker in brokers)


@pytest.fixture(scope="session")
def mongo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that speaks MongoDB's protocol; put a database's name behind."""
    need("mongo")
    server = Engine("mongo", tmp_path_factory.mktemp("mongo"))
    with running([server]):
        yield f"mongodb://{server.address}/"


@pytest.fixture(scope="session")
def s3_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that speaks S3; put a bucket's name behind."""
    need(S3)
    server = Engine(S3, tmp_path_factory.mktemp("s3"))
    with running([server]):
        yield f"s3+http://rushes:rushes-secret@{server.address}/"


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL server; `fresh_postgresql` gives a schema of its own."""
    need("postgres")
    with passable_folder() as folder:
        server = Engine("postgres", folder)
        url = f"postgresql+psycopg://rushes@{server.address}/rushes"
        with running([server], lambda: answers(url)):
            yield url


@contextmanager
def passable_folder() -> Iterator[Path]:
    """Where PostgreSQL's person, who is not us, gets: a folder of pytest is closed by whichever run begins next."""
    with TemporaryDirectory(prefix="postgres-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def answers(url: str) -> bool:
    """Whether the server is up: it listens before it takes statements."""
    try:
        connection = psycopg.connect(url.replace("+psycopg", ""))
    except psycopg.OperationalError:
        return False
    connection.close()
    return True


@pytest.fixture
def fresh_postgresql(postgresql_url: str) -> str:
    """A schema with nothing in it: quicker made than a database. What is committed need not survive a test."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgresql_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(name)))
    return f"{postgresql_url}?options=-csearch_path%3D{name}%20-csynchronous_commit%3Doff"


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis; put a database's number behind."""
    need("redis")
    server = Engine("redis", tmp_path_factory.mktemp("redis"))
    with running([server]):
        yield f"redis://{server.address}/"


@pytest.fixture
def fresh_redis(redis_url: str) -> str:
    """A database with nothing in it."""
    with Redis.from_url(f"{redis_url}9") as client:
        client.flushdb()
    return f"{redis_url}9"
