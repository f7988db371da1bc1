"""Engines for the suites of the ports."""

from tests.engine_fixtures import (
    fresh_postgresql,
    fresh_redis,
    kafka_servers,
    mongo_url,
    postgresql_url,
    redis_url,
    s3_address,
)

__all__ = ["fresh_postgresql", "fresh_redis", "kafka_servers", "mongo_url", "postgresql_url", "redis_url", "s3_address"]
