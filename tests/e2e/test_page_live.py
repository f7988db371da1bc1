"""A live review: two people see and hear each other, and one player follows the other."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.e2e.page import Reviewer, chromium, faults
from tests.encoder import encoder
from tests.product import Product, serving
from tests.waiting import wait_until

pytest_plugins = ["tests.e2e.page_fixtures"]

FAKE_DEVICES = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
SEEN = """who => {
  const video = document.querySelector(`[data-testid=tile][data-who='${who}'] video`);
  return !!video && video.videoWidth > 0 && video.currentTime > 0.5;
}"""
_FED = """who => {
  const video = document.querySelector(`[data-testid=tile][data-who='${who}'] video`);
  return !!video && video.videoWidth === 320 && video.currentTime > 0.5;
}"""
_MARK = "who => { window.before = document.querySelector(`[data-testid=tile][data-who='${who}'] video`).srcObject.id; }"
_SEEN_AGAIN = """who => {
  const video = document.querySelector(`[data-testid=tile][data-who='${who}'] video`);
  return !!video?.srcObject && video.srcObject.id !== window.before && video.currentTime > 0.5;
}"""
_MOVES = """async who => {
  const video = () => document.querySelector(`[data-testid=tile][data-who='${who}'] video`);
  const frames = () => video()?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
  const before = frames();
  await new Promise((done) => setTimeout(done, 300));
  return frames() > before;
}"""


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """One of its own: parts of it are killed."""
    with serving("--scale", "sfu=2") as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium whose camera shows a moving test picture and whose microphone beeps."""
    with chromium(playwright, *FAKE_DEVICES) as launched:
        yield launched


@dataclass
class Room:
    """Ada presents, and Bob has come in."""

    ada: Reviewer
    bob: Reviewer
    name: str
    """Ada's, on her tile."""


@pytest.fixture(scope="module")
def room(product: Product, meet: Callable[..., Reviewer]) -> Room:
    """A live room at a clip."""
    ada = meet("ada", product.address).with_session(product.secret)
    ada.visit("bikes.mp4")
    ada.button("Go live").click()
    ada.page.get_by_role("menuitem", name="Everybody with the link").click()
    ada.button("Join").click()
    expect(ada.page.get_by_test_id("live")).to_have_attribute("data-state", "open")
    ada.button("Present").click()
    expect(ada.page.get_by_test_id("baton")).to_have_text("You presentStop presenting")
    ada.button("Turn the camera on").click()
    ada.button("Turn the microphone on").click()
    ada.page.wait_for_url("**r=*")
    name = ada.page.get_by_test_id("tile").get_attribute("data-who")
    assert name

    bob = meet("bob", product.address).with_session(product.person("reviewer"))
    bob.visit("bikes.mp4")
    bob.page.get_by_test_id("live-now").click()
    bob.page.wait_for_url(f"**{ada.page.url.rpartition('?')[2].partition('r=')[2][:26]}*")
    bob.page.get_by_test_id("live-lobby").get_by_role("button", name="Join").click()
    return Room(ada, bob, name)


def test_a_session_is_planned_and_entered_from_the_menu(product: Product, meet: Callable[..., Reviewer]) -> None:
    ada = meet("ada", product.address).with_session(product.secret)
    ada.visit("bikes.mp4")
    ada.button("Go live").click()
    ada.page.get_by_role("menuitem", name="Plan for later").click()
    form = ada.page.get_by_role("form", name="Settings of the session")
    form.get_by_label("Title").fill("Friday review")
    form.get_by_label("Planned for").fill("2030-05-10T16:00")
    form.get_by_role("button", name="Save").click()
    planned = ada.page.get_by_role("list", name="Planned sessions")
    expect(planned).to_contain_text("Friday review")
    expect(planned).to_contain_text("2030")
    planned.get_by_role("menuitem").click()
    expect(ada.page.get_by_test_id("live-lobby")).to_be_visible()
    assert faults(ada) == []


def test_one_sees_the_other_and_follows_who_presents(room: Room) -> None:
    ada, bob = room.ada, room.bob
    bob.page.bring_to_front()
    bob.page.wait_for_function(SEEN, arg=room.name)
    ada.go(120)
    bob.wait_frame(120)
    ada.page.keyboard.press("Space")
    bob.page.wait_for_function("() => Number(document.querySelector('[data-testid=frame]').dataset.frame) > 130")
    ada.page.keyboard.press("Space")
    expect(bob.button("Play")).to_be_visible()
    wait_until(lambda: bob.frame == ada.frame, "one frame on both")
    expect(bob.page.get_by_test_id("network")).to_have_text(
        re.compile(r"^media \d+ ms.*lost \d+\.\d %.*drift 0 frames$")
    )
    assert faults(ada) == []


def test_a_guest_comes_in_by_a_link_and_goes(product: Product, room: Room, meet: Callable[..., Reviewer]) -> None:
    ada = room.ada
    ada.context.grant_permissions(["clipboard-read", "clipboard-write", "camera", "microphone"])
    ada.page.bring_to_front()
    ada.button("Copy the link").click()
    ada.page.get_by_role("menuitem", name="For guests without an account").click()
    expect(ada.page.get_by_text("The link is copied")).to_be_visible()
    gus = meet("gus", product.address)
    gus.page.goto(ada.page.evaluate("() => navigator.clipboard.readText()"))
    gus.page.get_by_label("Your name").fill("Gus")
    gus.page.get_by_role("button", name="Join", exact=True).click()
    gus.page.get_by_test_id("live-lobby").get_by_role("button", name="Join").click()
    expect(gus.page.get_by_test_id("tile")).to_have_count(3)
    expect(gus.page.get_by_role("button", name="Pen", exact=True)).to_be_enabled()
    ada.page.get_by_test_id("live-people").click()
    ada.page.get_by_label("What Gus may do here").select_option("Laser only")
    why = "Pen: in this session you may point with the laser, not draw"
    expect(gus.page.get_by_role("button", name=why)).to_be_disabled()
    expect(gus.page.get_by_role("button", name="Laser pointer", exact=True)).to_be_enabled()
    expect(gus.page.get_by_text("What you may do in this session has changed")).to_be_visible()
    ada.page.get_by_test_id("live-people").click()
    gus.button("Leave").click()
    expect(ada.page.get_by_test_id("tile")).to_have_count(2)


def test_who_asks_to_present_is_handed_it(room: Room) -> None:
    ada, bob = room.ada, room.bob
    bob.button("Ask to present").click()
    expect(ada.page.get_by_test_id("baton")).to_contain_text("asks to present")
    bob.button("Chat").click()
    bob.page.get_by_label("Say something to all").fill("Look at the second bike")
    bob.page.keyboard.press("Enter")
    ada.button("Chat: 1 new").click()
    expect(ada.page.get_by_role("log")).to_contain_text("Look at the second bike")
    ada.page.get_by_test_id("tile").nth(1).get_by_role("button").click()
    ada.page.get_by_role("menuitem", name="Hand over the presenting").click()
    expect(bob.page.get_by_test_id("baton")).to_contain_text("You present")
    bob.go(10)
    ada.wait_frame(10)


def test_killed_services_take_nobody_out_of_the_room(product: Product, room: Room) -> None:
    ada, bob = room.ada, room.bob
    bob.page.bring_to_front()
    bob.page.evaluate(_MARK, room.name)
    # The room is on one of them, and comes to the other.
    killed = product.stack.kill_service("svc_sfu")
    product.stack.wait_restarted("svc_sfu", killed)
    product.stack.kill_service("svc_sfu.2")
    bob.page.wait_for_function(_SEEN_AGAIN, arg=room.name)

    product.stack.kill_service("svc_signaling")
    expect(ada.page.get_by_test_id("live")).to_have_attribute("data-state", "open")
    bob.go(40)
    ada.wait_frame(40)


def test_who_loads_the_page_again_is_still_there(room: Room) -> None:
    ada, bob = room.ada, room.bob
    ada.page.bring_to_front()
    ada.page.reload()
    expect(ada.page.get_by_test_id("live")).to_have_attribute("data-state", "open")
    expect(ada.button("Turn the camera off")).to_be_visible()
    expect(ada.page.get_by_test_id("tile")).to_have_count(2)
    bob.page.bring_to_front()
    bob.wait_answer(_MOVES, room.name)
    expect(bob.page.get_by_test_id("tile")).to_have_count(2)


def test_a_question_is_answered_and_everybody_sees_the_result(room: Room) -> None:
    ada, bob = room.ada, room.bob
    ada.page.bring_to_front()
    ada.button("More of the session").click()
    ada.page.get_by_role("menuitem", name="Ask all a question").click()
    ada.page.get_by_label("What do you ask?").fill("Which bike?")
    ada.page.get_by_label("Answers, one a line").fill("The first\nThe second")
    ada.button("Ask").press("Enter")
    bob.page.bring_to_front()
    bob.page.get_by_role("button", name="The second").click()
    expect(ada.page.get_by_role("button", name="The second 1")).to_be_visible()
    ada.page.get_by_test_id("poll").get_by_role("button", name="End").click()
    expect(bob.page.get_by_role("button", name="The second 1")).to_be_disabled()


def test_a_moderator_changes_the_session_and_invites_to_it(room: Room) -> None:
    ada = room.ada
    ada.page.bring_to_front()
    ada.button("More of the session").click()
    ada.page.get_by_role("menuitem", name="Settings and invitation").click()
    panel = ada.page.get_by_test_id("settings")
    panel.get_by_label("Title").fill("Dailies, day 3")
    panel.get_by_label("Planned for").fill("2030-05-06T09:30")
    panel.get_by_role("button", name="Save").click()
    expect(panel).to_have_count(0)
    ada.button("More of the session").click()
    ada.page.get_by_role("menuitem", name="Settings and invitation").click()
    with ada.page.expect_download() as download:
        panel.get_by_role("button", name="Calendar entry").click()
    entry = Path(download.value.path()).read_text()
    assert "SUMMARY:Dailies\\, day 3\n" in entry
    assert "DTSTART:20300506T" in entry
    panel.get_by_role("button", name="Cancel").click()


def test_a_whiteboard_is_a_blank_picture_to_which_all_go(room: Room) -> None:
    ada, bob = room.ada, room.bob
    ada.page.bring_to_front()
    ada.button("Present").click()
    ada.button("More of the session").click()
    ada.page.get_by_role("menuitem", name="New whiteboard").click()
    for each in (ada, bob):
        each.page.bring_to_front()
        expect(each.page.get_by_text("Whiteboard Dailies, day 3").first).to_be_visible()


def test_an_encoder_is_a_tile_of_the_room(product: Product, room: Room) -> None:
    ada, bob = room.ada, room.bob
    ada.page.bring_to_front()
    ada.button("More of the session").click()
    ada.page.get_by_role("menuitem", name="Programme feed").click()
    ada.button("New key for an encoder").click()
    panel = ada.page.get_by_test_id("feeds")
    expect(panel.get_by_label("Address", exact=True)).to_have_value(f"{product.address}/whip")
    with encoder(product.address, panel.get_by_label("Key", exact=True).input_value()):
        for each in (ada, bob):
            each.page.bring_to_front()
            each.page.wait_for_function(_FED, arg="Programme")
        ada.button("Withdraw the key Programme").click()
        for each in (ada, bob):
            expect(each.page.get_by_test_id("tile")).to_have_count(2)


def test_a_room_that_ends_is_over_for_everybody(room: Room) -> None:
    room.ada.button("End for all").click()
    expect(room.bob.page.get_by_test_id("live-over")).to_be_visible()


_HOLD_CAMERA = """() => {
  const devices = navigator.mediaDevices, ask = devices.getUserMedia.bind(devices);
  devices.getUserMedia = (wanted) => wanted.video ? new Promise((_, refuse) => {
    window.refuseCamera = () => refuse(new DOMException("no", "NotAllowedError"));
    devices.getUserMedia = ask;
  }) : ask(wanted);
}"""
"""Who is asked whether the page may have the camera thinks about it."""


def test_who_waits_comes_in_when_let_in_and_sees_who_is_there(product: Product, meet: Callable[..., Reviewer]) -> None:
    ada = meet("ada", product.address).with_session(product.secret)
    ada.visit("bikes.mp4")
    ada.button("Go live").click()
    ada.page.get_by_role("menuitem", name="With a waiting room").click()
    ada.button("Join").click()
    ada.button("Turn the camera on").click()
    name = ada.page.get_by_test_id("tile").get_attribute("data-who")
    assert name

    gus = meet("gus", product.address).with_session(product.person("guest"))
    gus.visit("bikes.mp4")
    gus.page.get_by_test_id("live-now").click()
    lobby = gus.page.get_by_test_id("live-lobby")
    gus.page.bring_to_front()
    gus.page.evaluate(_HOLD_CAMERA)
    lobby.get_by_role("button", name="Turn the camera on").click()
    lobby.get_by_role("button", name="Turn the microphone on").click()
    expect(lobby.get_by_label("Choose a microphone")).to_be_visible()
    gus.page.evaluate("() => window.refuseCamera()")
    # What was turned on meanwhile stays on.
    lobby.get_by_role("button", name="Turn the camera on").click()
    expect(lobby.get_by_role("button", name="Turn the microphone off")).to_be_visible()
    expect(lobby.get_by_label("Choose a camera")).to_be_visible()
    expect(lobby.get_by_label("Choose a microphone")).to_be_visible()
    gus.page.wait_for_function("() => (document.querySelector('.trial meter')?.value ?? 0) > 0.2")
    lobby.get_by_role("button", name="Join").click()
    expect(gus.page.get_by_text("Somebody will let you in in a moment.")).to_be_visible()
    expect(gus.page.get_by_test_id("tile")).to_have_count(0)
    ada.page.get_by_role("list", name="Waiting to be let in").get_by_role("button", name="Let").first.click()
    expect(gus.page.get_by_test_id("tile")).to_have_count(2)
    gus.page.bring_to_front()
    gus.page.wait_for_function(SEEN, arg=name)
    # What was on in the lobby is on.
    expect(gus.button("Turn the camera off")).to_be_visible()
    for shown, look in (("Grid", "grid"), ("Whoever speaks large", "speaker"), ("Beside the picture", "side")):
        gus.button("How people are shown").click()
        gus.page.get_by_role("menuitemradio", name=shown).click()
        expect(gus.page.get_by_test_id("live")).to_have_attribute("data-layout", look)
    # Who goes on to the library is not seen and heard from there.
    ada.page.get_by_role("link", name="Back to the library").click()
    expect(gus.page.get_by_test_id("tile")).to_have_count(1)
