"""Notes in Chromium: mentions, what is unread, views, many resolved at once, and all of it from the keyboard."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from tests.e2e.page import Reviewer
from tests.product import Product, serving

pytest_plugins = ["tests.e2e.page_fixtures"]


@dataclass
class Two:
    """Ada administers, Person 0 reviews; both look at the same clip."""

    ada: Reviewer
    ben: Reviewer


@pytest.fixture(scope="module")
def two(meet: Callable[..., Reviewer]) -> Iterator[Two]:
    """Both of them."""
    with serving() as place:
        yield Two(*(_look(meet, place, who, secret) for who, secret in _people(place)))


def _people(place: Product) -> list[tuple[str, str]]:
    return [("ada", place.secret), ("ben", place.person("reviewer"))]


def _look(meet: Callable[..., Reviewer], place: Product, who: str, secret: str) -> Reviewer:
    reviewer = meet(who, place.address).with_session(secret)
    reviewer.visit("bikes")
    return reviewer


def narrow(one: Reviewer, choice: str) -> None:
    """Chooses what is listed."""
    one.button("Filter").click()
    one.page.get_by_role("menuitemradio", name=choice, exact=True).click()


def test_who_is_mentioned_finds_the_note_unread_and_answers_without_the_mouse(two: Two) -> None:
    ada, ben = two.ada, two.ben
    # Ben's page is in the background: what comes is not read by being listed.
    ben.page.evaluate("Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })")
    ada.go(40)
    ada.press("n")
    expect(ada.page.get_by_test_id("composer")).to_be_focused()
    ada.page.keyboard.type("Is this **final**, #sky @per")
    expect(ada.page.get_by_role("option", name="@Person 0")).to_be_visible()
    ada.press("Enter")
    ada.page.keyboard.type("?")
    ada.press("Control+Enter", "Escape")
    for number in range(3):
        ada.go(50 + number)
        ada.comment(f"Dust {number}")
    note = ada.note("Is this final")
    expect(note.locator(".mention")).to_have_text("@Person 0")
    expect(note.locator("strong")).to_have_text("final")
    expect(note.locator(".note-tag")).to_have_text("#sky")
    expect(note.locator("[data-safe=saved]")).to_be_visible()

    expect(ben.page.locator(".notes-unread")).to_have_text("4 unread")
    narrow(ben, "For me")
    expect(ben.page.locator(".note")).to_have_count(1)
    ben.press("Shift+N")
    expect(ben.note("Is this final")).to_be_focused()
    ben.press("Enter")
    ben.wait_frame(40)
    ben.press("e")
    expect(ben.note("Is this final").get_by_role("textbox")).to_be_focused()
    ben.page.keyboard.type("Yes, it is")
    ben.press("Control+Enter")
    expect(note.locator(".note-replies")).to_contain_text("Yes, it is")
    expect(ben.note("Is this final")).to_be_focused()
    ben.press("u")
    expect(ben.page.locator(".notes-unread")).to_have_text("3 unread")
    narrow(ben, "All notes")
    ben.page.wait_for_url(lambda address: "mentions" not in address)
    # What is on the screen for a moment has been read; a reload knows it.
    ben.page.evaluate("delete document.visibilityState")
    ben.page.reload()
    ben.wait_ready()
    expect(ben.page.locator(".notes-unread")).to_have_count(0)
    expect(ben.page.locator(".note")).to_have_count(4)


def test_all_that_a_kept_view_shows_is_resolved_at_once(two: Two) -> None:
    ada = two.ada
    page = ada.page
    ada.press("Shift+N", "Home", "j")
    for _ in range(3):
        ada.press("t")
        page.get_by_role("menuitemradio", name="High").click()
        ada.press("Escape", "j")
    expect(page.locator(".note-priority.high")).to_have_count(3)
    ada.button("Filter").click()
    page.get_by_role("menuitemcheckbox", name="High").click()
    ada.press("Escape")
    expect(page.locator(".note")).to_have_count(3)
    ada.button("Order and views").click()
    page.get_by_label("Keep this view as").fill("Urgent")
    with page.expect_response(lambda answer: answer.url.endswith("/UpdateSettings")):
        ada.press("Enter")
    ada.button("All that is listed").click()
    page.locator(".menu .item", has_text="Resolve 3 notes").click()
    expect(page.locator(".note[data-resolved=true]")).to_have_count(3)
    ada.wait_status("saved")
    ada.visit("bikes")
    expect(page.locator(".note")).to_have_count(4)
    ada.button("Order and views").click()
    page.get_by_role("menuitemradio", name="Urgent", exact=True).click()
    expect(page.locator(".note")).to_have_count(3)
    expect(two.ben.page.locator(".note[data-resolved=true]")).to_have_count(3)


def test_a_picture_for_an_internal_note_is_chosen_knowing_that_clients_see_it(two: Two) -> None:
    ada, ben = two.ada, two.ben
    note = ada.note("Dust 2")
    note.hover()
    note.get_by_role("button", name="More").first.click()
    ada.page.locator(".menu .item", has_text="Attach a picture").click()
    expect(ada.page.locator(".menu")).to_contain_text("everybody of the project sees it there, clients too")
    with ada.page.expect_file_chooser():
        ada.button("Choose a picture").click()
    expect(ada.page.locator(".menu")).to_have_count(0)
    # Who may not upload is not asked for one.
    reply = ben.note("Is this final").locator(".note-replies")
    reply.hover()
    reply.get_by_role("button", name="More").first.click()
    expect(ben.page.locator(".menu .item", has_text="Attach a link")).to_be_visible()
    expect(ben.page.locator(".menu .item", has_text="Attach a picture")).to_have_count(0)
    ben.press("Escape")


def test_a_frame_of_another_clip_is_attached_and_leads_there(two: Two) -> None:
    ada = two.ada
    note = ada.note("Dust 1")
    note.hover()
    note.get_by_role("button", name="More").first.click()
    ada.page.locator(".menu .item", has_text="Attach a link").click()
    ada.page.get_by_label("Link to a frame, a note or a page").fill(f"{ada.address}/a/1?v=1&f=7")
    ada.press("Enter")
    attached = note.locator(".attachment a")
    expect(attached).to_have_attribute("href", "/a/1?v=1&f=7")
    expect(attached).to_contain_text("bikes.mp4 · 7")
    expect(two.ben.note("Dust 1").locator(".attachment img")).to_be_visible()
    attached.click()
    ada.wait_frame(7)


def test_the_frames_of_a_note_are_changed_by_its_ends_by_keys_and_from_its_menu(two: Two) -> None:
    ada, ben = two.ada, two.ben
    ada.go(60)
    ada.comment("Too long")
    frames = ben.note("Too long").locator(".note-jump .faint")
    expect(frames).to_have_text("60")
    # With keys: the note that is the present one ends and begins where one is.
    ada.go(90)
    ada.press("Shift+O")
    expect(frames).to_have_text("60–90")
    # By its end on the timeline, with the mouse.
    line = ada.page.get_by_test_id("timeline").bounding_box()
    end = ada.page.get_by_role("slider", name="Last frame of the note").bounding_box()
    assert line is not None
    assert end is not None
    ada.page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2)
    ada.page.mouse.down()
    ada.page.mouse.move(line["x"] + 120.5 / ada.count * line["width"], end["y"] + 5, steps=4)
    # One sees the frame that the end is on; it is not set before one lets go.
    ada.wait_frame(120)
    expect(frames).to_have_text("60–90")
    ada.page.mouse.up()
    expect(frames).to_have_text("60–120")
    # With arrows, set once the key is let go.
    ada.page.get_by_role("slider", name="First frame of the note").press("Shift+ArrowLeft")
    expect(frames).to_have_text("55–120")
    ada.wait_frame(55)
    # From its menu; undone as one action.
    ada.note("Too long").get_by_role("button", name="More").click()
    ada.page.get_by_role("button", name="On its first frame alone").click()
    expect(frames).to_have_text("55")
    ada.press("Control+z")
    expect(frames).to_have_text("55–120")
    # Who may not change the note has no ends to drag.
    ben.note("Too long").locator(".note-jump").click()
    expect(ben.page.get_by_test_id("note-range")).to_have_attribute("data-last", "120")
    expect(ben.page.get_by_role("slider", name="of the note")).to_have_count(0)
