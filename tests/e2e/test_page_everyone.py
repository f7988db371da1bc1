"""The page for everyone: from the keyboard, in Chinese, on a phone; shortcuts and the palette."""

import json
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.page import Reviewer, faults
from tests.product import Product, serving

pytest_plugins = ["tests.e2e.page_fixtures"]


@pytest.fixture(scope="module")
def place() -> Iterator[Product]:
    """A product with one clip."""
    with serving() as product:
        yield product


@pytest.fixture(scope="module")
def ada(place: Product, meet: Callable[..., Reviewer]) -> Reviewer:
    """Looks at the clip."""
    reviewer = meet("ada", place.address).with_session(place.secret)
    reviewer.visit("bikes")
    return reviewer


def test_a_key_of_ones_own_takes_the_place_of_another_and_outlives_a_reload(ada: Reviewer) -> None:
    ada.press("?")
    sheet = ada.page.get_by_role("dialog", name="Shortcuts")
    sheet.locator("[data-action='tool.pen']").get_by_role("button").click()
    ada.press("e")
    expect(sheet.get_by_role("alert")).to_contain_text("E is “Eraser”.")
    with ada.page.expect_response(re.compile("UpdateSettings$")):
        sheet.get_by_role("button", name="Use it here").click()
    expect(sheet.locator("[data-action='tool.pen']")).to_contain_text("E")
    expect(sheet.locator("[data-action='tool.eraser']")).to_contain_text("–")
    # As in another browser: only the service knows of it.
    ada.page.evaluate("() => localStorage.clear()")
    ada.page.reload()
    ada.wait_ready()
    expect(ada.button("Pen")).to_have_attribute("data-keys", "E")
    ada.press("e")
    expect(ada.button("Pen")).to_have_attribute("aria-pressed", "true")
    ada.press("?")
    sheet.get_by_role("button", name="All as before").click()
    ada.press("Escape", "d")
    expect(ada.button("Pen")).to_have_attribute("aria-pressed", "true")
    expect(ada.button("Pen")).to_have_attribute("data-keys", "D")
    ada.press("v")


def test_the_palette_goes_to_a_frame_a_note_and_an_asset_and_does_what_a_key_does(ada: Reviewer) -> None:
    ada.go(30)
    ada.comment("The mask flickers")
    ada.press("Home")
    ada.wait_frame(0)
    palette = ada.page.get_by_role("dialog", name="Find and do anything")

    def ask(text: str, first: str) -> None:
        ada.press("Control+k")
        ada.page.keyboard.type(text)
        expect(palette.get_by_role("option").first).to_contain_text(first)
        ada.press("Enter")
        expect(palette).to_have_count(0)

    ask("120", "Frame 120")
    ada.wait_frame(120)
    ask("00:00:02:10", "Frame 60")
    ada.wait_frame(60)
    ask("flickers", "The mask flickers")
    ada.wait_frame(30)
    ask("arrow", "Arrow")
    expect(ada.button("Arrow")).to_have_attribute("aria-pressed", "true")
    ask("bik", "bikes.mp4")
    ada.wait_ready()
    ask("libr", "Library")
    expect(ada.page.locator(".library-main h1")).to_be_visible()


def compose(one: Reviewer, steps: list[str], result: str) -> None:
    """Types with an input method: what is being composed, step by step, and what it becomes."""
    wire = one.context.new_cdp_session(one.page)
    for text in steps:
        end = len(text)
        wire.send("Input.imeSetComposition", {"text": text, "selectionStart": end, "selectionEnd": end})
        # What a keyboard sends while an input method has it.
        for kind in ("rawKeyDown", "keyUp"):
            wire.send("Input.dispatchKeyEvent", {"type": kind, "windowsVirtualKeyCode": 229, "key": "Process"})
    wire.send("Input.insertText", {"text": result})


def test_in_chinese_one_signs_in_draws_writes_with_an_input_method_and_finds_it_again(
    place: Product, meet: Callable[..., Reviewer]
) -> None:
    lei = meet("lei", place.address, locale="zh-CN")
    page = lei.page
    page.goto(place.address)
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    sign_in = place.stack.first_sign_in()
    page.get_by_label("邮箱").fill(sign_in["email"])
    page.get_by_label("密码").fill(sign_in["password"])
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_text("1 个素材")).to_be_visible()
    lei.open_asset("bikes")
    lei.go_in("跳到某帧或时间码", 44)
    lei.press("d")
    lei.drag((0.2, 0.3), (0.4, 0.5))
    lei.press("n")
    composer = page.get_by_test_id("composer")
    expect(composer).to_be_focused()
    compose(lei, ["t", "tian", "tiankong"], "天空")
    expect(composer).to_have_value("天空")
    lei.press("Enter")
    page.keyboard.type("d")
    compose(lei, ["tai"], "太亮")
    # Neither Enter nor a letter of the composition sent it, or took a tool.
    expect(composer).to_have_value("天空\nd太亮")
    lei.press("Control+Enter")
    expect(lei.note("太亮")).to_have_count(1)
    expect(page.get_by_role("status").filter(has_text="已保存")).to_be_visible()
    lei.press("Escape", "Home")
    lei.press("Control+k")
    page.keyboard.insert_text("太亮")
    expect(page.get_by_role("option").first).to_contain_text("批注")
    lei.press("Enter")
    lei.wait_frame(44)
    page.get_by_role("button", name="Administrator：账号").click()
    page.get_by_role("menuitemradio", name="English").click()
    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")


# What a finger presses, and how large it is: name, width, height. A link that a larger one beside it repeats is none.
_TARGETS = """() => [
  ...document.querySelectorAll('button, a[href]:not(.card-name), input, select, textarea, [role=slider]')
]
  .filter((each) => each.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
  .map((each) => [each.getAttribute('aria-label') ?? each.textContent, each.getBoundingClientRect()])
  .filter(([, { width, height }]) => width > 0 && height > 0 && (width < 44 || height < 44))
  .map(([name, { width, height }]) => `${name}: ${width} x ${height}`)"""
# What one can press or fill in, as a list of names; and which of these has the focus (-1: something else).
_CONTROLS = """() => {
  window.controls = [...document.querySelectorAll('button, a[href], input, select, textarea, [tabindex]')].filter(
    (each) => each.tabIndex >= 0 && !each.disabled && each.checkVisibility({ visibilityProperty: true })
  );
  return window.controls.map((each) => each.getAttribute('aria-label') ?? each.textContent);
}"""
_FOCUSED = "() => window.controls.indexOf(document.activeElement)"


def small(one: Reviewer) -> list[str]:
    """What is too small for a finger."""
    found: list[str] = one.page.evaluate(_TARGETS)
    return found


def sideways(one: Reviewer) -> bool:
    """Whether the page is wider than the screen."""
    screen = one.page.viewport_size
    assert screen is not None
    # What runs out of a phone's screen makes `innerWidth` wider too.
    wide: int = one.page.evaluate("() => document.documentElement.scrollWidth")
    return wide > screen["width"]


def test_on_a_phone_all_is_there_for_fingers_and_nothing_runs_out_of_the_screen(
    place: Product, meet: Callable[..., Reviewer]
) -> None:
    phone = meet("phone", place.address, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = phone.page
    page.goto(place.address)
    expect(page.get_by_label("Email")).to_be_visible()
    assert (faults(phone), small(phone), sideways(phone)) == ([], [], False)
    phone.with_session(place.secret)
    page.goto(place.address)
    expect(page.locator(".card .poster img")).to_be_visible()
    assert (faults(phone), small(phone), sideways(phone)) == ([], [], False)
    page.locator(".card-face").tap()
    phone.wait_ready()
    phone.button("One frame on").tap()
    phone.wait_frame(1)
    page.get_by_test_id("composer").tap()
    page.keyboard.type("From the train")
    page.get_by_role("button", name="Comment", exact=True).tap()
    expect(phone.note("From the train")).to_be_visible()
    assert (faults(phone), small(phone), sideways(phone)) == ([], [], False)
    phone.button("Pen").tap()
    wire = phone.context.new_cdp_session(page)
    for kind, spot in (
        ("touchStart", (0.2, 0.4)),
        ("touchMove", (0.5, 0.4)),
        ("touchMove", (0.6, 0.6)),
        ("touchEnd", ()),
    ):
        points = [dict(zip("xy", phone.place((spot[0], spot[1])), strict=True))] if spot else []
        wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    phone.inks((0.4, 0.4), 3.5)
    phone.wait_status("saved", "resumed")
    # What the bar has no room for is in its menu; the narrowest phone has all of it too.
    page.set_viewport_size({"width": 360, "height": 640})
    expect(phone.button("Comment")).to_be_in_viewport(ratio=0.99)
    assert (small(phone), sideways(phone)) == ([], False)
    page.get_by_role("banner").get_by_role("button", name="More").tap()
    page.get_by_role("button", name="Download").tap()
    expect(page.get_by_role("button", name="CSV table")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".menu")).to_have_count(0)
    # The keyboard is up: what one writes, and the picture, stay.
    page.set_viewport_size({"width": 390, "height": 460})
    page.get_by_test_id("composer").tap()
    for kept in (page.get_by_test_id("composer"), page.locator(".picture-box"), phone.button("Comment")):
        expect(kept).to_be_in_viewport(ratio=0.99)
    page.set_viewport_size({"width": 844, "height": 390})
    phone.press("Escape")
    expect(page.locator(".picture-box")).to_be_in_viewport(ratio=0.99)
    assert (small(phone), sideways(phone)) == ([], False)


def test_a_client_approves_by_a_link_on_a_phone_and_is_out_when_the_owner_removes_them(
    place: Product, ada: Reviewer, meet: Callable[..., Reviewer]
) -> None:
    ada.page.goto(ada.address)
    link = ada.invitation("client")
    phone = meet("phone", place.address, viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    phone.join(link, "Clio")
    phone.page.locator(".card-face").tap()
    phone.wait_ready()
    expect(phone.button("What becomes of v1")).to_have_text("Approve…")
    assert (faults(phone), small(phone), sideways(phone)) == ([], [], False)
    phone.button("What becomes of v1").tap()
    phone.page.get_by_role("menuitemradio", name="approved").tap()
    expect(phone.button("What becomes of v1")).to_have_text("approved")
    # The owner has not reloaded since.
    expect(ada.page.locator(".card .status-face")).to_have_text("approved", timeout=60_000)
    ada.button("Invite people").click()
    members = ada.page.get_by_test_id("members")
    members.get_by_role("button", name="Remove Clio from the project").click()
    members.get_by_role("button", name="Remove", exact=True).click()
    expect(members.locator("[data-who=Clio]")).to_have_count(0)
    phone.wait_status("forbidden", "gone", "signedOut")


def test_a_checker_of_accessibility_finds_nothing_serious_anywhere(ada: Reviewer) -> None:
    page = ada.page
    ada.visit("bikes")
    ada.comment("Is this readable?")
    found = faults(ada)
    ada.press("?")
    expect(page.get_by_role("dialog", name="Shortcuts")).to_be_visible()
    page.locator("[data-action='tool.pen']").get_by_role("button").click()
    found += faults(ada)
    ada.press("Escape", "Escape", "Control+k")
    page.keyboard.type("m")
    expect(page.get_by_role("option").first).to_be_visible()
    found += faults(ada)
    ada.press("Escape")
    for name in ("Administrator: account", "Zoom", "Speed", "Cuts", "Filter", "What you make is"):
        page.get_by_role("button", name=name).first.click()
        expect(page.locator(".menu")).to_be_visible()
        found += faults(ada)
        ada.press("Escape")
    for name in ("History and snapshots", "Snapshots"):
        ada.button(name).click()
        found += faults(ada)
    ada.button("Notes").first.click()
    ada.button("Download").click()
    expect(page.locator(".menu")).to_be_visible()
    found += faults(ada)
    page.goto(ada.address)
    expect(page.locator(".card .poster img")).to_be_visible()
    for name in ("Administrator: account", "Filter", "Invite people"):
        page.get_by_role("button", name=name).first.click()
        found += faults(ada)
        ada.press("Escape")
    ada.press("Control+a")
    expect(page.get_by_role("toolbar", name="What is chosen")).to_be_visible()
    assert found + faults(ada) == []


def test_it_can_be_installed_as_an_app(ada: Reviewer) -> None:
    ada.page.goto(ada.address)
    browser = ada.page.context.new_cdp_session(ada.page)
    app = browser.send("Page.getAppManifest")
    assert (app["errors"], json.loads(app["data"])["display"]) == ([], "standalone")
    # Every context of a test is a private window, which alone keeps a browser from installing.
    reasons = [each["errorId"] for each in browser.send("Page.getInstallabilityErrors")["installabilityErrors"]]
    assert reasons in ([], ["in-incognito"])


def test_tab_goes_through_all_of_the_page_and_round(ada: Reviewer) -> None:
    ada.visit("bikes")
    ada.page.evaluate("() => document.activeElement?.blur()")
    names: list[str] = ada.page.evaluate(_CONTROLS)
    met: list[int] = []
    for _ in range(2 * len(names)):
        ada.press("Tab")
        met.append(ada.page.evaluate(_FOCUSED))
        if met[-1] in met[:-1]:
            break
    # All of it once a round, as it stands on the page: the bar above, the tools, playing, the notes.
    assert {name for at, name in enumerate(names) if at not in met} == set()
    order = [next(at for at in met if names[at].startswith(name)) for name in ("Cuts", "Pen", "Play", "Filter")]
    assert [met.index(at) for at in order] == sorted(met.index(at) for at in order), [names[at] for at in met]
