"""What one frame to one viewer costs: the hub's own writing, to sockets that somebody reads. Prints CPU microseconds.

usage: PORT SOCKETS ROUNDS BYTES, as the plain loop in C beside it.
"""

import asyncio
import resource
import sys
import time
from typing import cast

import uvloop

from gateway.core.hub import Hub
from gateway.core.viewer import Send
from gateway.http.websocket import ViewerSocket
from gateway.relay import Channel
from mesh.config import MeshConfig
from mesh.fleet import Fleet
from mesh.rpc import Channels


class Joined(asyncio.Protocol):
    """A viewer's connection."""

    def __init__(self, transports: list[asyncio.Transport]) -> None:
        self._transports = transports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """One more."""
        self._transports.append(cast(asyncio.Transport, transport))


async def run(port: int, count: int, rounds: int, size: int) -> None:
    """Waits for all, writes, ends."""
    transports: list[asyncio.Transport] = []
    server = await asyncio.get_running_loop().create_server(lambda: Joined(transports), "127.0.0.1", port, backlog=4096)
    while len(transports) < count:  # noqa: ASYNC110  # only until all are here
        await asyncio.sleep(0.05)
    # A service that is not there: the hub of this video only writes.
    channels = Channels("gateway", MeshConfig(secret="-", services={"svc_annotation": "unix:/nonexistent"}))
    channel = Channel(Hub(1, merge_bytes_s=1 << 30, slow_s=30.0), Fleet(channels, "svc_annotation"), channels)
    for task in channel._tasks:
        task.cancel()
    channel._sockets.update(enumerate(map(ViewerSocket, transports)))
    action = Send(tuple(range(count)), b"x" * size)
    before_s = time.process_time()
    for _ in range(rounds):
        channel._send(action)
        await asyncio.sleep(0.05)
    spent_us = (time.process_time() - before_s) * 1e6
    sys.stdout.write(f"{spent_us / (count * rounds):.6f}\n")
    server.close()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(*map(int, sys.argv[1:5])))
