"""How far apart two people see a clip that one of them presents: two Chromiums, whose pictures carry their number."""

import asyncio
from bisect import bisect_right
from typing import Any, Final

from playwright.sync_api import expect, sync_playwright

from benchmarks.stack import running
from benchmarks.studio import Studio
from tests.clips import BITS, CINEMA, COLUMNS
from tests.e2e.page import Reviewer, chromium

STEP_MS: Final = 5.0
SETTLE_MS: Final = 2_500.0
"""From the start on, until both play together."""
_LOOK = """([columns, bits]) => {
  const video = document.querySelector('video.picture');
  const paint = new OffscreenCanvas(columns * 8, 1).getContext('2d', { willReadFrequently: true });
  window.seen = [];
  const look = (_, { expectedDisplayTime, presentedFrames }) => {
    paint.drawImage(video, 0, Math.round(video.videoHeight / 10), video.videoWidth, 1, 0, 0, columns * 8, 1);
    const { data } = paint.getImageData(0, 0, columns * 8, 1);
    let frame = 0;
    for (let at = 2; at < 2 + bits; at += 1) frame = frame * 2 + (data[(at * 8 + 4) * 4 + 1] > 128 ? 1 : 0);
    window.seen.push([performance.timeOrigin + expectedDisplayTime, frame, presentedFrames]);
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
}"""
_ANEW = "() => { window.seen = []; }"
_TILE = "() => document.querySelectorAll('[data-testid=tile]').length === 2"

Seen = list[tuple[float, int, int]]
"""When (ms since 1970) which frame was put on the screen, and how many the browser had put there by then."""


def drifts(one: Seen, other: Seen) -> list[int]:
    """How many frames apart, at every moment at which both played and it is known what both showed.

    A page that is busy is not told of every frame that is shown: what is on the screen then is not known.
    """
    begin = max(one[0][0], other[0][0]) + SETTLE_MS
    end = min(one[-1][0], other[-1][0])
    apart = []
    for step in range(int((end - begin) / STEP_MS)):
        frames = [_shown(seen, begin + step * STEP_MS) for seen in (one, other)]
        if frames[0] is not None and frames[1] is not None:
            apart.append(abs(frames[0] - frames[1]))
    return apart


def _shown(seen: Seen, at_ms: float) -> int | None:
    """The frame on the screen at a time; None: one came after it that was not read."""
    index = bisect_right(seen, at_ms, key=lambda each: each[0]) - 1
    _, frame, count = seen[index]
    return frame if index + 1 == len(seen) or seen[index + 1][2] == count + 1 else None


def _meet(ada: Reviewer, bob: Reviewer) -> None:
    """Ada presents, and Bob comes in."""
    ada.visit(CINEMA.path.name)
    ada.button("Go live").click()
    ada.page.get_by_role("menuitem", name="Everybody with the link").click()
    ada.button("Join").click()
    expect(ada.page.get_by_test_id("live")).to_have_attribute("data-state", "open")
    ada.button("Present").click()
    expect(ada.page.get_by_test_id("baton")).to_contain_text("You present")
    bob.visit(CINEMA.path.name)
    bob.page.get_by_test_id("live-now").click()
    bob.page.get_by_test_id("live-lobby").get_by_role("button", name="Join").click()
    bob.page.wait_for_function(_TILE)


def _play(ada: Reviewer, bob: Reviewer) -> list[Seen]:
    """Ada plays the clip to its end; what each saw."""
    ada.go(0)
    bob.wait_frame(0)
    for each in (ada, bob):
        each.page.evaluate(_ANEW)
    ada.page.keyboard.press("Space")
    for each in (ada, bob):
        each.page.wait_for_function(f"() => window.seen.at(-1)?.[1] >= {CINEMA.frames - 5}", timeout=60_000)
    return [[(at, frame, count) for at, frame, count in each.page.evaluate("() => window.seen")] for each in (ada, bob)]


def _said(seen: Seen) -> str:
    """How many frames a browser showed, and how many of these were read."""
    return f"{seen[-1][2] - seen[0][2] + 1} shown, {len(seen)} read"


def _run(times: int) -> dict[str, float]:
    with running() as stack, sync_playwright() as playwright:
        studio = Studio(stack)
        studio.video(CINEMA.path)
        with chromium(playwright) as first, chromium(playwright) as second:
            ada = Reviewer.before(first, "ada", stack.address).with_session(studio.secret)
            bob = Reviewer.before(second, "bob", stack.address).with_session(studio.people(1)[0])
            _meet(ada, bob)
            for each in (ada, bob):
                each.page.evaluate(_LOOK, [COLUMNS, BITS])
            apart: list[int] = []
            for _ in range(times):
                seen: Any = _play(ada, bob)
                apart += drifts(*seen)
                print(f"    of {CINEMA.frames} frames: {_said(seen[0])}; {_said(seen[1])}", flush=True)
    apart.sort()
    close = sum(each <= 1 for each in apart) / len(apart)
    p99 = apart[int(0.99 * len(apart))]
    print(f"two viewers: {close:.1%} of the time at most a frame apart, p99 {p99}, most {apart[-1]}", flush=True)
    return {"drift_p99_frames": p99, "drift_most_frames": apart[-1], "drift_within_one_percent": round(100 * close, 1)}


async def measure(quick: bool) -> dict[str, float]:
    """Frames between two who watch the same clip."""
    return await asyncio.to_thread(_run, 1 if quick else 3)
