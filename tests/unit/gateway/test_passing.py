"""Answers of calls on WebSockets: what of them goes out, and what does not."""

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
