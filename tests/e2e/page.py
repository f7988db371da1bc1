"""A person before the page: what they do, and what they see."""

import base64
import contextlib
import io
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, expect

from benchmarks.stack import Stack
from rushes.annotation.v1 import annotation_pb2, annotation_service_pb2
from rushes.type.v1 import access_pb2
from tests.clips import read_bars
from tests.waiting import wait_until

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
FAKE_DEVICES = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
"""Arguments of a Chromium whose camera shows a moving test picture and whose microphone beeps."""
WAIT_MS = 20_000
ANNOTATION = annotation_service_pb2.DESCRIPTOR.services_by_name["AnnotationService"]

Spot = tuple[float, float]
"""A place on the picture: (0, 0) is its upper left corner, (1, 1) the lower right one."""

_INK = """([u, v, reach]) => {
  const canvas = document.querySelector('[data-testid=annotations]');
  const picture = document.querySelector('.picture-box').getBoundingClientRect();
  const place = canvas.getBoundingClientRect();
  const scale = canvas.width / place.width;
  const x = Math.round((picture.left + u * picture.width - place.left) * scale);
  const y = Math.round((picture.top + v * picture.height - place.top) * scale);
  const near = Math.ceil(reach * scale), size = 2 * near + 1;
  const { data } = canvas.getContext('2d').getImageData(x - near, y - near, size, size);
  for (let at = 3; at < data.length; at += 4) if (data[at] > 120) return true;
  return false;
}"""
_NO_INK = f"place => !({_INK})(place)"
_ON_FRAME = """frame => {
  const video = document.querySelector('video.picture');
  return document.querySelector('[data-testid=frame]')?.dataset.frame === String(frame) && !video?.seeking;
}"""
_GREY = """([width, height]) => {
  const canvas = new OffscreenCanvas(width, height);
  const paint = canvas.getContext('2d', { willReadFrequently: true });
  paint.drawImage(document.querySelector('.picture'), 0, 0, width, height);
  const { data } = paint.getImageData(0, 0, width, height);
  let text = '';
  for (let at = 1; at < data.length; at += 4) text += String.fromCharCode(data[at]);
  return btoa(text);
}"""
_DROP = """([name, type, content]) => {
  const bytes = Uint8Array.from(atob(content), (each) => each.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name, { type }));
  for (const kind of ['dragenter', 'dragover', 'drop']) {
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
  }
}"""
# Every value that an attribute had, from now on, in order and without repeats.
_RECORD = """([selector, attribute, name]) => {
  const element = document.querySelector(selector);
  const values = (window[name] = [element.getAttribute(attribute)]);
  new MutationObserver(() => {
    const value = element.getAttribute(attribute);
    if (value !== values.at(-1)) values.push(value);
  }).observe(element, { attributes: true, attributeFilter: [attribute] });
}"""

_AXE = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ['violations'] });
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}"""
AXE = Path(__file__).resolve().parents[2] / "web/node_modules/axe-core/axe.min.js"


class Recording:
    """What an attribute of an element was, one value after the other."""

    def __init__(self, page: Page, selector: str, attribute: str) -> None:
        self._page = page
        self._name = f"recorded{id(self)}"
        page.evaluate(_RECORD, [selector, attribute, self._name])

    @property
    def values(self) -> list[str]:
        """All so far."""
        values: list[str] = self._page.evaluate(f"window.{self._name}")
        return values

    def wait_for(self, condition: str) -> None:
        """Waits until a condition on `values`, in JavaScript, is true."""
        self._page.wait_for_function(f"() => {{ const values = window.{self._name}; return {condition}; }}")


@dataclass
class Reviewer:
    """Somebody with a browser."""

    who: str
    context: BrowserContext
    page: Page
    address: str
    errors: list[str] = field(default_factory=list)
    """What went wrong in the page's code."""

    @classmethod
    def before(cls, browser: Browser, who: str, address: str, **options: Any) -> "Reviewer":
        """Somebody new, whom the product does not know."""
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(WAIT_MS)
        reviewer = cls(who, context, context.new_page(), address)
        reviewer.page.on("pageerror", lambda error: reviewer.errors.append(str(error)))
        return reviewer

    def with_session(self, secret: str) -> "Reviewer":
        """Who is signed in already."""
        self.context.add_cookies([{"name": "rushes_session", "value": secret, "url": self.address}])
        return self

    def new_page(self) -> None:
        """Closes the page, without asking it, and opens another."""
        self.page.close()
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    # -- the way in ------------------------------------------------------------------------------------------

    def sign_in(self, email: str, password: str) -> None:
        """Opens the product and signs in."""
        self.page.goto(self.address)
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.keyboard.press("Enter")
        expect(self.page.locator(".library-main h1")).to_be_visible()

    def join(self, link: str, name: str) -> None:
        """Comes by an invitation link, without an account."""
        self.page.goto(link)
        self.page.get_by_label("Your name").fill(name)
        self.page.get_by_role("button", name="Join", exact=True).click()
        expect(self.page.locator(".library-main h1")).to_be_visible()

    def drop(self, file: Path, kind: str = "video/mp4") -> None:
        """Drops a file on the page."""
        self.page.evaluate(_DROP, [file.name, kind, base64.b64encode(file.read_bytes()).decode()])

    def choose(self, file: Path) -> None:
        """Chooses a file with the button."""
        with self.page.expect_file_chooser() as chooser:
            self.page.get_by_role("button", name="Upload", exact=True).click()
        chooser.value.set_files(file)

    def visit(self, name: str) -> None:
        """Goes to the library and opens an asset there."""
        self.page.goto(self.address)
        self.open_asset(name)

    def open_asset(self, name: str) -> None:
        """Opens an asset that the library shows, once it is ready."""
        card = self.page.locator(".card", has_text=name)
        expect(card.locator(".poster img")).to_be_visible(timeout=60_000)
        card.locator(".card-face").click()
        self.wait_ready()

    def open(self, path: str) -> None:
        """Goes to an address of the product."""
        self.page.goto(self.address + path)
        self.wait_ready()

    def wait_ready(self) -> None:
        """Waits until the picture is on the screen and the notes are there."""
        self.page.wait_for_function("() => document.querySelector('[data-testid=frame]')?.dataset.frame")
        self.wait_status("saved", "resumed", "readOnly")

    def wait_answer(self, script: str, arg: object = None) -> None:
        """Waits until a script's promise gives true. Playwright's own wait takes the promise itself for true."""
        wait_until(lambda: bool(self.page.evaluate(script, arg)), script.strip())

    def invitation(self, role: str) -> str:
        """Makes an invitation link, and gives it."""
        self.button("Invite people").click()
        self.page.get_by_label("They join as").select_option(role)
        self.page.get_by_role("button", name="Make a link").click()
        link = self.page.get_by_label("Invitation link").input_value()
        self.page.keyboard.press("Escape")
        return link

    # -- seeing ----------------------------------------------------------------------------------------------

    @property
    def frame(self) -> int:
        """The frame that the read-out says."""
        return int(self.page.get_by_test_id("frame").get_attribute("data-frame") or -1)

    @property
    def timecode(self) -> str:
        """The timecode that the read-out says."""
        return self.page.get_by_test_id("timecode").inner_text()

    def wait_frame(self, frame: int, timeout_ms: float = WAIT_MS) -> None:
        """Waits until the read-out says this frame and no seek is under way."""
        self.page.wait_for_function(_ON_FRAME, arg=frame, timeout=timeout_ms)

    def bars(self) -> int:
        """The number in the picture that the player shows."""
        width, height = 160, 90
        return read_bars(base64.b64decode(self.page.evaluate(_GREY, [width, height])), width, height)

    def wait_exact(self) -> int:
        """Waits until the player stands still and its picture is the frame that the read-out says, and gives it."""
        self.page.wait_for_function(
            "() => (({ paused, seeking }) => paused && !seeking)(document.querySelector('video'))"
        )
        end = time.monotonic() + WAIT_MS / 1000
        while (frame := self.frame) != (shown := self.bars()):
            assert time.monotonic() < end, f"the read-out says {frame}, the picture is {shown}"
        return frame

    def bars_on_screen(self) -> int:
        """The same from a picture of the screen: what the eye gets."""
        return read_bars(*_grey_of(self.page.locator(".picture-box").screenshot()))

    def status(self) -> Locator:
        """Whether all is saved."""
        return self.page.get_by_test_id("status")

    def wait_status(self, *kinds: str) -> None:
        """Waits until one of these is said."""
        expect(self.status()).to_have_attribute("data-status", re.compile(f"^({'|'.join(kinds)})$"))

    def record(self, selector: str, attribute: str) -> Recording:
        """Writes down from now on what an attribute becomes."""
        return Recording(self.page, selector, attribute)

    def inks(self, spot: Spot, reach_px: float = 2) -> None:
        """Waits until something is drawn at a place."""
        self.page.wait_for_function(_INK, arg=[*spot, reach_px])

    def bare(self, spot: Spot, reach_px: float = 0) -> None:
        """Waits until nothing is drawn at a place."""
        self.page.wait_for_function(_NO_INK, arg=[*spot, reach_px])

    def note(self, text: str) -> Locator:
        """The card of a note."""
        return self.page.locator(".note", has=self.page.locator(".note-text", has_text=text))

    @property
    def count(self) -> int:
        """How many frames there are."""
        return int(self.page.get_by_test_id("timeline").get_attribute("aria-valuemax") or 0) + 1

    # -- going -----------------------------------------------------------------------------------------------

    def press(self, *keys: str) -> None:
        """Presses keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def button(self, name: str) -> Locator:
        """A button by the name that readers say; after it some say what they show."""
        return self.page.get_by_role("button", name=re.compile(f"^{re.escape(name)}(: |$)"))

    def type_place(self, text: str) -> None:
        """Types a frame or timecode into the read-out."""
        self.page.locator(".read-out").click()
        self.page.get_by_label("Go to a frame or timecode").fill(text)
        self.page.keyboard.press("Enter")

    def go_in(self, label: str, frame: int) -> None:
        """Goes to a frame in another language, where the field is called so."""
        self.page.locator(".read-out").click()
        self.page.get_by_label(label).fill(str(frame))
        self.page.keyboard.press("Enter")
        self.wait_frame(frame)

    def go(self, frame: int) -> None:
        """Goes to a frame, by typing its number, and waits for it."""
        offset = int(self.page.get_by_test_id("frame").inner_text()) - self.frame
        self.type_place(str(frame + offset))
        self.wait_frame(frame)

    def click_timeline(self, frame: int) -> None:
        """Presses on the timeline where a frame is."""
        line = self.page.get_by_test_id("timeline").bounding_box()
        assert line is not None
        x = line["x"] + (frame + 0.5) / self.count * line["width"]
        self.page.mouse.click(x, line["y"] + line["height"] / 2)

    # -- drawing and writing ---------------------------------------------------------------------------------

    def _box(self) -> Any:
        box = self.page.locator(".picture-box").bounding_box()
        assert box is not None
        return box

    def place(self, spot: Spot) -> tuple[float, float]:
        """A place on the picture as one of the page."""
        box = self._box()
        return box["x"] + spot[0] * box["width"], box["y"] + spot[1] * box["height"]

    def point(self, spot: Spot) -> None:
        """Moves the pointer."""
        self.page.mouse.move(*self.place(spot))

    def begin(self, path: Sequence[Spot]) -> None:
        """Puts the pointer down and draws along a path, without lifting it."""
        self.point(path[0])
        self.page.mouse.down()
        self.along(path[1:])

    def along(self, path: Sequence[Spot]) -> None:
        """Goes on along a path."""
        for spot in path:
            self.page.mouse.move(*self.place(spot), steps=6)

    def lift(self) -> None:
        """Lifts the pointer."""
        self.page.mouse.up()

    def drag(self, *path: Spot) -> None:
        """The whole of it."""
        self.begin(path)
        self.lift()

    def audience(self, choice: str) -> None:
        """Chooses for whom what is made is: Internal or Client."""
        self.page.get_by_role("toolbar").get_by_role("button", name="What you make is").click()
        self.page.get_by_role("menuitemradio", name=f"{choice}:").click()

    def comment(self, text: str) -> None:
        """Writes a comment on this frame."""
        self.page.keyboard.press("n")
        expect(self.page.get_by_test_id("composer")).to_be_focused()
        self.page.keyboard.type(text)
        self.page.keyboard.press("Control+Enter")
        expect(self.page.get_by_test_id("composer")).to_have_value("")
        self.page.keyboard.press("Escape")

    def kept(self) -> int:
        """How much work this browser keeps that is not known to be saved."""
        count: int = self.page.evaluate("""() => new Promise((resolve, reject) => {
          const opening = indexedDB.open('rushes', 1);
          opening.onerror = () => reject(opening.error);
          opening.onsuccess = () => {
            const all = opening.result.transaction('pending').objectStore('pending').getAll();
            all.onsuccess = () => {
              opening.result.close();
              resolve(all.result.reduce((sum, { stored }) => sum + stored.unsent.length + stored.sent.length, 0));
            };
          };
        })""")
        return count


def _grey_of(png: bytes) -> tuple[bytes, int, int]:
    """Grey bytes of a picture, without padding, its width and height."""
    with av.open(io.BytesIO(png), mode="r", format="png_pipe") as container:
        picture = next(container.decode(video=0)).reformat(format="gray")
    plane = picture.planes[0]
    data, size = bytes(plane), plane.line_size
    rows = (data[row * size : row * size + picture.width] for row in range(picture.height))
    return b"".join(rows), picture.width, picture.height


def faults(one: Reviewer) -> list[str]:
    """What a checker of accessibility finds serious on the page as it is now."""
    if not one.page.evaluate("() => 'axe' in window"):
        one.page.evaluate(AXE.read_text())
    found: list[str] = one.page.evaluate(_AXE)
    return found


def document(stack: Stack, video_id: int, secret: str) -> dict[bytes, annotation_pb2.Annotation]:
    """The annotations of a video that are not deleted, as the service has them, by id."""
    found: dict[bytes, annotation_pb2.Annotation] = {}
    token = ""
    while True:
        request = annotation_service_pb2.GetDocumentRequest(
            video_id=video_id, page_token=token, audience=access_pb2.AUDIENCE_INTERNAL
        )
        answer = stack.rpc(ANNOTATION, "GetDocument", request, secret)
        found.update({bytes(each.annotation.id): each.annotation for each in answer.annotations})
        token = answer.next_page_token
        if not token:
            return {key: annotation for key, annotation in found.items() if not annotation.deleted}


@contextlib.contextmanager
def chromium(playwright: Playwright, *more: str) -> Iterator[Browser]:
    """A Chromium without a window; `more`: further arguments."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *more])
    try:
        yield browser
    finally:
        browser.close()
