"""Numbered pictures become one clip at the rate that is chosen, and subtitles show on exactly their frames."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.page import Reviewer
from tests.integration.test_media_kinds import numbered
from tests.product import Product

pytest_plugins = ("tests.e2e.page_fixtures",)

SRT = "1\n00:00:00,040 --> 00:00:00,120\n<i>Two frames</i> <b>& no more</b>\n"


def test_numbered_pictures_are_sent_as_one_clip_with_subtitles(
    product: Product, meet: Callable[..., Reviewer], tmp_path: Path
) -> None:
    ada = meet("ada", product.address).with_session(product.secret)
    files = []
    for (_, data), number in zip(numbered(range(5)), (1001, 1002, 1003, 1005, 1006), strict=True):
        files.append(tmp_path / f"dust_{number}.png")
        files[-1].write_bytes(data)
    subtitles = tmp_path / "dust.de.srt"
    subtitles.write_text(SRT)

    page = ada.page
    page.goto(product.address)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload", exact=True).click()
    chooser.value.set_files(files)
    question = page.get_by_label("How many frames a second?")
    expect(question).to_contain_text("dust_####.png: 5 pictures, as one sequence")
    question.get_by_label("Frames a second").select_option("25")
    question.get_by_role("button", name="Send").click()
    # What is missing is said where one looks: on the card, and beside the cut.
    missing = "1 number is missing, where the picture before is held: 1004."
    expect(page.locator(".card", has_text="dust").get_by_role("img", name=missing)).to_be_visible(timeout=60_000)
    ada.open_asset("dust")
    ada.button("About this file").click()
    expect(page.get_by_text(missing)).to_be_visible()
    ada.press("Escape")
    assert ada.count == 6
    expect(page.get_by_test_id("frame")).to_have_text("1001")
    assert ada.wait_exact() == 0

    page.get_by_test_id("subtitle-file").set_input_files(subtitles)
    line = page.get_by_test_id("subtitle")
    ada.press("ArrowRight")
    expect(line).to_have_text("Two frames & no more")
    ada.press("Home")
    seen = []
    for frame in range(5):
        ada.wait_frame(frame)
        # The read-out and the words come of the same frame.
        seen.append(line.inner_text() if line.count() else "")
        ada.press("ArrowRight")
    assert seen == ["", "Two frames & no more", "Two frames & no more", "", ""]
    ada.press("Home", "ArrowRight")
    ada.wait_frame(1)
    expect(line.locator("[data-italic=true]")).to_have_text("Two frames")
    ada.button("Subtitles").click()
    page.get_by_role("button", name="Later by a tenth of a second").click()
    expect(line).to_have_count(0)
    page.get_by_role("button", name="Keep for everybody").click()
    page.get_by_role("menuitemradio", name="No subtitles").wait_for()
    ada.press("Escape", "End")
    ada.wait_frame(5)
    expect(line).to_have_count(1)

    page.reload()
    ada.wait_ready()
    ada.press("End")
    ada.wait_frame(5)
    expect(line).to_have_text("Two frames & no more")
    ada.button("Subtitles").click()
    page.get_by_role("menuitemradio", name="No subtitles").click()
    expect(line).to_have_count(0)
