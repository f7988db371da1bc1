"""Two cuts beside each other, of bar-coded clips: frames that belong together, every mode, keys, and a link."""

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest
from playwright.sync_api import expect

from benchmarks.stack import Stack, running
from benchmarks.studio import PROJECT, Studio
from rushes.annotation.v1 import annotation_pb2, operation_pb2
from rushes.annotation.v1 import annotation_service_pb2 as annotation
from rushes.project.v1 import project_service_pb2
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT
from tests.clips import Clip, read_bars
from tests.e2e.page import ANNOTATION, Reviewer, Spot, faults
from tests.product import FAST_HASHES

pytest_plugins = ["tests.e2e.page_fixtures"]

AT_25 = Clip("cut-25.mp4", Fraction(25), 125, sound=True)
AT_24 = Clip("cut-23.976.mp4", Fraction(24000, 1001), 120, sound=True)
BOX: Spot = (0.5 + 18_000 / 32_768 * 9 / 16, 0.65)
"""On the edge of what is drawn on v2."""

# Pairs as they are painted: what they are said to be, and the bars of both pictures. What a machine that is much too
# slow shows late, rather than nothing, says so, and does not count.
_PAIRS = """count => new Promise((resolve) => {
  const a = document.querySelector('[data-testid=pair]'), b = document.querySelector('[data-testid=pair-b]');
  const small = new OffscreenCanvas(160, 90), paint = small.getContext('2d', { willReadFrequently: true });
  const box = document.querySelector('.picture-box').getBoundingClientRect(), stage = a.getBoundingClientRect();
  const read = (canvas) => {
    const scale = canvas.width / stage.width, [x, y] = [box.left - stage.left, box.top - stage.top];
    paint.drawImage(canvas, x * scale, y * scale, box.width * scale, box.height * scale, 0, 0, 160, 90);
    let text = '';
    const { data } = paint.getImageData(0, 0, 160, 90);
    for (let at = 1; at < data.length; at += 4) text += String.fromCharCode(data[at]);
    return btoa(text);
  };
  const seen = [];
  const watch = new MutationObserver(() => {
    if (a.dataset.late === 'true') return;
    seen.push([a.dataset.frames, read(a), read(b)]);
    if (seen.length < count) return;
    watch.disconnect();
    resolve(seen);
  });
  watch.observe(a, { attributes: true, attributeFilter: ['data-frames'] });
})"""
# Pixels at a place of the picture: what is painted of the cuts, and how much ink of each cut's notes lies there.
_AT = """([u, v]) => {
  const box = document.querySelector('.picture-box').getBoundingClientRect();
  return ['pair', 'annotations', 'other-drawings'].map((name) => {
    const canvas = document.querySelector(`[data-testid=${name}]`);
    if (!canvas || getComputedStyle(canvas).visibility === 'hidden') return [0, 0, 0, 0];
    const place = canvas.getBoundingClientRect(), scale = canvas.width / place.width;
    const at = [(box.left + u * box.width - place.left) * scale, (box.top + v * box.height - place.top) * scale];
    return [...canvas.getContext('2d').getImageData(Math.round(at[0]), Math.round(at[1]), 1, 1).data];
  });
}"""

# Writes down which file elements other than the pictures play, and from where.
_HEAR = """() => {
  window.heard = [];
  const { play } = HTMLMediaElement.prototype;
  HTMLMediaElement.prototype.play = function () {
    if (this.tagName === 'AUDIO') window.heard.push([this.currentSrc, this.currentTime]);
    return play.call(this);
  };
}"""
_HEARD = """([picture, second]) => {
  const file = document.querySelector(`video${picture}`).currentSrc;
  return window.heard.some(([from, at]) => from === file && Math.abs(at - second) < 0.02);
}"""


@dataclass
class Cuts:
    """Three cuts of one shot: v1 has another rate than v2 and v3; v2 has a box on the right of frames 0 to 100."""

    stack: Stack
    secret: str
    path: str
    ada: Reviewer

    def open(self, query: str) -> None:
        """Opens v3 at a place, once its first pair is painted."""
        self.ada.open(f"{self.path}?v=3&{query}")
        self.ada.page.wait_for_function("() => document.querySelector('[data-testid=pair]')?.dataset.frames")

    def pair(self, frames: str) -> None:
        """Waits until these frames, of A and of B, are painted together."""
        expect(self.ada.page.get_by_test_id("pair")).to_have_attribute("data-frames", frames)


def _box() -> operation_pb2.Operation:
    made = annotation_pb2.Annotation(
        id=b"a box upon v two",
        kind=annotation_pb2.ANNOTATION_KIND_RECT,
        last_frame=90,
        position=annotation_pb2.Position(x=18_000, y=9_000),
        box=annotation_pb2.Box(left=-4_000, top=-4_000, right=4_000, bottom=4_000),
        style=annotation_pb2.Style(color=0xFF8800, opacity=255, width=1_500),
        audience=AUDIENCE_CLIENT,
    )
    return operation_pb2.Operation(create=operation_pb2.CreateOperation(annotation=made))


@pytest.fixture(scope="module")
def cuts(meet: Callable[..., Reviewer]) -> Iterator[Cuts]:
    """An asset with three cuts, and Ada."""
    with running(None, **FAST_HASHES) as stack:
        studio = Studio(stack)
        videos = [stack.upload(clip.path, studio.project_id, studio.secret) for clip in (AT_25, AT_24, AT_24)]
        first = project_service_pb2.CreateAssetRequest(project_id=studio.project_id, video_id=videos[0], name="shot")
        asset_id = stack.rpc(PROJECT, "CreateAsset", first, studio.secret).asset.asset_id
        for video_id in videos[1:]:
            more = project_service_pb2.AddCutRequest(asset_id=asset_id, video_id=video_id)
            stack.rpc(PROJECT, "AddCut", more, studio.secret)
        for video_id in videos:
            studio.wait_ready(video_id)
        batch = operation_pb2.Batch(client_seq=1, operations=[_box()])
        request = annotation.CreateBatchAnnotationsRequest(
            video_id=videos[1], client_id=b"the writer of it", batch=batch
        )
        assert stack.rpc(ANNOTATION, "CreateBatchAnnotations", request, studio.secret).outcome.revision == 1
        ada = meet("ada", stack.address).with_session(studio.secret)
        yield Cuts(stack, studio.secret, f"/a/{asset_id}", ada)


def _read(grey: str) -> str:
    return str(read_bars(base64.b64decode(grey), 160, 90))


def _beside(query: str, frame: int) -> int:
    """The frame that belongs beside one of v3."""
    return frame - 7 if query.startswith("v2") else int((frame * 1001 / 24000 + 0.02) * 25)


@pytest.mark.parametrize(("query", "other"), [("v2,side,o-7", 13), ("v1,side", 21)], ids=["offset", "another rate"])
def test_frames_that_belong_together_are_shown_together_while_it_plays_steps_and_seeks(
    cuts: Cuts, query: str, other: int
) -> None:
    ada = cuts.ada
    cuts.open(f"f=20&c={query}")
    cuts.pair(f"20:{other}")
    # Round and round from here, until there are enough.
    ada.press("i", "Control+l", "Space")
    pairs: Any = ada.page.evaluate(_PAIRS, 30)
    ada.press("Space")
    assert [said for said, a, b in pairs if said != f"{_read(a)}:{_read(b)}"] == []
    firsts = {int(said.partition(":")[0]) for said, _, _ in pairs}
    assert len(firsts) > 5
    assert {said for said, _, _ in pairs} == {f"{frame}:{_beside(query, frame)}" for frame in firsts}
    here = ada.wait_exact()
    cuts.pair(f"{here}:{_beside(query, here)}")
    ada.go(90)
    cuts.pair(f"90:{_beside(query, 90)}")
    ada.press("ArrowRight")
    cuts.pair(f"91:{_beside(query, 91)}")


def test_a_link_opens_exactly_what_was_compared(cuts: Cuts) -> None:
    ada = cuts.ada
    ada.open(f"{cuts.path}?v=3&f=40")
    ada.button("Compare").click()
    ada.page.get_by_role("menuitemradio", name="v2").click()
    cuts.pair("40:40")
    ada.button("v2 one frame earlier").click()
    cuts.pair("40:39")
    line = ada.page.get_by_test_id("wipe").bounding_box()
    assert line is not None
    ada.page.mouse.move(line["x"] + 1, line["y"] + 40)
    ada.page.mouse.down()
    ada.page.mouse.move(*ada.place((0.25, 0.3)), steps=4)
    ada.lift()
    expect(ada.page).to_have_url(re.compile(r"v=3&f=40&c=v2,wipe,o-1,w0\.25\d?$"))
    guest = ada.page.url.removeprefix(ada.address)
    ada.open(guest)
    cuts.pair("40:39")
    expect(ada.page.get_by_test_id("wipe")).to_have_attribute("aria-valuenow", "25")
    expect(ada.page.get_by_test_id("label-b")).to_contain_text("v2")


def test_each_sides_notes_are_on_its_own_picture_and_keys_change_over(cuts: Cuts) -> None:
    ada = cuts.ada
    cuts.open("f=40&c=v2,wipe")
    ada.page.wait_for_function(f"place => ({_AT})(place)[2][3] > 200", arg=BOX)
    ada.press("1")
    expect(ada.page.get_by_test_id("mode-a")).to_have_attribute("aria-pressed", "true")
    ada.page.wait_for_function(f"place => ({_AT})(place)[2][3] === 0", arg=BOX)
    ada.press("d")
    ada.drag((0.2, 0.8), (0.3, 0.8))
    ada.inks((0.25, 0.8))
    ada.press("`")
    expect(ada.page.get_by_test_id("mode-b")).to_have_attribute("aria-pressed", "true")
    ada.page.wait_for_function(f"place => ({_AT})(place)[1][3] === 0", arg=[0.25, 0.8])
    ada.drag((0.6, 0.8), (0.7, 0.8))
    expect(ada.page.get_by_text("This is v2: draw on v3")).to_be_visible()
    # The same picture twice has no difference.
    ada.press("5")
    ada.page.wait_for_function(
        f"() => [[0.03, 0.1], [0.5, 0.5]].every((at) => Math.max(...({_AT})(at)[0].slice(0, 3)) < 12)"
    )
    ada.press("Shift+W")
    ada.page.wait_for_function(f"() => ({_AT})([0.03, 0.1])[0][1] > 150")
    ada.press("0")
    expect(ada.page.get_by_test_id("compare-bar")).to_have_count(0)
    expect(ada.page).to_have_url(re.compile(r"v=3&f=40$"))


def test_a_checker_of_accessibility_finds_nothing_serious_in_a_comparison(cuts: Cuts) -> None:
    cuts.open("f=40&c=v1,wipe")
    cuts.pair("40:42")
    assert faults(cuts.ada) == []


def test_one_side_is_heard_and_sides_change(cuts: Cuts) -> None:
    ada = cuts.ada
    muted = "() => [...document.querySelectorAll('video')].map((each) => [each.className, each.muted])"
    cuts.open("f=40&c=v1,side")
    assert dict(ada.page.evaluate(muted)) == {"picture": False, "compare-source": True}
    ada.page.get_by_test_id("compare-sound").click()
    assert dict(ada.page.evaluate(muted)) == {"picture": True, "compare-source": False}
    ada.button("Change sides").click()
    expect(ada.page).to_have_url(re.compile(r"v=1&f=42&c=v3,side$"))
    cuts.pair("42:40")
    assert dict(ada.page.evaluate(muted)) == {"picture": False, "compare-source": True}


def test_steps_are_heard_from_the_side_that_is_heard(cuts: Cuts) -> None:
    ada = cuts.ada
    cuts.open("f=40&c=v1,side")
    cuts.pair("40:42")
    ada.page.evaluate(_HEAR)
    for key, sound, file, second in (
        ("ArrowRight", None, ".picture", 41 * 1001 / 24000),
        ("ArrowRight", "compare-sound", ".compare-source", 42 * 1001 / 24000),
    ):
        if sound:
            ada.page.get_by_test_id(sound).click()
        ada.press(key)
        ada.page.wait_for_function(_HEARD, arg=[file, second])


def test_notes_are_carried_to_a_cut_that_has_none_and_undone(cuts: Cuts) -> None:
    ada = cuts.ada
    ada.open(f"{cuts.path}?v=1&f=3")
    offer = ada.page.get_by_test_id("bring")
    offer.get_by_label("Frames later on this cut").fill("5")
    offer.get_by_role("button", name="Carry 1 note from v2").click()
    expect(ada.page.get_by_text("1 note carried over from v2")).to_be_visible()
    expect(ada.page.locator(".drawings")).to_contain_text("00:00:00:05")
    ada.go(5)
    ada.inks(BOX, 4)
    ada.page.get_by_role("button", name="Undo", exact=True).last.click()
    ada.bare(BOX, 4)
    expect(offer).to_be_visible()


def test_on_a_phone_one_wipes_and_changes_over(cuts: Cuts, meet: Callable[..., Reviewer]) -> None:
    phone = meet("phone", cuts.stack.address, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone.with_session(cuts.secret)
    phone.open(f"{cuts.path}?v=3&f=40&c=v2,wipe")
    expect(phone.page.get_by_test_id("pair")).to_have_attribute("data-frames", "40:40")
    phone.page.get_by_test_id("mode-b").tap()
    expect(phone.page).to_have_url(re.compile(r"c=v2,b$"))
    phone.page.get_by_test_id("mode-wipe").tap()
    expect(phone.page.get_by_test_id("wipe")).to_be_visible()
