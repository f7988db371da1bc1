"""A product for the tests of the gateway, begun when the first of them asks for it."""

import gzip
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.engine_fixtures import (
    fresh_postgresql,
    fresh_redis,
    kafka_servers,
    mongo_url,
    postgresql_url,
    redis_url,
    s3_address,
)
from tests.product import Product, serving
from tests.web_client import Browser

__all__ = ["fresh_postgresql", "fresh_redis", "kafka_servers", "mongo_url", "postgresql_url", "redis_url", "s3_address"]

FRIEND = "https://review.example.com"
INDEX = b"<!doctype html><title>Rushes</title>"
SCRIPT = b"console.log('hashed')"


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built page, and a file beside its folder that is nobody's to read."""
    folder = tmp_path_factory.mktemp("web") / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_bytes(INDEX)
    (folder / "assets" / "app-3f9a1c.js").write_bytes(SCRIPT)
    (folder / "assets" / "packed-77ab01.js").write_bytes(SCRIPT * 100)
    (folder / "assets" / "packed-77ab01.js.gz").write_bytes(gzip.compress(SCRIPT * 100))
    (folder / "icon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder.parent / "secret.txt").write_text("not for you")
    return folder


@pytest.fixture(scope="session")
def product(page: Path) -> Iterator[Product]:
    """The product, with a page of its own and a friendly origin."""
    with serving(RUSHES_GATEWAY__WEB=str(page), RUSHES_GATEWAY__ALLOWED_ORIGINS=FRIEND) as running:
        yield running


@pytest.fixture
async def browser(product: Product) -> AsyncIterator[Browser]:
    """The administrator's."""
    async with Browser(product.address, product.secret) as opened:
        yield opened


@pytest.fixture
async def stranger(product: Product) -> AsyncIterator[Browser]:
    """Of somebody without a session."""
    async with Browser(product.address) as opened:
        yield opened
