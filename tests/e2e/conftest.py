"""One running product for the tests of this folder: a stack with a clip that is ready. What kills it brings its own."""

from collections.abc import Iterator

import pytest

from tests.engine_fixtures import fresh_postgresql, fresh_redis, kafka_servers, mongo_url, postgresql_url, redis_url
from tests.product import Product, serving

__all__ = ["fresh_postgresql", "fresh_redis", "kafka_servers", "mongo_url", "postgresql_url", "redis_url"]


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    """The whole of `rushes up`, a project, and bikes.mp4 ready for review in it."""
    with serving() as running:
        yield running
