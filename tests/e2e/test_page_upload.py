"""A large file goes in parts at once, each written where it belongs in the whole."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Request, expect

from tests.clips import FILM
from tests.e2e.page import Reviewer
from tests.product import Product

pytest_plugins = ["tests.e2e.page_fixtures"]

SIZE_BYTES = 21_000_001


def test_the_page_sends_a_large_file_in_parts_that_are_never_copied(
    product: Product, meet: Callable[..., Reviewer], tmp_path: Path
) -> None:
    file = tmp_path / "large.mp4"
    clip = FILM.path.read_bytes()
    filler = SIZE_BYTES - len(clip)
    file.write_bytes(clip + filler.to_bytes(4, "big") + b"free" + bytes(filler - 8))
    ada = meet("ada", product.address).with_session(product.secret)
    ada.page.goto(product.address)
    parts: list[dict[str, str]] = []

    def saw(request: Request) -> None:
        headers = request.headers
        if request.method == "POST" and headers.get("upload-concat") == "partial":
            parts.append(headers)

    ada.page.on("request", saw)
    ada.choose(file)
    expect(ada.page.locator(".card", has_text="large.mp4").locator("img")).to_be_visible(timeout=60_000)
    assert len(parts) == 4
    assert all(" group " in f" {each['upload-metadata'].replace(',', ' ')}" for each in parts)
    kept = (product.stack.data / "media").rglob("*")
    stored = [path.read_bytes() for path in kept if path.is_file() and path.stat().st_size == SIZE_BYTES]
    assert [hashlib.sha256(each).digest() for each in stored] == [hashlib.sha256(file.read_bytes()).digest()]
