"""An encoder publishes into a live room by WHIP (RFC 9725), and a monitor watches it by WHEP."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription

from benchmarks.studio import ROOM
from rushes.signaling.v1 import feed_service_pb2 as feed
from rushes.signaling.v1 import room_service_pb2 as rooms
from tests.encoder import SIZE, encoder
from tests.product import Product
from tests.waiting import until

WAIT_S = 60
SDP, FRAGMENT = "application/sdp", "application/trickle-ice-sdpfrag"
FEED = feed.DESCRIPTOR.services_by_name["FeedService"]
AGAIN = "a=ice-ufrag:{ufrag}\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n"


class Desk:
    """A live room of the product, its keys, and its door for feeds."""

    def __init__(self, product: Product, http: aiohttp.ClientSession) -> None:
        self._product = product
        self._http = http
        request = rooms.CreateRoomRequest(
            project_id=product.studio.project_id, title="Dailies", request_id=secrets.token_hex(8)
        )
        self.room: rooms.Room = product.stack.rpc(ROOM, "CreateRoom", request, product.secret).room

    async def ask(self, service: Any, method: str, **fields: Any) -> Any:
        """Asks for something about the room."""
        message = service.methods_by_name[method].input_type._concrete_class(
            project_id=self.room.project_id, room_id=self.room.room_id, **fields
        )
        return await asyncio.to_thread(self._product.stack.rpc, service, method, message, self._product.secret)

    async def key(self, right: "feed.FeedRight.ValueType") -> Any:
        """A new key and its secret."""
        request_id = secrets.token_hex(8)
        return await self.ask(FEED, "CreateFeedKey", right=right, name="Programme", request_id=request_id)

    async def feeds(self) -> list[str]:
        """Names of the feeds that are in now."""
        events = (await self.ask(ROOM, "ListEvents")).events
        last = {each.participant.participant_id: each.participant for each in events if each.HasField("participant")}
        joined = [each for each in last.values() if each.state == rooms.PARTICIPANT_STATE_JOINED]
        return sorted(rooms.ParticipantKind.Name(each.kind).rpartition("_")[2].lower() for each in joined)

    async def http(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str, Any]:
        """A request: status, body, headers. Names of headers are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._http.request(method, self._product.address + path, data=body, headers=named) as answer:
            return answer.status, await answer.text(), answer.headers


@pytest.fixture
async def desk(product: Product) -> AsyncIterator[Desk]:
    """A room of its own."""
    async with aiohttp.ClientSession() as http:
        yield Desk(product, http)


@pytest.fixture
async def viewer() -> AsyncIterator[RTCPeerConnection]:
    """Somebody who only receives."""
    connection = RTCPeerConnection()
    connection.addTransceiver("audio", direction="recvonly")
    connection.addTransceiver("video", direction="recvonly")
    await connection.setLocalDescription(await connection.createOffer())
    yield connection
    await connection.close()


async def test_a_monitor_sees_what_an_encoder_publishes_and_both_leave_no_trace(
    product: Product, desk: Desk, viewer: RTCPeerConnection
) -> None:
    publish, watch = await desk.key(feed.FEED_RIGHT_PUBLISH), await desk.key(feed.FEED_RIGHT_WATCH)
    tracks: dict[str, Any] = {}
    viewer.on("track", lambda track: tracks.setdefault(track.kind, track))
    bearer = f"Bearer {watch.secret}"
    with encoder(product.address, publish.secret):
        offer = viewer.localDescription.sdp
        status, answer, headers = await desk.http("POST", "/whep", offer, authorization=bearer, content_type=SDP)
        assert status == 201, answer
        await viewer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        async with asyncio.timeout(WAIT_S):
            frame = await tracks["video"].recv()
            sound = await tracks["audio"].recv()
        assert (frame.width, frame.height) == SIZE
        _, blue, red = (bytes(plane)[0] for plane in frame.planes)
        assert red > 200
        assert blue < 120
        assert sound.sample_rate == 48_000
        assert await desk.feeds() == ["monitor", "programme"]
        assert (await desk.http("DELETE", headers["Location"], authorization=bearer))[0] == 200
        await until(_are(desk, ["programme"]), "the monitor is gone")
        # Whoever withdraws a key sends away what came in by it.
        await desk.ask(FEED, "RevokeFeedKey", key_id=publish.key.key_id)
        assert await desk.feeds() == []


def _are(desk: Desk, names: list[str]) -> Any:
    async def holds() -> bool:
        return await desk.feeds() == names

    return holds


async def test_what_the_standard_says_of_requests_that_are_not_as_they_should_be(
    desk: Desk, viewer: RTCPeerConnection
) -> None:
    watch = await desk.key(feed.FEED_RIGHT_WATCH)
    offer = viewer.localDescription.sdp
    mine = {"authorization": f"Bearer {watch.secret}"}
    status, _, headers = await desk.http("OPTIONS", "/whip")
    assert (status, headers["Accept-Post"]) == (204, SDP)
    for method in ("GET", "PUT", "DELETE"):
        assert (await desk.http(method, "/whip"))[0] == 405, method
    expected = [
        (415, offer, {**mine, "content_type": "text/plain"}),
        (401, offer, {"content_type": SDP}),
        (401, offer, {"authorization": "Bearer guessed", "content_type": SDP}),
        (400, "v=0\r\nnonsense", {**mine, "content_type": SDP}),
        (413, offer + "a=x\r\n" * 20_000, {**mine, "content_type": SDP}),
    ]
    for status, body, sent in expected:
        answered, text, headers = await desk.http("POST", "/whep", body, **sent)
        assert answered == status, text
        assert answered != 401 or headers["WWW-Authenticate"] == "Bearer"
    # A key for watching publishes nothing.
    assert (await desk.http("POST", "/whip", offer, **mine, content_type=SDP))[0] == 401
    assert await desk.feeds() == []


async def test_ice_is_added_to_and_begun_anew_and_what_is_outdated_is_refused(
    desk: Desk, viewer: RTCPeerConnection
) -> None:
    watch, other = await desk.key(feed.FEED_RIGHT_WATCH), await desk.key(feed.FEED_RIGHT_WATCH)
    mine = {"authorization": f"Bearer {watch.secret}"}
    offer = viewer.localDescription.sdp
    status, _, headers = await desk.http("POST", "/whep", offer, **mine, content_type=SDP)
    assert status == 201
    session, etag = headers["Location"], headers["ETag"]
    ufrag = offer.partition("a=ice-ufrag:")[2].split()[0]

    async def patch(ufrag: str, status: int, body: str = AGAIN, **sent: str) -> Any:
        given = {**mine, "content_type": FRAGMENT, **sent}
        answered, text, headers = await desk.http("PATCH", session, body.format(ufrag=ufrag), **given)
        assert answered == status, text
        return headers, text

    await patch(ufrag, 428)
    await patch(ufrag, 415, if_match=etag, content_type=SDP)
    await patch(ufrag, 400, "hello", if_match=etag)
    await patch(ufrag, 412, if_match='"another"')
    await patch(ufrag, 204, AGAIN + "a=candidate:1 1 udp 1 198.51.100.1 39132 typ host\r\n", if_match=etag)
    await patch("begun", 412, if_match=etag)
    await patch(ufrag, 404, if_match=etag, authorization=f"Bearer {other.secret}")
    headers, text = await patch("begun", 200, if_match="*")
    assert headers["ETag"] != etag
    assert f'"{text.partition("a=ice-ufrag:")[2].split()[0]}"' == headers["ETag"]
    await patch("begun", 412, if_match=etag)
    for expected in (200, 200):
        assert (await desk.http("DELETE", session, **mine))[0] == expected
    await patch("begun", 404, if_match="*")
    assert await desk.feeds() == []
