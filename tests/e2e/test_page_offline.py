"""The network goes, the page is reloaded, the browser or a service is killed: nothing is lost, nothing is twice."""

import contextlib
import os
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Error, Playwright, expect

from benchmarks.stack import Stack
from rushes.annotation.v1 import annotation_pb2 as pb
from tests.e2e.page import ARGUMENTS, CHROMIUM, Reviewer, Spot, document
from tests.product import Product, serving

pytest_plugins = ["tests.e2e.page_fixtures"]

STROKE: tuple[Spot, ...] = ((0.2, 0.3), (0.3, 0.4), (0.5, 0.4), (0.6, 0.6))
CLIP = "bikes"
_SEEN = """([wanted, video]) => new Promise((resolve) => {
  const opening = indexedDB.open('rushes-shelf');
  opening.onsuccess = () => {
    const all = opening.result.transaction('documents').objectStore('documents').getAllKeys();
    all.onsuccess = () => {
      opening.result.close();
      resolve(all.result.some(([, key]) => key === String(video)) === wanted);
    };
  };
})"""
_KEPT_TOO = """text => new Promise((resolve) => {
  const opening = indexedDB.open('rushes-shelf');
  opening.onsuccess = () => {
    const all = opening.result.transaction('documents').objectStore('documents').getAll();
    all.onsuccess = () => {
      opening.result.close();
      resolve(all.result.some(({ bytes }) => new TextDecoder().decode(bytes).includes(text)));
    };
  };
})"""
_FILE_KEPT = """async (path) => {
  const found = await caches.match(`${path}?facts`);
  if (!found) return false;
  const { sizeBytes, keptBytes } = await found.json();
  return keptBytes >= sizeBytes;
}"""
STATUS = ("[data-testid=status]", "data-status")


@dataclass
class Crew:
    """Ada, whose luck is bad, and Ben, who watches."""

    product: Product
    ada: Reviewer
    ben: Reviewer

    @property
    def stack(self) -> Stack:
        """What runs."""
        return self.product.stack

    def both_at(self, frame: int) -> None:
        """Both look at a frame."""
        for one in (self.ada, self.ben):
            one.wait_status("saved", "resumed")
            one.lift()
            one.press("Escape", "v")
            one.go(frame)

    def document(self, frame: int) -> list[pb.Annotation]:
        """What is on a frame, the oldest first."""
        found = document(self.stack, self.product.video_id, self.product.secret).values()
        return sorted((each for each in found if each.first_frame == frame), key=lambda each: each.created_ms)

    def expect_once(self, frame: int, comment: str) -> None:
        """Waits until Ben sees a stroke and a comment, and finds each of them once."""
        self.ada.wait_status("saved", "resumed")
        self.ben.inks(STROKE[1], 4)
        self.ben.inks(STROKE[2], 4)
        expect(self.ben.note(comment)).to_have_count(1)
        kinds = [each.kind for each in self.document(frame)]
        assert kinds == [pb.ANNOTATION_KIND_STROKE, pb.ANNOTATION_KIND_COMMENT]


@pytest.fixture(scope="module")
def crew(meet: Callable[..., Reviewer]) -> Iterator[Crew]:
    """Both look at the same clip."""
    with serving() as product:
        ada = meet("ada", product.address).with_session(product.secret)
        ben = meet("ben", product.address).with_session(product.person("reviewer"))
        for one in (ada, ben):
            one.visit(CLIP)
        yield Crew(product, ada, ben)


def test_what_is_made_without_a_network_is_kept_and_sent_when_it_is_back(crew: Crew) -> None:
    ada, ben = crew.ada, crew.ben
    crew.both_at(40)
    said = ada.record(*STATUS)
    ada.press("d")
    ada.begin(STROKE[:3])
    ben.inks(STROKE[1], 4)
    ada.context.set_offline(True)
    ada.along(STROKE[3:])
    ada.lift()
    expect(ada.status()).to_contain_text("Offline, 1 change kept")
    ada.comment("Made on a train")
    expect(ada.status()).to_contain_text("Offline, 2 changes kept")
    ada.inks(STROKE[2], 4)
    expect(ben.note("Made on a train")).to_have_count(0)
    assert crew.document(40) == []
    ada.context.set_offline(False)
    crew.expect_once(40, "Made on a train")
    assert "offline" in said.values


def test_a_gateway_that_is_killed_while_one_draws_costs_nothing(crew: Crew) -> None:
    ada = crew.ada
    crew.both_at(44)
    said = ada.record(*STATUS)
    ada.press("d")
    ada.begin(STROKE[:3])
    crew.ben.inks(STROKE[1], 4)
    killed = crew.stack.kill_service("gateway")
    ada.along(STROKE[3:])
    ada.lift()
    ada.comment("While it was down")
    said.wait_for("values.includes('reconnecting')")
    crew.stack.wait_restarted("gateway", killed)
    crew.expect_once(44, "While it was down")


def test_an_annotation_service_that_is_killed_while_one_draws_costs_nothing(crew: Crew) -> None:
    ada = crew.ada
    crew.both_at(48)
    ada.press("d")
    ada.begin(STROKE[:3])
    crew.ben.inks(STROKE[1], 4)
    killed = crew.stack.kill_service("svc_annotation")
    ada.along(STROKE[3:])
    ada.lift()
    ada.comment("While nobody listened")
    crew.stack.wait_restarted("svc_annotation", killed)
    crew.expect_once(48, "While nobody listened")


def test_half_a_stroke_of_somebody_who_is_gone_does_not_stay(crew: Crew, meet: Callable[..., Reviewer]) -> None:
    crew.both_at(64)
    cleo = meet("cleo", crew.product.address).with_session(crew.product.person("member"))
    cleo.visit(CLIP)
    cleo.go(64)
    cleo.press("d")
    cleo.begin(STROKE)
    crew.ben.inks(STROKE[1], 4)
    cleo.page.close()
    crew.ben.bare(STROKE[1], 4)
    assert crew.document(64) == []


def test_many_shapes_are_each_there_once_though_the_service_is_killed_between_them(crew: Crew) -> None:
    ada = crew.ada
    crew.both_at(52)
    ada.press("b")
    lefts = [0.05 + 0.09 * number for number in range(10)]
    for number, left in enumerate(lefts):
        ada.drag((left, 0.2), (left + 0.05, 0.5))
        if number % 3 == 1:
            killed = crew.stack.kill_service("svc_annotation")
            ada.drag((left, 0.6), (left + 0.05, 0.8))
            crew.stack.wait_restarted("svc_annotation", killed)
    ada.wait_status("saved", "resumed")
    for left in lefts:
        crew.ben.inks((left, 0.35))
    expect(crew.ben.page.locator(".drawings[data-here=true]")).to_contain_text("13 drawings")
    places = [(each.position.x, each.position.y) for each in crew.document(52)]
    assert len(places) == 13
    assert len(set(places)) == 13


def test_unsent_work_outlives_a_reload_of_the_page(crew: Crew) -> None:
    ada = crew.ada
    crew.both_at(56)
    ada.context.set_offline(True)
    ada.press("d")
    ada.drag(*STROKE)
    ada.comment("Before the reload")
    expect(ada.status()).to_contain_text("Offline, 2 changes kept")
    wait_worker(ada)
    ada.page.reload()
    expect(ada.status()).to_contain_text("Offline, 2 changes kept")
    expect(ada.note("Before the reload")).to_have_count(1)
    ada.context.set_offline(False)
    crew.expect_once(56, "Before the reload")
    while ada.kept():
        # It is taken out of the browser's keeping a moment after the service has it.
        ada.page.evaluate("() => new Promise(requestAnimationFrame)")


def test_a_clip_seen_before_opens_without_a_network_and_all_is_merged_on_return(crew: Crew) -> None:
    ada, ben = crew.ada, crew.ben
    crew.both_at(72)
    ben.comment("The sky is too red")
    expect(ada.note("The sky is too red")).to_have_count(1)
    wait_worker(ada)
    wait_seen(ada, crew.product.video_id)
    # What was seen before is kept a while after it came.
    ada.wait_answer(_KEPT_TOO, "The sky is too red")
    ada.context.set_offline(True)
    # From the library on, as if the browser had just been started.
    ada.page.goto(ada.address)
    expect(ada.page.get_by_text("Offline. What you have seen is here")).to_be_visible()
    ada.page.locator(".card", has_text=CLIP).locator(".card-face").click()
    ada.page.wait_for_function("() => document.querySelector('[data-testid=frame]')?.dataset.frame")
    ada.go(72)
    ada.press("d")
    ada.drag(*STROKE)
    edit(ada, "The sky is too red", " and too bright")
    expect(ada.status()).to_contain_text("changes kept")
    edit(ben, "The sky is too red", " here")
    ben.wait_status("saved", "resumed")
    ada.context.set_offline(False)
    ada.wait_status("saved", "resumed")
    expect(ada.page.get_by_text("Merged with what Person 0 wrote")).to_be_visible()
    ben.inks(STROKE[1], 4)
    for one in (ada, ben):
        expect(one.note("and too bright")).to_contain_text(" here")
    kinds = [each.kind for each in crew.document(72)]
    assert kinds == [pb.ANNOTATION_KIND_COMMENT, pb.ANNOTATION_KIND_STROKE]


def test_what_one_saw_is_gone_from_the_browser_after_sign_out(crew: Crew, meet: Callable[..., Reviewer]) -> None:
    eve = meet("eve", crew.product.address).with_session(crew.product.studio.people(1, "reviewer")[0])
    eve.visit(CLIP)
    wait_worker(eve)
    wait_seen(eve, crew.product.video_id)
    eve.wait_answer("async () => (await caches.keys()).some((name) => name.startsWith('rushes-media:'))")
    eve.page.locator(".topbar").get_by_role("button", name=re.compile("account$")).click()
    eve.page.get_by_text("Sign out", exact=True).click()
    expect(eve.page.get_by_label("Email")).to_be_visible()
    eve.wait_answer("async () => !(await caches.keys()).some((name) => name.startsWith('rushes-media:'))")
    eve.wait_answer(_SEEN, [False, crew.product.video_id])
    eve.context.set_offline(True)
    eve.page.goto(eve.address)
    expect(eve.page.locator(".card")).to_have_count(0)


def wait_worker(one: Reviewer) -> None:
    """Waits until the page is served by its worker."""
    one.page.wait_for_function("() => navigator.serviceWorker.controller !== null")


def wait_seen(one: Reviewer, video_id: int) -> None:
    """Waits until the browser has kept the document of a video and enough of its picture."""
    one.wait_answer(_SEEN, [True, video_id])
    one.wait_answer(_FILE_KEPT, f"/media/{video_id}/review.mp4")


def edit(one: Reviewer, text: str, more: str) -> None:
    """Writes on at the end of a note."""
    note = one.note(text)
    note.hover()
    note.get_by_role("button", name="More").click()
    one.page.get_by_text("Edit", exact=True).click()
    one.press("Control+End")
    one.page.keyboard.type(more)
    one.press("Escape")


def test_unsent_work_outlives_a_browser_that_is_killed(crew: Crew, playwright: Playwright, tmp_path: Path) -> None:
    crew.ben.go(60)
    with profile(playwright, tmp_path) as context:
        ada = _ada(crew, context)
        ada.go(60)
        context.set_offline(True)
        ada.press("d")
        ada.drag(*STROKE)
        ada.comment("Before the battery was empty")
        expect(ada.status()).to_contain_text("Offline, 2 changes kept")
        while ada.kept() < 2:
            ada.page.evaluate("() => new Promise(requestAnimationFrame)")
        _kill_chromium(tmp_path)
    assert crew.document(60) == []
    with profile(playwright, tmp_path) as context:
        ada = _ada(crew, context)
        ada.go(60)
        ada.inks(STROKE[1], 4)
        crew.expect_once(60, "Before the battery was empty")


@contextlib.contextmanager
def profile(playwright: Playwright, folder: Path) -> Iterator[BrowserContext]:
    """A Chromium with a profile that stays on the disk."""
    context = playwright.chromium.launch_persistent_context(
        folder, executable_path=CHROMIUM, args=ARGUMENTS, viewport={"width": 1280, "height": 800}
    )
    try:
        yield context
    finally:
        # One that was killed cannot be asked to go.
        with contextlib.suppress(Error):
            context.close()


def _ada(crew: Crew, context: BrowserContext) -> Reviewer:
    ada = Reviewer("ada", context, context.pages[0], crew.product.address).with_session(crew.product.secret)
    ada.visit(CLIP)
    return ada


def _kill_chromium(folder: Path) -> None:
    """SIGKILL of the browser whose profile this is; what it started goes with it."""
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if f"--user-data-dir={folder}".encode() in words and not any(word.startswith(b"--type=") for word in words):
                os.kill(int(process.name), signal.SIGKILL)
