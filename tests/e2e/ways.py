"""Ways of a browser's media that can be cut, as when somebody leaves one network for another."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import BrowserContext

from benchmarks.sfu_parts.way import Way

_THROUGH: Final = """() => {
  const kind = RTCPeerConnection.prototype, real = kind.setRemoteDescription;
  kind.setRemoteDescription = async function ({ type, sdp }) {
    return real.call(this, { type, sdp: await window.wayThrough(sdp) });
  };
}"""


class Ways:
    """See the module: each connection takes one of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._open: list[Way] = []

    def of(self, context: BrowserContext) -> None:
        """From the next page on, media of this browser goes that way."""
        context.expose_function("wayThrough", self._through)
        context.add_init_script(f"({_THROUGH})()")

    def cut(self) -> None:
        """Nothing more passes on the ways that there are; later connections take others."""
        ways, self._open = self._open, []
        for way in ways:
            self._loop.call_soon_threadsafe(way.close)

    def _through(self, description: str) -> str:
        way = Way()
        self._open.append(way)
        described = way.through(description)
        self._loop.call_soon_threadsafe(way.open)
        return described


@contextmanager
def ways() -> Iterator[Ways]:
    """Some, cut at the end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    made = Ways(loop)
    try:
        yield made
    finally:
        made.cut()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
