"""What one frame to one viewer costs: the hub's own writing, to sockets that somebody reads. Prints CPU microseconds.

usage: PORT SOCKETS ROUNDS BYTES [streams], as the plain loop in C beside it; `streams`: over `rushes-streams`, the
sockets that the page has, each with a call of its own.
"""

import asyncio
import resource
import sys
import time
from collections.abc import Callable
from typing import cast

import uvloop

from gateway.core.mux import OPEN, ROOM, ServerMux
from gateway.core.socket import binary_frame
from gateway.fanout import FanOut, Socket
from gateway.http.mux import MuxWriter
from gateway.http.websocket import SocketWriter, ViewerSocket


class Joined(asyncio.Protocol):
    """A viewer's connection."""

    def __init__(self, transports: list[asyncio.Transport]) -> None:
        self._transports = transports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """One more."""
        self._transports.append(cast(asyncio.Transport, transport))


def streams(transport: asyncio.Transport) -> MuxWriter:
    """A viewer as the page has it: the only call on its socket."""
    mux = ServerMux(1 << 20)
    mux.receive(bytes((OPEN, 0, 0, 0, 1)) + b"/rushes.annotation.v1.AnnotationService/Collaborate")
    mux.receive(bytes((ROOM, 0, 0, 0, 1)) + (1 << 29).to_bytes(4, "big"))
    return MuxWriter(mux, 1, SocketWriter(transport))


async def run(port: int, count: int, rounds: int, size: int, make: Callable[[asyncio.Transport], Socket]) -> None:
    """Waits for all, writes, ends."""
    transports: list[asyncio.Transport] = []
    server = await asyncio.get_running_loop().create_server(lambda: Joined(transports), "127.0.0.1", port, backlog=4096)
    while len(transports) < count:  # noqa: ASYNC110  # only until all are here
        await asyncio.sleep(0.05)
    fan_out = FanOut(lambda session, now: None)
    fan_out.sockets.update(enumerate(map(make, transports)))
    sessions, frame = tuple(range(count)), binary_frame(b"x" * size)
    before_s = time.process_time()
    for _ in range(rounds):
        fan_out.send(sessions, frame)
        await asyncio.sleep(0.05)
    spent_us = (time.process_time() - before_s) * 1e6
    sys.stdout.write(f"{spent_us / (count * rounds):.6f}\n")
    server.close()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        port, count, rounds, size = map(int, sys.argv[1:5])
        runner.run(run(port, count, rounds, size, streams if "streams" in sys.argv else ViewerSocket))
