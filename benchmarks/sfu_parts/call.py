"""A Chromium with a camera: what it publishes through the forwarder, and how it sees that."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page, async_playwright

from benchmarks.sfu_parts.way import Way
from benchmarks.sfu_parts.worker import Worker, working
from rushes.sfu.v1 import sfu_service_pb2 as sfu

CHROMIUM: Final = "/usr/bin/chromium"
ARGUMENTS: Final = (
    "--no-sandbox",
    "--use-fake-device-for-media-stream=fps=25",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
ADDRESS: Final = "https://call.example/"
CAMERA: Final = "camera"
SCRIPT: Final = Path(__file__).with_name("call.js")


class Call:
    """See the module."""

    def __init__(self, worker: Worker, page: Page) -> None:
        self.worker = worker
        self._page = page

    async def publish(
        self,
        codec: str = "",
        mode: str = "",
        size: tuple[int, int] = (1280, 720),
        *,
        bars: bool = False,
        one: bool = False,
    ) -> None:
        """The camera in three layers and the microphone; `codec` and `mode` (scalability): as the browser likes.

        With `bars`, pictures with a number instead of the camera's; with `one`, one stream instead of three.
        """
        options = {"codec": codec, "mode": mode, "width": size[0], "height": size[1], "bars": bars, "one": one}
        offer = await self._page.evaluate("options => window.offer(options)", options)
        await self._page.evaluate("sdp => window.answered(sdp)", await self.worker.publish(CAMERA, offer))

    def _track(self, kind: "sfu.MediaKind.ValueType") -> str:
        return next(each.track_id for each in self.worker.tracks[CAMERA] if each.kind == kind)

    def shows(self, layers: Sequence[str]) -> list[sfu.Show]:
        """The camera in as many slots, the first the most important."""
        track_id = self._track(sfu.MEDIA_KIND_VIDEO)
        return [
            sfu.Show(mid=f"v{at}", track_id=track_id, layer=layer, priority=8 - at) for at, layer in enumerate(layers)
        ]

    async def watch(self, who: str, layers: Sequence[str], *, way: Way | None = None, sound: bool = False) -> None:
        """Watches the camera in as many slots as there are layers, by this way."""
        began_ms = time.time() * 1000
        offer = await self.worker.subscribe(who, audio=int(sound), video=len(layers))
        told = {"who": who, "sdp": way.through(offer) if way is not None else offer, "beganMs": began_ms}
        answer = await self._page.evaluate("told => window.watch(told)", told)
        shows = self.shows(layers)
        shows += [sfu.Show(mid="a0", track_id=self._track(sfu.MEDIA_KIND_AUDIO), priority=8)] if sound else []
        await self.worker.accept(who, answer, shows)
        await self._page.wait_for_function("who => window.first(who) !== null", arg=who, timeout=20_000)

    async def leave(self, who: str) -> None:
        """Watches no more."""
        await self._page.evaluate("who => window.leave(who)", who)

    async def first_ms(self, who: str) -> float:
        """From asking for slots to the first picture."""
        first: float = await self._page.evaluate("who => window.first(who)", who)
        return first

    async def pictures(self, who: str) -> list[tuple[float, int, int]]:
        """What was seen in the first slot since this was last asked: when (ms), which, how wide."""
        seen: list[tuple[float, int, int]] = await self._page.evaluate("who => window.pictures(who)", who)
        return seen

    async def numbers(self, who: str, many: int) -> list[tuple[int, int]]:
        """Of at least so many pictures, the number that was seen (-1: none) and that of the last one sent by then."""
        told = {"who": who, "many": many}
        enough = "({ who, many }) => window.numbers(who).length >= many"
        await self._page.wait_for_function(enough, arg=told, timeout=60_000)
        found: list[tuple[int, int]] = await self._page.evaluate("who => window.numbers(who)", who)
        return found

    async def sees(self, who: str, width: int) -> None:
        """Waits until pictures of this width are in the first slot."""
        told = {"who": who, "width": width}
        await self._page.wait_for_function("({ who, width }) => window.width(who) === width", arg=told, timeout=60_000)

    async def reports(self, who: str) -> dict[str, Any]:
        """The browser's statistics of what arrives, by mid."""
        found = await self._page.evaluate("who => window.reports(who)", who)
        return {each["mid"]: each for each in found}


@asynccontextmanager
async def calling() -> AsyncIterator[Call]:
    """A forwarder and a browser, ended afterwards."""
    async with working() as worker, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            page = await browser.new_page()
            await page.route(ADDRESS, lambda route: route.fulfill(content_type="text/html", body="<!doctype html>"))
            await page.goto(ADDRESS)
            await page.add_script_tag(path=SCRIPT)
            yield Call(worker, page)
        finally:
            await browser.close()
