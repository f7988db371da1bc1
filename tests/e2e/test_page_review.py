"""Looking closely and getting about: ping-pong, exposure, the timeline, cuts, and the state in the address."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from benchmarks.stack import running
from benchmarks.studio import PROJECT, Studio
from rushes.project.v1 import project_service_pb2 as project
from tests.clips import CINEMA, FILM, NTSC_FAST, Clip
from tests.e2e import sheet
from tests.e2e.page import Reviewer
from tests.product import FAST_HASHES
from tests.waiting import wait_until

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
# Counts what the page does without being asked.
_COUNT = """() => {
  window.idle = { frames: 0, timers: [] };  // begun anew by whoever looks
  const { requestAnimationFrame: frame, setTimeout: timer, setInterval: every } = window;
  window.requestAnimationFrame = (run) => (window.idle.frames++, frame(run));
  window.setTimeout = (run, ms, ...rest) => (window.idle.timers.push(ms ?? 0), timer(run, ms, ...rest));
  window.setInterval = (run, ms, ...rest) => (window.idle.timers.push(ms ?? 0), every(run, ms, ...rest));
}"""
_FILTERED = "() => getComputedStyle(document.querySelector('video.picture')).filter"


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    """A stack with a clip of 288 frames with sound."""
    with running(None, **FAST_HASHES) as stack:
        studio = Studio(stack)
        studio.video(FILM.path)
        yield studio


class Cuts(NamedTuple):
    """An asset of three cuts: of 23.976, of 59.94, and of 23.976 frames a second."""

    path: str
    numbers: tuple[int, int, int] = (1, 2, 3)


@pytest.fixture(scope="module")
def cuts(studio: Studio) -> Cuts:
    """The asset, newer than a clip that has no other cut."""
    studio.video(CINEMA.path)
    listed = studio.stack.rpc(
        PROJECT, "ListAssets", project.ListAssetsRequest(project_id=studio.project_id), studio.secret
    )
    asset_id = next(each.asset_id for each in listed.assets if each.name == FILM.path.name)
    for clip in (NTSC_FAST, FILM):
        _add_cut(studio, asset_id, clip)
    return Cuts(f"/a/{asset_id}")


def _add_cut(studio: Studio, asset_id: int, clip: Clip) -> None:
    video_id = studio.stack.upload(clip.path, studio.project_id, studio.secret)
    request = project.AddCutRequest(asset_id=asset_id, video_id=video_id)
    studio.stack.rpc(PROJECT, "AddCut", request, studio.secret)
    studio.wait_ready(video_id)


@pytest.fixture
def ada(studio: Studio, meet: Callable[..., Reviewer]) -> Reviewer:
    """Ada before the clip."""
    ada = meet("ada", studio.stack.address).with_session(studio.secret)
    ada.visit(FILM.path.name)
    return ada


def placed(one: Reviewer) -> list[float]:
    """Where the picture is on the page."""
    box = one.page.locator(".picture-box").bounding_box()
    assert box is not None
    return [box["x"], box["y"], box["width"], box["height"]]


def near(one: list[float], other: list[float]) -> bool:
    """Whether both are the same place, to two pixels."""
    return all(abs(a - b) < 2 for a, b in zip(one, other, strict=True))


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


def address(ada: Reviewer) -> dict[str, str]:
    """What the address says."""
    return {name: values[0] for name, values in parse_qs(urlsplit(ada.page.url).query).items()}


def wait_address(ada: Reviewer, **parts: str) -> None:
    """Waits until the address says so."""
    condition = "parts => Object.entries(parts).every(([k, v]) => new URLSearchParams(location.search).get(k) === v)"
    ada.page.wait_for_function(condition, arg=parts)


def on_cut(ada: Reviewer, number: int, frame: int) -> None:
    """The cut is on the screen, and this frame of it."""
    expect(ada.button("Cuts")).to_have_text(f"v{number}")
    ada.wait_frame(frame)
    assert ada.bars() == frame


def test_another_cut_shows_the_same_frame_or_the_same_moment_of_another_rate(ada: Reviewer, cuts: Cuts) -> None:
    ada.open(f"{cuts.path}?v=3")
    ada.go(60)
    ada.press("ArrowUp")
    on_cut(ada, 2, 150)
    ada.press("ArrowUp")
    on_cut(ada, 1, 60)
    ada.button("Cuts").click()
    ada.page.get_by_role("menuitemradio", name="v3").click()
    on_cut(ada, 3, 60)
    # Back goes to where one was, cut by cut.
    ada.page.go_back()
    on_cut(ada, 1, 60)
    ada.page.go_back()
    on_cut(ada, 2, 150)
    ada.page.go_forward()
    on_cut(ada, 1, 60)
    # After the last cut there is the clip after.
    name = ada.page.locator(".topbar h1")
    expect(name).to_have_text(FILM.path.name)
    ada.press("ArrowDown", "ArrowDown")
    expect(ada.button("Cuts")).to_have_text("v3")
    ada.press("ArrowDown")
    expect(name).to_have_text(CINEMA.path.name)
    ada.wait_ready()
    ada.press("ArrowDown")
    expect(ada.page.get_by_text("This is the last clip")).to_be_visible()


def test_the_address_restores_frame_zoom_filter_and_note(ada: Reviewer, cuts: Cuts) -> None:
    ada.open(f"{cuts.path}?v=1")
    ada.go(33)
    ada.comment("Look at the hands")
    ada.go(90)
    ada.comment("Something else")
    ada.button("Search notes").click()
    ada.page.get_by_role("searchbox").fill("hands")
    ada.point((0.5, 0.5))
    ada.page.mouse.wheel(0, -300)
    ada.note("Look at the hands").locator(".note-jump").click()
    ada.wait_frame(33)
    ada.page.wait_for_function("() => location.search.includes('z=') && location.search.includes('n=')")
    wait_address(ada, f="33", v="1")
    before = placed(ada)
    ada.page.reload()
    ada.wait_ready()
    ada.wait_frame(33)
    expect(ada.note("Look at the hands")).to_be_visible()
    expect(ada.note("Something else")).to_have_count(0)
    assert near(before, placed(ada))
    # A link that names the note alone leads to its frame.
    note = address(ada)["n"]
    ada.open(f"{cuts.path}?v=1&n={note}")
    ada.wait_frame(33)
    expect(ada.page.locator(".note[data-chosen=true]")).to_have_count(1)


def test_a_note_is_seen_as_its_writer_looked_at_it(ada: Reviewer, cuts: Cuts) -> None:
    ada.open(f"{cuts.path}?v=2")
    ada.go(10)
    ada.comment("All of it")
    ada.go(20)
    ada.point((0.3, 0.3))
    for _ in range(4):
        ada.page.mouse.wheel(0, -300)
    close = placed(ada)
    ada.comment("This corner")
    # Drawn as closely: the mark on the timeline leads there too.
    ada.go(30)
    ada.press("d")
    ada.drag((0.3, 0.3), (0.32, 0.32))
    ada.wait_status("saved")
    ada.press("v", "f")
    fits = placed(ada)
    assert not near(fits, close)

    def seen_at(frame: int, look: list[float]) -> None:
        ada.wait_frame(frame)
        wait_until(lambda: near(placed(ada), look), f"the picture of frame {frame} is as it was")

    ada.note("This corner").locator(".note-jump").click()
    seen_at(20, close)
    for key, frame, look in ((",", 10, fits), (".", 20, close), (".", 30, close)):
        ada.press(key)
        seen_at(frame, look)
    ada.note("All of it").locator(".note-jump").click()
    seen_at(10, fits)
    # One's own look stays, where a note asks for none; a link to a note brings its look.
    ada.press(".")
    wait_address(ada, f="20")
    note = address(ada)["n"]
    ada.press("Home", "z")
    exact = placed(ada)
    ada.note("All of it").locator(".note-jump").click()
    seen_at(10, exact)
    ada.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ada.note("This corner").get_by_role("button", name="More").click()
    ada.page.get_by_role("button", name="Copy link").click()
    expect(ada.page.get_by_text("Link copied")).to_be_visible()
    copied: str = ada.page.evaluate("() => navigator.clipboard.readText()")
    for link in (f"{cuts.path}?v=2&n={note}", copied.removeprefix(ada.address)):
        ada.open(link)
        seen_at(20, close)


def test_a_status_is_chosen_for_the_asset_and_for_a_cut(ada: Reviewer, cuts: Cuts) -> None:
    ada.open(f"{cuts.path}?v=2")
    status = ada.button(f"{FILM.path.name}: status")
    expect(status).to_have_text("wip")
    status.click()
    ada.page.get_by_role("menuitemradio", name="pending review").click()
    expect(status).to_have_text("pending review")
    ada.button("Cuts").click()
    ada.button("Status of v2").click()
    ada.page.get_by_role("menuitemradio", name="retake").click()
    expect(ada.page.get_by_role("menuitemradio", name="v2")).to_contain_text("retake")
    ada.press("Escape")
    ada.page.reload()
    ada.wait_ready()
    expect(status).to_have_text("pending review")
    ada.button("Cuts").click()
    expect(ada.page.get_by_role("menuitemradio", name="v2")).to_contain_text("retake")
    expect(ada.page.get_by_role("menuitemradio", name="v1")).not_to_contain_text("retake")


def test_undo_says_that_it_waits_while_work_is_not_saved(ada: Reviewer, cuts: Cuts) -> None:
    ada.open(f"{cuts.path}?v=3")
    undo = ada.page.get_by_role("button", name="Undo mine")
    expect(undo).to_be_disabled()
    ada.context.set_offline(offline=True)
    ada.wait_status("offline", "reconnecting")
    ada.press("b")
    ada.drag((0.3, 0.8), (0.6, 0.95))
    ada.inks((0.3, 0.87))
    expect(undo).to_be_enabled()
    expect(undo).to_have_attribute("aria-label", "Undo mine: waits until saved")
    undo.click()
    ada.context.set_offline(offline=False)
    ada.wait_status("saved", "resumed")
    ada.bare((0.3, 0.87))


def test_full_screen_is_the_picture_and_what_one_asks_for(ada: Reviewer) -> None:
    notes, tools = ada.page.locator(".notes"), ada.page.get_by_role("toolbar")
    before = ada.page.locator(".stage").bounding_box()
    ada.press("Shift+F")
    ada.page.wait_for_function("() => document.fullscreenElement")
    expect(tools).to_be_hidden()
    expect(notes).to_have_count(0)
    stage = ada.page.locator(".stage").bounding_box()
    assert before is not None
    assert stage is not None
    assert stage["width"] * stage["height"] > before["width"] * before["height"]
    ada.press("ArrowRight")
    ada.wait_frame(1)
    ada.comment("Written in full screen")
    expect(ada.note("Written in full screen")).to_be_visible()
    ada.press("Shift+F")
    ada.page.wait_for_function("() => !document.fullscreenElement")
    expect(tools).to_be_visible()
    expect(notes).to_be_visible()


def test_every_key_of_the_sheet_does_what_it_says(ada: Reviewer, cuts: Cuts) -> None:
    ada.open(f"{cuts.path}?v=3")
    for part in (sheet.going, sheet.ranging, sheet.drawing, sheet.writing, sheet.looking):
        part(ada)


def does_nothing(ada: Reviewer) -> bool:
    """Whether for three seconds nothing is drawn, and no timers begin but the heartbeats of the connection."""
    ada.page.evaluate("() => { window.idle = { frames: 0, timers: [] }; }")
    ada.page.wait_for_timeout(3000)
    idle = ada.page.evaluate("() => window.idle")
    return idle["frames"] == 0 and len(idle["timers"]) <= 3


def test_a_page_on_which_nothing_moves_does_nothing(ada: Reviewer) -> None:
    ada.go(10)
    ada.press("ArrowRight", " ")
    expect(ada.button("Pause")).to_be_visible()
    ada.press(" ")
    ada.wait_exact()
    ada.page.evaluate(_COUNT)
    # Once what follows what was done, and what is fetched ahead, is over.
    wait_until(lambda: does_nothing(ada), "the page's doing nothing")


def test_notes_leave_as_a_file_for_whoever_asks(ada: Reviewer, cuts: Cuts) -> None:
    ada.open(f"{cuts.path}?v=2")
    ada.comment("Goes out as a table")
    ada.wait_status("saved")
    asked: list[str] = []
    ada.page.on("request", lambda request: asked.append(urlsplit(request.url).path.rpartition("/")[2]))
    ada.button("Download").click()
    with ada.page.expect_download() as download:
        ada.page.get_by_role("button", name="CSV table").click()
    assert "Goes out as a table" in download.value.path().read_text()
    name = download.value.suggested_filename
    assert name.endswith(".csv")
    expect(ada.page.get_by_text(f"{name} is written")).to_be_visible()
    assert "CreateExport" in asked
    assert "WatchExport" not in asked  # it is followed on the socket of all streams
