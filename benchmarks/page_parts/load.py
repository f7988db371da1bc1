"""What the page's first load transfers, when one can use it, and whether memory stays flat while one plays and draws.

A browser that has never been here opens the library. `first_load_kb` are the bytes of the page, its code and looks as
gzip makes them; `transferred_kb` what came over the wire, pictures and answers of the services included.
`interactive_ms` is the median time until the library is on the screen and answers. For memory the heap is
looked at with all garbage collected: `play_kb_a_minute` is what a minute of playing leaves behind, `draw_kb_a_line`
what a line does that was drawn and taken back.
"""

import gzip
import statistics
import time
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, Response

from benchmarks.page_parts import Scene, alone
from tests.clips import FILM
from tests.e2e.page import Reviewer

CODE = {"document", "script", "stylesheet", "font", "manifest"}
LINES_A_ROUND = 20
WARM_ROUNDS = 2
WARM_S = 40
LOOK_S = 15
QUICK_LOOK_S = 5

# When the heading is there, and the thread is free again, on the page's own clock.
_INTERACTIVE = """() => new Promise((resolve) => {
  const free = () => setTimeout(() => resolve(performance.now()));
  const there = () => document.querySelector('.library-main h1');
  if (there()) return free();
  new MutationObserver((_, watch) => {
    if (there()) watch.disconnect(), free();
  }).observe(document, { childList: true, subtree: true });
})"""


class Load:
    """One first visit, and what it transferred."""

    def __init__(self, browser: Browser, address: str, secret: str) -> None:
        self.reviewer = Reviewer.before(browser, "newcomer", address).with_session(secret)
        self.responses: list[Response] = []
        self.wire_bytes = 0.0
        self.reviewer.page.on("response", self._answered)
        wire = self.reviewer.context.new_cdp_session(self.reviewer.page)
        wire.send("Network.enable")
        wire.on("Network.loadingFinished", self._loaded)

    def _answered(self, response: Response) -> None:
        self.responses.append(response)

    def _loaded(self, event: dict[str, Any]) -> None:
        self.wire_bytes += event["encodedDataLength"]

    def visit(self) -> float:
        """Opens the library; gives when it could be used, in milliseconds."""
        page = self.reviewer.page
        page.goto(self.reviewer.address, wait_until="commit")
        at_ms: float = page.evaluate(_INTERACTIVE)
        page.wait_for_load_state("networkidle")
        return at_ms

    def code_bytes(self) -> int:
        """The page's own files as gzip makes them."""
        own = [each for each in self.responses if each.request.resource_type in CODE and each.ok]
        return sum(len(gzip.compress(each.body(), 9)) for each in own)


def first_load(browser: Browser, address: str, secret: str, times: int) -> dict[str, float]:
    """First visits, each of a browser that knows nothing."""
    ready_ms = []
    code = wire = 0.0
    for _ in range(times):
        load = Load(browser, address, secret)
        ready_ms.append(load.visit())
        code, wire = load.code_bytes(), load.wire_bytes
        load.reviewer.context.close()
    print(f"first load: {code / 1000:.1f} kB of code (gzip), {wire / 1000:.1f} kB on the wire, ready after", end=" ")
    print(", ".join(f"{each:.0f}" for each in ready_ms), "ms")
    return {
        "first_load_kb": round(code / 1000, 1),
        "transferred_kb": round(wire / 1000, 1),
        "interactive_ms": round(statistics.median(ready_ms), 1),
    }


def _profiler(reviewer: Reviewer) -> CDPSession:
    tools = reviewer.context.new_cdp_session(reviewer.page)
    tools.send("HeapProfiler.enable")
    return tools


def _heap_kb(page: Page, tools: CDPSession) -> float:
    page.wait_for_timeout(300)
    for _ in range(2):
        tools.send("HeapProfiler.collectGarbage")
    usage = tools.send("Runtime.getHeapUsage")
    return float(usage["usedSize"]) / 1000


def playing(reviewer: Reviewer, seconds: int, warm_s: float, look_s: int) -> float:
    """What a minute of playing in a loop leaves in memory, once warm; nothing of ours runs in the page meanwhile."""
    tools = _profiler(reviewer)
    reviewer.press("Control+l", " ")
    time.sleep(warm_s)
    heap_kb = [_heap_kb(reviewer.page, tools)]
    for _ in range(seconds // look_s):
        time.sleep(look_s)
        heap_kb.append(_heap_kb(reviewer.page, tools))
    reviewer.press(" ")
    reviewer.page.wait_for_function("() => document.querySelector('video').paused")
    print(f"heap every {look_s} s of playing, kB:", ", ".join(f"{each:.0f}" for each in heap_kb))
    return (heap_kb[-1] - heap_kb[0]) / seconds * 60


def _draw(reviewer: Reviewer, lines: int) -> None:
    """Draws lines, and takes all of them back."""
    reviewer.press("d")
    for number in range(lines):
        x = 0.1 + 0.8 * number / lines
        reviewer.drag((x, 0.2), (x + 0.05, 0.5), (x, 0.8))
    reviewer.press("v")
    reviewer.wait_status("saved")
    for _ in range(lines):
        reviewer.press("Control+z")
        reviewer.wait_status("saved")


def drawing(reviewer: Reviewer, rounds: int, warm_rounds: int, lines: int) -> float:
    """What a line leaves in memory that was drawn and taken back: it stays in the document, and can return."""
    tools = _profiler(reviewer)
    heap_kb = []
    for _ in range(warm_rounds + rounds):
        _draw(reviewer, lines)
        heap_kb.append(_heap_kb(reviewer.page, tools))
    print("heap after each round of drawing, kB:", ", ".join(f"{each:.0f}" for each in heap_kb))
    return (heap_kb[-1] - heap_kb[warm_rounds - 1]) / rounds / lines


def measure(scene: Scene, quick: bool) -> dict[str, float]:
    """All of it. A quick run is too short to be warm: of memory it shows that nothing large is left behind."""
    address, studio = scene.stack.address, scene.studio
    studio.video(FILM.path)
    figures = first_load(scene.browser, address, studio.secret, 3 if quick else 9)
    reviewer = Reviewer.before(scene.browser, "reviewer", address).with_session(studio.secret)
    reviewer.visit(FILM.path.name)
    play_kb = playing(reviewer, QUICK_LOOK_S, 3.0, QUICK_LOOK_S) if quick else playing(reviewer, 180, WARM_S, LOOK_S)
    draw_kb = drawing(reviewer, 1, 1, 4) if quick else drawing(reviewer, 12, WARM_ROUNDS, LINES_A_ROUND)
    reviewer.context.close()
    return figures | {"play_kb_a_minute": round(play_kb, 1), "draw_kb_a_line": round(draw_kb, 2)}


if __name__ == "__main__":
    alone(measure, __doc__)
