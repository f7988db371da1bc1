"""How long somebody sees nothing when a forwarder is told to go, or is killed: in the product, with two of them."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from playwright.sync_api import expect, sync_playwright

from benchmarks.footage import footage
from benchmarks.sfu_parts.call import ARGUMENTS
from benchmarks.stack import Stack, running
from benchmarks.studio import Studio
from tests.e2e.page import Reviewer, chromium

CLIP: Final = "bikes.mp4"
WORKERS: Final = ("svc_sfu", "svc_sfu.2")
QUIET_MS: Final = 2_000.0
"""Pictures that came for so long without a gap are back for good."""
_WATCH = """who => {
  window.changes = [];
  let last = '';
  setInterval(() => {
    const video = document.querySelector(`[data-testid=tile][data-who='${who}'] video`);
    const now = `${video?.srcObject?.id} ${video?.getVideoPlaybackQuality().totalVideoFrames ?? 0}`;
    if (now !== last && !now.endsWith(' 0') && video?.srcObject) window.changes.push(performance.now());
    last = now;
  }, 10);
}"""
_BACK = """quiet => {
  const { changes } = window, at = performance.now();
  let begin = changes.length - 1;
  while (begin > 0 && changes[begin] - changes[begin - 1] < 500) begin -= 1;
  return changes.length > 0 && at - changes.at(-1) < 500 && at - changes[begin] > quiet;
}"""
_GAP = "() => Math.max(...window.changes.map((at, index, all) => (index ? at - all[index - 1] : 0)))"


def _meet(ada: Reviewer, bob: Reviewer) -> None:
    """Ada turns her camera on, and Bob comes in; the time from his joining to her picture is printed."""
    ada.visit(CLIP)
    ada.button("Go live").click()
    ada.page.get_by_role("menuitem", name="Everybody with the link").click()
    ada.button("Join").click()
    expect(ada.page.get_by_test_id("live")).to_have_attribute("data-state", "open")
    ada.button("Turn the camera on").click()
    name = ada.page.get_by_test_id("tile").get_attribute("data-who")
    bob.visit(CLIP)
    bob.page.get_by_test_id("live-now").click()
    bob.page.evaluate(_WATCH, name)
    bob.page.get_by_test_id("live-lobby").get_by_role("button", name="Join").click()
    bob.page.wait_for_function("() => window.changes.length > 50", timeout=60_000)


def _gap_ms(bob: Reviewer, do: Callable[[], object]) -> float:
    """The longest time without a picture after something is done."""
    bob.page.evaluate("() => { window.changes = [performance.now()]; }")
    do()
    bob.page.wait_for_timeout(QUIET_MS)
    bob.page.wait_for_function(_BACK, arg=QUIET_MS, timeout=60_000)
    gap: float = bob.page.evaluate(_GAP)
    return gap


def _told(stack: Stack, worker: str, how: signal.Signals) -> None:
    """Ends a forwarder, and waits for the next."""
    pid = stack.pids()[worker]
    os.kill(pid, how)
    stack.wait_restarted(worker, pid)


def _run() -> dict[str, float]:
    with running(None, "--scale", "sfu=2") as stack, sync_playwright() as playwright:
        studio = Studio(stack)
        studio.video(footage(CLIP))
        with chromium(playwright, *ARGUMENTS) as browser:
            ada = Reviewer.before(browser, "ada", stack.address).with_session(studio.secret)
            bob = Reviewer.before(browser, "bob", stack.address).with_session(studio.people(1)[0])
            began_s = time.monotonic()
            _meet(ada, bob)
            print(f"    both are in after {time.monotonic() - began_s:.1f} s", flush=True)
            bob.page.bring_to_front()
            figures: dict[str, float] = {}
            for name, how in (("drain", signal.SIGTERM), ("killed", signal.SIGKILL)):
                # The room is on one of them.
                gaps = [_gap_ms(bob, partial(_told, stack, worker, how)) for worker in WORKERS]
                figures[f"{name}_gap_ms"] = round(max(gaps))
                print(f"{name}: without a picture for {max(gaps):.0f} ms at most (of {gaps})", flush=True)
    return figures


async def measure(quick: bool) -> dict[str, float]:
    """Goals: 2 s when told to go, 10 s when killed."""
    return await asyncio.to_thread(_run)
