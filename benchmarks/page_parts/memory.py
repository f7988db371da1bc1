"""Whether memory stays flat while one person plays and draws: `python -m benchmarks.page --minutes 60`.

A clip plays in a loop; each minute some lines are drawn somewhere in it and taken back, and so is a comment. Then, with
all garbage collected, a line is printed: the heap of the page's code, its nodes and listeners, and the memory of the
whole renderer process (PSS: pictures, decoders and workers too). `heap_kb_a_minute` and `renderer_kb_a_minute` are the
slopes of lines fitted through the second half, when caches are full. What was taken back stays in the document, since
it can return: that is so many `lines`.
"""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, CDPSession

from benchmarks.measure import pss_mb
from benchmarks.page_parts import Scene
from tests.clips import FILM
from tests.e2e.page import Reviewer

LINES_A_MINUTE = 4
MINUTE_S = 60.0


@dataclass(frozen=True)
class Look:
    """What a moment costs."""

    minute: float
    heap_kb: float
    nodes: int
    listeners: int
    renderer_kb: float


def _renderer(browser: Browser) -> int:
    """The process that has the page: of all renderers the largest."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    pids = [int(each["id"]) for each in processes if each["type"] == "renderer"]
    return max(pids, key=lambda pid: pss_mb([pid]) if Path(f"/proc/{pid}").exists() else 0.0)


def _look(tools: CDPSession, renderer: int, began: float) -> Look:
    for _ in range(2):
        tools.send("HeapProfiler.collectGarbage")
    heap = tools.send("Runtime.getHeapUsage")
    counts = tools.send("Memory.getDOMCounters")
    return Look(
        minute=(time.monotonic() - began) / MINUTE_S,
        heap_kb=float(heap["usedSize"]) / 1000,
        nodes=int(counts["nodes"]),
        listeners=int(counts["jsEventListeners"]),
        renderer_kb=pss_mb([renderer]) * 1024,
    )


def _work(reviewer: Reviewer, minute: int) -> None:
    """Draws lines somewhere, takes them back, and writes a comment that is deleted; then it plays on."""
    reviewer.go(minute * 37 % reviewer.count)
    reviewer.press("d")
    for number in range(LINES_A_MINUTE):
        x = 0.1 + 0.2 * number
        reviewer.drag((x, 0.2), (x + 0.05, 0.5), (x, 0.8))
    reviewer.wait_status("saved")
    reviewer.press("v")
    for _ in range(LINES_A_MINUTE):
        reviewer.press("Control+z")
        reviewer.wait_status("saved")
    reviewer.comment(f"Minute {minute}")
    reviewer.wait_status("saved")
    reviewer.press("Control+z")
    reviewer.wait_status("saved")


def slope(looks: list[Look], name: str) -> float:
    """Kilobytes a minute, by a line through the second half."""
    late = looks[len(looks) // 2 :]
    if len(late) < 2:
        return 0.0
    return statistics.linear_regression([each.minute for each in late], [getattr(each, name) for each in late]).slope


def measure(scene: Scene, minutes: int) -> dict[str, float]:
    """Plays and draws for so many minutes."""
    scene.studio.video(FILM.path)
    reviewer = Reviewer.before(scene.browser, "reviewer", scene.stack.address).with_session(scene.studio.secret)
    reviewer.context.set_default_timeout(120_000)
    reviewer.visit(FILM.path.name)
    tools = reviewer.context.new_cdp_session(reviewer.page)
    tools.send("HeapProfiler.enable")
    renderer = _renderer(scene.browser)
    reviewer.press("Control+l")
    began = time.monotonic()
    looks: list[Look] = []
    for minute in range(1, minutes + 1):
        reviewer.press(" ")
        time.sleep(max(0.0, began + minute * MINUTE_S - 20 - time.monotonic()))
        reviewer.press(" ")
        reviewer.page.wait_for_function("() => document.querySelector('video').paused")
        _work(reviewer, minute)
        looks.append(_look(tools, renderer, began))
        now = looks[-1]
        print(
            f"minute {now.minute:5.1f}: heap {now.heap_kb:7.0f} kB, {now.nodes} nodes, {now.listeners} listeners,"
            f" renderer {now.renderer_kb / 1024:6.1f} MB",
            flush=True,
        )
    reviewer.context.close()
    return {
        "minutes": round(looks[-1].minute, 1),
        "lines": LINES_A_MINUTE * minutes,
        "heap_start_kb": round(looks[0].heap_kb),
        "heap_end_kb": round(looks[-1].heap_kb),
        "heap_kb_a_minute": round(slope(looks, "heap_kb"), 2),
        "nodes_more": looks[-1].nodes - looks[0].nodes,
        "renderer_start_mb": round(looks[0].renderer_kb / 1024, 1),
        "renderer_end_mb": round(looks[-1].renderer_kb / 1024, 1),
        "renderer_kb_a_minute": round(slope(looks, "renderer_kb"), 1),
    }
