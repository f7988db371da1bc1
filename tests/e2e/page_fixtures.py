"""Chromium, and the people in it, for the tests of the page: a module asks for it by `pytest_plugins`."""

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from tests.e2e.page import WAIT_MS, Reviewer, chromium

SEEN = Path(__file__).resolve().parent.parent.parent / ".cache" / "e2e"
"""Where pictures are kept of what was on the screen when a test failed."""

_VIDEOS = """() => [document.visibilityState, ...[...document.querySelectorAll('video')].map((video) => {
  const track = video.srcObject?.getVideoTracks()[0];
  const shown = [video.videoWidth, video.currentTime, video.readyState, video.paused];
  return [video.closest('figure')?.dataset.who ?? video.className, ...shown, track?.muted, track?.readyState];
})].join(' | ')"""
"""How the pictures on a page are."""
_open: list[Reviewer] = []


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """What drives browsers; of one module, since it runs an event loop, and tests of others have their own."""
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium."""
    with chromium(playwright) as launched:
        yield launched


@pytest.fixture(scope="module")
def meet(browser: Browser) -> Iterator[Callable[..., Reviewer]]:
    """Makes people, each in a browser or a profile of their own; at the end their pages had no error."""

    def make(who: str, address: str, own: Browser | None = None, **options: Any) -> Reviewer:
        reviewer = Reviewer.before(own or browser, who, address, **options)
        _open.append(reviewer)
        return reviewer

    yield make
    met, _open[:] = list(_open), []
    for reviewer in met:
        reviewer.context.close()
    assert [error for reviewer in met for error in reviewer.errors] == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Any:
    """Keeps a picture of what everybody sees when a test fails."""
    report = yield
    if report.failed and report.when == "call":
        SEEN.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"\W+", "-", report.nodeid.rpartition("::")[2])
        for reviewer in _open:
            with contextlib.suppress(Exception):
                path = SEEN / f"{name}-{reviewer.who}.png"
                reviewer.page.screenshot(path=path, timeout=5000)
                seen = reviewer.page.evaluate(_VIDEOS)
                report.sections.append((f"what {reviewer.who} saw", f"{path} {reviewer.errors} {seen}"))
    return report
