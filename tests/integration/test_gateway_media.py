"""Two instances of svc_media behind a gateway: what one that dies has not answered the other is asked."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.http.media import MediaRoutes
from gateway.http.session import TokenCache
from rushes.errors import Unavailable
from rushes.project.v1.identity_service_pb2_grpc import IdentityServiceStub

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\npicture"


async def dying(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes a request, and is gone before it answers."""
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def living(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(ANSWER)
    writer.close()


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """A gateway's media routes before two instances, of which one dies at each request."""
    async with contextlib.AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(await asyncio.start_server(each, "127.0.0.1", 0))
            for each in (dying, living)
        ]
        targets = [f"127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in servers]
        # Nobody has a session: programs come with tokens.
        tokens = TokenCache(cast(IdentityServiceStub, None))
        routes = MediaRoutes(",".join(targets), "proof", tokens)
        await routes.start()
        stack.push_async_callback(routes.close)
        app = web.Application(middlewares=[refused])
        routes.add_to(app)
        runner = web.AppRunner(app)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"


@web.middleware
async def refused(request: web.Request, handler: Handler) -> web.StreamResponse:
    """503 for whom nobody answers, as the gateway has it."""
    try:
        return await handler(request)
    except Unavailable:
        return web.Response(status=503)


async def test_a_picture_comes_from_the_other_and_what_changes_something_is_not_sent_twice(address: str) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer x"}) as session:
        seen = set()
        for video_id in range(64):
            async with session.get(f"{address}/media/{video_id}/poster.jpg") as answer:
                assert (answer.status, await answer.read()) == (200, b"picture")
            async with session.patch(f"{address}/uploads/{video_id}", data=b"x") as answer:
                seen.add(answer.status)
        assert seen == {200, 503}
