"""A live session is recorded, though its recorder is killed, and watched again: it is as it was."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from benchmarks.stack import Stack
from rushes.annotation.v1 import annotation_service_pb2
from rushes.signaling.v1 import recording_pb2, recording_service_pb2, room_service_pb2
from tests.e2e.page import ANNOTATION, FAKE_DEVICES, Reviewer, chromium, faults
from tests.product import Product, serving
from tests.waiting import wait_until

pytest_plugins = ["tests.e2e.page_fixtures"]

RECORDING = recording_service_pb2.DESCRIPTOR.services_by_name["RecordingService"]
ROOM = room_service_pb2.DESCRIPTOR.services_by_name["RoomService"]
LONG_MS = 60_000
_INKED = """([u, v]) => {
  const canvas = document.querySelector('[data-testid=replay-drawings]');
  const picture = document.querySelector('.picture-box').getBoundingClientRect();
  const place = canvas.getBoundingClientRect();
  const scale = canvas.width / place.width;
  const x = Math.round((picture.left + u * picture.width - place.left) * scale);
  const y = Math.round((picture.top + v * picture.height - place.top) * scale);
  const { data } = canvas.getContext('2d').getImageData(x - 4, y - 4, 9, 9);
  return data.some((value, at) => at % 4 === 3 && value > 120);
}"""
_BARE = f"place => !({_INKED})(place)"
_SEEK = """ms => {
  const bar = document.querySelector('.replay-bar input');
  bar.value = String(ms);
  bar.dispatchEvent(new Event('input', { bubbles: true }));
}"""
# What is seen of the two who were recorded: how green each half is (the picture of the camera here is green).
_GREEN = """() => {
  const video = document.querySelector('[data-testid=replay-video]');
  if (!video || video.readyState < 2 || video.seeking) return [];
  const canvas = new OffscreenCanvas(128, 36);
  const paint = canvas.getContext('2d', { willReadFrequently: true });
  paint.drawImage(video, 0, 0, 128, 36);
  return [0, 64].map((left) => {
    const { data } = paint.getImageData(left, 0, 64, 36);
    let green = 0;
    for (let at = 0; at < data.length; at += 4) green += data[at + 1] > 80 && data[at] < 100 && data[at + 2] < 100;
    return green / (64 * 36);
  });
}"""
_BOTH_GREEN = f"() => {{ const seen = ({_GREEN})(); return seen.length === 2 && Math.min(...seen) > 0.5; }}"


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """One of its own: its recorder is killed."""
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium with a camera and a microphone."""
    with chromium(playwright, *FAKE_DEVICES) as launched:
        yield launched


def recorders(stack: Stack) -> list[int]:
    """Processes that write recordings."""
    parent = stack.pids()["svc_signaling"]
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [
        int(child) for child in children if b"svc_signaling.recorder" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def parts(product: Product) -> set[str]:
    """Takes that are being written, as far as anything of them is on the disk."""
    folder = product.stack.data / "signaling" / "recording"
    return {path.name for path in folder.glob("*/*.part") if path.stat().st_size > 20_000}


def drawn(reviewer: Reviewer, x: float) -> None:
    """A stroke of the pen from top to bottom."""
    reviewer.page.keyboard.press("d")
    reviewer.drag((x, 0.3), (x, 0.7))
    reviewer.inks((x, 0.5), 4)
    reviewer.wait_status("saved")


def seek(page: Page, ms: float) -> None:
    page.evaluate(_SEEK, int(ms))


@pytest.mark.timeout(300)  # videos are made in it, and looked at
def test_a_session_is_watched_again_as_it_was(product: Product, meet: Callable[..., Reviewer]) -> None:
    ada = meet("ada", product.address).with_session(product.secret)
    ada.visit("bikes.mp4")
    ada.button("Go live").click()
    ada.page.get_by_role("menuitem", name="Everybody with the link").click()
    ada.button("Join").click()
    ada.button("Present").click()
    ada.button("Turn the camera on").click()
    ada.button("Turn the microphone on").click()
    ada.page.wait_for_url("**r=*")
    room_id = ada.page.url.partition("r=")[2][:26]
    bob = meet("bob", product.address).with_session(product.person("reviewer"))
    bob.visit("bikes.mp4")
    bob.page.get_by_test_id("live-now").click()
    bob.page.get_by_test_id("live-lobby").get_by_role("button", name="Join").click()
    bob.button("Turn the camera on").click()
    expect(bob.page.get_by_test_id("tile")).to_have_count(2)

    ada.page.bring_to_front()
    ada.button("Record the session").click()
    expect(bob.page.get_by_test_id("recorded")).to_be_visible()
    wait_until(lambda: len(parts(product)) == 2, "both are being written")
    before = parts(product)
    for pid in recorders(product.stack):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(parts(product) - before) == 2, "both are being written again")

    ada.go(50)
    drawn(ada, 0.2)
    bob.button("Chat").click()
    bob.page.get_by_label("Say something to all").fill("Too dark on the left")
    bob.page.get_by_label("Say something to all").press("Enter")
    expect(bob.page.get_by_role("log")).to_contain_text("Too dark on the left")
    ada.go(120)
    drawn(ada, 0.5)
    ada.button("End for all").click()
    ada.button("Watch the session again").click()
    watch(product, ada, room_id)


def watch(product: Product, ada: Reviewer, room_id: str) -> None:
    """The same again, compared with what the services have kept of it."""
    page, project_id = ada.page, product.video.project_id
    expect(page.get_by_test_id("replay")).to_have_attribute("data-ready", "true")
    assert faults(ada) == []
    listed = recording_service_pb2.ListRecordingsRequest(project_id=project_id, room_id=room_id)

    def recording() -> recording_pb2.Recording:
        found: recording_pb2.Recording = product.stack.rpc(
            RECORDING, "ListRecordings", listed, product.secret
        ).recordings[0]
        return found

    wait_until(lambda: recording().state == recording_pb2.RECORDING_STATE_COMPLETED, "the videos are made", wait_s=90)
    start_ms = recording().start_time_ms
    assert len(recording().takes) == 4, "two of each: the recorder was killed between them"

    request = annotation_service_pb2.ListOperationsRequest(video_id=product.video_id)
    first, second = (
        commit.time_ms - start_ms
        for commit in product.stack.rpc(ANNOTATION, "ListOperations", request, product.secret).commits
    )
    happened = product.stack.rpc(
        ROOM, "ListEvents", room_service_pb2.ListEventsRequest(project_id=project_id, room_id=room_id), product.secret
    ).events
    assert [event.ordinal for event in happened] == list(range(1, len(happened) + 1))
    marked = [event.mark.revision for event in happened if event.WhichOneof("what") == "mark"]
    assert marked[0] == 1, "the notes were marked when there was a first one"
    left, right = [0.2, 0.5], [0.5, 0.5]
    seek(page, first - 20)
    ada.wait_frame(50)
    page.wait_for_function(_BARE, arg=left)
    seek(page, first + 20)
    page.wait_for_function(_INKED, arg=left)
    ada.wait_frame(50)
    expect(page.get_by_role("log")).not_to_contain_text("Too dark on the left")
    seek(page, second + 20)
    ada.wait_frame(120)
    page.wait_for_function(_INKED, arg=right)
    page.wait_for_function(_BARE, arg=left)
    expect(page.get_by_role("log")).to_contain_text("Too dark on the left")

    whole = page.locator("[data-testid=replay-video][data-whole=true]")
    expect(whole).to_be_visible(timeout=2 * LONG_MS)
    page.wait_for_function(_BOTH_GREEN, timeout=LONG_MS)
    seek(page, 0)
    ada.button("Play the session").click()
    page.wait_for_function("() => document.querySelector('[data-testid=replay-video]').currentTime > 0.5")
    ada.button("Pause the session").click()
    ada.button("Add to the library").click()
    expect(page.get_by_text("The recording is in the library")).to_be_visible()
    ada.button("Close the session").click()
    expect(page.get_by_test_id("replay")).to_have_count(0)
