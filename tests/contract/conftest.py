"""Engines for the suites of the ports."""

from tests.engine_fixtures import fresh_postgresql, kafka_servers, mongo_url, postgresql_url

__all__ = ["fresh_postgresql", "kafka_servers", "mongo_url", "postgresql_url"]
