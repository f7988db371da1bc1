"""A live review: two people see and hear each other, and one player follows the other.

Each test has a session of its own; browsers and the pages in them are those of the whole file.
"""

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect

from benchmarks.studio import ROOM
from rushes.signaling.v1 import room_service_pb2
from tests.e2e.page import FAKE_DEVICES, Reviewer, chromium, faults
from tests.e2e.ways import Ways, ways
from tests.encoder import encoder
from tests.product import Product, serving
from tests.waiting import wait_until

pytest_plugins = ["tests.e2e.page_fixtures"]

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
_LOUD = """() => {
  const level = document.querySelectorAll('[data-testid=tile]')[1]?.style.getPropertyValue('--level');
  return Number(level) > 0.1;
}"""
"""Somebody else's tile says that they speak."""
_COVERED = """() => {
  const boxes = (what) => [...document.querySelectorAll(what)].map((each) => each.getBoundingClientRect());
  const [dock] = boxes('[data-testid=live]'), toasts = boxes('.toast');
  return toasts.some((a) => a.left < dock.right && dock.left < a.right && a.top < dock.bottom && dock.top < a.bottom);
}"""
_GO = "path => { history.pushState(null, '', path); dispatchEvent(new PopStateEvent('popstate')); }"
"""As a link of the page goes."""


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """One of its own: parts of it are killed, and people of a room are on different forwarders."""
    with serving("--scale", "sfu=2", RUSHES_SIGNALING__PEOPLE_PER_WORKER="1") as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium whose camera shows a moving test picture and whose microphone beeps."""
    with chromium(playwright, *FAKE_DEVICES) as launched:
        yield launched


@dataclass
class Place:
    """Sessions at one clip, and the page on which each person takes part in them."""

    product: Product
    meet: Callable[..., Reviewer]
    known: dict[str, Reviewer]
    ways: Ways
    """Those of Bob's sound and pictures."""
    name: str = ""
    """Ada's, on her tile."""

    def person(self, who: str) -> Reviewer:
        """Ada, who administers, or somebody with a role: at the clip."""
        if who not in self.known:
            secret = self.product.secret if who == "ada" else self.product.person(_ROLES[who])
            self.known[who] = self.meet(who, self.product.address).with_session(secret)
            if who == "bob":
                self.ways.of(self.known[who].context)
            self.known[who].visit("bikes.mp4")
            self.clip = self.known[who].page.evaluate("() => location.pathname")
        return self.known[who]

    def alone(self, who: str) -> Reviewer:
        """Somebody at the clip, in no session."""
        each = self.person(who)
        each.page.bring_to_front()
        each.page.evaluate(_GO, self.clip)
        each.wait_ready()
        for way_out in ("Leave", "Close", "Not now"):
            button = each.page.locator(".live").get_by_role("button", name=way_out, exact=True)
            if button.count():
                button.click()
        expect(each.page.locator(".live")).to_have_count(0)
        return each

    def session(self, *names: str, devices: bool = False) -> list[Reviewer]:
        """A new session, and these people in it: Ada presents, and with devices she is seen and heard."""
        request = room_service_pb2.CreateRoomRequest(
            project_id=self.product.studio.project_id, title="Dailies", request_id=secrets.token_hex(8)
        )
        room = self.product.stack.rpc(ROOM, "CreateRoom", request, self.product.secret).room
        people = [self.person(who) for who in names]
        for each in people:
            each.page.bring_to_front()
            each.page.evaluate(_GO, f"{self.clip}?r={room.room_id}")
            each.wait_ready()
            lobby = each.page.get_by_test_id("live-lobby")
            if devices and each.who == "ada":
                for device in ("camera", "microphone"):
                    lobby.get_by_role("button", name=f"Turn the {device} on").click()
            lobby.get_by_role("button", name="Join").click()
            expect(each.page.get_by_test_id("live")).to_have_attribute("data-state", "open")
            if each.who == "ada":
                each.button("Present").click()
                expect(each.page.get_by_test_id("baton")).to_have_text("You presentStop presenting")
                self.name = each.page.get_by_test_id("tile").first.get_attribute("data-who") or ""
        for each in people:
            expect(each.page.get_by_test_id("tile")).to_have_count(len(people))
        return people


_ROLES = {"bob": "reviewer", "cid": "reviewer", "gus": "guest"}


@pytest.fixture(scope="module")
def place(product: Product, meet: Callable[..., Reviewer]) -> Iterator[Place]:
    """Where sessions are."""
    with ways() as made:
        yield Place(product, meet, {}, made)


def more(reviewer: Reviewer, what: str) -> None:
    """One of the things that are done seldom."""
    reviewer.button("More of the session").click()
    reviewer.page.get_by_role("menuitem", name=what).click()


def test_a_session_is_planned_and_entered_from_the_menu(place: Place) -> None:
    ada = place.alone("ada")
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


def test_one_sees_the_other_and_follows_who_presents(place: Place) -> None:
    ada, bob = place.session("ada", "bob", devices=True)
    bob.page.wait_for_function(SEEN, arg=place.name)
    logs = [place.product.stack.data / "logs" / f"{each}.log" for each in ("svc_sfu", "svc_sfu.2")]
    wait_until(lambda: all("transport_ready" in log.read_text() for log in logs), "people on both forwarders")
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


def test_a_guest_comes_in_by_a_link_and_goes(product: Product, place: Place, meet: Callable[..., Reviewer]) -> None:
    (ada,) = place.session("ada")
    ada.context.grant_permissions(["clipboard-read", "clipboard-write", "camera", "microphone"])
    ada.button("Copy the link").click()
    ada.page.get_by_role("menuitem", name="For guests without an account").click()
    expect(ada.page.get_by_text("The link is copied")).to_be_visible()
    gus = meet("gus", product.address)
    gus.page.goto(ada.page.evaluate("() => navigator.clipboard.readText()"))
    gus.page.get_by_label("Your name").fill("Gus")
    gus.page.get_by_role("button", name="Join", exact=True).click()
    gus.page.get_by_test_id("live-lobby").get_by_role("button", name="Join").click()
    expect(gus.page.get_by_test_id("tile")).to_have_count(2)
    expect(gus.page.get_by_role("button", name="Pen", exact=True)).to_be_enabled()
    ada.page.get_by_test_id("live-people").click()
    ada.page.get_by_label("What Gus may do here").select_option("Laser only")
    why = "Pen: in this session you may point with the laser, not draw"
    expect(gus.page.get_by_role("button", name=why)).to_be_disabled()
    expect(gus.page.get_by_role("button", name="Laser pointer", exact=True)).to_be_enabled()
    expect(gus.page.get_by_text("What you may do in this session has changed")).to_be_visible()
    ada.page.get_by_test_id("live-people").click()
    gus.button("Leave").click()
    expect(ada.page.get_by_test_id("tile")).to_have_count(1)


def test_who_asks_to_present_is_handed_it(place: Place) -> None:
    ada, bob = place.session("ada", "bob")
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


def test_who_is_muted_is_not_seen_and_knows_it_and_who_looked_elsewhere_comes_back_to_the_presenter(
    place: Place,
) -> None:
    ada, bob = place.session("ada", "bob", devices=True)
    bob.page.bring_to_front()
    for device in ("camera", "microphone"):
        bob.button(f"Turn the {device} on").click()
        expect(bob.button(f"Turn the {device} off")).to_be_visible()
    bobs = ada.page.get_by_test_id("tile").nth(1)
    ada.page.bring_to_front()
    ada.page.wait_for_function(SEEN, arg=bobs.get_attribute("data-who"))
    ada.page.wait_for_function(_LOUD)
    for what in ("Mute", "Hide the picture"):
        bobs.get_by_role("button").click()
        ada.page.get_by_role("menuitem", name=what).click()
    expect(bobs).to_have_attribute("data-seen", "false")
    ada.page.wait_for_function(f"() => !({_LOUD})()")
    expect(bob.page.get_by_test_id("shut-off")).to_have_text("A moderator has muted you and hidden your picture")
    # Muted is the person, not the place that they had.
    bob.button("Leave").click()
    expect(ada.page.get_by_test_id("tile")).to_have_count(1)
    bob.page.evaluate(_GO, ada.page.evaluate("() => location.pathname + location.search"))
    bob.page.get_by_test_id("live-lobby").get_by_role("button", name="Join").click()
    expect(bob.page.get_by_test_id("shut-off")).to_be_visible()
    for what in ("Let speak again", "Show the picture again"):
        bobs.get_by_role("button").click()
        ada.page.get_by_role("menuitem", name=what).click()
    expect(bob.page.get_by_test_id("shut-off")).to_have_count(0)

    ada.go(60)
    bob.page.bring_to_front()
    bob.wait_frame(60)
    bob.go(10)
    ada.page.bring_to_front()
    ada.go(70)
    assert bob.frame == 10
    bob.page.bring_to_front()
    bob.button("Back to the presenter").click()
    bob.wait_frame(70)


def test_killed_services_take_nobody_out_of_the_room(product: Product, place: Place) -> None:
    ada, bob = place.session("ada", "bob", devices=True)
    bob.page.wait_for_function(SEEN, arg=place.name)
    bob.page.evaluate(_MARK, place.name)
    # The room is on one of them, and comes to the other.
    for forwarder in ("svc_sfu", "svc_sfu.2"):
        killed = product.stack.kill_service(forwarder)
        product.stack.wait_restarted(forwarder, killed)
    bob.page.wait_for_function(_SEEN_AGAIN, arg=place.name)

    killed = product.stack.kill_service("svc_signaling")
    product.stack.wait_restarted("svc_signaling", killed)
    for each in (ada, bob):
        expect(each.page.get_by_test_id("live")).to_have_attribute("data-state", "open")
    ada.go(40)
    bob.wait_frame(40)


def test_who_loads_the_page_again_or_is_in_another_network_is_still_there(place: Place) -> None:
    ada, bob = place.session("ada", "bob", devices=True)
    bob.page.wait_for_function(SEEN, arg=place.name)
    ada.page.bring_to_front()
    ada.page.reload()
    expect(ada.page.get_by_test_id("live")).to_have_attribute("data-state", "open")
    expect(ada.button("Turn the camera off")).to_be_visible()
    expect(ada.page.get_by_test_id("tile")).to_have_count(2)
    bob.page.bring_to_front()
    bob.wait_answer(_MOVES, place.name)
    expect(bob.page.get_by_test_id("tile")).to_have_count(2)
    bob.page.evaluate(_MARK, place.name)
    bob.context.set_offline(True)
    place.ways.cut()
    bob.context.set_offline(False)
    bob.page.wait_for_function(_SEEN_AGAIN, arg=place.name)
    expect(ada.page.get_by_test_id("tile")).to_have_count(2)


def test_a_question_is_answered_and_a_room_that_ends_is_over_for_everybody(place: Place) -> None:
    ada, bob = place.session("ada", "bob")
    ada.page.bring_to_front()
    more(ada, "Ask all a question")
    ada.page.get_by_label("What do you ask?").fill("Which bike?")
    ada.page.get_by_label("Answers, one a line").fill("The first\nThe second")
    ada.button("Ask").press("Enter")
    bob.page.bring_to_front()
    bob.page.get_by_role("button", name="The second").click()
    expect(ada.page.get_by_role("button", name="The second 1")).to_be_visible()
    ada.page.get_by_test_id("poll").get_by_role("button", name="End").click()
    expect(bob.page.get_by_role("button", name="The second 1")).to_be_disabled()
    ada.button("End for all").click()
    expect(bob.page.get_by_test_id("live-over")).to_be_visible()


def test_a_moderator_changes_the_session_and_invites_to_it(place: Place) -> None:
    (ada,) = place.session("ada")
    more(ada, "Settings and invitation")
    panel = ada.page.get_by_test_id("settings")
    panel.get_by_label("Title").fill("Dailies, day 3")
    panel.get_by_label("Planned for").fill("2030-05-06T09:30")
    panel.get_by_role("button", name="Save").click()
    expect(panel).to_have_count(0)
    more(ada, "Settings and invitation")
    with ada.page.expect_download() as download:
        panel.get_by_role("button", name="Calendar entry").click()
    entry = Path(download.value.path()).read_text()
    assert "SUMMARY:Dailies\\, day 3\n" in entry
    assert "DTSTART:20300506T" in entry


def test_a_whiteboard_is_a_blank_picture_to_which_all_go(place: Place) -> None:
    ada, bob = place.session("ada", "bob")
    more(ada, "New whiteboard")
    for each in (ada, bob):
        each.page.bring_to_front()
        expect(each.page.get_by_text("Whiteboard Dailies").first).to_be_visible()


def test_an_encoder_is_a_tile_of_the_room(product: Product, place: Place) -> None:
    ada, bob = place.session("ada", "bob")
    more(ada, "Programme feed")
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


_ADDRESS_OF_PLACE = """() => location.search.includes(JSON.parse(sessionStorage.getItem("rushes.live")).room)"""
"""The address names the room that one is in: it leads there again."""


def test_a_session_is_split_into_rooms_and_called_back(place: Place) -> None:
    ada, bob, gus = place.session("ada", "bob", "gus")
    bob.page.bring_to_front()
    bob.button("Turn the camera on").click()
    ada.page.bring_to_front()
    more(ada, "Breakout rooms")
    panel = ada.page.get_by_test_id("groups")
    panel.get_by_label("Name of room 1").fill("Sound")
    panel.get_by_role("button", name="Split the session").click()
    # Each is in a room alone, what was on goes on, and time is counted down.
    for each in (bob, gus):
        expect(each.page.get_by_test_id("split")).to_contain_text("Breakout room")
        expect(each.page.get_by_test_id("tile")).to_have_count(1)
        expect(each.page.get_by_test_id("time-left")).to_have_text(re.compile(r"^(10:00|9:\d\d)$"))
    expect(ada.page.get_by_test_id("tile")).to_have_count(1)
    expect(bob.button("Turn the camera off")).to_be_visible()
    bobs = bob.page.get_by_test_id("tile").get_attribute("data-who")

    more(ada, "Breakout rooms")
    panel.get_by_label("Say something to all rooms").fill("Two minutes left")
    panel.get_by_label("Say something to all rooms").press("Enter")
    for each in (bob, gus):
        expect(each.page.get_by_test_id("line")).to_contain_text("Two minutes left")
    assert ada.page.evaluate(_COVERED) is False, "what is said covers nobody"
    # Whoever is in the other room belongs into the first from now on: there they see each other.
    panel.get_by_label(re.compile("^Where .* belongs$")).nth(1).select_option("Sound")
    gus.page.bring_to_front()
    for each in (bob, gus):
        expect(each.page.get_by_test_id("tile")).to_have_count(2)
    gus.page.wait_for_function(SEEN, arg=bobs)

    # Whoever is away while everybody is called back finds the room all the same.
    gus.page.wait_for_function(_ADDRESS_OF_PLACE)
    address = gus.page.url
    gus.page.goto("about:blank")
    ada.page.bring_to_front()
    panel.get_by_role("button", name="Call everybody back").click()
    expect(bob.page.get_by_test_id("split")).to_have_count(0)
    gus.page.goto(address)
    for each in (ada, bob, gus):
        expect(each.page.get_by_test_id("tile")).to_have_count(3)
        expect(each.page.get_by_test_id("split")).to_have_count(0)
    ada.page.bring_to_front()
    ada.page.wait_for_function(SEEN, arg=bobs)


_HOLD_CAMERA = """() => {
  const devices = navigator.mediaDevices, ask = devices.getUserMedia.bind(devices);
  devices.getUserMedia = (wanted) => wanted.video ? new Promise((_, refuse) => {
    window.refuseCamera = () => refuse(new DOMException("no", "NotAllowedError"));
    devices.getUserMedia = ask;
  }) : ask(wanted);
}"""
"""Who is asked whether the page may have the camera thinks about it."""


def test_who_waits_comes_in_when_let_in_and_sees_who_is_there(place: Place) -> None:
    gus, ada = place.alone("gus"), place.alone("ada")
    ada.button("Go live").click()
    ada.page.get_by_role("menuitem", name="With a waiting room").click()
    ada.button("Join").click()
    ada.button("Turn the camera on").click()
    name = ada.page.get_by_test_id("tile").get_attribute("data-who")
    assert name

    # Whoever comes to the page again sees that others are live.
    gus.page.bring_to_front()
    gus.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
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
