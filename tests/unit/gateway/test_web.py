"""A connection whose requests come before they are answered."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import TypeVarTuple, cast

from gateway.access import OpenAccess
from gateway.core.origin import Origins
from gateway.http.socket import Sockets
from gateway.passage import Passage, Target
from gateway.upstream import Way
from gateway.web import BUSY_S, WebProtocol

Given = TypeVarTuple("Given")
LENT = b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n"
CALL = b"POST /a.B/C HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc-web\r\ncontent-length: 0\r\n\r\n"


class Clock(asyncio.SelectorEventLoop):
    """A loop that keeps what it was asked to do later, and whose time stands still."""

    def __init__(self) -> None:
        super().__init__()
        self.timers: list[tuple[float, asyncio.TimerHandle]] = []

    def time(self) -> float:
        """See AbstractEventLoop."""
        return 0.0

    def call_later(
        self, delay: float, callback: Callable[[*Given], object], *args: *Given, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """See AbstractEventLoop."""
        handle = super().call_later(delay, callback, *args, context=context)
        self.timers.append((delay, handle))
        return handle

    def waiting(self, delay: float) -> int:
        """Timers of this delay that are set."""
        return sum(not handle.cancelled() for one, handle in self.timers if one == delay)


class Transport(asyncio.Transport):
    """A connection that writes nothing."""

    def write(self, data: object) -> None:
        """See Transport."""

    def is_closing(self) -> bool:
        """See Transport."""
        return False

    def pause_reading(self) -> None:
        """See Transport."""

    def resume_reading(self) -> None:
        """See Transport."""

    def get_write_buffer_size(self) -> int:
        """See Transport."""
        return 1


class Lent(asyncio.Protocol):
    """Answers nothing: it is busy for good."""

    _waiter = None

    def pause_writing(self) -> None:
        """See Protocol."""

    def resume_writing(self) -> None:
        """See Protocol."""


def test_a_reader_that_stops_and_goes_on_does_not_multiply_the_clocks_of_what_it_asked_ahead() -> None:
    async def ask() -> int:
        loop = cast(Clock, asyncio.get_running_loop())
        passage = Passage(
            lambda path: Target(path, cast(Way, None), unary=True),
            OpenAccess(),
            Origins((), everybody=True),
            max_message_bytes=1_000,
            slow_reader_s=100.0,
            lines=b"",
        )
        protocol = WebProtocol(Transport(), Lent, passage, cast(Sockets, None), 100.0)
        protocol.data_received(LENT + CALL)
        assert loop.waiting(BUSY_S) == 1
        for _ in range(50):
            protocol.pause_writing()
            protocol.data_received(b"")
            protocol.resume_writing()
            await asyncio.sleep(0)
        most = loop.waiting(BUSY_S)
        protocol.connection_lost(None)
        return most

    with asyncio.Runner(loop_factory=Clock) as runner:
        assert runner.run(ask()) == 1
