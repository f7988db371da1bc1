"""A way between a browser and the forwarder: loses packets, and takes only so many bits a second, with a queue."""

import asyncio
import random
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

QUEUE_S: Final = 0.3
"""What waits longer than this is dropped, as at the end of a router's queue."""
_CANDIDATE: Final = re.compile(r"(a=candidate:\S+ 1 udp \d+ \S+) (\d+) typ host")


class Way:
    """See the module. `loss` (0 to 1) and `limit_bps` (0: none) are of what goes to the browser, and may be changed."""

    def __init__(self, *, loss: float = 0.0, limit_bps: float = 0.0, seed: int = 7) -> None:
        self.loss = loss
        self.limit_bps = limit_bps
        self.passed = self.dropped = 0
        self._random = random.Random(seed)
        self._free_s = 0.0
        self._browser: tuple[str, int] | None = None
        self._near, self._far = _udp(), _udp()
        self._near.bind(("127.0.0.1", 0))

    def through(self, description: str) -> str:
        """A description of the forwarder's, whose candidates lead here instead."""
        port = int(next(iter(_CANDIDATE.findall(description)))[1])
        self._far.connect(("127.0.0.1", port))
        return _CANDIDATE.sub(rf"\1 {self._near.getsockname()[1]} typ host", description)

    def open(self) -> None:
        """Begins to pass datagrams."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._near.fileno(), self._up)
        loop.add_reader(self._far.fileno(), self._down)

    def move(self) -> None:
        """The browser is at another address from now on, as behind a router that forgot it."""
        loop = asyncio.get_running_loop()
        there = self._far.getpeername()
        loop.remove_reader(self._far.fileno())
        self._far.close()
        self._far = _udp()
        self._far.connect(there)
        loop.add_reader(self._far.fileno(), self._down)

    def close(self) -> None:
        """Ends it."""
        loop = asyncio.get_running_loop()
        for each in (self._near, self._far):
            loop.remove_reader(each.fileno())
            each.close()

    def _up(self) -> None:
        while True:
            try:
                data, self._browser = self._near.recvfrom(2_048)
                self._far.send(data)
            except (BlockingIOError, ConnectionError):
                return

    def _down(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                data = self._far.recv(2_048)
            except (BlockingIOError, ConnectionError):
                return
            media = data[0] >= 128
            if media and self._random.random() < self.loss:
                self.dropped += 1
            elif not self.limit_bps:
                self._deliver(data)
            else:
                now_s = loop.time()
                begins_s = max(now_s, self._free_s)
                if begins_s - now_s > QUEUE_S:
                    self.dropped += 1
                    continue
                self._free_s = begins_s + 8 * len(data) / self.limit_bps
                loop.call_at(self._free_s, self._deliver, data)

    def _deliver(self, data: bytes) -> None:
        self.passed += len(data)
        if self._browser is not None and self._near.fileno() >= 0:
            self._near.sendto(data, self._browser)


def _udp() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    return made


@asynccontextmanager
async def way(*, loss: float = 0.0, limit_bps: float = 0.0) -> AsyncIterator[Way]:
    """One, ended afterwards."""
    made = Way(loss=loss, limit_bps=limit_bps)
    made.open()
    try:
        yield made
    finally:
        made.close()
