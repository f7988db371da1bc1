"""What a page says to the gateway, without the page: gRPC-Web, and `grpc-websockets` on a WebSocket."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import unquote

import aiohttp
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from multidict import CIMultiDict

from gateway.core import grpcweb
from gateway.core.mux import DATA, END, OPEN, SUBPROTOCOL
from rushes.annotation.v1.annotation_service_pb2 import CollaborateOpen, CollaborateRequest, CollaborateResponse

COLLABORATE = "/rushes.annotation.v1.AnnotationService/Collaborate"
TYPE = {"Content-Type": "application/grpc-web+proto", "X-Grpc-Web": "1"}
WAIT_S = 30.0
TLS_ENDS_S = 0.5
MAX_BYTES = 64 * 1024 * 1024


@dataclass
class Answer:
    """What came back of a call."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    messages: list[bytes] = field(default_factory=list)
    trailers: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> int:
        """The grpc-status; -1: there is none."""
        return int(self.trailers.get("grpc-status", "-1"))

    @property
    def message(self) -> str:
        """The grpc-message."""
        return unquote(self.trailers.get("grpc-message", ""))

    @property
    def reason(self) -> str:
        """The ErrorInfo's reason; empty: there is none."""
        return reason_of(self.trailers)


def reason_of(trailers: Mapping[str, str]) -> str:
    """Reason in the details of trailers."""
    status = status_pb2.Status.FromString(grpcweb.decode_binary(trailers.get("grpc-status-details-bin", "")))
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info.reason
    return ""


def retry_after_s(answer: Answer) -> float:
    """The RetryInfo's delay; 0: there is none."""
    details = grpcweb.decode_binary(answer.trailers.get("grpc-status-details-bin", ""))
    for detail in status_pb2.Status.FromString(details).details:
        info = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            return info.retry_delay.ToMilliseconds() / 1000
    return 0.0


def read_frames(body: bytes) -> tuple[list[bytes], dict[str, str]]:
    """Messages and trailers of a gRPC-Web body."""
    reader = grpcweb.FrameReader(MAX_BYTES)
    messages: list[bytes] = []
    trailers: dict[str, str] = {}
    for flag, payload in reader.feed(body):
        if flag == grpcweb.DATA:
            messages.append(payload)
        else:
            trailers = dict(grpcweb.parse_fields(payload))
    assert not reader.pending
    return messages, trailers


class Browser:
    """Somebody at an address, with a session's cookie or without. `source`: the address that they come from."""

    def __init__(
        self, address: str, secret: str = "", *, source: str = "", trust: ssl.SSLContext | None = None
    ) -> None:
        self.address = address
        self.secret = secret
        self._secured = trust is not None
        connector = aiohttp.TCPConnector(local_addr=(source, 0) if source else None, ssl=trust or True)
        self._http = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()
        if self._secured:  # the other side has its say on the end of TLS, and aiohttp waits for it behind our back
            await asyncio.sleep(TLS_ENDS_S)

    def _headers(self, headers: Mapping[str, str] | None) -> CIMultiDict[str]:
        found = CIMultiDict(headers or {})
        if self.secret:
            found.setdefault("Cookie", f"rushes_session={self.secret}")
        return found

    def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, data: object = None
    ) -> "aiohttp.client._RequestContextManager":
        """One HTTP request, to be used with `async with`."""
        return self._http.request(
            method, self.address + path, headers=self._headers(headers), data=data, allow_redirects=False
        )

    async def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """A gRPC-Web call with a body as it is given."""
        async with self.request("POST", path, headers={**TYPE, **(headers or {})}, data=body) as answer:
            raw = await answer.read()
            if answer.status != 200 or not answer.content_type.startswith("application/grpc-web"):
                return Answer(answer.status, answer.headers)
            return Answer(answer.status, answer.headers, *read_frames(raw))

    async def rpc(self, path: str, request: Message, headers: Mapping[str, str] | None = None) -> Answer:
        """A gRPC-Web call."""
        return await self.post(path, grpcweb.data_frame(request.SerializeToString()), headers)

    async def stream(
        self, path: str, request: Message, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[tuple[int, bytes]]:
        """Frames of a server stream as they come."""
        body = grpcweb.data_frame(request.SerializeToString())
        reader = grpcweb.FrameReader(MAX_BYTES)
        async with self.request("POST", path, headers={**TYPE, **(headers or {})}, data=body) as answer:
            assert answer.status == 200
            async for chunk in answer.content.iter_any():
                for frame in reader.feed(chunk):
                    yield frame

    async def connect(
        self,
        path: str = COLLABORATE,
        *,
        protocols: Sequence[str] = ("grpc-websockets",),
        headers: Mapping[str, str] | None = None,
        packs: bool = False,
    ) -> "Call":
        """A WebSocket that may pack, as browsers do; raises aiohttp.WSServerHandshakeError where it is refused."""
        ws = await self._http.ws_connect(
            self.address.replace("http", "ws", 1) + path,
            protocols=protocols,
            headers=self._headers(headers),
            max_msg_size=MAX_BYTES,
            compress=15 if packs else 0,
        )
        return Call(ws)


class Call:
    """One call on a WebSocket."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.trailers: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.close_code = 0
        self._reader = grpcweb.FrameReader(MAX_BYTES)
        self._waiting: list[tuple[int, bytes]] = []

    async def begin(self, fields: str = "content-type: application/grpc-web+proto\r\n") -> None:
        """The header lines."""
        await self.ws.send_bytes(fields.encode("latin-1"))

    async def send(self, message: Message) -> None:
        """A message."""
        await self.ws.send_bytes(b"\0" + grpcweb.data_frame(message.SerializeToString()))

    async def open(self, video_id: int, **fields: object) -> None:
        """Header lines and the first message of Collaborate."""
        await self.begin()
        opening = CollaborateOpen(video_id=video_id, **fields)  # type: ignore[arg-type]
        await self.send(CollaborateRequest(open=opening))

    async def receive(self) -> bytes | None:
        """The next message; None: the call has ended (see trailers) or the socket has closed (see close_code)."""
        while not self.trailers:
            if self._waiting:
                flag, payload = self._waiting.pop(0)
                if flag == grpcweb.DATA:
                    return payload
                fields = dict(grpcweb.parse_fields(payload))
                if "grpc-status" in fields:
                    self.trailers = fields
                else:
                    self.headers = fields
                continue
            message = await self.ws.receive(WAIT_S)
            if message.type is not aiohttp.WSMsgType.BINARY:
                self.close_code = self.ws.close_code or -1
                return None
            self._waiting += self._reader.feed(message.data)
        return None

    async def responses(self) -> AsyncIterator[CollaborateResponse]:
        """Collaborate's messages, until the call has ended."""
        while (payload := await self.receive()) is not None:
            yield CollaborateResponse.FromString(payload)

    async def next(self, kind: str) -> CollaborateResponse:
        """The next message of a kind; those before it are passed over."""
        async with asyncio.timeout(WAIT_S):
            async for response in self.responses():
                if response.WhichOneof("message") == kind:
                    return response
        raise AssertionError(f"the call ended before {kind}: {self.trailers or self.close_code}")

    async def ended(self) -> Answer:
        """Waits for the call's end."""
        async with asyncio.timeout(WAIT_S):
            while await self.receive() is not None:
                pass
        return Answer(200, self.headers, [], self.trailers)

    async def close(self) -> None:
        """Closes the socket."""
        await self.ws.close()


async def together(browser: Browser, path: str, *requests: Message) -> list[dict[str, str]]:
    """Trailers of calls that share one socket."""
    socket = await browser.connect("/streams", protocols=(SUBPROTOCOL,))
    for number, request in enumerate(requests):
        said = ((OPEN, path.encode() + b"\r\n"), (DATA, grpcweb.data_frame(request.SerializeToString())), (END, b""))
        for kind, rest in said:
            await socket.ws.send_bytes(bytes((kind,)) + number.to_bytes(4, "big") + rest)
    heard, ended = [b""] * len(requests), 0
    while ended < len(requests):
        message = await socket.ws.receive_bytes(timeout=WAIT_S)
        if message[0] == END:
            ended += 1
        elif message[0] == DATA:
            heard[int.from_bytes(message[1:5], "big")] += message[5:]
    await socket.close()
    return [read_frames(frames)[1] for frames in heard]
