"""A data folder that is not the store's: not mounted, or an instance's own."""

from pathlib import Path

import pytest

from mesh.sql import Database
from svc_media.core.model import Content
from svc_media.stores.sql import SqlStore
from tests.integration.media_server import MediaServer, serving

SHA = bytes(range(32))


@pytest.fixture
async def database(tmp_path: Path) -> str:
    """A store that knows of a file."""
    url = f"sqlite:///{tmp_path / 'media.db'}"
    store = SqlStore(Database(url))
    await store.prepare()
    await store.put_content(Content("one", SHA, 10, ready=True))
    await store.close()
    return url


async def test_an_instance_without_any_of_the_files_does_not_start_unless_it_is_told_that_they_are_lost(
    database: str, tmp_path: Path
) -> None:
    server = MediaServer(tmp_path / "empty", RUSHES_MEDIA__DATABASE=database)
    with pytest.raises(AssertionError, match="is it mounted"):
        server.start()
    server.remove()
    with serving(tmp_path / "empty", RUSHES_MEDIA__DATABASE=database, RUSHES_MEDIA__FILES_LOST="true") as started:
        assert started.errors() == []
