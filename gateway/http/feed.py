"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): an encoder publishes into a room, a monitor watches it.

The bearer token is a key of the room. An offer is answered with 201 and the session's address; PATCH adds candidates or
begins ICE anew, DELETE ends it.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from aiohttp import web

from gateway.core.link import links
from gateway.core.metadata import bearer_of
from gateway.http.body import refuse_packed
from gateway.http.session import client_of
from rushes.errors import InvalidArgument, Unauthenticated
from rushes.signaling.v1 import feed_service_pb2 as pb
from rushes.signaling.v1.feed_service_pb2_grpc import FeedServiceStub

SDP: Final = "application/sdp"
FRAGMENT: Final = "application/trickle-ice-sdpfrag"
MAX_BYTES: Final = 64 * 1024
BODY_S: Final = 30.0
RIGHTS: Final = {"whip": pb.FEED_RIGHT_PUBLISH, "whep": pb.FEED_RIGHT_WATCH}


class FeedRoutes:
    """POST and OPTIONS of /whip and /whep; PATCH and DELETE of the sessions below them. Anything else is 405."""

    def __init__(self, stub_of: Callable[[str], FeedServiceStub]) -> None:
        """`stub_of`: whom to ask about a key."""
        self._stub_of = stub_of

    def add_to(self, app: web.Application) -> None:
        """Adds the routes; must come before those of the page."""
        for kind in RIGHTS:
            app.router.add_post(f"/{kind}", self.start)
            app.router.add_options(f"/{kind}", self.options)
            app.router.add_route("*", f"/{kind}", self.refuse)
            session = f"/{kind}/{{session}}"
            app.router.add_patch(session, self.update)
            app.router.add_delete(session, self.end)
            app.router.add_options(session, self.options)
            app.router.add_route("*", session, self.refuse)

    async def options(self, request: web.Request) -> web.Response:
        """What is taken."""
        if "session" in request.match_info:
            return web.Response(status=204, headers={"Allow": "PATCH, DELETE, OPTIONS", "Accept-Patch": FRAGMENT})
        return web.Response(status=204, headers={"Allow": "POST, OPTIONS", "Accept-Post": SDP})

    async def refuse(self, request: web.Request) -> web.Response:
        """Other methods are kept for later standards; those of pages are not for here."""
        allowed = ["PATCH", "DELETE", "OPTIONS"] if "session" in request.match_info else ["POST", "OPTIONS"]
        raise web.HTTPMethodNotAllowed(request.method, allowed)

    async def start(self, request: web.Request) -> web.Response:
        """An offer."""
        if request.content_type != SDP:
            raise web.HTTPUnsupportedMediaType(headers={"Accept-Post": SDP}, text=f"Send an offer as {SDP}.")
        kind = request.path[1:]
        asked = pb.StartFeedRequest(secret=_secret(request), offer=await _body(request), right=RIGHTS[kind])
        answer = await self._stub_of(asked.secret).StartFeed(asked, metadata=(client_of(request),))
        response = web.Response(status=201, body=answer.answer.encode(), content_type=SDP)
        response.headers["Location"] = f"/{kind}/{answer.session_id}"
        response.headers["ETag"] = f'"{answer.etag}"'
        response.headers["Accept-Patch"] = FRAGMENT
        for link in links(answer.ice_servers):
            response.headers.add("Link", link)
        return response

    async def update(self, request: web.Request) -> web.Response:
        """Candidates, or a new ICE session."""
        if request.content_type != FRAGMENT:
            raise web.HTTPUnsupportedMediaType(headers={"Accept-Patch": FRAGMENT}, text=f"Send {FRAGMENT}.")
        etag = request.headers.get("If-Match", "")
        if not etag:
            raise web.HTTPPreconditionRequired(text="Say which ICE session it is about: If-Match.")
        asked = pb.UpdateFeedRequest(
            secret=_secret(request),
            session_id=request.match_info["session"],
            etag=etag.strip('"'),
            fragment=await _body(request),
        )
        answer = await self._stub_of(asked.secret).UpdateFeed(asked, metadata=(client_of(request),))
        if not answer.fragment:
            return web.Response(status=204)
        response = web.Response(status=200, body=answer.fragment.encode(), content_type=FRAGMENT)
        response.headers["ETag"] = f'"{answer.etag}"'
        return response

    async def end(self, request: web.Request) -> web.Response:
        """It goes."""
        asked = pb.EndFeedRequest(secret=_secret(request), session_id=request.match_info["session"])
        await self._stub_of(asked.secret).EndFeed(asked, metadata=(client_of(request),))
        return web.Response(status=200)


def _secret(request: web.Request) -> str:
    secret = bearer_of(request.headers.get("authorization", ""))
    if not secret:
        raise Unauthenticated("Send the room's key: Authorization: Bearer KEY.")
    return secret


async def _body(request: web.Request) -> str:
    refuse_packed(request)
    raw = bytearray()
    async with asyncio.timeout(BODY_S):
        async for chunk in request.content.iter_any():
            raw += chunk
            if len(raw) > MAX_BYTES:
                raise web.HTTPRequestEntityTooLarge(max_size=MAX_BYTES, actual_size=len(raw))
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidArgument("A session description is UTF-8 text.") from error
