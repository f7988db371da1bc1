"""The parts of `benchmarks.page`: each module here has a `measure(scene, quick) -> figures`, and runs alone too."""

import argparse
import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from playwright.sync_api import Browser, sync_playwright

from benchmarks.stack import Stack, running
from benchmarks.studio import Studio
from tests.e2e.page import chromium


@dataclass(frozen=True)
class Scene:
    """A product and a Chromium before it, for as many parts as there are."""

    stack: Stack
    studio: Studio
    browser: Browser


Measure = Callable[[Scene, bool], dict[str, float]]
"""Takes whether it shall be quick; prints lines for people, and gives its figures by their names."""


@contextlib.contextmanager
def scene() -> Iterator[Scene]:
    """One, ended afterwards."""
    with running() as stack, sync_playwright() as playwright, chromium(playwright) as browser:
        yield Scene(stack, Studio(stack), browser)


def alone(measure: Measure, doc: str | None) -> None:
    """Runs one part by itself: `python -m benchmarks.page_parts.NAME [--quick]`; the last line is its figures."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="shorter runs")
    quick = parser.parse_args().quick
    with scene() as ready:
        print(json.dumps(measure(ready, quick)))
