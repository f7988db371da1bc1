"""The past on the page: thirty snapshots with branches, the slider, a comparison, going back while somebody watches."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Playwright, expect

from benchmarks.stack import Stack, running
from benchmarks.studio import PROJECT, VERSION, Studio
from rushes.annotation.v1 import annotation_pb2, operation_pb2
from rushes.annotation.v1 import annotation_service_pb2 as annotation
from rushes.project.v1 import project_service_pb2
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT
from rushes.version.v1 import version_service_pb2 as version
from tests.clips import footage
from tests.e2e.page import ANNOTATION, Reviewer, chromium
from tests.product import FAST_HASHES

pytest_plugins = ["tests.e2e.page_fixtures"]

CLIENT = b"the writer of it"
SNAPSHOTS = 30
FRAME = 40


@dataclass
class Story:
    """A clip with a past: a box on frame 40 that was moved to the right, snapshot by snapshot, and two people."""

    stack: Stack
    ada: Reviewer
    grace: Reviewer


def _write(studio: Studio, video_id: int, number: int, *operations: operation_pb2.Operation) -> None:
    batch = operation_pb2.Batch(client_seq=number, base_revision=number - 1, operations=operations)
    request = annotation.CreateBatchAnnotationsRequest(video_id=video_id, client_id=CLIENT, batch=batch)
    answer = studio.stack.rpc(ANNOTATION, "CreateBatchAnnotations", request, studio.secret)
    assert answer.outcome.revision == number


def _box() -> operation_pb2.Operation:
    made = annotation_pb2.Annotation(
        id=CLIENT,
        kind=annotation_pb2.ANNOTATION_KIND_RECT,
        first_frame=FRAME,
        last_frame=FRAME,
        position=annotation_pb2.Position(x=-26_000, y=0),
        box=annotation_pb2.Box(left=-5_000, top=-9_000, right=5_000, bottom=9_000),
        style=annotation_pb2.Style(color=0xFF8800, opacity=255, width=400),
        audience=AUDIENCE_CLIENT,
    )
    return operation_pb2.Operation(create=operation_pb2.CreateOperation(annotation=made))


def _moved(number: int) -> operation_pb2.Operation:
    to = annotation_pb2.Position(x=-26_000 + 1_700 * (number - 1), y=0)
    move = operation_pb2.MoveOperation(id=CLIENT, to=to, seen_revision=number - 1)
    return operation_pb2.Operation(move=move)


def _tell(studio: Studio, video_id: int) -> None:
    """Thirty changes with a snapshot after each; two of these are branches of the tenth."""
    made: list[int] = []
    for number in range(1, SNAPSHOTS + 1):
        _write(studio, video_id, number, _box() if number == 1 else _moved(number))
        base = made[9] if number in (20, 25) else 0
        request = version.CommitVersionRequest(video_id=video_id, message=f"take {number}", base_version_id=base)
        answer: Any = studio.stack.rpc(VERSION, "CommitVersion", request, studio.secret)
        made.append(answer.version.version_id)


@pytest.fixture(scope="module")
def story(playwright: Playwright, meet: Callable[..., Reviewer]) -> Iterator[Story]:
    """Ada, who owns the product, and Grace, who watches from a browser of her own."""
    with running(None, **FAST_HASHES) as stack, chromium(playwright) as other:
        studio = Studio(stack)
        video_id = stack.upload(footage(), studio.project_id, studio.secret)
        asked = project_service_pb2.CreateAssetRequest(project_id=studio.project_id, video_id=video_id, name="bikes")
        asset = stack.rpc(PROJECT, "CreateAsset", asked, studio.secret).asset
        studio.wait_ready(video_id)
        _tell(studio, video_id)
        ada = meet("ada", stack.address).with_session(stack.sign_in())
        grace = meet("grace", stack.address, other).with_session(studio.people(1, "guest")[0])
        for one in (ada, grace):
            one.open(f"/a/{asset.asset_id}?f={FRAME}")
            one.wait_ready()
            one.go(FRAME)
        yield Story(stack, ada, grace)


def past_ink(one: Reviewer, u: float, v: float, there: bool = True) -> None:
    """Waits until the past has ink at a place of the picture, or has none."""
    one.page.wait_for_function(
        """([u, v, there]) => {
          const canvas = document.querySelector('[data-testid=past-drawings]');
          if (!canvas || canvas.width === 0) return false;
          const picture = document.querySelector('.picture-box').getBoundingClientRect();
          const place = canvas.getBoundingClientRect();
          const scale = canvas.width / place.width;
          const x = Math.round((picture.left + u * picture.width - place.left) * scale);
          const y = Math.round((picture.top + v * picture.height - place.top) * scale);
          const { data } = canvas.getContext('2d').getImageData(x - 4, y - 4, 9, 9);
          let ink = false;
          for (let at = 3; at < data.length; at += 4) ink ||= data[at] > 150;
          return ink === there;
        }""",
        arg=[u, v, there],
    )


def edge(number: int) -> float:
    """Where the left edge of the box is after so many changes, as a part of the picture's width (640 to 272)."""
    x = -26_000 + 1_700 * (number - 1) - 5_000
    return 0.5 + x / 32_768 * 272 / 640


def test_the_slider_shows_the_frame_as_it_was(story: Story) -> None:
    ada = story.ada
    ada.button("History and snapshots").click()
    lines = ada.page.locator("[data-testid=frame-history] .past-commit")
    expect(lines).to_have_count(SNAPSHOTS)
    slider = ada.page.get_by_test_id("past-slider")
    slider.fill("5")
    past_ink(ada, edge(5), 0.5)
    past_ink(ada, edge(30), 0.5, False)
    expect(ada.page.get_by_test_id("past-banner")).to_contain_text("The notes as they were on")
    expect(lines.nth(SNAPSHOTS - 5)).to_have_attribute("data-here", "true")
    slider.fill("0")
    past_ink(ada, edge(5), 0.5, False)
    lines.nth(SNAPSHOTS - 12).locator("button").click()
    past_ink(ada, edge(12), 0.5)
    ada.press("Escape")
    expect(ada.page.get_by_test_id("past-banner")).to_have_count(0)


def test_thirty_snapshots_stand_in_a_tree_and_two_are_compared(story: Story) -> None:
    ada = story.ada
    ada.button("Snapshots").click()
    rows = ada.page.locator("[data-testid=snapshots] .past-version")
    expect(rows).to_have_count(SNAPSHOTS)
    expect(rows.first).to_contain_text("newest")
    dots = ada.page.locator(".past-lanes circle")
    assert len({dots.nth(at).get_attribute("cx") for at in range(SNAPSHOTS)}) == 3
    take = ada.page.locator("[data-testid=snapshots] .past-version[data-number='3']")
    take.locator("> button").first.click()
    past_ink(ada, edge(3), 0.5)
    other = ada.page.locator("[data-testid=snapshots] .past-version[data-number='28']")
    other.get_by_role("button", name=re.compile("more")).click()
    ada.page.get_by_role("button", name="Compare with “take 3”").click()
    past_ink(ada, edge(3), 0.5)
    past_ink(ada, edge(28), 0.5)
    ada.press("1")
    past_ink(ada, edge(28), 0.5, False)
    ada.press("2")
    past_ink(ada, edge(3), 0.5, False)
    ada.press("`")
    past_ink(ada, edge(3), 0.5)
    ada.press("Shift+W")
    past_ink(ada, edge(28), 0.5)
    ada.press("Escape")


def test_two_snapshots_are_chosen_and_a_link_opens_their_comparison(story: Story) -> None:
    ada = story.ada
    ada.button("Compare").click()
    ada.page.get_by_role("button", name="Choose two snapshots").click()
    for number in (3, 28):
        ada.page.locator(f"[data-testid=snapshots] .past-version[data-number='{number}'] > button").first.click()
        past_ink(ada, edge(number), 0.5)
    ada.press("5")
    expect(ada.page).to_have_url(re.compile(r"c=s\d+-\d+,difference$"))
    ada.open(ada.page.url.removeprefix(ada.address))
    past_ink(ada, edge(3), 0.5)
    past_ink(ada, edge(28), 0.5)
    ada.press("Escape")
    expect(ada.page.get_by_test_id("past-banner")).to_have_count(0)
    ada.button("History and snapshots").click()
    ada.button("Snapshots").click()


def test_going_back_is_seen_by_who_watches_and_undone(story: Story) -> None:
    ada, grace = story.ada, story.grace
    grace.inks((edge(30), 0.5), 4)
    take = ada.page.locator("[data-testid=snapshots] .past-version[data-number='3']")
    take.get_by_role("button", name=re.compile("more")).click()
    ada.page.get_by_role("button", name="Restore…").click()
    expect(ada.page.get_by_test_id("restore-plan")).to_have_text("1 note changes.")
    past_ink(ada, edge(3), 0.5)
    ada.page.get_by_test_id("restore").get_by_role("button", name="Restore", exact=True).click()
    grace.inks((edge(3), 0.5), 4)
    grace.bare((edge(30), 0.5))
    expect(ada.page.locator("[data-testid=snapshots] .past-version").first).to_contain_text("restored")
    ada.page.get_by_role("button", name="Undo", exact=True).last.click()
    grace.inks((edge(30), 0.5), 4)
    expect(ada.page.locator("[data-testid=snapshots] .past-version")).to_have_count(SNAPSHOTS + 2)


def test_going_back_to_a_moment_is_seen_by_who_watches(story: Story) -> None:
    ada, grace = story.ada, story.grace
    ada.button("History").click()
    typed, shown = ada.page.get_by_test_id("past-when"), ada.page.get_by_test_id("past-time")
    for text, answer in (("soon", "This is no time."), ("2999-01-01", "This is still to come.")):
        typed.fill(text)
        typed.press("Enter")
        expect(ada.page.locator(".past-when [role=alert]")).to_contain_text(answer)
    typed.fill("2 hours ago")
    typed.press("Enter")
    expect(shown).to_have_text("Before the first note")
    past_ink(ada, edge(30), 0.5, False)
    ada.page.get_by_role("button", name="Restore…").click()
    expect(ada.page.get_by_test_id("restore-plan")).to_have_text("1 note changes.")
    ada.page.get_by_test_id("restore").get_by_role("button", name="Cancel").click()
    expect(shown).to_have_text("Now")
    ada.page.get_by_test_id("past-slider").fill("7")
    past_ink(ada, edge(7), 0.5)
    ada.page.get_by_role("button", name="Restore…").click()
    expect(ada.page.get_by_test_id("restore-plan")).to_have_text("1 note changes.")
    ada.page.get_by_test_id("restore").get_by_role("button", name="Restore", exact=True).click()
    grace.inks((edge(7), 0.5), 4)
    grace.bare((edge(30), 0.5))
    ada.page.get_by_role("button", name="Undo", exact=True).last.click()
    grace.inks((edge(30), 0.5), 4)
    ada.button("Snapshots").click()


def test_a_snapshot_is_saved_and_named_and_others_see_it_come(story: Story) -> None:
    ada, grace = story.ada, story.grace
    grace.button("History and snapshots").click()
    grace.button("Snapshots").click()
    seen = grace.page.locator("[data-testid=snapshots] .past-version")
    expect(seen.first).to_contain_text("newest")
    ada.page.get_by_label("What this snapshot is for").fill("before the call")
    ada.button("Save").click()
    first = ada.page.locator("[data-testid=snapshots] .past-version").first
    expect(first).to_contain_text("before the call")
    expect(seen.first).to_contain_text(re.compile("before the call.*newest"))
    first.get_by_role("button", name=re.compile("more")).click()
    ada.page.get_by_role("button", name="Name it").click()
    ada.page.get_by_label("Name of “before the call”").fill("final")
    ada.page.keyboard.press("Enter")
    expect(first.locator(".past-mark").last).to_contain_text("final")
    expect(seen.first.locator(".past-mark").last).to_contain_text("final")
