"""Looking closely: ping-pong, sound at each step, exposure and mattes."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import expect

from benchmarks.stack import running
from benchmarks.studio import Studio
from tests.clips import FILM
from tests.e2e.page import Reviewer
from tests.product import FAST_HASHES

pytest_plugins = ["tests.e2e.page_fixtures"]

# Writes down what elements other than the picture play, and from where.
_HEAR = """() => {
  window.heard = [];
  const { play } = HTMLMediaElement.prototype;
  HTMLMediaElement.prototype.play = function () {
    if (this.tagName === 'AUDIO') window.heard.push(this.currentTime);
    return play.call(this);
  };
}"""
_FILTERED = "() => getComputedStyle(document.querySelector('video.picture')).filter"


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    """A stack with a clip of 288 frames with sound."""
    with running(None, **FAST_HASHES) as stack:
        studio = Studio(stack)
        studio.video(FILM.path)
        yield studio


@pytest.fixture
def ada(studio: Studio, meet: Callable[..., Reviewer]) -> Reviewer:
    """Ada before the clip."""
    ada = meet("ada", studio.stack.address).with_session(studio.secret)
    ada.visit(FILM.path.name)
    return ada


def turns(frames: list[int]) -> list[int]:
    """Where the direction changed."""
    steps = [after - before for before, after in pairwise(frames)]
    return [frames[at + 1] for at, (one, other) in enumerate(pairwise(steps)) if (one > 0) != (other > 0)]


def test_ping_pong_goes_to_and_fro_between_in_and_out(ada: Reviewer) -> None:
    ada.go(20)
    ada.press("i")
    ada.go(32)
    ada.press("o")
    ada.go(24)
    ada.press("Control+l", "Control+l")
    expect(ada.button("Ping-pong")).to_be_visible()
    shown = ada.record("[data-testid=timeline]", "aria-valuenow")
    ada.press(" ")
    shown.wait_for(
        "values.filter((value, at) => at > 1 && "
        "(value - values[at - 1] > 0) !== (values[at - 1] - values[at - 2] > 0)).length > 3"
    )
    ada.press(" ")
    expect(ada.button("Play")).to_be_visible()
    ada.wait_exact()
    frames = [int(value) for value in shown.values]
    # A picture that the screen was a moment late with may be one too far.
    assert min(frames) == 20
    assert max(frames) in {32, 33}
    assert set(turns(frames)[:4]) <= {20, 21, 31, 32, 33}
    # It turned round at a speed below zero; the next playback begins forwards.
    expect(ada.button("Speed")).to_have_text("1×")


def test_a_pause_by_the_browser_is_a_pause(ada: Reviewer) -> None:
    ada.press(" ")
    expect(ada.button("Pause")).to_be_visible()
    ada.page.evaluate("() => document.querySelector('video').pause()")
    expect(ada.button("Play")).to_be_visible()
    ada.wait_exact()
    ada.page.evaluate("() => void document.querySelector('video').play()")
    expect(ada.button("Pause")).to_be_visible()
    ada.press(" ")
    expect(ada.button("Play")).to_be_visible()


def test_each_step_is_heard_from_where_it_is(ada: Reviewer) -> None:
    ada.page.evaluate(_HEAR)
    ada.press("ArrowRight", "ArrowRight")
    ada.wait_frame(2)
    ada.page.wait_for_function("() => window.heard.length > 0")
    second = float(1 / FILM.rate)
    heard: list[float] = ada.page.evaluate("() => window.heard")
    assert any(abs(at - frame * second) < second / 2 for at in heard for frame in (1, 2)), heard
    ada.press("Shift+M")
    before: Any = ada.page.evaluate("() => window.heard.length")
    ada.press("ArrowRight")
    ada.wait_frame(3)
    assert ada.page.evaluate("() => window.heard.length") <= before + 1


def test_exposure_and_matte_are_seen_marked_and_taken_back(ada: Reviewer) -> None:
    picture = ada.page.locator(".picture-box")
    as_it_is = picture.screenshot()
    ada.press("Alt+ArrowDown", "Alt+ArrowDown", "Alt+ArrowDown")
    mark = ada.page.get_by_test_id("grade")
    expect(mark).to_have_text("Not as it is: −1.5 stops")
    assert "grade" in ada.page.evaluate(_FILTERED)
    assert picture.screenshot() != as_it_is
    ada.press("Shift+E")
    expect(mark).to_have_count(0)
    assert ada.page.evaluate(_FILTERED) == "none"
    ada.button("How the picture is looked at").click()
    ada.page.get_by_role("menuitemradio", name="Matte 2.39").click()
    ada.press("Escape")
    bars = ada.page.locator(".matte i")
    expect(bars).to_have_count(2)
    box, bar = picture.bounding_box(), bars.first.bounding_box()
    assert box is not None
    assert bar is not None
    assert abs(box["width"] / (box["height"] - 2 * bar["height"]) - 2.39) < 0.02
    # A matte is kept by the browser, an exposure is not.
    ada.press("Alt+ArrowUp")
    expect(mark).to_be_visible()
    ada.page.reload()
    ada.wait_ready()
    expect(bars).to_have_count(2)
    expect(mark).to_have_count(0)


def span(ada: Reviewer) -> tuple[int, int]:
    """First frame in sight and how many are."""
    line = ada.page.get_by_test_id("timeline")
    return int(line.get_attribute("data-first") or 0), int(line.get_attribute("data-visible") or 0)


def test_the_timeline_zooms_at_the_pointer_and_a_press_is_the_frame_under_it(ada: Reviewer) -> None:
    line = ada.page.get_by_test_id("timeline")
    box = line.bounding_box()
    assert box is not None
    assert span(ada) == (0, FILM.frames)
    x, y = box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2
    ada.page.mouse.move(x, y)
    ada.page.keyboard.down("Control")
    for _ in range(4):
        ada.page.mouse.wheel(0, -100)
    ada.page.keyboard.up("Control")
    ada.page.wait_for_function(
        "count => Number(document.querySelector('[data-testid=timeline]').dataset.visible) < count", arg=FILM.frames / 4
    )
    under = int(FILM.frames * 0.75)
    ada.page.mouse.click(x, y)
    ada.page.wait_for_function(
        "frame => Math.abs(Number(document.querySelector('[data-testid=frame]').dataset.frame) - frame) <= 1", arg=under
    )
    assert ada.wait_exact() in {under - 1, under, under + 1}
    # A frame out of sight turns the page; the wheel alone goes along.
    ada.press("Home")
    ada.wait_frame(0)
    assert span(ada)[0] == 0
    ada.page.mouse.move(x, y)
    ada.page.mouse.wheel(0, 400)
    ada.page.wait_for_function("() => Number(document.querySelector('[data-testid=timeline]').dataset.first) > 0")
    # The bar's left end, dragged to the line's beginning, shows all from there.
    first, visible = span(ada)
    grip = ada.page.locator(".timeline-part .grip").first.bounding_box()
    assert grip is not None
    ada.page.mouse.move(grip["x"] + 4, grip["y"] + 4)
    ada.page.mouse.down()
    ada.page.mouse.move(box["x"] - 20, grip["y"] + 4, steps=5)
    ada.page.mouse.up()
    assert span(ada)[0] == 0
    assert abs(span(ada)[1] - (first + visible)) <= 1
    ada.press("\\")
    expect(line).to_have_attribute("data-visible", str(FILM.frames))
    ada.press("=", "=")
    assert span(ada)[1] < FILM.frames
    ada.press("\\")
