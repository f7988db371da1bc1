"""Answers of calls on WebSockets: what of them goes out, and what does not."""

import gzip
import zlib

import pytest

from gateway.core import grpcweb
from gateway.http.passing import SocketReply

OPENING = ((":status", "200"), ("content-type", "application/grpc"))
MESSAGE = grpcweb.data_frame(b"abc")


class Written:
    """A socket that writes down."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def write(self, frame: bytes) -> None:
        """See Writer."""
        self.frames.append(frame)

    def buffered(self) -> int:
        """See Writer."""
        return 0


@pytest.mark.parametrize("sent_before", [False, True])
async def test_half_a_message_is_not_followed_by_a_status(sent_before: bool) -> None:
    out = Written()
    answer = SocketReply(out, None)
    answer.on_headers(OPENING, False)
    answer.on_data(MESSAGE + MESSAGE[:6])
    if sent_before:
        answer.flush()
    answer.on_lost()
    answer.flush()
    assert answer.ended.result() == 14
    assert not any(b"grpc-status" in frame for frame in out.frames)


async def test_whole_messages_are_however_they_were_cut() -> None:
    out = Written()
    answer = SocketReply(out, None)
    answer.on_headers(OPENING, False)
    for at in range(len(MESSAGE)):
        answer.on_data(MESSAGE[at : at + 1])
        answer.flush()
    answer.on_lost()
    answer.flush()
    assert answer.ended.result() == 14
    assert b"grpc-status: 14" in out.frames[-1]


# -- a server that compresses though nobody asked ------------------------------------------------------------------

PACKED = grpcweb.frame(grpcweb.COMPRESSED, gzip.compress(b"abc"))
DEFLATED = grpcweb.frame(grpcweb.COMPRESSED, zlib.compress(b"abc"))


async def heard(encoding: str, *pieces: bytes) -> tuple[int, bytes]:
    """How a call ends that the server says is well, and the frames that came before its status."""
    out = Written()
    answer = SocketReply(out, None)
    answer.on_headers((*OPENING, ("grpc-encoding", encoding)), False)
    for piece in pieces:
        answer.on_data(piece)
        answer.flush()
    answer.on_headers((("grpc-status", "0"),), True)
    answer.flush()
    said = b"".join(frame[2:] for frame in out.frames[1:])  # short ones: two bytes are before what they hold
    assert b"grpc-status: %d\r\n" % answer.ended.result() in said
    return answer.ended.result(), said[: said.index(b"\x80\0\0\0")]


async def test_on_a_socket_compressed_messages_come_as_they_were() -> None:
    assert await heard("gzip", PACKED + MESSAGE) == (0, MESSAGE * 2)
    assert await heard("gzip", PACKED[:9], PACKED[9:]) == (0, MESSAGE)
    assert await heard("deflate", DEFLATED) == (0, MESSAGE)


async def test_on_a_socket_what_cannot_be_inflated_is_the_server_s_fault() -> None:
    broken = grpcweb.frame(grpcweb.COMPRESSED, b"no gzip")
    assert await heard("gzip", MESSAGE, broken, MESSAGE) == (13, MESSAGE)
    assert await heard("gzip", MESSAGE, PACKED[:-1]) == (13, MESSAGE)
    assert await heard("brotli", MESSAGE) == (13, b"")
