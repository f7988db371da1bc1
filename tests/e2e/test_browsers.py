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

GECKODRIVER = Path(__file__).resolve().parents[2] / ".cache/geckodriver/bin/geckodriver"
FIREFOX = "/usr/bin/firefox-esr"
WEBKIT_DRIVER = "/usr/bin/WebKitWebDriver"
WAIT_S = 40.0
DISPLAY = ":97"

_INK = """
const canvas = document.querySelector('[data-testid=annotations]');
const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
for (let at = 3; at < data.length; at += 4) if (data[at] > 120) return true;
return false;
"""


@contextlib.contextmanager
def firefox() -> Iterator[WebDriver]:
    """A Firefox without a window."""
    if not (GECKODRIVER.exists() and Path(FIREFOX).exists()):
        pytest.skip("Firefox or geckodriver is not here: scripts/browsers brings them")
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
def webkit() -> Iterator[WebDriver]:
    """WebKit's own small browser, on a screen that nobody sees."""
    found = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
    if not (found and Path(WEBKIT_DRIVER).exists() and shutil.which("Xvfb")):
        pytest.skip("WebKit's driver or Xvfb is not here: scripts/browsers brings them")
    screen = subprocess.Popen(["Xvfb", DISPLAY, "-screen", "0", "1280x900x24"], stderr=subprocess.DEVNULL)
    environ = {**os.environ, "DISPLAY": DISPLAY, "GDK_BACKEND": "x11", "WEBKIT_DISABLE_COMPOSITING_MODE": "1"}
    options = webdriver.WebKitGTKOptions()
    options.binary_location = str(found[-1])
    options.add_argument("--automation")
    try:
        service = webdriver.WebKitGTKService(WEBKIT_DRIVER, env=environ)
        driver = webdriver.WebKitGTK(options, service)
        try:
            yield driver
        finally:
            driver.quit()
    finally:
        screen.terminate()
        screen.wait(10)


@pytest.fixture(scope="module")
def place() -> Iterator[Product]:
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
