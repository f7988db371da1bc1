"""Access tokens that last a few seconds: whoever is at work does not notice that they end."""

import asyncio
import os
import time
from collections.abc import Iterator

import pytest

import rushes
from rushes.annotation.v1.annotation_service_pb2 import CollaborateRequest
from tests.product import Product, serving
from tests.waiting import until
from tests.web_client import Browser

TOKEN_S = 4.0


@pytest.fixture(scope="module")
def short() -> Iterator[Product]:
    """A product whose tokens end soon."""
    with serving(RUSHES_PROJECT__TOKEN_S=str(TOKEN_S)) as product:
        yield product


async def test_work_goes_on_past_many_tokens(short: Product) -> None:
    ends_s = time.monotonic() + 3 * TOKEN_S
    followed: list[int] = []
    async with (
        rushes.connect(short.address, session=short.secret) as client,
        client.collaborate(short.video_id) as session,
        Browser(short.address, short.person("guest")) as browser,
    ):

        async def follow() -> None:
            async for message in client.follow(short.video_id):
                followed.extend(commit.revision for commit in message.committed.commits)

        call = await browser.connect()
        await call.open(short.video_id, client_id=os.urandom(16))
        await call.next("opened")
        following = asyncio.create_task(follow())
        written = 0
        while time.monotonic() < ends_s:
            await session.comment(written % 250, f"note {written}")
            written += 1
            await call.send(CollaborateRequest(ping_ms=written))
            assert (await call.next("pong")).pong.ping_ms == written
            assert (await client.me()).administrator
        await until(lambda: bool(followed) and followed[-1] == session.revision, "the follower's being up to date")
        assert followed == list(range(followed[0], session.revision + 1)), "none is missing, none came twice"
        assert len(await client.annotations(short.video_id)) == written
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await call.close()
