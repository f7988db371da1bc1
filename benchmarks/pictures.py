"""Pictures of every state of the page, for docs and README: `python -m benchmarks.pictures FOLDER [--only PART]`.

A product with real clips is walked through in Chromium; whoever changes how the page looks makes them anew and looks at
them. Each part is a browser of its own: desk, phone, chinese, live.
"""

import argparse
import base64
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Playwright, ViewportSize, expect, sync_playwright

from benchmarks.stack import Stack, running
from benchmarks.studio import PROJECT, VERSION, Studio
from rushes.project.v1 import project_service_pb2 as project
from rushes.version.v1 import version_service_pb2 as version
from tests.clips import footage
from tests.e2e.page import Reviewer, chromium
from tests.product import FAST_HASHES

DESK: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
NARROW: ViewportSize = {"width": 360, "height": 640}
DEVICES = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
SCRIBBLE = ((0.42, 0.36), (0.5, 0.3), (0.58, 0.38), (0.52, 0.48), (0.44, 0.42))
SNAPSHOTS = ("first pass of the lighting", "ear fixed", "with sound", "sky graded", "before the call", "after the call")
SETTLE_S = 0.5
"""What fades in is there."""


@dataclass
class Album:
    """Where pictures go, and of what."""

    folder: Path
    png: bool
    stack: Stack
    studio: Studio
    browser: Browser
    clip: Path
    """What the cuts are of."""

    def look(self, who: str, secret: str = "", **options: Any) -> Reviewer:
        """Somebody with a browser."""
        one = Reviewer.before(self.browser, who, self.stack.address, **{"viewport": DESK, **options})
        one.context.set_default_timeout(60_000)
        return one.with_session(secret) if secret else one

    def take(self, one: Reviewer, name: str) -> None:
        """Takes one, once all that fades is there."""
        time.sleep(SETTLE_S)
        path = self.folder / f"{name}.{'png' if self.png else 'webp'}"
        if self.png:
            one.page.screenshot(path=path)
        else:
            wire = one.context.new_cdp_session(one.page)
            answer = wire.send("Page.captureScreenshot", {"format": "webp", "quality": 60})
            path.write_bytes(base64.b64decode(answer["data"]))
            wire.detach()
        print(f"{name}: {path.stat().st_size // 1000} kB", flush=True)


def brighter(source: Path, folder: Path) -> Path:
    """The clip as somebody graded it."""
    made = folder / "sunflower_v2.mp4"
    look = "eq=brightness=0.08:saturation=1.5"
    command = ["ffmpeg", "-v", "error", "-i", str(source), "-vf", look, "-c:a", "copy", "-crf", "20", str(made)]
    subprocess.run(command, check=True)
    return made


def review(one: Reviewer, name: str, frame: int, more: str = "") -> None:
    """Opens the review page of an asset at a frame."""
    one.visit(name)
    if more:
        one.open(one.page.url.removeprefix(one.address).partition("?")[0] + f"?f={frame}{more}")
    one.wait_frame(one.frame)
    one.go(frame)


@contextlib.contextmanager
def menu(one: Reviewer, name: str) -> Iterator[None]:
    """With a menu open."""
    one.page.get_by_role("button", name=name).first.click()
    expect(one.page.locator(".menu").first).to_be_visible()
    yield
    one.press("Escape")


def arrivals(album: Album) -> None:
    """From nothing to a library."""
    stack, take = album.stack, album.take
    ada = album.look("ada")
    ada.page.goto(stack.address)
    expect(ada.page.get_by_label("Email")).to_be_visible()
    take(ada, "sign-in")
    first = stack.first_sign_in()
    ada.page.get_by_label("Email").fill(first["email"])
    ada.page.get_by_label("Password").fill("wrong")
    ada.press("Enter")
    expect(ada.page.get_by_role("alert")).to_be_visible()
    take(ada, "sign-in-refused")
    ada.sign_in(first["email"], first["password"])
    take(ada, "library-empty")
    ada.drop(footage())
    expect(ada.page.locator(".card")).to_be_visible()
    take(ada, "library-uploading")
    expect(ada.page.locator(".card .poster img")).to_be_visible()
    ada.page.goto(f"{stack.address}/nothing")
    take(ada, "lost")
    ada.context.close()
    album.studio.video(album.clip)
    listed = stack.rpc(
        PROJECT, "ListAssets", project.ListAssetsRequest(project_id=album.studio.project_id), album.studio.secret
    )
    asset_id = next(each.asset_id for each in listed.assets if each.name == album.clip.name)
    cut = stack.upload(brighter(album.clip, album.folder), album.studio.project_id, album.studio.secret)
    stack.rpc(PROJECT, "AddCut", project.AddCutRequest(asset_id=asset_id, video_id=cut), album.studio.secret)
    album.studio.wait_ready(cut)
    (album.folder / "sunflower_v2.mp4").unlink()


def library(album: Album) -> None:
    """The library and what can be done there."""
    take = album.take
    ada = album.look("ada", album.studio.secret)
    ada.page.goto(ada.address)
    expect(ada.page.locator(".card .poster img")).to_have_count(2)
    take(ada, "library")
    ada.page.locator(".card").first.hover()
    ada.press("Control+a")
    take(ada, "library-chosen")
    ada.press("Escape")
    for name, label in (("account", "Administrator: account"), ("filter", "Filter")):
        with menu(ada, label):
            take(ada, f"library-{name}")
    ada.button("Invite people").click()
    ada.page.get_by_role("button", name="Make a link").click()
    expect(ada.page.get_by_label("Invitation link")).to_be_visible()
    take(ada, "invite")
    ada.press("Escape")
    ada.page.get_by_text("Trash", exact=True).first.click()
    take(ada, "trash")
    ada.context.close()


def desk(album: Album) -> None:
    """The review page: drawing, notes, menus, the past, comparing, and without a network."""
    ada = album.look("ada", album.studio.secret)
    review(ada, album.clip.name, 40)
    album.take(ada, "review")
    marks(album, ada)
    closely(album, ada)
    choices(album, ada)
    past(album, ada)
    compare(album, ada)
    offline(album, ada)
    ada.context.close()


def marks(album: Album, ada: Reviewer) -> None:
    """Drawings and notes on two frames."""
    ada.press("d")
    ada.drag(*SCRIBBLE)
    ada.press("a")
    ada.drag((0.7, 0.7), (0.56, 0.5))
    ada.comment("The **highlight** on the ear is too hot #grade")
    ada.go(60)
    ada.press("b")
    ada.drag((0.2, 0.2), (0.4, 0.6))
    ada.press("t")
    ada.drag((0.55, 0.2), (0.85, 0.3))
    ada.page.keyboard.type("Mask flickers here")
    ada.press("Control+Enter", "v")
    ada.comment("Please check the mask, frames 60 to 70")
    ada.wait_status("saved")
    album.take(ada, "review-selected")


def closely(album: Album, ada: Reviewer) -> None:
    """Ghosts, zoom, and a note that is written and pointed at."""
    take = album.take
    ada.go(42)
    ada.press("Escape", "g")
    take(ada, "review-ghosts")
    ada.press("g")
    ada.go(40)
    ada.point((0.55, 0.4))
    for _ in range(4):
        ada.page.mouse.wheel(0, -300)
    take(ada, "review-zoomed")
    ada.press("f", "n")
    ada.page.keyboard.type("Ask @ad")
    take(ada, "review-mention")
    ada.press("Escape", "Escape")
    ada.page.get_by_test_id("composer").fill("")
    ada.note("highlight").hover()
    take(ada, "note-pointed-at")
    ada.go(30)
    ada.comment("The butterfly is **too long** on screen, trim it #edit")
    ada.go(84)
    ada.press("Shift+O")
    expect(ada.note("butterfly").locator(".note-jump .faint")).to_have_text("30–84")
    ada.go(60)
    ada.note("butterfly").hover()
    ada.note("butterfly").get_by_role("button", name="More").click()
    take(ada, "note-range")
    ada.press("Escape", "Escape")


def choices(album: Album, ada: Reviewer) -> None:
    """Every menu, the sheet of keys, and the palette."""
    take = album.take
    for name, label in (
        ("look", "How the picture is looked at"),
        ("zoom", "Zoom"),
        ("speed", "Speed"),
        ("cuts", "Cuts"),
        ("export", "Download"),
        ("notes-filter", "Filter"),
        ("colour", "Colour"),
    ):
        with menu(ada, label):
            take(ada, f"menu-{name}")
    ada.press("Alt+ArrowUp", "Alt+ArrowUp")
    take(ada, "review-exposed")
    ada.press("Shift+e", "?")
    take(ada, "shortcuts")
    ada.press("Escape", "Control+k")
    ada.page.keyboard.type("m")
    take(ada, "palette")
    ada.press("Escape")


def past(album: Album, ada: Reviewer) -> None:
    """History and snapshots."""
    take = album.take
    video_id = int(_video(album))
    for words in SNAPSHOTS:
        request = version.CommitVersionRequest(video_id=video_id, message=words)
        album.stack.rpc(VERSION, "CommitVersion", request, album.studio.secret)
        if words == "before the call":
            ada.go(40)
            ada.press("c")
            ada.drag((0.3, 0.55), (0.45, 0.8))
            ada.wait_status("saved")
            ada.press("v", "Escape")
    ada.button("History and snapshots").click()
    expect(ada.page.locator(".past-commit").first).to_be_visible()
    take(ada, "history")
    ada.page.get_by_test_id("past-slider").fill("2")
    expect(ada.page.get_by_test_id("past-banner")).to_be_visible()
    take(ada, "history-then")
    ada.page.get_by_test_id("past-when").fill("soon")
    ada.page.get_by_test_id("past-when").press("Enter")
    take(ada, "history-no-time")
    ada.page.get_by_test_id("past-when").fill("")
    ada.page.get_by_role("button", name="Restore…").click()
    expect(ada.page.get_by_test_id("restore-plan")).to_contain_text("change")
    take(ada, "restore")
    ada.page.get_by_test_id("restore").get_by_role("button", name="Cancel").click()
    ada.button("Snapshots").click()
    expect(ada.page.locator(".past-version").first).to_be_visible()
    take(ada, "snapshots")
    ada.button("Compare").click()
    ada.page.get_by_role("button", name="Choose two snapshots").click()
    for at in (1, 0):
        ada.page.locator(".past-version > button:not(.icon)").nth(at).click()
    take(ada, "snapshots-compared")
    ada.press("Escape")
    ada.button("Notes").first.click()


def _video(album: Album) -> int:
    asked = project.ListAssetsRequest(project_id=album.studio.project_id)
    listed = album.stack.rpc(PROJECT, "ListAssets", asked, album.studio.secret).assets
    newest = next(each for each in listed if each.name == album.clip.name).cuts[0]
    video_id: int = newest.video_id
    return video_id


def compare(album: Album, ada: Reviewer) -> None:
    """Two cuts, in each way."""
    for mode, key in (("side", "3"), ("wipe", "Shift+w"), ("overlay", "4"), ("difference", "5")):
        ada.press(key)
        ada.page.wait_for_function("() => document.querySelector('[data-testid=pair]')?.dataset.frames")
        album.take(ada, f"compare-{mode}")
    ada.press("0")


def offline(album: Album, ada: Reviewer) -> None:
    """Without a network."""
    ada.go(20)
    ada.context.set_offline(True)
    ada.press("d")
    ada.drag(*SCRIBBLE)
    ada.press("v")
    ada.comment("Made on a train")
    expect(ada.status()).to_contain_text("Offline, 2 changes kept")
    album.take(ada, "offline")
    ada.context.set_offline(False)
    ada.wait_status("saved", "resumed")


def phone(album: Album) -> None:
    """On a phone, upright and on its side, and on the narrowest."""
    take = album.take
    one = album.look("phone", album.studio.secret, viewport=PHONE, has_touch=True, is_mobile=True)
    page = one.page
    page.goto(one.address)
    expect(page.locator(".card .poster img").first).to_be_visible()
    take(one, "phone-library")
    page.locator(".card", has_text=album.clip.name).locator(".card-face").tap()
    one.wait_ready()
    one.open(page.url.removeprefix(one.address).partition("?")[0] + "?v=2&f=40")
    take(one, "phone-review")
    one.button("History and snapshots").tap()
    take(one, "phone-history")
    one.button("Notes").first.tap()
    page.get_by_role("banner").get_by_role("button", name="More").tap()
    take(one, "phone-more")
    one.press("Escape")
    one.open(page.url.removeprefix(one.address).partition("?")[0] + "?v=2&f=40&c=v1,wipe")
    page.wait_for_function("() => document.querySelector('[data-testid=pair]')?.dataset.frames")
    take(one, "phone-compare")
    one.press("0")
    page.set_viewport_size(NARROW)
    take(one, "phone-narrow")
    page.set_viewport_size({"width": PHONE["height"], "height": PHONE["width"]})
    take(one, "phone-side")
    one.context.close()


def chinese(album: Album) -> None:
    """In Chinese."""
    lei = album.look("lei", album.studio.secret, locale="zh-CN")
    lei.page.goto(lei.address)
    expect(lei.page.locator(".card .poster img").first).to_be_visible()
    album.take(lei, "chinese-library")
    lei.open_asset(album.clip.name)
    lei.go_in("跳到某帧或时间码", 40)
    album.take(lei, "chinese-review")
    lei.page.get_by_role("button", name="历史与快照").click()
    album.take(lei, "chinese-history")
    lei.press("?")
    album.take(lei, "chinese-shortcuts")
    lei.context.close()


def live(album: Album) -> None:
    """A live session: before, during, and watched again."""
    take = album.take
    ada = album.look("ada", album.studio.secret)
    review(ada, album.clip.name, 40)
    with menu(ada, "Go live"):
        take(ada, "live-menu")
    ada.button("Go live").click()
    ada.page.get_by_role("menuitem", name="Everybody with the link").click()
    expect(ada.page.get_by_test_id("live-lobby")).to_be_visible()
    take(ada, "live-lobby")
    ada.button("Join").click()
    expect(ada.page.get_by_test_id("live")).to_have_attribute("data-state", "open")
    ada.button("Present").click()
    ada.button("Turn the camera on").click()
    ada.button("Turn the microphone on").click()
    ada.page.wait_for_url("**r=*")
    bob = album.look("bob", album.studio.people(1, "reviewer")[0])
    bob.visit(album.clip.name)
    bob.page.get_by_test_id("live-now").click()
    bob.page.get_by_test_id("live-lobby").get_by_role("button", name="Join").click()
    bob.button("Turn the camera on").click()
    expect(bob.page.get_by_test_id("tile")).to_have_count(2)
    ada.page.bring_to_front()
    ada.button("Record the session").click()
    expect(bob.page.get_by_test_id("recorded")).to_be_visible()
    bob.button("Chat").click()
    bob.page.get_by_label("Say something to all").fill("Too dark on the left")
    bob.page.get_by_label("Say something to all").press("Enter")
    ada.press("d")
    ada.drag(*SCRIBBLE)
    ada.comment("Too dark behind the ear")
    expect(bob.note("behind the ear")).to_be_visible()
    take(ada, "live-presenting")
    bob.page.bring_to_front()
    bob.page.locator(".toast").get_by_role("button", name="Close").first.click()
    take(bob, "live-chat")
    ada.page.bring_to_front()
    bob.context.close()
    ada.button("End for all").click()
    ada.button("Watch the session again").click()
    expect(ada.page.get_by_test_id("replay")).to_have_attribute("data-ready", "true")
    take(ada, "live-replay")
    ada.context.close()


PARTS: dict[str, tuple[Callable[[Album], None], ...]] = {
    "desk": (library, desk),
    "phone": (phone,),
    "chinese": (chinese,),
    "live": (live,),
}


def main(playwright: Playwright) -> int:
    """Takes them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--png", action="store_true", help="for whoever cannot look at WebP")
    arguments = parser.parse_args()
    expect.set_options(timeout=60_000)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as work,
        running(None, **FAST_HASHES) as stack,
        chromium(playwright, *DEVICES) as browser,
    ):
        clip = Path(work) / "sunflower.mp4"
        clip.symlink_to(footage("bigbuckbunny.mp4"))
        album = Album(arguments.folder, arguments.png, stack, Studio(stack), browser, clip)
        arrivals(album)
        for part in arguments.only or PARTS:
            for walk in PARTS[part]:
                walk(album)
    return 0


if __name__ == "__main__":
    with sync_playwright() as ready:
        sys.exit(main(ready))
