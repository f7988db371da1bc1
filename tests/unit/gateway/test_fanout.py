"""Frames to many sockets: what each gets, whatever the others do."""

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from google.rpc import status_pb2

from gateway.core.deflate import Pace, unpacked
from gateway.core.hub import LOW_BYTES
from gateway.core.message import Message
from gateway.core.mux import FIRST_ROOM, OPEN, ROOM, ServerMux, unframed
from gateway.core.socket import binary_frame, message_frame
from gateway.core.websocket import PACKED
from gateway.fanout import HIGH_BYTES, FanOut, Socket
from gateway.http.call import SocketCalls
from gateway.http.mux import MuxSocket, MuxWriter
from gateway.http.session import Caller
from gateway.http.websocket import SocketWriter, ViewerSocket, WebSocketConnection, WebSocketStream
from tests.unit.gateway.fanout_rig import Viewer, congested, counted, frames
from tests.waiting import until

pytestmark = pytest.mark.asyncio

FRAME = binary_frame(b"frame")


@pytest.fixture
def files(tmp_path: Path) -> Iterator[list[int]]:
    """Descriptors to write to."""
    opened = [os.open(tmp_path / str(each), os.O_RDWR | os.O_CREAT) for each in range(3)]
    yield opened
    for each in opened:
        os.close(each)


def read(descriptor: int) -> bytes:
    """All that was written."""
    return os.pread(descriptor, 1 << 20, 0)


async def test_all_get_the_frame_though_one_s_connection_is_broken(files: list[int]) -> None:
    fan_out = FanOut(congested)
    broken = Viewer(descriptor=1 << 20)
    viewers = [Viewer(files[0]), broken, Viewer(files[1]), Viewer(files[2])]
    fan_out.sockets.update(enumerate(viewers))
    fan_out.send((0, 1, 2, 7, 3), FRAME)
    assert [read(each) for each in files] == [FRAME] * 3
    assert broken.left == [FRAME]
    assert not any(each.left or each.queued for each in viewers if each is not broken)


class Gone(asyncio.Transport):
    """A connection that has closed, as uvloop has it."""

    def get_extra_info(self, name: str, default: object = None) -> object:
        """See BaseTransport: as over TLS, where nothing goes past the transport."""
        return self

    def is_closing(self) -> bool:
        """See BaseTransport."""
        return True

    def get_write_buffer_size(self) -> int:
        """See WriteTransport."""
        return 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See WriteTransport."""
        raise RuntimeError("unable to perform operation: the handler is closed")


async def test_who_has_just_gone_keeps_nobody_from_the_frame(files: list[int]) -> None:
    fan_out = FanOut(congested)
    fan_out.sockets.update({0: Viewer(files[0]), 1: ViewerSocket(Gone()), 2: Viewer(files[1])})
    fan_out.send((0, 1, 2), FRAME)
    fan_out.send_later((1, 2), binary_frame(b"[a]"))
    fan_out.send((0, 1, 2), FRAME)
    fan_out.close()
    assert [read(each) for each in files[:2]] == [FRAME + FRAME, FRAME + binary_frame(b"frame[a]")]


class Raising(Gone):
    """A connection that raises without having closed."""

    def is_closing(self) -> bool:
        """See BaseTransport."""
        return False


@pytest.mark.parametrize("shared", [False, True], ids=["a socket of its own", "a shared socket"])
async def test_whose_connection_raises_is_over_though_not_even_that_can_be_said(shared: bool) -> None:
    said: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: said.append(context["exception"]))
    socket = ViewerSocket(Raising())
    viewer = muxed(socket) if shared else socket
    fan_out = FanOut(congested)
    fan_out.sockets.update({0: Viewer(waiting=1), 1: cast(Socket, viewer)})
    fan_out.send((0, 1), FRAME)
    await asyncio.wait_for(viewer.ended, 60)
    assert [type(each) for each in said] == [RuntimeError]


async def test_what_a_descriptor_does_not_take_is_queued() -> None:
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    fan_out = FanOut(congested)
    viewer = fan_out.sockets[1] = Viewer(theirs)
    frame = binary_frame(os.urandom(1 << 20))
    fan_out.send((1,), frame)
    taken = os.read(ours, 1 << 20)
    assert 0 < len(taken) < len(frame)
    assert viewer.left == [frame[len(taken) :]]
    os.close(ours)
    os.close(theirs)


async def test_presence_goes_with_the_next_commit_in_one_write(files: list[int]) -> None:
    fan_out = FanOut(congested)
    slow, slower = Viewer(waiting=1), Viewer(waiting=LOW_BYTES + 1)
    fan_out.sockets.update({0: Viewer(files[0]), 1: Viewer(files[1]), 2: slow, 3: slower})
    one, two = frames(b"<1>", b"<2>")
    fan_out.send((0, 1, 2, 3), one)
    fan_out.send_later((0, 2, 3), binary_frame(b"[a]"))
    fan_out.send_later((0,), binary_frame(b"[b]"))
    fan_out.send((0, 1, 2, 3), two)
    fan_out.close()
    assert [read(each) for each in files[:2]] == [one + binary_frame(b"<2>[b]"), one + two]
    assert (slow.queued, slower.queued) == ([one, binary_frame(b"<2>[a]")], [one, two])


async def test_presence_does_not_wait_where_nothing_else_is_sent(files: list[int]) -> None:
    fan_out = FanOut(congested)
    slower = Viewer(waiting=LOW_BYTES + 1)
    fan_out.sockets.update({0: Viewer(files[0]), 1: slower})
    fan_out.send_later((0, 1, 2), FRAME)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (read(files[0]), slower.queued) == (FRAME, [])


async def test_presence_that_is_not_written_does_not_count(files: list[int]) -> None:
    fan_out = FanOut(congested)
    slow, slower = Viewer(waiting=1), Viewer(waiting=LOW_BYTES + 1)
    fan_out.sockets.update({0: Viewer(files[0]), 1: slow, 2: slower})
    before = counted("out"), counted("dropped")
    fan_out.send_later((0, 1, 2, 3), FRAME)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (counted("out") - before[0], counted("dropped") - before[1]) == (2, 1)


async def test_who_takes_nothing_any_more_is_named() -> None:
    named: list[int] = []
    fan_out = FanOut(lambda session, now: named.append(session))
    fan_out.sockets.update({1: Viewer(waiting=HIGH_BYTES), 2: Viewer(waiting=HIGH_BYTES + 1)})
    fan_out.send((1, 2), FRAME)
    assert named == [2]


@pytest.mark.parametrize("size", [1, 200, 70_000])
async def test_on_a_shared_socket_a_direct_frame_is_what_would_have_been_written(size: int, files: list[int]) -> None:
    frame = message_frame(b"x" * size)
    message = Message([unframed(frame)])
    written: list[bytes] = []
    for number in (1, 7):
        for out in (Viewer(files[0]), Viewer(waiting=1)):
            mux = ServerMux(1_000)
            mux.receive(bytes((OPEN, 0, 0, 0, number)) + b"/a/b")
            writer = MuxWriter(mux, number, out)
            piece = writer.direct(message)
            assert (piece is None) == bool(out.waiting)
            if piece is None:
                writer.write(frame)
                piece = b"".join(out.queued)
            written.append(piece)
    assert written[0] == written[1] != written[2] == written[3]


class Packing(ViewerSocket):
    """A socket's writing side on a file."""

    def __init__(self, file: int, *, packs: bool) -> None:
        super().__init__(Open(file), packs=packs)


class Open(asyncio.Transport):
    """A connection that takes all, straight to a file."""

    def __init__(self, file: int) -> None:
        super().__init__({"socket": Descriptor(file)})

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False


@dataclass
class Descriptor:
    """A socket, as far as it is asked."""

    number: int

    def fileno(self) -> int:
        return self.number


def muxed(out: SocketWriter) -> MuxWriter:
    """A call on a socket."""
    mux = ServerMux(1_000)
    mux.receive(bytes((OPEN, 0, 0, 0, 1)) + b"/a/b")
    return MuxWriter(mux, 1, out)


@pytest.mark.parametrize("shared", [False, True], ids=["a socket of its own", "a shared socket"])
async def test_who_takes_it_packed_gets_what_goes_to_several_so(shared: bool, files: list[int]) -> None:
    frame = message_frame(b"note " * 1_000)
    fan_out = FanOut(congested)
    for number, packs in enumerate((False, True, True)):
        out = Packing(files[number], packs=packs)
        fan_out.sockets[number] = cast(Socket, muxed(out) if shared else out)
    fan_out.send((0, 1, 2), frame)
    plain, packed, other = map(read, files)
    assert packed == other
    assert len(packed) * 10 < len(plain)
    assert packed[0] == PACKED
    body = 2 if packed[1] < 126 else 4
    assert unpacked(packed[body:], 10_000) == plain[4:]
    fan_out.send((1,), frame)
    assert read(files[1]) == packed + plain, "for one alone it is not packed"


@pytest.mark.parametrize("shared", [False, True], ids=["a socket of its own", "a shared socket"])
async def test_nothing_follows_how_a_call_ended(shared: bool, files: list[int]) -> None:
    out = Packing(files[0], packs=False)
    ending = muxed(out) if shared else out
    fan_out = FanOut(congested)
    fan_out.sockets.update({0: cast(Socket, ending), 1: cast(Socket, Packing(files[1], packs=False))})
    ending.end(status_pb2.Status(code=4))
    told = read(files[0])
    fan_out.send((0, 1), message_frame(b"commits"))
    fan_out.send((0,), message_frame(b"a word"))
    fan_out.send_later((0, 1), message_frame(b"presence"))
    await until(lambda: read(files[1]).endswith(b"presence"))
    ending.trailers([("grpc-status", "0")])
    assert read(files[0]) == told
    assert told.count(b"grpc-status") == 1
    out.control(b"pong")
    assert read(files[0]) == told + b"pong", "what is of the socket itself still goes"


async def test_what_is_packed_for_several_videos_is_so_much_in_all(files: list[int]) -> None:
    pace, both = Pace(6_000), [message_frame(f"{number}".encode() * 5_000) for number in range(2)]
    for number, frame in enumerate(both):
        fan_out = FanOut(congested, pace)
        viewers = [Packing(files[number], packs=True), Packing(files[2], packs=True)]
        fan_out.sockets.update(enumerate(cast(list[Socket], viewers)))
        fan_out.send((0, 1), frame)
    first, second = map(read, files[:2])
    assert (first[0], second) == (PACKED, both[1])


async def test_on_a_shared_socket_nothing_is_direct_that_the_browser_has_no_room_for(files: list[int]) -> None:
    mux = ServerMux(1_000)
    mux.receive(bytes((OPEN, 0, 0, 0, 1)) + b"/a/b")
    out = Viewer(files[0])
    writer = MuxWriter(mux, 1, out)
    frame = message_frame(b"x" * 100_000)
    message = Message([unframed(frame)])
    assert writer.direct(message)
    assert writer.direct(message)
    assert writer.direct(message) is None
    writer.write(frame)
    assert writer.buffered() > 0
    mux.receive(bytes((ROOM, 0, 0, 0, 1)) + (1 << 20).to_bytes(4, "big"))
    assert writer.direct(message) is None, "what waits comes first"
    writer.roomier()
    assert writer.direct(message)
    writer.close()
    assert writer.direct(message) is None


class Narrow(asyncio.Transport):
    """The transport of a descriptor: keeps what it is given, as uvloop's does while the descriptor takes no more."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self.kept = b""

    def fileno(self) -> int:
        """See socket."""
        return self._descriptor

    def get_extra_info(self, name: str, default: object = None) -> object:
        """See BaseTransport."""
        return self if name == "socket" else default

    def is_closing(self) -> bool:
        """See BaseTransport."""
        return False

    def get_write_buffer_size(self) -> int:
        """See WriteTransport."""
        return len(self.kept)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See WriteTransport."""
        self.kept += data


@pytest.mark.parametrize("shared", [False, True], ids=["a socket of its own", "a shared socket"])
async def test_nothing_overtakes_what_the_transport_has_and_after_that_all_is_direct_again(
    files: list[int], *, shared: bool
) -> None:
    transport = Narrow(files[0])
    out = ViewerSocket(transport)
    viewer = muxed(out) if shared else out
    message = Message([b"<1>"])
    assert viewer.direct(message)
    viewer.rest(b"rest")
    assert viewer.direct(message) is None
    transport.kept = b""
    assert viewer.direct(message)


def stream(transport: Narrow) -> tuple[WebSocketConnection, Socket]:
    """A connection of one call, and where its frames go."""
    connection = WebSocketStream(transport, 1_000, lambda _: None)
    return connection, connection.out


def shared(transport: Narrow) -> tuple[WebSocketConnection, Socket]:
    """A connection of several."""
    connection = MuxSocket(transport, cast(SocketCalls, None), Caller("", "", "", ""), 1_000, lambda _: None)
    return connection, cast(Socket, muxed(connection.out))


@pytest.mark.parametrize("opened", [stream, shared])
async def test_nothing_is_written_to_a_descriptor_that_may_be_another_s_by_now(
    opened: Callable[[Narrow], tuple[WebSocketConnection, Socket]], files: list[int]
) -> None:
    transport = Narrow(files[0])
    connection, viewer = opened(transport)
    fan_out = FanOut(congested)
    fan_out.sockets.update({0: viewer, 1: Viewer(files[1])})
    fan_out.send((0, 1), FRAME)
    before = read(files[0])
    assert before
    connection.connection_lost(None)
    fan_out.send((0, 1), FRAME)
    fan_out.send((0,), FRAME)
    assert (read(files[0]), transport.kept, read(files[1])) == (before, b"", FRAME + FRAME)


def two_calls(transport: Narrow, room_bytes: int) -> list[MuxWriter]:
    """Of one socket; the second has no more room than this."""
    out, mux = SocketWriter(transport), ServerMux(1_000)
    for number in (1, 2):
        mux.receive(bytes((OPEN, 0, 0, 0, number)) + b"/a/b")
    assert mux.call(2).take_room(FIRST_ROOM - room_bytes)
    return [MuxWriter(mux, number, out) for number in (1, 2)]


def messages_of(data: bytes) -> Iterator[bytes]:
    """What is in a server's WebSocket frames, which have to be whole."""
    while data:
        code = data[1]
        head = {126: 4, 127: 10}.get(code, 2)
        size = int.from_bytes(data[2:head], "big") if head > 2 else code
        assert data[0] == 0x82
        assert code <= 127
        assert len(data) >= head + size
        yield data[head : head + size]
        data = data[head + size :]


@pytest.mark.parametrize("room_bytes", [FIRST_ROOM, 1_000], ids=["room for it", "room for a part"])
@pytest.mark.parametrize("later", [False, True], ids=["commit", "presence"])
async def test_calls_of_one_socket_get_a_frame_each_one_behind_the_other(
    files: list[int], monkeypatch: pytest.MonkeyPatch, *, room_bytes: int, later: bool
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:500]))
    transport = Narrow(files[0])
    fan_out = FanOut(congested)
    fan_out.sockets.update(enumerate(two_calls(transport, room_bytes)))
    payload = os.urandom(10_000)
    if later:
        fan_out.send_later((0, 1), message_frame(payload))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    else:
        fan_out.send((0, 1), message_frame(payload))
    assert read(files[0])
    assert transport.kept, "a frame goes in part"
    expected = unframed(message_frame(payload))
    got = dict.fromkeys((1, 2), b"")
    for message in messages_of(read(files[0]) + transport.kept):
        got[message[4]] += message[5:]
    assert got == {1: expected, 2: expected[:room_bytes]}
