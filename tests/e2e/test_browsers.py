"""The main path in other browsers: Firefox, and WebKit as GTK has it. `scripts/browsers` brings them."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from tests.product import Product, serving

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
def firefox() -> Iterator[WebDriver]:
    """A Firefox without a window."""
    options = webdriver.FirefoxOptions()
    options.binary_location = FIREFOX
    options.add_argument("-headless")
    options.set_preference("media.autoplay.default", 0)
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
