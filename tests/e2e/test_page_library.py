"""The library in Chromium: the first ten minutes of work in it, and five thousand assets."""

import secrets
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, expect

from benchmarks.page_parts.library import ASSETS, seed
from benchmarks.stack import running
from benchmarks.studio import PROJECT, Studio
from rushes.project.v1 import project_service_pb2 as project
from tests.clips import FILM, PAL
from tests.e2e.page import Reviewer
from tests.product import FAST_HASHES

pytest_plugins = ["tests.e2e.page_fixtures"]

_SHOWN = """() => {
  const scroller = document.querySelector('[data-testid=library-scroll]').getBoundingClientRect();
  const names = [...document.querySelectorAll('.card')].filter((card) => {
    const { top, bottom } = card.getBoundingClientRect();
    return bottom > scroller.top && top < scroller.bottom;
  }).map((card) => card.querySelector('.card-name')?.textContent ?? '');
  return [names, document.querySelectorAll('.card').length];
}"""


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    """A product with nothing in it."""
    with running(None, **FAST_HASHES) as stack:
        yield Studio(stack)


_NEVER_ASKS = """
  const real = window.setTimeout;
  window.setTimeout = (run, ms, ...rest) => (ms === 4000 || ms === 60000 ? 0 : real(run, ms, ...rest));
"""
"""The page does not ask by itself what others changed: it has to be told."""


@pytest.fixture(scope="module")
def ada(studio: Studio, meet: Callable[..., Reviewer]) -> Reviewer:
    """Administers it."""
    ada = meet("ada", studio.stack.address).with_session(studio.secret)
    ada.page.add_init_script(_NEVER_ASKS)
    ada.page.goto(studio.stack.address)
    return ada


def card(ada: Reviewer, name: str) -> Locator:
    """The card of an asset."""
    return ada.page.locator(".card", has=ada.page.locator(".card-name", has_text=name))


def names(ada: Reviewer, *expected: str) -> None:
    """The library shows these, in this order."""
    expect(ada.page.locator(".card .card-name")).to_have_text(list(expected))


def pick(ada: Reviewer, button: Locator, choice: str) -> None:
    """Chooses a line of a menu."""
    button.click()
    ada.page.locator(".menu .item", has_text=choice).first.click()


def named(ada: Reviewer, label: str, name: str) -> None:
    """Fills in the name that a menu asks for."""
    field = ada.page.get_by_label(label, exact=True)
    field.fill(name)
    field.press("Enter")


def begin_name(ada: Reviewer, name: str, typed: str) -> None:
    """Types a name for a clip by keys, without an end."""
    card(ada, name).locator(".card-face").focus()
    ada.press("F2", "Control+a")
    ada.page.keyboard.type(typed)


def seen_renamed(studio: Studio, ada: Reviewer, name: str, other: str) -> None:
    """Somebody else gives a clip another name, and the page has read it."""
    with ada.page.expect_response("**/ListTags") as reading:
        renamed_elsewhere(studio, name, other)
        # As when one comes back to the page; it would be told of it too.
        ada.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    reading.value.finished()


def renamed_elsewhere(studio: Studio, name: str, other: str) -> None:
    """A clip gets another name, but not on this page."""
    stack, secret = studio.stack, studio.secret
    for each in stack.rpc(PROJECT, "ListProjects", project.ListProjectsRequest(), secret).projects:
        asked = project.ListAssetsRequest(project_id=each.project_id)
        for asset in stack.rpc(PROJECT, "ListAssets", asked, secret).assets:
            if asset.name == name:
                changed = project.Asset(asset_id=asset.asset_id, name=other)
                request = project.UpdateAssetRequest(asset=changed, request_id=secrets.token_hex(16))
                request.update_mask.paths.append("name")
                stack.rpc(PROJECT, "UpdateAsset", request, secret)


def test_the_first_ten_minutes_of_work_in_the_library(studio: Studio, ada: Reviewer) -> None:
    page = ada.page
    expect(page.get_by_role("heading", name="Drop clips anywhere")).to_be_visible()
    ada.button("New project").click()
    named(ada, "Name of the project", "Spring spot")
    expect(page.locator(".library-main h1")).to_have_text("Spring spot")
    ada.button("New folder").click()
    named(ada, "Folder name", "Act 1")
    page.locator(".folder-line a", has_text="Act 1").click()
    expect(page.locator(".library-main h1")).to_have_text("Act 1")
    for clip in (FILM, PAL):
        ada.drop(clip.path)
    expect(page.locator(".card .poster img")).to_have_count(2, timeout=60_000)
    page.locator(".projects a", has_text="Spring spot").click()

    first, second = FILM.path.name, PAL.path.name
    # A clip gets a name of its own from the keyboard, and a status from its card.
    expect(page.locator(".library-main h1")).to_have_text("Spring spot")
    expect(page.locator(".library-count")).to_have_text("2 assets")
    begin_name(ada, first, "Open")
    ada.press("Enter")
    expect(card(ada, "Open")).to_be_visible()
    # Somebody else changes another one, which comes first now: the list waits for the name that is being typed.
    begin_name(ada, "Open", "Openi")
    seen_renamed(studio, ada, second, "Closing")
    second = "Closing"
    page.wait_for_timeout(200)
    expect(page.locator(".card-rename")).to_be_focused()
    page.keyboard.type("ng")
    ada.press("Enter")
    names(ada, second, "Opening")
    # What others change is seen without doing anything.
    renamed_elsewhere(studio, "Opening", "Opening scene")
    names(ada, "Opening scene", second)
    renamed_elsewhere(studio, "Opening scene", "Opening")
    names(ada, "Opening", second)
    pick(ada, page.get_by_role("button", name="Opening: status"), "approved")
    expect(card(ada, "Opening").locator(".status-face")).to_have_text("approved")

    # Both get a tag at once; what is left out by a filter is said, and found again by a view.
    card(ada, "Opening").locator(".card-check").check(force=True)
    card(ada, second).locator(".card-face").click(modifiers=["Control"])
    bulk = page.get_by_role("toolbar", name="What is chosen")
    expect(bulk).to_contain_text("2 chosen")
    bulk.get_by_role("button", name="Tags").click()
    named(ada, "New tag", "hero")
    expect(page.get_by_role("menuitemcheckbox", name="hero")).to_have_attribute("aria-checked", "true")
    ada.press("Escape")
    ada.button("Choose none").click()
    ada.button("Filter").click()
    page.get_by_role("menuitemcheckbox", name="approved").click()
    ada.press("Escape")
    names(ada, "Opening")
    ada.button("Views").click()
    named(ada, "Keep this view as", "Done")
    page.get_by_role("button", name="Show others than approved too").click()
    expect(page.locator(".card")).to_have_count(2)

    # Into the trash, and back by Undo; then for good.
    card(ada, second).locator(".card-face").press("Delete")
    expect(page.locator(".card")).to_have_count(1)
    ada.button("Undo").click()
    expect(page.locator(".card")).to_have_count(2)
    pick(ada, page.get_by_role("button", name=f"{second}: more"), "Delete")
    names(ada, "Opening")
    page.locator(".folder-line a", has_text="Trash").click()
    names(ada, second)
    card(ada, second).locator(".card-check").check(force=True)
    pick(ada, bulk.get_by_role("button", name="Delete for good"), "cannot be brought back")
    expect(page.get_by_text("The trash is empty")).to_be_visible()

    # The view is there after a reload, and Enter opens what it shows.
    page.goto(f"{ada.address}/")
    page.locator(".projects a", has_text="Spring spot").click()
    names(ada, "Opening")
    # The list of the view has the same clip, but is another one: a key for the one before would be lost.
    card(ada, "Opening").evaluate("each => { each.dataset.before = '1' }")
    pick(ada, ada.button("Views"), "Done")
    expect(page.locator(".card[data-before]")).to_have_count(0)
    names(ada, "Opening")
    card(ada, "Opening").locator(".card-face").press("Enter")
    ada.wait_ready()


def test_moving_over_a_card_shows_what_is_in_the_clip(ada: Reviewer) -> None:
    ada.page.goto(ada.address)
    ada.page.locator(".projects a", has_text="Spring spot").click()
    expect(card(ada, "Opening").locator(".poster img")).to_be_visible()
    face = card(ada, "Opening").locator(".card-face")
    box = face.bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for _ in range(100):
        # The stills are made after the clip can be reviewed.
        ada.page.mouse.move(*middle)
        ada.page.wait_for_timeout(200)
        if face.locator(".strip-tile").count():
            break
        ada.page.mouse.move(0, 0)
    tiles = []
    for part in (0.1, 0.9):
        ada.page.mouse.move(box["x"] + part * box["width"], box["y"] + box["height"] / 2)
        expect(face.locator(".strip-tile")).to_be_visible()
        tiles.append(int(face.locator(".strip").get_attribute("data-tile") or -1))
    assert 0 <= tiles[0] < tiles[1]
    ada.page.mouse.move(0, 0)
    expect(face.locator(".strip-tile")).to_have_count(0)


def test_of_thousands_of_assets_only_those_are_there_that_can_be_seen(studio: Studio, ada: Reviewer) -> None:
    project_id = seed(studio.stack, studio)
    page = ada.page
    page.goto(f"{ada.address}/?project={project_id}&order=name")
    expect(page.locator(".library-count")).to_have_text("5,000 assets")
    expect(card(ada, "sh00000")).to_be_visible()
    page.locator(".card-face").first.focus()
    ada.press("End")
    # The last one has the focus, and its neighbours came with it.
    expect(card(ada, f"sh{(ASSETS - 1) * 10:05d}").locator(".card-face")).to_be_focused()
    shown, there = page.evaluate(_SHOWN)
    assert shown[-1] == f"sh{(ASSETS - 1) * 10:05d}"
    assert shown == sorted(shown)
    assert there < 60
    ada.press("ArrowUp", "Home")
    expect(card(ada, "sh00000").locator(".card-face")).to_be_focused()
    page.get_by_label("Search names and tags").fill("sh012")
    expect(page.locator(".library-count")).to_have_text("10 assets")
