"""Two people in two browsers review a real clip: what one makes the other sees, and all of it outlives a crash."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Playwright, expect

from benchmarks.stack import Stack, running
from benchmarks.studio import PROJECT
from rushes.annotation.v1 import annotation_pb2 as pb
from rushes.project.v1 import project_service_pb2
from tests.clips import footage
from tests.e2e.page import Reviewer, Spot, chromium, document
from tests.product import FAST_HASHES

pytest_plugins = ["tests.e2e.page_fixtures"]

STROKE: tuple[Spot, ...] = ((0.2, 0.3), (0.3, 0.35), (0.4, 0.3), (0.5, 0.4))


@dataclass
class Two:
    """Ada owns the product, Grace is her guest."""

    stack: Stack
    ada: Reviewer
    grace: Reviewer
    secret: str
    video_id: int

    def both_at(self, frame: int) -> None:
        """Both look at a frame, with nothing in hand, and Ada makes things for everybody."""
        for one in (self.ada, self.grace):
            one.lift()
            one.press("Escape", "v")
            one.go(frame)

    def document(self, frame: int) -> list[pb.Annotation]:
        """What is on a frame, as the service has it, the oldest first."""
        found = document(self.stack, self.video_id, self.secret).values()
        return sorted((each for each in found if each.first_frame == frame), key=lambda each: each.created_ms)

    def wait_saved(self) -> None:
        """Waits until all that both made is saved."""
        for one in (self.ada, self.grace):
            one.wait_status("saved", "resumed")


@pytest.fixture(scope="module")
def two(playwright: Playwright, meet: Callable[..., Reviewer]) -> Iterator[Two]:
    """Ada starts Rushes for the first time, drops a clip on the page and sends Grace a link, who opens it."""
    with running(None, **FAST_HASHES) as stack, chromium(playwright) as other:
        first = stack.first_sign_in()
        ada = meet("ada", stack.address)
        ada.sign_in(first["email"], first["password"])
        expect(ada.page.get_by_text("Drop clips anywhere on this page")).to_be_visible()
        ada.drop(footage())
        ada.open_asset("bikes")
        grace = meet("grace", stack.address, other, viewport={"width": 1100, "height": 700})
        grace.join(ada.invitation("guest"), "Grace")
        grace.open_asset("bikes")
        ada.audience("Client")
        secret = stack.sign_in()
        yield Two(stack, ada, grace, secret, _video_id(stack, secret))


def _video_id(stack: Stack, secret: str) -> int:
    projects = stack.rpc(PROJECT, "ListProjects", project_service_pb2.ListProjectsRequest(), secret).projects
    request = project_service_pb2.ListAssetsRequest(project_id=projects[0].project_id)
    assets: Any = stack.rpc(PROJECT, "ListAssets", request, secret).assets
    video_id: int = assets[0].cuts[0].video_id
    return video_id


def test_a_clip_that_was_dropped_on_the_page_plays(two: Two) -> None:
    ada = two.ada
    assert ada.count == 250
    shown = ada.record("[data-testid=timeline]", "aria-valuenow")
    ada.press("Home", " ")
    expect(ada.button("Pause")).to_be_visible()
    shown.wait_for("values.includes('12')")
    ada.press(" ")
    expect(ada.button("Play")).to_be_visible()
    played = [int(value) for value in shown.values]
    assert played == sorted(played)


def test_a_stroke_is_seen_while_it_is_drawn_and_after(two: Two) -> None:
    ada, grace = two.ada, two.grace
    two.both_at(40)
    ada.press("d")
    ada.begin(STROKE[:3])
    grace.inks(STROKE[1], 4)
    assert two.document(40) == []
    ada.along(STROKE[3:])
    grace.inks(STROKE[3], 4)
    ada.lift()
    two.wait_saved()
    (stroke,) = two.document(40)
    assert stroke.kind == pb.ANNOTATION_KIND_STROKE
    for one in (ada, grace):
        one.inks(STROKE[1], 4)
        one.inks(STROKE[3], 4)
        expect(one.page.locator(".drawings[data-here=true]")).to_contain_text("1 drawing")


def test_a_comment_of_the_guest_is_read_by_the_owner(two: Two) -> None:
    two.both_at(44)
    two.grace.comment("The bus roof is too bright here")
    note = two.ada.note("The bus roof is too bright here")
    expect(note).to_be_visible()
    expect(note).to_contain_text("Grace")
    expect(note).to_contain_text("00:00:01:19")


def test_the_pointer_and_the_playhead_of_the_other_are_seen(two: Two) -> None:
    ada, grace = two.ada, two.grace
    two.both_at(50)
    ada.point((0.7, 0.6))
    _near(grace, "Administrator", (0.7, 0.6))
    grace.point((0.25, 0.2))
    _near(ada, "Grace", (0.25, 0.2))
    ada.go(200)
    grace.page.wait_for_function("() => document.querySelectorAll('.cursor').length === 0")
    grace.page.wait_for_function(_OTHER_AT, arg=200)
    assert grace.frame == 50
    grace.go(120)
    ada.page.wait_for_function(_OTHER_AT, arg=120)


_OTHER_AT = """frame => {
  const line = document.querySelector('[data-testid=timeline]'), head = line.querySelector('.playhead.other');
  if (!head) return false;
  const [box, place] = [line.getBoundingClientRect(), head.getBoundingClientRect()];
  const x = place.left + place.width / 2 - box.left;
  return Math.abs(x - ((frame + 0.5) / 250) * box.width) < 2;
}"""


def _near(one: Reviewer, name: str, spot: Spot) -> None:
    """Waits until another's pointer is shown at a place."""
    where = """([name, x, y]) => [...document.querySelectorAll('.cursor')].some((each) => {
      const place = each.getBoundingClientRect();
      return each.textContent.includes(name) && Math.hypot(place.left - x, place.top - y) < 6;
    })"""
    one.page.wait_for_function(where, arg=[name, *one.place(spot)])


SHAPES = {
    "rectangle": ("b", (0.6, 0.2), (0.8, 0.4), (0.6, 0.3), pb.ANNOTATION_KIND_RECT),
    "ellipse": ("c", (0.1, 0.6), (0.3, 0.9), (0.1, 0.75), pb.ANNOTATION_KIND_ELLIPSE),
    "line": ("w", (0.1, 0.1), (0.5, 0.2), (0.3, 0.15), pb.ANNOTATION_KIND_LINE),
    "arrow": ("a", (0.5, 0.9), (0.9, 0.7), (0.7, 0.8), pb.ANNOTATION_KIND_ARROW),
}


def test_every_shape_is_seen_while_it_is_drawn_and_after(two: Two) -> None:
    two.both_at(60)
    for key, start, end, on_it, _ in SHAPES.values():
        two.ada.press(key)
        two.ada.begin([start, end])
        two.grace.inks(on_it, 4)
        two.ada.lift()
    two.wait_saved()
    assert [each.kind for each in two.document(60)] == [kind for *_, kind in SHAPES.values()]
    for *_, on_it, _ in SHAPES.values():
        two.ada.inks(on_it, 4)
        two.grace.inks(on_it, 4)


def test_text_on_the_picture_is_seen_while_it_is_typed(two: Two) -> None:
    ada, grace = two.ada, two.grace
    two.both_at(64)
    ada.press("t")
    ada.page.mouse.click(*ada.place((0.3, 0.3)))
    expect(ada.page.get_by_label("Text on the picture")).to_be_focused()
    ada.page.keyboard.type("MMMM")
    grace.inks((0.34, 0.33), 12)
    assert two.document(64) == []
    ada.page.keyboard.type(" too warm")
    ada.press("Control+Enter")
    two.wait_saved()
    (text,) = two.document(64)
    assert (text.kind, text.text) == (pb.ANNOTATION_KIND_TEXT, "MMMM too warm")
    grace.inks((0.34, 0.33), 12)
    expect(grace.page.locator(".drawings[data-here=true]")).to_contain_text("MMMM too warm")


def test_the_eraser_takes_ink_away_for_both(two: Two) -> None:
    ada, grace = two.ada, two.grace
    two.both_at(68)
    ada.press("d")
    ada.drag((0.2, 0.5), (0.5, 0.5), (0.8, 0.5))
    grace.inks((0.5, 0.5))
    ada.press("e")
    ada.begin([(0.5, 0.3), (0.5, 0.7)])
    grace.bare((0.5, 0.5))
    ada.lift()
    two.wait_saved()
    for one in (ada, grace):
        one.bare((0.5, 0.5))
        one.inks((0.3, 0.5))


def test_a_shape_is_moved_resized_and_deleted_before_the_eyes_of_the_other(two: Two) -> None:
    ada, grace = two.ada, two.grace
    two.both_at(72)
    ada.press("b")
    ada.drag((0.2, 0.2), (0.4, 0.4))
    grace.inks((0.2, 0.3))
    ada.press("v")
    ada.begin([(0.2, 0.3), (0.3, 0.4)])
    # While it is dragged it is shown where it is, and nowhere else.
    grace.inks((0.3, 0.4))
    grace.bare((0.2, 0.3))
    ada.lift()
    two.wait_saved()
    grace.inks((0.3, 0.4))
    # The lower right corner: 0.5, 0.5 after the move.
    ada.begin([(0.5, 0.5), (0.7, 0.8)])
    grace.inks((0.7, 0.6))
    ada.lift()
    two.wait_saved()
    grace.inks((0.7, 0.6))
    grace.bare((0.5, 0.4))
    ada.press("Delete")
    for one in (ada, grace):
        one.bare((0.7, 0.6))
        one.bare((0.3, 0.4))
    two.wait_saved()
    assert two.document(72) == []


def test_undo_takes_back_ones_own_work_only_and_redo_brings_it_again(two: Two) -> None:
    ada, grace = two.ada, two.grace
    two.both_at(76)
    for one, key, left in ((ada, "b", 0.1), (grace, "b", 0.6), (ada, "c", 0.3)):
        one.press(key)
        one.drag((left, 0.2), (left + 0.1, 0.5))
        two.wait_saved()
    grace.inks((0.3, 0.35))
    ada.inks((0.6, 0.35))
    ada.press("Control+z", "Control+z")
    for one in (ada, grace):
        one.bare((0.3, 0.35))
        one.bare((0.1, 0.35))
        one.inks((0.6, 0.35))
    expect(ada.button("Redo")).to_be_enabled()
    ada.press("Control+Shift+z", "Control+Shift+z")
    for one in (ada, grace):
        one.inks((0.1, 0.35))
        one.inks((0.3, 0.35))
    grace.press("Control+z")
    for one in (ada, grace):
        one.bare((0.6, 0.35))
        one.inks((0.1, 0.35))
    two.wait_saved()
    assert len(two.document(76)) == 2


def test_a_note_is_answered_and_resolved(two: Two) -> None:
    ada, grace = two.ada, two.grace
    two.both_at(80)
    grace.comment("Is this the final grade?")
    note = ada.note("Is this the final grade?")
    note.get_by_role("button", name="Reply").click()
    expect(note.get_by_label("Reply", exact=True).and_(ada.page.locator("textarea"))).to_be_focused()
    ada.page.keyboard.type("No, a first pass")
    ada.press("Control+Enter")
    theirs = grace.note("Is this the final grade?")
    expect(theirs.locator(".note-replies")).to_contain_text("No, a first pass")
    note.get_by_role("button", name="Resolve").click()
    expect(theirs).to_have_attribute("data-resolved", "true")
    note.get_by_role("button", name="Open again").click()
    expect(theirs).to_have_attribute("data-resolved", "false")


def test_what_is_internal_is_never_seen_by_the_guest(two: Two) -> None:
    ada, grace = two.ada, two.grace
    two.both_at(84)
    ada.audience("Internal")
    ada.comment("Marmalade: the client must not read this")
    ada.press("d")
    ada.begin([(0.2, 0.5), (0.5, 0.5), (0.8, 0.5)])
    ada.inks((0.5, 0.5))
    # While the stroke is being drawn something of Grace's goes there and back: what she was to see of it she has seen.
    grace.comment("And this I may")
    expect(ada.note("And this I may")).to_be_visible()
    grace.bare((0.5, 0.5))
    ada.lift()
    ada.audience("Client")
    ada.comment("Grace may read this")
    expect(grace.note("Grace may read this")).to_be_visible()
    grace.bare((0.5, 0.5))
    expect(ada.note("Marmalade")).to_be_visible()
    assert "Marmalade" not in grace.page.content()


def test_a_click_on_a_name_follows_that_person_until_one_does_something_oneself(two: Two) -> None:
    ada, grace = two.ada, two.grace
    two.both_at(88)
    grace.button("Follow Administrator").click()
    expect(grace.page.locator(".banner")).to_contain_text("Following Administrator")
    grace.wait_frame(88)
    ada.go(150)
    grace.wait_frame(150)
    ada.press(" ")
    expect(grace.button("Pause")).to_be_visible()
    ada.press(" ")
    expect(grace.button("Play")).to_be_visible()
    grace.wait_frame(ada.frame)
    grace.press("ArrowRight")
    expect(grace.button("Follow Administrator")).to_be_visible()
    here = ada.frame + 1
    grace.wait_frame(here)
    ada.go(10)
    grace.page.wait_for_function(_OTHER_AT, arg=10)
    assert grace.frame == here


def test_after_a_crash_of_everything_every_note_is_there(two: Two, meet: Callable[..., Reviewer]) -> None:
    two.both_at(92)
    two.ada.press("d")
    two.ada.drag(*STROKE)
    two.grace.comment("Before the crash")
    expect(two.ada.note("Before the crash")).to_be_visible()
    two.wait_saved()
    before = document(two.stack, two.video_id, two.secret)
    path = two.grace.page.url.removeprefix(two.stack.address)
    cookies = two.grace.context.storage_state()
    two.ada.context.close()
    two.grace.context.close()
    two.stack.kill()
    two.stack.start()
    assert document(two.stack, two.video_id, two.secret) == before
    first = two.stack.first_sign_in()
    ada = meet("ada-again", two.stack.address)
    ada.sign_in(first["email"], first["password"])
    ada.open_asset("bikes")
    grace = meet("grace-again", two.stack.address, storage_state=cookies)
    grace.open(path)
    for one in (ada, grace):
        one.go(92)
        one.inks(STROKE[1], 4)
        expect(one.note("Before the crash")).to_be_visible()
    assert len(before) > 1
