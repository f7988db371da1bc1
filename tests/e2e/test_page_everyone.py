"""The page for everyone: from the keyboard, in Chinese, on a phone; shortcuts and the palette."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.page import Reviewer
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
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
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
    assert page.evaluate("document.documentElement.lang") == "en"
