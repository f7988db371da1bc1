"""The parts of `benchmarks.page`: each module here with a `measure(quick) -> figures` is one, and runs alone too."""

import argparse
import json
from collections.abc import Callable

Measure = Callable[[bool], dict[str, float]]
"""Takes whether it shall be quick; prints lines for people, and gives its figures by their names."""


def alone(measure: Measure, doc: str | None) -> None:
    """Runs one part by itself: `python -m benchmarks.page_parts.NAME [--quick]`; the last line is its figures."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="shorter runs")
    print(json.dumps(measure(parser.parse_args().quick)))
