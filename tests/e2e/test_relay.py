"""A call that goes through a TURN server alone: a real coturn, with the configuration that is written for it."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect

from svc_signaling.core.turn import Relay, configuration
from tests.e2e.page import FAKE_DEVICES, Reviewer, chromium
from tests.e2e.test_page_live import SEEN
from tests.engine import Engine, free_ports, need, running
from tests.product import Product, serving

pytest_plugins = ["tests.e2e.page_fixtures"]

SECRET = "shared-with-coturn-for-this-test"
# Chromium takes no other way than relays, and what it took can be asked for.
_RELAYED = """
const Direct = RTCPeerConnection;
window.connections = [];
window.RTCPeerConnection = class extends Direct {
  constructor(configuration) {
    super({ ...configuration, iceTransportPolicy: "relay" });
    window.connections.push(this);
  }
};
"""
_WAYS = """async () => {
  const ways = [];
  for (const connection of window.connections) {
    for (const report of (await connection.getStats()).values()) {
      if (report.type === "local-candidate") ways.push(report.candidateType);
    }
  }
  return ways;
}"""


_SENT = """layers => {
  const senders = window.connections.flatMap((each) => each.getSenders());
  const encodings = senders.flatMap((each) => each.getParameters().encodings);
  return encodings.filter((each) => each.rid && each.active).map((each) => each.rid).join() === layers;
}"""


_HEARD = """async () => {
  const heard = [];
  for (const connection of window.connections) {
    for (const report of (await connection.getStats()).values()) {
      if (report.type === "inbound-rtp" && report.kind === "audio" && report.packetsReceived > 50) heard.push(report);
    }
  }
  return heard.some((each) => each.totalAudioEnergy > 0 && each.packetsDiscarded > 40);
}"""


@pytest.fixture(scope="module")
def turn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """coturn on loopback, which relays to forwarders there alone."""
    need("coturn")
    folder: Path = tmp_path_factory.mktemp("turn")
    (port,) = free_ports(1)
    written = configuration(Relay("rushes.test", SECRET, "127.0.0.1", port=port, peers=("127.0.0.1",)))
    file = folder / "turnserver.conf"
    file.write_text(written + "allow-loopback-peers\n")
    engine = Engine("coturn", folder, port=port, arguments=(str(file),))
    with running([engine]):
        yield engine


@pytest.fixture(scope="module")
def product(turn: Engine) -> Iterator[Product]:
    """A product that tells of it."""
    address = f"turn:{turn.address}?transport=udp"
    with serving(RUSHES_SIGNALING__TURN=address, RUSHES_SIGNALING__TURN_SECRET=SECRET) as product:
        yield product


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium with a camera."""
    with chromium(playwright, *FAKE_DEVICES) as launched:
        yield launched


def test_two_see_each_other_where_there_is_no_way_but_a_relay(product: Product, meet: Callable[..., Reviewer]) -> None:
    ada, bob = meet("ada", product.address), meet("bob", product.address)
    for each, secret in ((ada, product.secret), (bob, product.person("reviewer"))):
        each.page.add_init_script(_RELAYED)
        each.with_session(secret)
    ada.visit("bikes.mp4")
    ada.button("Go live").click()
    ada.page.get_by_role("menuitem", name="Everybody with the link").click()
    ada.button("Join").click()
    ada.button("Turn the camera on").click()
    ada.button("Turn the microphone on").click()
    name = ada.page.get_by_test_id("tile").get_attribute("data-who")
    ada.page.wait_for_url("**r=*")
    room = re.search(r"r=([a-z2-7]{26})", ada.page.url)
    assert room
    # Nobody looks yet: the larger layers are not sent.
    ada.page.wait_for_function(_SENT, arg="l")
    bob.visit("bikes.mp4")
    bob.page.get_by_test_id("live-now").click()
    bob.page.get_by_test_id("live-lobby").get_by_role("button", name="Join").click()
    expect(bob.page.get_by_test_id("tile")).to_have_count(2)
    bob.page.bring_to_front()
    bob.page.wait_for_function(SEEN, arg=name)
    # Bob's tile is small: it is sent the smallest layer, and in a grid the next.
    bob.button("How people are shown").click()
    bob.page.get_by_role("menuitemradio", name="Grid").click()
    ada.page.wait_for_function(_SENT, arg="m,l")
    # Sound comes, and each packet has the one before it along: where none is lost Chromium takes that out again.
    bob.wait_answer(_HEARD)
    for each in (ada, bob):
        assert set(each.page.evaluate(_WAYS)) == {"relay"}
