"""Visits of every kind to the product's gateway: each comes, gets something, looks at it, and goes, or is cut."""

import asyncio
import base64
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import grpc

from benchmarks.gateway_offences import COLLABORATE, GET_ME, OFFENCES, Door
from gateway.core import grpcweb
from gateway.core.mux import CANCEL, DATA, END, OPEN, SUBPROTOCOL
from rushes.annotation.v1.annotation_service_pb2 import (
    CollaborateOpen,
    CollaborateRequest,
    CollaborateResponse,
    FollowRequest,
)

FOLLOW = "/rushes.annotation.v1.AnnotationService/Follow"
WEB = {"Content-Type": "application/grpc-web+proto", "X-Grpc-Web": "1"}
TEXT = {"Content-Type": "application/grpc-web-text"}
JSON = {"Content-Type": "application/json"}
WAIT_S = 30.0
RARE = ("many_streams", "rapid_reset")


class Wrong(Exception):
    """Something else came than had to."""


@dataclass(frozen=True)
class Place:
    """What is visited, by somebody who is signed in."""

    door: Door
    video_id: int
    http: aiohttp.ClientSession

    @property
    def address(self) -> str:
        """Of the gateway."""
        return f"http://{self.door.host}:{self.door.port}"


def check(holds: object, what: str) -> None:
    """Raises Wrong."""
    if not holds:
        raise Wrong(what)


async def call(place: Place) -> None:
    """gRPC-Web in both modes."""
    frame = grpcweb.data_frame(b"")
    async with place.http.post(place.address + GET_ME, headers=WEB, data=frame) as answer:
        check(b"grpc-status: 0" in await answer.read(), "a call")
    async with place.http.post(place.address + GET_ME, headers=TEXT, data=base64.b64encode(frame)) as answer:
        check(b"grpc-status: 0" in grpcweb.decode_text(await answer.read()), "a call in text mode")


async def twin(place: Place) -> None:
    """JSON and readable paths."""
    async with place.http.post(place.address + GET_ME, headers=JSON, data=b"{}") as answer:
        check(answer.status == 200 and "person" in await answer.json(), "a call by JSON")
    async with place.http.get(place.address + "/api/v1/projects") as answer:
        check(answer.status == 200 and "projects" in await answer.json(), "a readable path")


async def follow(place: Place) -> None:
    """A stream over HTTP, of which the beginning is read."""
    body = grpcweb.data_frame(FollowRequest(video_id=place.video_id).SerializeToString())
    async with place.http.post(place.address + FOLLOW, headers=WEB, data=body) as answer:
        check(await answer.content.readany(), "a stream")
        answer.close()


async def collaborate(place: Place) -> None:
    """A session on a socket of its own, which is closed, or ends without a word."""
    async with place.http.ws_connect(place.address + COLLABORATE, protocols=["grpc-websockets"]) as socket:
        await socket.send_bytes(b"content-type: application/grpc-web+proto\r\n")
        await socket.send_bytes(b"\0" + grpcweb.data_frame(_opening(place)))
        await socket.receive_bytes(timeout=WAIT_S)
        check(await socket.receive_bytes(timeout=WAIT_S) != b"", "a session")
        await socket.send_bytes(b"\0" + grpcweb.data_frame(CollaborateRequest(ping_ms=5).SerializeToString()))
        await _until(socket, lambda message: CollaborateResponse.FromString(message[5:]).pong.ping_ms == 5)
        _cut_perhaps(socket)


async def streams(place: Place) -> None:
    """Sessions and calls on one socket; some are cancelled, and some are left open."""
    async with place.http.ws_connect(place.address + "/streams", protocols=[SUBPROTOCOL]) as socket:
        await _open(socket, 1, COLLABORATE, _opening(place))
        await _open(socket, 2, FOLLOW, FollowRequest(video_id=place.video_id).SerializeToString())
        await _open(socket, 3, GET_ME, b"")
        await _until(socket, lambda message: message[:5] == bytes((END, 0, 0, 0, 3)))
        if random.random() < 0.5:
            await socket.send_bytes(bytes((CANCEL, 0, 0, 0, 2)))
            await _until(socket, lambda message: message[:5] == bytes((END, 0, 0, 0, 2)))
        _cut_perhaps(socket)


async def native(place: Place) -> None:
    """A program with a connection of its own: a call, and a stream that it cancels."""
    metadata = (("authorization", f"Bearer {place.door.token}"),)
    options = (("grpc.use_local_subchannel_pool", 1),)
    async with grpc.aio.insecure_channel(f"{place.door.host}:{place.door.port}", options=options) as channel:
        unary: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(GET_ME)
        check(await unary(b"", metadata=metadata, timeout=WAIT_S), "a program's call")
        stream: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream(FOLLOW)
        following = stream(FollowRequest(video_id=place.video_id).SerializeToString(), metadata=metadata)
        check(await following.read(), "a program's stream")
        following.cancel()


async def media(place: Place) -> None:
    """The poster, and the beginning of the page's file."""
    async with place.http.get(f"{place.address}/media/{place.video_id}/poster.jpg") as answer:
        check(answer.status == 200, "a poster")
        if random.random() < 0.5:
            answer.close()
        else:
            check(await answer.read(), "a poster's bytes")


async def offend(place: Place) -> None:
    """Bad input; some who send it do not wait for the answer."""
    kind = random.choice([name for name in OFFENCES if name not in RARE or random.random() < 0.02])
    try:
        async with asyncio.timeout(random.choice((0.01, 0.2, WAIT_S))):
            check(await OFFENCES[kind][0](place.door) != "nothing", f"an answer to {kind}")
    except TimeoutError:
        return


VISITS: tuple[Callable[[Place], Awaitable[None]], ...] = (
    call, twin, follow, collaborate, streams, native, media, offend, offend,
)  # fmt: skip


def _opening(place: Place) -> bytes:
    return CollaborateRequest(open=CollaborateOpen(video_id=place.video_id)).SerializeToString()


async def _open(socket: aiohttp.ClientWebSocketResponse, number: int, path: str, message: bytes) -> None:
    head = number.to_bytes(4, "big")
    await socket.send_bytes(bytes((OPEN,)) + head + path.encode() + b"\r\n")
    await socket.send_bytes(bytes((DATA,)) + head + grpcweb.data_frame(message))


async def _until(socket: aiohttp.ClientWebSocketResponse, found: Callable[[bytes], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not found(await socket.receive_bytes()):
            pass


def _cut_perhaps(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Half of them go without a word."""
    if random.random() < 0.5:
        transport = socket.get_extra_info("transport") or socket._response.connection.transport  # type: ignore[union-attr]
        transport.abort()  # type: ignore[union-attr]
