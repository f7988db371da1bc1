"""The player shows exactly the frame it says: bar-coded clips in Chromium, read from the picture."""

import base64
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from benchmarks.stack import running
from benchmarks.studio import Studio
from tests.clips import FILM, NTSC_DROP, NTSC_FAST, VARIABLE, Clip, picture, read_bars
from tests.e2e.page import Reviewer, Spot
from tests.product import FAST_HASHES

pytest_plugins = ["tests.e2e.page_fixtures"]

CLIPS = (FILM, NTSC_DROP, NTSC_FAST, VARIABLE)
LEFT: Spot = (0.3, 0.8)
RIGHT: Spot = (0.6, 0.95)

# What the read-out says and what the picture is, in one moment, of so many frames one after the other.
_WHILE_PLAYING = """count => new Promise((resolve) => {
  const video = document.querySelector('video'), line = document.querySelector('[data-testid=timeline]');
  const canvas = new OffscreenCanvas(160, 90), paint = canvas.getContext('2d', { willReadFrequently: true });
  const seen = [];
  const each = () => {
    paint.drawImage(video, 0, 0, 160, 90);
    let text = '';
    const { data } = paint.getImageData(0, 0, 160, 90);
    for (let at = 1; at < data.length; at += 4) text += String.fromCharCode(data[at]);
    seen.push([Number(line.getAttribute('aria-valuenow')), btoa(text)]);
    if (seen.length === count) resolve(seen);
    else video.requestVideoFrameCallback(each);
  };
  video.requestVideoFrameCallback(each);
})"""

# A browser that says the wrong frame first, and tells of none that came between two of its calls.
_FORGETFUL = """() => {
  const { prototype } = HTMLVideoElement, asked = prototype.requestVideoFrameCallback;
  let said = false;
  prototype.requestVideoFrameCallback = function (call) {
    if (!said) asked.call(this, (now, frame) => { said = true; call(now, { ...frame, mediaTime: 0 }); });
    return 0;
  };
}"""
# One that tells of no frame, and whose clock is a frame ahead of its picture.
_AHEAD = """() => {
  HTMLVideoElement.prototype.requestVideoFrameCallback = () => 0;
  const time = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'currentTime');
  const get = function () { return time.get.call(this) + 1001 / 24000; };
  Object.defineProperty(HTMLMediaElement.prototype, 'currentTime', { ...time, get });
}"""

_LABELLED = "label => document.querySelector('[data-testid=timecode]').textContent === label"


@pytest.fixture(scope="module")
def opened(meet: Callable[..., Reviewer]) -> Iterator[Callable[[Clip], Reviewer]]:
    """Opens a clip for Ada, who uploads it when it is not there yet."""
    with running(None, **FAST_HASHES) as stack:
        studio = Studio(stack)
        ada = meet("ada", stack.address).with_session(studio.secret)
        there: set[Clip] = set()

        def open_clip(clip: Clip) -> Reviewer:
            if clip not in there:
                studio.video(clip.path)
                there.add(clip)
            ada.visit(clip.path.name)
            return ada

        yield open_clip


@pytest.fixture
def film(opened: Callable[[Clip], Reviewer]) -> Reviewer:
    """Ada before the clip of 23.976 frames a second."""
    return opened(FILM)


def shows(ada: Reviewer, frame: int) -> None:
    """The read-out says this frame, and the picture is it."""
    ada.wait_frame(frame)
    assert ada.bars() == frame


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name)
def test_the_picture_is_the_frame_that_was_asked_for(opened: Callable[[Clip], Reviewer], clip: Clip) -> None:
    ada = opened(clip)
    assert ada.count == clip.frames
    shows(ada, 0)
    frame = 0
    for key, frames in (("ArrowRight", 1), ("Shift+ArrowRight", 5), ("ArrowLeft", -1), ("ArrowRight", 1)) * 5:
        ada.press(key)
        frame += frames
        shows(ada, frame)
    ada.press(*["ArrowRight"] * 7)
    shows(ada, frame + 7)
    for key, frame in (("End", clip.frames - 1), ("Home", 0)):
        ada.press(key)
        shows(ada, frame)
    for frame in (clip.frames // 3, 119, 120, 121, clip.frames - 2):
        ada.click_timeline(frame)
        shows(ada, frame)
        ada.press("Home")
        ada.wait_frame(0)
        ada.go(frame)
        shows(ada, frame)
        label = ada.timecode
        ada.press("End")
        ada.wait_frame(clip.frames - 1)
        ada.type_place(label)
        # Of variable rate several frames may have the same label.
        ada.page.wait_for_function(_LABELLED, arg=label)
        assert ada.bars() == ada.wait_exact()
        assert clip is VARIABLE or ada.frame == frame
    assert ada.bars_on_screen() == ada.frame


@pytest.mark.parametrize("clip", [FILM, NTSC_FAST, VARIABLE], ids=lambda clip: clip.name)
def test_the_read_out_keeps_to_the_picture_while_it_plays(opened: Callable[[Clip], Reviewer], clip: Clip) -> None:
    ada = opened(clip)
    ada.press(" ")
    expect(ada.button("Pause")).to_be_visible()
    seen = [(said, read_bars(base64.b64decode(grey), 160, 90)) for said, grey in ada.page.evaluate(_WHILE_PLAYING, 40)]
    # When one looks at a picture that one was called for, it may be the next already, but none after that.
    late = [(said, is_, after) for (said, is_), (after, _) in pairwise(seen) if not said <= is_ <= after]
    assert late == []
    ada.press(" ")
    assert ada.wait_exact() >= seen[-1][0]
    assert ada.bars_on_screen() == ada.frame


@pytest.mark.parametrize("browser_with", [_FORGETFUL, _AHEAD], ids=["forgetful", "ahead"])
def test_the_read_out_is_the_picture_whatever_the_browser_told_of_it(film: Reviewer, browser_with: str) -> None:
    address = film.page.url.split("?")[0]
    film.page.add_init_script(f"({browser_with})()")
    try:
        film.page.goto(f"{address}?v=1&f=60")
        shows(film, 60)
        for key, frame in (("ArrowRight", 61), ("Shift+ArrowLeft", 56), ("ArrowLeft", 55)):
            film.press(key)
            shows(film, frame)
    finally:
        film.new_page()


def test_drop_frame_labels_leave_out_two_each_minute_and_begin_where_the_clip_says(
    opened: Callable[[Clip], Reviewer],
) -> None:
    ada = opened(NTSC_DROP)
    expect(ada.page.get_by_text("29.97 fps DF")).to_be_visible()
    labels = {0: "01:00:51;12", 17: "01:00:51;29", 18: "01:00:52;00", 257: "01:00:59;29", 258: "01:01:00;02"}
    for frame, label in labels.items():
        ada.go(frame)
        assert ada.timecode == label
    ada.type_place("1:00:52;00")
    shows(ada, 18)
    ada.type_place("+240")
    shows(ada, 258)
    # There is no such label.
    ada.type_place("1:01:00;00")
    expect(ada.page.get_by_text("is not a frame of this clip")).to_be_visible()
    assert ada.frame == 258


def test_j_k_and_l_play_backwards_stop_and_play_faster(film: Reviewer) -> None:
    film.go(60)
    shown = film.record("[data-testid=timeline]", "aria-valuenow")
    film.press("l")
    shown.wait_for("values.includes('66')")
    film.press("l")
    expect(film.button("Speed")).to_have_text("2×")
    assert film.page.evaluate("() => document.querySelector('video').playbackRate") == 2
    shown.wait_for("Number(values.at(-1)) > 90")
    film.press("k")
    expect(film.button("Play")).to_be_visible()
    far = film.wait_exact()
    forwards = [int(value) for value in shown.values]
    assert forwards == sorted(forwards), forwards
    back = film.record("[data-testid=timeline]", "aria-valuenow")
    film.press("j")
    expect(film.button("Speed")).to_have_text("−1×")
    film.press("j")
    expect(film.button("Speed")).to_have_text("−2×")
    back.wait_for(f"Number(values.at(-1)) < {far - 12}")
    film.press("k")
    expect(film.button("Play")).to_be_visible()
    assert film.wait_exact() < far
    backwards = [int(value) for value in back.values]
    assert backwards == sorted(backwards, reverse=True), backwards


def test_playback_between_in_and_out_loops_and_stops_at_out_without_loop(film: Reviewer) -> None:
    film.go(20)
    film.press("i")
    film.go(32)
    film.press("o")
    film.go(24)
    shown = film.record("[data-testid=timeline]", "aria-valuenow")
    film.press("Control+l", " ")
    shown.wait_for("values.filter((value, at) => at && Number(value) < Number(values[at - 1])).length > 2")
    frames = [int(value) for value in shown.values]
    assert min(frames) == 20
    starts = [after for before, after in pairwise(frames) if after < before]
    assert set(starts) == {20}
    # Without loop it ends where the range does, exactly.
    film.press("Control+l", "Control+l")
    expect(film.button("Play")).to_be_visible()
    film.wait_frame(32)
    assert film.bars() == 32
    film.press("r")
    expect(film.page.locator(".edge")).to_have_count(0)


def test_a_speed_that_is_chosen_is_the_one_it_plays_at(film: Reviewer) -> None:
    film.button("Speed").click()
    film.page.get_by_role("menuitemradio", name="0.5×").click()
    film.press(" ")
    expect(film.button("Pause")).to_be_visible()
    assert film.page.evaluate("() => document.querySelector('video').playbackRate") == 0.5
    film.press(" ")
    expect(film.button("Play")).to_be_visible()
    film.wait_exact()


def test_keys_that_are_typed_into_a_text_do_nothing_else(film: Reviewer) -> None:
    film.go(30)
    film.press("n")
    composer = film.page.get_by_test_id("composer")
    film.page.keyboard.type("jkl io db xet r,.")
    film.press("ArrowLeft", "ArrowLeft", "Home", "End")
    expect(composer).to_have_value("jkl io db xet r,.")
    expect(film.button("Play")).to_be_visible()
    expect(film.button("Select")).to_have_attribute("aria-pressed", "true")
    assert film.frame == 30
    film.press("Alt+p")
    expect(film.button("Pause")).to_be_visible()
    film.press("Alt+p")
    expect(film.button("Play")).to_be_visible()
    expect(composer).to_have_value("jkl io db xet r,.")
    # What is still being composed by an input method is neither a shortcut nor a comment to be sent.
    press = "(element, init) => element.dispatchEvent(new KeyboardEvent('keydown', { ...init, bubbles: true }))"
    composer.evaluate(press, {"key": "Enter", "ctrlKey": True, "isComposing": True})
    expect(composer).to_have_value("jkl io db xet r,.")
    film.page.locator("body").evaluate(press, {"key": "l", "code": "KeyL", "isComposing": True})
    expect(film.button("Play")).to_be_visible()
    composer.fill("")


def test_typing_pauses_sending_resumes_and_drawing_pauses(film: Reviewer) -> None:
    film.press(" ")
    expect(film.button("Pause")).to_be_visible()
    film.press("n")
    film.page.keyboard.type("Here")
    expect(film.button("Play")).to_be_visible()
    film.press("Control+Enter")
    expect(film.button("Pause")).to_be_visible()
    expect(film.note("Here")).to_be_visible()
    film.press("Escape", "b")
    film.begin([LEFT, RIGHT])
    expect(film.button("Play")).to_be_visible()
    film.lift()
    film.wait_exact()
    film.inks((LEFT[0], 0.87))


def test_a_still_picture_is_a_video_of_one_frame(film: Reviewer) -> None:
    ada = film
    still = picture("still.png", 320, 180)
    ada.page.goto(ada.address)
    ada.choose(still)
    ada.open_asset(still.name)
    assert ada.frame == 0
    assert ada.bars() == 7
    assert ada.bars_on_screen() == 7
    expect(ada.page.get_by_test_id("timeline")).to_have_count(0)
    expect(ada.page.get_by_test_id("play")).to_have_count(0)
    ada.press(" ", "ArrowRight", "l", "End")
    assert ada.frame == 0
    ada.press("b")
    ada.drag(LEFT, RIGHT)
    ada.inks((LEFT[0], 0.87))
    ada.comment("A still is noted on as well")
    expect(ada.note("A still is noted on as well")).to_be_visible()
    ada.wait_status("saved", "resumed")
    ada.page.reload()
    ada.wait_ready()
    ada.inks((LEFT[0], 0.87))
