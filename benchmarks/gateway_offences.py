"""Bad input of each kind for a gateway, and what it answers. As a program it sends one kind, so many a second.

usage: KIND RATE BEGIN,END..., in Unix seconds, and a Door as JSON on the standard input; prints what was answered, and
how often. It yields to everybody else on this machine: what it takes itself is not the gateway's.
"""

import asyncio
import base64
import collections
import contextlib
import gzip
import json
import os
import random
import re
import sys
import time
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache

from gateway.core import grpcweb, hpack
from gateway.core.http2 import Connection
from gateway.core.websocket import unmasked

GET_ME = "/rushes.project.v1.IdentityService/GetMe"
COLLABORATE = "/rushes.annotation.v1.AnnotationService/Collaborate"
STREAMS = 5_000
BOMB = grpcweb.frame(1, gzip.compress(bytes(64 << 20)))
WAIT_S = 30.0
RESET_S = 1.0


@dataclass(frozen=True)
class Door:
    """Where a gateway is, and somebody it knows."""

    host: str
    port: int
    secret: str
    token: str


Offence = Callable[[Door], Awaitable[str]]


@contextlib.asynccontextmanager
async def connected(door: Door, said: bytes):  # type: ignore[no-untyped-def]
    """A connection on which this was said."""
    reader, writer = await asyncio.open_connection(door.host, door.port)
    try:
        writer.write(said)
        yield reader, writer
    finally:
        writer.transport.abort()


def answer_of(heard: bytes) -> str:
    """Bytes that came until the end, in a word."""
    code = re.findall(rb"grpc-status: ?(\d+)", heard)
    status = re.match(rb"HTTP/1\.1 (\d+)", heard)
    if code:
        return f"grpc-status {code[-1].decode()}"
    if status and status[1] == b"101":
        close = re.search(rb"\x88[\x02-\x7d](..)", heard, re.DOTALL)
        return f"close {int.from_bytes(close[1], 'big')}" if close else "the end"
    return f"HTTP {status[1].decode()}" if status else "the end"


async def answered(door: Door, said: bytes) -> str:
    """What comes for these bytes, until the gateway ends the connection."""
    async with connected(door, said) as (reader, writer):
        try:
            async with asyncio.timeout(WAIT_S):
                await writer.drain()
                return answer_of(await reader.read())
        except ConnectionError:
            return "the end"
        except TimeoutError:
            return "nothing"


def post(door: Door, body: bytes, more: str = "", *, size: int = -1, kind: str = "application/grpc-web") -> bytes:
    """A call that ends its connection."""
    length = len(body) if size < 0 else size
    head = (
        f"POST {GET_ME} HTTP/1.1\r\nHost: {door.host}:{door.port}\r\nContent-Type: {kind}\r\nConnection: close\r\n"
        f"Authorization: Bearer {door.token}\r\nContent-Length: {length}\r\n{more}\r\n"
    )
    return head.encode() + body


def upgrade(door: Door, more: str = "") -> bytes:
    """The handshake of a socket of one call."""
    return (
        f"GET {COLLABORATE} HTTP/1.1\r\nHost: {door.host}:{door.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"Sec-WebSocket-Protocol: grpc-websockets\r\nCookie: rushes_session={door.secret}\r\n{more}\r\n"
    ).encode()


def masked(payload: bytes, opcode: int = 2, *, fin: bool = True) -> bytes:
    """A client's frame."""
    size = len(payload)
    length = bytes((0x80 | size,)) if size < 126 else b"\xff" + size.to_bytes(8, "big")
    return bytes((opcode | (0x80 if fin else 0),)) + length + b"\1\2\3\4" + unmasked(payload, b"\1\2\3\4")


async def slow_head(door: Door) -> str:
    """Headers that never end."""
    return await answered(door, post(door, b"")[:-2])


async def slow_body(door: Door) -> str:
    """A body that never comes."""
    return await answered(door, post(door, b"", size=1_000))


async def slow_socket(door: Door) -> str:
    """A socket whose call never begins."""
    return await answered(door, upgrade(door))


async def fragments(door: Door) -> str:
    """Pieces of a message without end, with pings between them."""
    return await answered(door, upgrade(door) + _pieces())


@cache
def _pieces() -> bytes:
    return masked(b"\0", fin=False) + (masked(bytes(1_000), 0, fin=False) + masked(b"?", 9)) * 600


async def large_frame(door: Door) -> str:
    """A frame of 1 MiB."""
    return await answered(door, upgrade(door) + _large())


@cache
def _large() -> bytes:
    return masked(bytes(1 << 20))


async def foreign_origin(door: Door) -> str:
    """A page of another site."""
    return await answered(door, upgrade(door, "Origin: https://evil.example.com\r\n") + b"\r\n")


async def garbage(door: Door) -> str:
    """No HTTP at all."""
    return await answered(door, b"\x16\x03\x01" + random.randbytes(200) + b"\r\n\r\n")


async def garbage_on_a_socket(door: Door) -> str:
    """No frames after a handshake."""
    return await answered(door, upgrade(door) + b"\xff" + random.randbytes(200))


async def smuggled(door: Door) -> str:
    """A request that two servers could read differently."""
    line = random.choice(
        ("Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "X: 1\r\n 2\r\n", "X: 1\nY: 2\r\n", "X : 1\r\n")
    )
    return await answered(door, post(door, grpcweb.data_frame(b""), line) + b"GET /healthz HTTP/1.1\r\n\r\n")


async def bomb(door: Door) -> str:
    """A small message that would be a large one."""
    return await answered(door, post(door, BOMB, "grpc-encoding: gzip\r\n"))


async def bomb_on_a_socket(door: Door) -> str:
    """The same in a packed message of a socket."""
    packs = upgrade(door, "Sec-WebSocket-Extensions: permessage-deflate\r\n")
    return await answered(door, packs + masked(_packed(), 0x42))


@cache
def _packed() -> bytes:
    squeeze = zlib.compressobj(wbits=-15)
    return squeeze.compress(bytes(64 << 20)) + squeeze.flush(zlib.Z_SYNC_FLUSH)[:-4]


async def cut_frame(door: Door) -> str:
    """Less than the frame says."""
    return await answered(door, post(door, b"\0\0\0\0\x09abc"))


async def large_message(door: Door) -> str:
    """More than a message may have."""
    return await answered(door, post(door, b"\0\xff\xff\xff\xff" + bytes(100)))


async def cut_text(door: Door) -> str:
    """Text mode that ends inside of four letters."""
    body = base64.b64encode(grpcweb.data_frame(b"abcd"))[:-2]
    async with connected(door, post(door, body, kind="application/grpc-web-text")) as (reader, _):
        raw = (await reader.read()).partition(b"\r\n\r\n")[2]
        return answer_of(base64.b64decode(raw))


async def many_streams(door: Door) -> str:
    """5,000 calls at once on one connection to the native door, of which none sends its message."""
    return await _native(door, reset=False)


async def rapid_reset(door: Door) -> str:
    """As many, each taken back at once."""
    return await _native(door, reset=True)


async def _native(door: Door, *, reset: bool) -> str:
    connection, ends = Connection(), collections.Counter[str]()
    block = hpack.encode([(":method", "POST"), (":scheme", "http"), (":path", GET_ME), (":authority", "x"),
                          ("content-type", "application/grpc"), ("te", "trailers")])  # fmt: skip
    for _ in range(STREAMS):
        stream = connection.open(block, b"", _Ends(ends), end=False)
        if reset:
            connection.cancel(stream)
    async with connected(door, b"".join(connection.out)) as (reader, _):
        if reset:
            return await _stays(reader)
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(WAIT_S):
                while ends.total() < STREAMS - 100:
                    data = await reader.read(65_536)
                    connection.receive(data) if data else connection.lost()
    return ", ".join(sorted(ends)) or "nothing"


async def _stays(reader: asyncio.StreamReader) -> str:
    """Who only takes back what was asked for is owed no answer: what becomes of the connection."""
    try:
        async with asyncio.timeout(RESET_S):
            while await reader.read(65_536):
                pass
    except TimeoutError:
        return "stays"
    except ConnectionError:
        pass
    return "the end"


class _Ends:
    """Counts how calls end."""

    def __init__(self, ends: collections.Counter[str]) -> None:
        self._ends = ends

    def on_headers(self, fields: object, end: bool) -> None:
        """See Receiver."""
        self._ends["answered"] += end

    def on_data(self, data: bytes) -> None:
        """See Receiver."""

    def on_end(self) -> None:
        """See Receiver."""

    def on_reset(self, code: int) -> None:
        """See Receiver."""
        self._ends[f"reset {code}"] += 1

    def on_unprocessed(self) -> None:
        """See Receiver."""
        self._ends["refused"] += 1

    def on_lost(self) -> None:
        """See Receiver."""
        self._ends["lost"] += 1

    def flush(self) -> None:
        """See Receiver."""


OFFENCES: dict[str, tuple[Offence, float]] = {
    "slow_head": (slow_head, 100),
    "slow_body": (slow_body, 100),
    "slow_socket": (slow_socket, 100),
    "fragments": (fragments, 10),
    "large_frame": (large_frame, 10),
    "foreign_origin": (foreign_origin, 50),
    "garbage": (garbage, 50),
    "garbage_on_a_socket": (garbage_on_a_socket, 50),
    "smuggled": (smuggled, 50),
    "bomb": (bomb, 10),
    "bomb_on_a_socket": (bomb_on_a_socket, 10),
    "cut_frame": (cut_frame, 50),
    "large_message": (large_message, 50),
    "cut_text": (cut_text, 50),
    "many_streams": (many_streams, 0.5),
    "rapid_reset": (rapid_reset, 0.5),
}
"""How each is committed, and how often a second."""


async def commit(kind: str, rate: float, windows: Sequence[tuple[float, float]], door: Door) -> dict[str, int]:
    """So many a second in each window of time; who has no answer at its end is gone."""
    offence, answers = OFFENCES[kind][0], collections.Counter[str]()
    tasks: set[asyncio.Task[str]] = set()

    def told(task: "asyncio.Task[str]") -> None:
        tasks.discard(task)
        answers["left" if task.cancelled() else task.result()] += 1

    for begin_s, end_s in windows:
        await asyncio.sleep(max(0.0, begin_s - time.time()))
        while time.time() < end_s:
            task = asyncio.ensure_future(offence(door))
            tasks.add(task)
            task.add_done_callback(told)
            await asyncio.sleep(min(1 / rate, max(0.0, end_s - time.time())))
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return dict(answers)


def main() -> None:
    """See the module."""
    os.nice(10)
    kind, rate, *times = sys.argv[1:]
    windows = [(float(begin), float(end)) for begin, end in (each.split(",") for each in times)]
    print(json.dumps(asyncio.run(commit(kind, float(rate), windows, Door(**json.loads(sys.stdin.readline()))))))


if __name__ == "__main__":
    main()
