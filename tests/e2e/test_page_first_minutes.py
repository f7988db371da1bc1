"""The first ten minutes of somebody new, with the keyboard alone once the clip is there."""

from collections.abc import Callable

from playwright.sync_api import expect

from benchmarks.stack import running
from tests.clips import footage
from tests.e2e.page import Reviewer
from tests.product import FAST_HASHES

pytest_plugins = ["tests.e2e.page_fixtures"]


def tab_to(one: Reviewer, name: str) -> None:
    """Goes to a control by Tab, and sees that it shows where one is."""
    for _ in range(60):
        one.press("Tab")
        focused = one.page.evaluate("""() => {
          const { activeElement } = document;
          const { outlineStyle, boxShadow } = getComputedStyle(activeElement);
          const words = activeElement.getAttribute('aria-label') ?? activeElement.textContent;
          return [words, outlineStyle !== 'none' || boxShadow !== 'none'];
        }""")
        if focused[0].startswith(name):
            assert focused[1], f"{name} does not show that it has the focus"
            return
    raise AssertionError(f"Tab does not come to {name}")


def test_somebody_new_gets_from_nothing_to_an_answered_note(meet: Callable[..., Reviewer]) -> None:
    with running(None, **FAST_HASHES) as stack:
        first = stack.first_sign_in()
        ada = meet("ada", stack.address)
        ada.page.goto(stack.address)
        ada.sign_in(first["email"], first["password"])
        expect(ada.page.get_by_text("Drop clips anywhere on this page")).to_be_visible()
        ada.drop(footage())
        card = ada.page.locator(".card", has_text="bikes")
        expect(card.locator(".poster img")).to_be_visible(timeout=60_000)
        # From here on without a pointer.
        ada.press("Control+k")
        ada.page.keyboard.type("bikes")
        expect(ada.page.get_by_role("option").first).to_contain_text("bikes.mp4")
        ada.press("Enter")
        ada.wait_ready()
        for _ in range(3):
            ada.press("ArrowRight")
        ada.wait_frame(3)
        ada.press("Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight")
        ada.wait_frame(18)
        ada.press("n")
        ada.page.keyboard.type("Too dark in the corner, please lift the shadows")
        ada.press("Control+Enter")
        note = ada.note("Too dark in the corner")
        expect(note).to_have_count(1)
        ada.press("Escape", "Home")
        ada.wait_frame(0)
        ada.press(".")
        ada.wait_frame(18)
        tab_to(ada, "Reply")
        ada.press("Enter")
        ada.page.keyboard.type("Done in the next cut")
        ada.press("Control+Enter")
        expect(note).to_contain_text("Done in the next cut")
        ada.press("Escape")
        ada.wait_status("saved", "resumed")
        ada.press("?")
        expect(ada.page.get_by_role("dialog", name="Shortcuts")).to_be_visible()
        ada.press("Escape", "Control+k")
        ada.page.keyboard.type("lift the shadows")
        expect(ada.page.get_by_role("option").first).to_contain_text("Too dark")
        ada.press("Escape")
        link = ada.invitation("guest")
        guest = meet("guest", stack.address)
        guest.join(link, "Grace")
        guest.open_asset("bikes")
        guest.comment("Looks good to me now")
        expect(ada.note("Looks good to me now")).to_have_count(1)
