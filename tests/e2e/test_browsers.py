"""The main path in other browsers: Firefox, and WebKit as GTK has it; a call between Firefox and Chromium.

`scripts/browsers` brings them.
"""

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from benchmarks.studio import ROOM
from rushes.signaling.v1 import room_service_pb2
from svc_sfu.bootstrap import own_addresses
from tests.e2e.page import FAKE_DEVICES, Reviewer, chromium
from tests.product import Product, serving
from tests.waiting import wait_until

pytest_plugins = ["tests.e2e.page_fixtures"]

ROOT = Path(__file__).resolve().parents[2]
GECKODRIVER = ROOT / ".cache/geckodriver/bin/geckodriver"
FIREFOX = "/usr/bin/firefox-esr"
WEBKIT_DRIVER = "/usr/bin/WebKitWebDriver"
INSTALL_S = 900.0
WAIT_S = 60.0
pytestmark = pytest.mark.timeout(INSTALL_S)

_INK = """
const canvas = document.querySelector('[data-testid=annotations]');
const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
for (let at = 3; at < data.length; at += 4) if (data[at] > 120) return true;
return false;
"""


_PIXELS = """who => {
  const video = document.querySelector(`[data-testid=tile][data-who='${who}'] video`);
  if (!video?.videoWidth) return null;
  const context = new OffscreenCanvas(16, 9).getContext('2d');
  context.drawImage(video, 0, 0, 16, 9);
  return [...context.getImageData(0, 0, 16, 9).data];
}"""
"""What a tile shows, as a few pixels: red, green, blue and opacity of each."""
_KEEP = """
const kind = RTCPeerConnection.prototype, real = kind.setRemoteDescription;
window.calls = [];
kind.setRemoteDescription = function (told) {
  window.calls.push(this);
  return real.call(this, told);
};
"""
_ARRIVES = """
const [tell] = arguments;
const sound = (each) => each.type === 'inbound-rtp' && each.kind === 'audio' && each.packetsReceived > 25;
Promise.all(window.calls.map((each) => each.getStats())).then((all) =>
  tell(all.some((reports) => [...reports.values()].some(sound))));
"""
_LEVEL = """
return document.querySelector(`[data-testid=tile][data-who='${arguments[0]}']`)?.style.getPropertyValue('--level');
"""
_PRESS = """name => {
  const named = (each) => each.ariaLabel === name || each.textContent.trim() === name;
  const button = [...document.querySelectorAll('aside button:enabled')].find(named);
  button?.click();
  return !!button;
}"""
WIDTH = 16
_LISTEN = """() => {
  const context = new AudioContext();
  window.ears = [...document.querySelectorAll('.tiles audio')].map(({ srcObject }) => {
    const ear = new AnalyserNode(context);
    context.createMediaStreamSource(srcObject).connect(ear);
    return ear;
  });
}"""
_HEARS = """() => window.ears.some((ear) => {
  const samples = new Float32Array(ear.fftSize);
  ear.getFloatTimeDomainData(samples);
  return samples.some((each) => Math.abs(each) > 0.02);
})"""
CALLS = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    # As everybody's Firefox, which calls no loopback; but for a machine that has no other address.
    "media.peerconnection.ice.loopback": len(own_addresses("127.0.0.1")) == 1,
}
"""A Firefox whose camera shows colours and whose microphone hums."""


def mini_browser() -> Path | None:
    """WebKit's own small browser, of the newest interface that is here."""
    found = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
    return found[-1] if found else None


@pytest.fixture(scope="module")
def installed() -> None:
    """The browsers and their drivers. A laptop may lack them; in CI they are brought, and without them this fails."""
    if os.environ.get("CI"):
        subprocess.run([ROOT / "scripts/browsers"], check=True, timeout=INSTALL_S)
    wanted = (
        GECKODRIVER.exists(),
        Path(FIREFOX).exists(),
        mini_browser(),
        Path(WEBKIT_DRIVER).exists(),
        shutil.which("Xvfb"),
    )
    if not all(wanted):
        assert not os.environ.get("CI"), f"scripts/browsers did not bring all of it: {wanted}"
        pytest.skip("a browser or its driver is not here: scripts/browsers brings them")


@contextlib.contextmanager
def firefox(**preferences: bool) -> Iterator[WebDriver]:
    """A Firefox without a window."""
    options = webdriver.FirefoxOptions()
    options.binary_location = FIREFOX
    options.add_argument("-headless")
    options.set_preference("media.autoplay.default", 0)
    for name, value in preferences.items():
        options.set_preference(name, value)
    driver = webdriver.Firefox(options, webdriver.FirefoxService(str(GECKODRIVER)))
    try:
        yield driver
    finally:
        driver.quit()


@contextlib.contextmanager
def screen() -> Iterator[str]:
    """A screen that nobody sees, of the first number that is free."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x900x24"]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL, pass_fds=[writing])
    os.close(writing)
    try:
        with os.fdopen(reading) as told:
            yield f":{int(told.readline())}"
    finally:
        server.terminate()
        server.wait(10)


@contextlib.contextmanager
def webkit() -> Iterator[WebDriver]:
    """WebKit's own small browser, on a screen that nobody sees."""
    options = webdriver.WebKitGTKOptions()
    options.binary_location = str(mini_browser())
    options.add_argument("--automation")
    with screen() as display:
        environ = {**os.environ, "DISPLAY": display, "GDK_BACKEND": "x11", "WEBKIT_DISABLE_COMPOSITING_MODE": "1"}
        driver = webdriver.WebKitGTK(options, webdriver.WebKitGTKService(WEBKIT_DRIVER, env=environ))
        try:
            yield driver
        finally:
            driver.quit()


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium with a camera and a microphone that are none."""
    with chromium(playwright, *FAKE_DEVICES) as launched:
        yield launched


@pytest.fixture(scope="module")
def place(installed: None) -> Iterator[Product]:
    """A product with one clip."""
    with serving() as product:
        yield product


@pytest.mark.filterwarnings("ignore:setting remote_server_addr:DeprecationWarning")
@pytest.mark.parametrize("browser", [firefox, webkit], ids=["firefox", "webkit"])
def test_one_signs_in_opens_a_clip_steps_draws_and_comments(
    place: Product, browser: Callable[[], contextlib.AbstractContextManager[WebDriver]]
) -> None:
    with browser() as driver:
        driver.set_window_size(1280, 860)
        wait = WebDriverWait(driver, WAIT_S)

        def see(selector: str) -> None:
            wait.until(lambda page: page.find_elements(By.CSS_SELECTOR, selector))

        def press(*keys: str) -> None:
            for key in keys:
                ActionChains(driver).send_keys(key).perform()

        driver.get(place.address)
        see("input[name=email]")
        sign_in = place.stack.first_sign_in()
        driver.find_element(By.NAME, "email").send_keys(sign_in["email"])
        driver.find_element(By.NAME, "password").send_keys(sign_in["password"], Keys.ENTER)
        see(".card .poster img")
        driver.find_element(By.CSS_SELECTOR, ".card-face").click()
        see("[data-testid=frame][data-frame='0']")
        see("[data-testid=status]:is([data-status=saved], [data-status=resumed])")
        press(Keys.ARROW_RIGHT)
        see("[data-testid=frame][data-frame='1']")
        press(Keys.ARROW_RIGHT)
        see("[data-testid=frame][data-frame='2']")
        press("d")
        picture = driver.find_element(By.CSS_SELECTOR, ".picture-box")
        stroke = ActionChains(driver).move_to_element_with_offset(picture, -120, -40).click_and_hold()
        stroke.move_by_offset(80, 30).move_by_offset(90, -10).release().perform()
        wait.until(lambda page: page.execute_script(_INK))
        press("n")
        wait.until(lambda page: page.switch_to.active_element.get_attribute("data-testid") == "composer")
        name = driver.capabilities["browserName"]
        press(f"Written in {name}")
        ActionChains(driver).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
        wait.until(lambda page: f"Written in {name}" in page.find_element(By.CSS_SELECTOR, ".notes-list").text)
        see("[data-testid=status]:is([data-status=saved], [data-status=resumed])")
        # It is there again for whoever comes later.
        driver.refresh()
        see("[data-testid=frame][data-frame='2']")
        wait.until(lambda page: f"Written in {name}" in page.find_element(By.CSS_SELECTOR, ".notes-list").text)
        wait.until(lambda page: page.execute_script(_INK))


def _joined(reviewer: Reviewer, address: str) -> None:
    """Comes into a room of a Chromium, presents there, and is seen and heard."""
    reviewer.page.goto(address)
    reviewer.wait_ready()
    lobby = reviewer.page.get_by_test_id("live-lobby")
    for device in ("camera", "microphone"):
        lobby.get_by_role("button", name=f"Turn the {device} on").click()
    lobby.get_by_role("button", name="Join").click()
    reviewer.button("Present").click()
    expect(reviewer.page.get_by_test_id("baton")).to_contain_text("You present")


def _moving(look: Callable[[], list[int] | None], what: str) -> set[bytes]:
    """Some pictures, each another one."""
    seen = set[bytes]()

    def sees() -> bool:
        picture = bytes(look() or ())
        if any(picture):
            seen.add(picture)
        return len(seen) > 3

    wait_until(sees, f"{what} that moves")
    return seen


def _is_plain(picture: bytes) -> bool:
    """Whether a picture is of one colour, below what is written at its top."""
    below = picture[2 * WIDTH * 4 :]
    return all(max(below[at::4]) - min(below[at::4]) < 32 for at in range(3))


@pytest.mark.filterwarnings("ignore:setting remote_server_addr:DeprecationWarning")
def test_firefox_and_chromium_see_hear_and_follow_each_other(place: Product, meet: Callable[..., Reviewer]) -> None:
    request = room_service_pb2.CreateRoomRequest(
        project_id=place.studio.project_id, title="Dailies", request_id=secrets.token_hex(8)
    )
    room = place.stack.rpc(ROOM, "CreateRoom", request, place.secret).room
    ada = meet("ada", place.address).with_session(place.secret)
    ada.visit("bikes.mp4")
    path = ada.page.evaluate("() => location.pathname")
    with firefox(**CALLS) as bob:
        bob.set_window_size(1280, 860)
        wait = WebDriverWait(bob, WAIT_S)

        def press(name: str) -> None:
            wait.until(lambda page: page.execute_script(f"return ({_PRESS})(arguments[0])", name))

        def shown(who: str) -> list[int] | None:
            picture: list[int] | None = bob.execute_script(f"return ({_PIXELS})(arguments[0])", who)
            return picture

        _joined(ada, f"{place.address}{path}?r={room.room_id}")
        bob.get(place.address)
        bob.add_cookie({"name": "rushes_session", "value": place.person("reviewer")})
        bob.get(f"{place.address}{path}?r={room.room_id}")
        bob.execute_script(_KEEP)
        for name in ("Turn the camera on", "Turn the microphone on", "Join"):
            press(name)
        expect(ada.page.get_by_test_id("tile")).to_have_count(2)
        adas, bobs = (ada.page.get_by_test_id("tile").nth(at).get_attribute("data-who") or "" for at in (0, 1))
        # Chromium's picture has something that turns in it; Firefox's is of one colour after the other.
        assert not any(map(_is_plain, _moving(lambda: shown(adas), "a picture in Firefox")))
        assert all(map(_is_plain, _moving(lambda: ada.page.evaluate(_PIXELS, bobs), "a picture in Chromium")))
        # Without an output for sound Firefox does not say how loud it is, but what came, and the room how loud it was.
        ada.page.evaluate(_LISTEN)
        ada.page.wait_for_function(_HEARS)
        wait.until(lambda page: page.execute_async_script(_ARRIVES))
        wait.until(lambda page: float(page.execute_script(_LEVEL, adas) or 0) > 0.1)

        # The one follows the other, and then the other the one.
        ada.go(120)
        wait.until(lambda page: page.find_elements(By.CSS_SELECTOR, "[data-testid=frame][data-frame='120']"))
        press("Ask to present")
        ada.page.get_by_test_id("tile").nth(1).get_by_role("button").click()
        ada.page.get_by_role("menuitem", name="Hand over the presenting").click()
        wait.until(lambda page: "You present" in page.find_element(By.CSS_SELECTOR, "[data-testid=baton]").text)
        ActionChains(bob).send_keys(Keys.ARROW_RIGHT).perform()
        ada.wait_frame(121)
