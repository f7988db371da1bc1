"""Drawing in full: looking closely, groups, frames through time, and what a second person sees of it."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from benchmarks.page_parts.strokes import STROKES, asset_of, fill
from rushes.annotation.v1 import annotation_pb2 as pb
from tests.e2e.page import Reviewer, Spot, document
from tests.product import Product

pytest_plugins = ["tests.e2e.page_fixtures"]

_GHOST = """([u, v, channel]) => {
  const canvas = document.querySelector('[data-testid=ghosts]');
  if (!canvas.width) return false;
  const picture = document.querySelector('.picture-box').getBoundingClientRect();
  const place = canvas.getBoundingClientRect();
  const scale = canvas.width / place.width;
  const [x, y] = [picture.left + u * picture.width - place.left, picture.top + v * picture.height - place.top];
  const { data } = canvas.getContext('2d').getImageData(Math.round(x * scale) - 3, Math.round(y * scale) - 3, 7, 7);
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] > 40 && data[at + channel] > 200 && data[at + 1 - channel] < 240) return true;
  }
  return false;
}"""
RED, GREEN = 0, 1


@dataclass
class Pair:
    """Ada owns the product, Grace reviews with her."""

    product: Product
    video_id: int
    ada: Reviewer
    grace: Reviewer

    def both_at(self, frame: int) -> None:
        """Both look at a frame, all of it, with nothing in hand."""
        for one in (self.ada, self.grace):
            one.press("Escape", "v", "Escape", "f")
            one.go(frame)

    def wait_saved(self) -> None:
        """Waits until all that both made is saved."""
        for one in (self.ada, self.grace):
            one.wait_status("saved", "resumed")

    def on(self, frame: int) -> list[pb.Annotation]:
        """What shows on a frame, as the service has it."""
        found = document(self.product.stack, self.video_id, self.product.secret).values()
        return [each for each in found if each.first_frame <= frame <= each.last_frame and not each.deleted]


@pytest.fixture(scope="module")
def pair(product: Product, meet: Callable[..., Reviewer]) -> Pair:
    """Two people who look at the same clip."""
    video_id = product.fresh_video()
    asset_id = asset_of(product.stack, product.studio, video_id)
    ada = meet("ada", product.address, has_touch=True).with_session(product.secret)
    grace = meet("grace", product.address, viewport={"width": 1100, "height": 700}, has_touch=True)
    grace.with_session(product.person("member"))
    for one in (ada, grace):
        one.open(f"/a/{asset_id}")
    return Pair(product, video_id, ada, grace)


def box(one: Reviewer, key: str, start: Spot, end: Spot) -> None:
    """Draws a shape."""
    one.press(key)
    one.drag(start, end)


def test_zooming_with_the_wheel_keeps_the_point_under_the_pointer(pair: Pair) -> None:
    ada = pair.ada
    pair.both_at(10)
    # A wheel turns at a whole pixel.
    picture = ada.page.locator(".picture-box").bounding_box()
    assert picture is not None
    before = (round(picture["x"] + 0.3 * picture["width"]), round(picture["y"] + 0.7 * picture["height"]))
    spot = ((before[0] - picture["x"]) / picture["width"], (before[1] - picture["y"]) / picture["height"])
    ada.page.mouse.move(*before)
    for _ in range(5):
        ada.page.mouse.wheel(0, -300)
    ada.page.wait_for_function("() => document.querySelector('.picture-box').dataset.exact === 'true'")
    after = ada.place(spot)
    assert abs(after[0] - before[0]) < 1
    assert abs(after[1] - before[1]) < 1
    # What is drawn there is drawn there, and is there at every zoom.
    ada.press("d")
    ada.drag(spot, (spot[0] + 0.02, spot[1]))
    ada.inks((spot[0] + 0.01, spot[1]))
    ada.press("f")
    ada.inks((spot[0] + 0.01, spot[1]))
    pair.grace.inks((spot[0] + 0.01, spot[1]), 3)


def test_alt_and_drag_move_the_picture(pair: Pair) -> None:
    ada = pair.ada
    pair.both_at(11)
    ada.press("z")
    before = ada.place((0.5, 0.5))
    ada.page.keyboard.down("Alt")
    ada.drag((0.5, 0.5), (0.45, 0.55))
    ada.page.keyboard.up("Alt")
    after = ada.place((0.5, 0.5))
    assert after[0] < before[0] - 10
    assert after[1] > before[1] + 10
    ada.press("z")
    assert pair.on(11) == []


def test_a_group_is_moved_before_the_eyes_of_the_other_and_one_undo_takes_it_back(pair: Pair) -> None:
    ada, grace = pair.ada, pair.grace
    pair.both_at(20)
    box(ada, "b", (0.2, 0.2), (0.3, 0.3))
    box(ada, "b", (0.4, 0.2), (0.5, 0.3))
    box(ada, "d", (0.2, 0.4), (0.5, 0.4))
    ada.press("v")
    ada.drag((0.15, 0.1), (0.6, 0.5))
    expect(ada.page.get_by_role("toolbar", name="Selection")).to_contain_text("3 drawings")
    ada.begin([(0.2, 0.25), (0.4, 0.55)])
    for spot in ((0.4, 0.55), (0.6, 0.55), (0.6, 0.7)):
        grace.inks(spot, 4)
    grace.bare((0.2, 0.25))
    ada.lift()
    pair.wait_saved()
    assert len({each.updated_ms for each in pair.on(20)}) == 1
    ada.press("Control+z")
    for one in (ada, grace):
        one.inks((0.2, 0.25), 3)
        one.inks((0.35, 0.4), 3)
        one.bare((0.6, 0.7), 2)
    # More than one batch holds: still one step.
    for _ in range(3):
        ada.press("Control+a", "Control+d")
    pair.wait_saved()
    assert len(pair.on(20)) == 24
    ada.press("Control+a", "Delete")
    grace.bare((0.2, 0.25))
    pair.wait_saved()
    assert pair.on(20) == []
    ada.press("Control+z")
    grace.inks((0.2, 0.25), 3)
    pair.wait_saved()
    assert len(pair.on(20)) == 24


def test_a_group_is_resized_by_the_handles_of_the_box_around_it(pair: Pair) -> None:
    ada, grace = pair.ada, pair.grace
    pair.both_at(24)
    box(ada, "b", (0.2, 0.2), (0.3, 0.3))
    box(ada, "b", (0.3, 0.3), (0.4, 0.4))
    ada.press("Control+a")
    ada.drag((0.4, 0.4), (0.6, 0.8))
    pair.wait_saved()
    for spot in ((0.3, 0.5), (0.6, 0.65), (0.2, 0.35)):
        grace.inks(spot, 4)
    grace.bare((0.3, 0.25))


def test_what_was_copied_is_pasted_on_another_frame_in_its_place(pair: Pair) -> None:
    ada, grace = pair.ada, pair.grace
    pair.both_at(30)
    box(ada, "c", (0.3, 0.3), (0.5, 0.6))
    ada.press("Control+a", "Control+c")
    ada.go(34)
    ada.bare((0.3, 0.45), 2)
    ada.press("Control+v")
    ada.inks((0.3, 0.45), 3)
    grace.go(34)
    grace.inks((0.3, 0.45), 3)
    ada.press("Shift+D")
    ada.wait_frame(35)
    ada.inks((0.3, 0.45), 3)
    expect(ada.page.get_by_role("toolbar", name="Selection")).to_be_visible()
    pair.wait_saved()
    assert [len(pair.on(frame)) for frame in (30, 34, 35)] == [1, 1, 1]


def test_a_drawing_on_a_range_is_seen_by_the_other_on_all_its_frames(pair: Pair) -> None:
    ada, grace = pair.ada, pair.grace
    pair.both_at(60)
    box(ada, "b", (0.3, 0.3), (0.5, 0.6))
    ada.press("Control+a")
    last = ada.page.get_by_label("Last frame it is seen on")
    offset = int(ada.page.get_by_test_id("frame").inner_text()) - ada.frame
    last.fill(str(64 + offset))
    last.press("Enter")
    pair.wait_saved()
    for frame in (60, 62, 64):
        grace.go(frame)
        grace.inks((0.3, 0.45), 3)
    grace.go(65)
    grace.bare((0.3, 0.45), 2)


def test_drawings_of_the_frames_around_are_seen_through(pair: Pair) -> None:
    ada = pair.ada
    pair.both_at(80)
    box(ada, "b", (0.2, 0.2), (0.4, 0.4))
    ada.go(84)
    box(ada, "b", (0.6, 0.6), (0.8, 0.8))
    ada.go(82)
    ada.press("v", "g")
    ada.page.wait_for_function(_GHOST, arg=[0.2, 0.3, RED])
    ada.page.wait_for_function(_GHOST, arg=[0.6, 0.7, GREEN])
    ada.bare((0.2, 0.3), 2)
    ada.press("g")
    ada.page.wait_for_function("() => document.querySelector('[data-testid=ghosts]').width === 0")


def test_a_held_drawing_stays_until_the_next_one(pair: Pair) -> None:
    ada = pair.ada
    pair.both_at(100)
    box(ada, "b", (0.2, 0.2), (0.4, 0.4))
    ada.go(106)
    box(ada, "c", (0.6, 0.6), (0.8, 0.8))
    ada.press("v", "h")
    ada.go(103)
    ada.inks((0.2, 0.3), 2)
    ada.go(106)
    ada.bare((0.2, 0.3), 2)
    ada.inks((0.6, 0.7), 3)
    ada.press("h")
    ada.go(103)
    ada.bare((0.2, 0.3), 2)


def test_between_in_and_out_one_may_draw_on_all_frames(pair: Pair) -> None:
    ada, grace = pair.ada, pair.grace
    pair.both_at(120)
    ada.press("i")
    ada.go(126)
    ada.press("o")
    ada.go(123)
    ada.button("Draw on all frames from in to out").click()
    box(ada, "b", (0.2, 0.2), (0.4, 0.4))
    ada.button("Draw on all frames from in to out").click()
    ada.press("r")
    pair.wait_saved()
    for frame in (120, 126):
        grace.go(frame)
        grace.inks((0.2, 0.3), 3)
    assert [(each.first_frame, each.last_frame) for each in pair.on(123)] == [(120, 126)]


def test_larger_letters_stay_in_their_box(pair: Pair) -> None:
    ada, grace = pair.ada, pair.grace
    pair.both_at(130)
    ada.press("t")
    ada.drag((0.3, 0.2), (0.6, 0.3))
    ada.page.keyboard.type("MM MM MM MM MM MM")
    ada.press("Control+Enter")
    bar = ada.page.get_by_role("toolbar", name="Selection")
    bar.get_by_label("Size of letters").select_option(index=4)
    bar.get_by_role("button", name="Lines end on the right").click()
    pair.wait_saved()
    (text,) = pair.on(130)
    assert (text.style.font_size, text.style.align) == (3000, pb.TEXT_ALIGN_END)
    assert text.box.bottom >= 2 * 3000 * 1.25
    grace.inks((0.58, 0.26), 12)
    # One undo for each choice: the size and the box it needs are one.
    ada.press("Control+z", "Control+z")
    pair.wait_saved()
    (text,) = pair.on(130)
    assert (text.style.font_size, text.style.align) == (1400, pb.TEXT_ALIGN_START)
    assert text.box.bottom < 3000 * 1.25


def test_text_is_edited_in_place_with_an_input_method_and_its_box_grows(pair: Pair) -> None:
    ada, grace = pair.ada, pair.grace
    pair.both_at(134)
    ada.press("t")
    ada.drag((0.3, 0.2), (0.7, 0.3))
    ada.page.keyboard.type("MM MM MM")
    ada.press("Control+Enter")
    bar = ada.page.get_by_role("toolbar", name="Selection")
    bar.get_by_label("Size of letters").select_option(index=2)
    bar.get_by_role("button", name="Lines begin on the left").click()
    ada.page.mouse.dblclick(*ada.place((0.32, 0.23)))
    expect(ada.page.get_by_label("Text on the picture")).to_be_focused()
    ada.press("End")
    tools = ada.context.new_cdp_session(ada.page)
    tools.send("Input.imeSetComposition", {"text": "hua", "selectionStart": 3, "selectionEnd": 3})
    grace.inks((0.32, 0.23), 12)
    assert [each.text for each in pair.on(134)] == ["MM MM MM"]
    tools.send("Input.insertText", {"text": "画面"})
    ada.press("Control+Enter")
    pair.wait_saved()
    (text,) = pair.on(134)
    assert text.text == "MM MM MM画面"
    # The handle in the middle of the right side, or the corner below it where the box is low.
    corner = (0.7, 0.2 + text.box.bottom / 32_768)
    ada.drag(corner, (0.36, corner[1]))
    pair.wait_saved()
    (narrow,) = pair.on(134)
    assert narrow.box.right < text.box.right / 2
    assert narrow.box.bottom >= 3 * 1400 * 1.25


def test_a_pen_presses_and_wins_over_the_hand_that_holds_it(pair: Pair) -> None:
    ada = pair.ada
    pair.both_at(140)
    ada.press("d")
    tools = ada.context.new_cdp_session(ada.page)

    def pen(kind: str, spot: Spot, force: float) -> None:
        x, y = ada.place(spot)
        down = {"button": "left", "buttons": 1, "clickCount": 1} if force else {}
        event = {"type": kind, "x": x, "y": y, "pointerType": "pen", "force": force, **down}
        tools.send("Input.dispatchMouseEvent", event)

    def finger(kind: str, *spots: Spot) -> None:
        points = [dict(zip("xy", ada.place(spot), strict=True), id=number) for number, spot in enumerate(spots)]
        tools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    pen("mousePressed", (0.2, 0.3), 0.2)
    for step in range(1, 8):
        pen("mouseMoved", (0.2 + 0.05 * step, 0.3), 0.1 * step)
    finger("touchStart", (0.7, 0.8))
    finger("touchMove", (0.9, 0.8))
    finger("touchEnd")
    tools.send(
        "Input.dispatchMouseEvent", {"type": "mouseReleased", "button": "left", "pointerType": "pen", **_at(ada)}
    )
    pair.wait_saved()
    (stroke,) = pair.on(140)
    assert len(stroke.pressure) == len(stroke.points) // 2
    assert max(stroke.pressure) - min(stroke.pressure) > 60
    ada.bare((0.8, 0.8), 2)


def _at(one: Reviewer) -> dict[str, float]:
    return dict(zip("xy", one.place((0.55, 0.3)), strict=True))


def test_two_fingers_zoom_and_move_the_picture_and_draw_nothing(pair: Pair) -> None:
    grace = pair.grace
    pair.both_at(150)
    grace.press("d")
    tools = grace.context.new_cdp_session(grace.page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        tools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    (ax, ay), (bx, by) = grace.place((0.4, 0.5)), grace.place((0.6, 0.5))
    before = grace.page.locator(".picture-box").bounding_box()
    touch("touchStart", (ax, ay))
    touch("touchStart", (ax, ay), (bx, by))
    for step in range(1, 11):
        touch("touchMove", (ax - 10 * step, ay + 2 * step), (bx + 10 * step, by + 2 * step))
    touch("touchEnd")
    after = grace.page.locator(".picture-box").bounding_box()
    assert before is not None
    assert after is not None
    wide = bx - ax
    assert abs(after["width"] / before["width"] - (wide + 200) / wide) < 0.02
    grace.press("f")
    assert pair.on(150) == []


def test_ten_thousand_strokes_open_part_by_part_and_are_drawn_on(pair: Pair) -> None:
    ada, grace = pair.ada, pair.grace
    writers = pair.product.studio.people(12)
    fill(pair.product.stack, writers, pair.video_id, 200, STROKES)
    pair.both_at(160)
    ada.page.evaluate(_PARTS)
    ada.go(200)
    ada.page.wait_for_function("() => window.parts.length > 3 && window.parts.at(-1) > 0.3")
    parts = ada.page.evaluate("() => window.parts")
    assert len(set(parts)) > 3, "it was painted in one go"
    ada.press("e")
    ada.drag((0.1, 0.5), (0.5, 0.5), (0.9, 0.5))
    ada.bare((0.7, 0.5))
    ada.press("d")
    ada.drag((0.3, 0.48), (0.4, 0.52))
    ada.inks((0.35, 0.5))
    grace.go(200)
    grace.bare((0.7, 0.5))
    grace.inks((0.35, 0.5))
    # What is taken back is painted anew with all that lay there.
    ada.press("Control+z", "Control+z")
    ada.page.wait_for_function("() => window.covered() > 0.3")
    ada.go(160)
    ada.bare((0.5, 0.5), 20)


# How much of a strip across the middle is covered, now and each time it differs.
_PARTS = """() => {
  const canvas = document.querySelector('[data-testid=annotations]');
  const small = new OffscreenCanvas(320, 4).getContext('2d', { willReadFrequently: true });
  window.parts = [];
  window.covered = () => {
    small.clearRect(0, 0, 320, 4);
    small.drawImage(canvas, 0, canvas.height / 2 - 2, canvas.width, 4, 0, 0, 320, 4);
    const { data } = small.getImageData(0, 0, 320, 4);
    let ink = 0;
    for (let at = 3; at < data.length; at += 4) if (data[at] > 100) ink++;
    return ink / (320 * 4);
  };
  const look = () => {
    const now = window.covered();
    if (now !== (window.parts.at(-1) ?? 0)) window.parts.push(now);
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def test_what_was_repaired_looks_as_what_is_painted_anew(pair: Pair) -> None:
    ada = pair.ada
    pair.both_at(170)
    fill(pair.product.stack, [pair.product.person("member")], pair.video_id, 170, 200)
    ada.inks((0.5, 0.5), 60)
    ada.point((0.4, 0.5))
    ada.page.mouse.wheel(0, -400)
    ada.page.keyboard.down("Alt")
    ada.drag((0.5, 0.5), (0.52, 0.47))
    ada.page.keyboard.up("Alt")
    box(ada, "e", (0.35, 0.45), (0.5, 0.55))
    box(ada, "b", (0.35, 0.4), (0.5, 0.55))
    ada.press("v")
    ada.drag((0.35, 0.5), (0.4, 0.6))
    pair.wait_saved()
    ada.press("Delete")
    box(ada, "c", (0.4, 0.45), (0.55, 0.6))
    pair.wait_saved()
    ada.press("Control+z")
    pair.wait_saved()
    assert len(pair.on(170)) == 201, "of all of it the eraser is left"
    ada.press("Escape", "v")
    pair.wait_saved()
    ada.page.evaluate(_SETTLED)
    ada.page.evaluate(_KEEP)
    ada.go(171)
    ada.bare((0.5, 0.5), 60)
    ada.go(170)
    ada.page.evaluate(_SETTLED)
    inked, otherwise = ada.page.evaluate(_COMPARE)
    assert inked > 5000
    # Edges of lines that were cut may be softer or harder by a little; nothing is missing and nothing is left over.
    assert otherwise < inked / 500


_KEEP = """() => {
  const canvas = document.querySelector('[data-testid=annotations]');
  window.kept = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
}"""
_COMPARE = """() => {
  const before = window.kept;
  const canvas = document.querySelector('[data-testid=annotations]');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let inked = 0, otherwise = 0;
  for (let at = 3; at < data.length; at += 4) {
    if (data[at] > 128) inked++;
    if (Math.abs(data[at] - before[at]) > 128) otherwise++;
  }
  return [inked, otherwise];
}"""
_SETTLED = """() => new Promise((resolve) => {
  const canvas = document.querySelector('[data-testid=annotations]');
  const paint = canvas.getContext('2d');
  const sum = () => paint.getImageData(0, 0, canvas.width, canvas.height).data.reduce((a, b) => a + b, 0);
  let [before, same] = [-1, 0];
  const look = () => {
    const now = sum();
    same = now === before ? same + 1 : 0;
    before = now;
    if (same > 4) resolve();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""
