"""Who has lost its SQL server says so, lives on, and is ready again once the server is back."""

import urllib.error
import urllib.request

from tests.engine import Engine, need, running
from tests.engine_fixtures import answers, passable_folder
from tests.integration.media_server import serving
from tests.waiting import until


def status(url: str) -> int:
    """Of an HTTP answer."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


async def test_readiness_follows_the_database_and_liveness_does_not() -> None:
    need("postgres")
    with passable_folder() as folder:
        server = Engine("postgres", folder)
        url = f"postgresql+psycopg://rushes@{server.address}/rushes"
        with running([server], lambda: answers(url)), serving(RUSHES_MEDIA__DATABASE=url) as media:
            assert status(f"{media.metrics}/readyz") == 200
            server.kill()
            await until(lambda: status(f"{media.metrics}/readyz") == 503, "being not ready")
            assert status(f"{media.metrics}/healthz") == 200
            server.start()
            server.wait(lambda: answers(url))
            await until(lambda: status(f"{media.metrics}/readyz") == 200, "being ready again")
