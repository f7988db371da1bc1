"""How light and quick the page is, in Chromium: its first load, ten thousand strokes, a library of thousands.

`python -m benchmarks.page [--quick] [--only NAME]`: runs each part of `benchmarks/page_parts`. The last line is one
JSON object with the figures of all: first_load_kb (gzip), interactive_ms, strokes_fps, input_to_paint_ms, library_fps.
"""

import argparse
import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator

from benchmarks import page_parts
from benchmarks.page_parts import Measure


def parts() -> Iterator[tuple[str, Measure]]:
    """Every part by its name."""
    for module in pkgutil.iter_modules(page_parts.__path__):
        measure = getattr(importlib.import_module(f"{page_parts.__name__}.{module.name}"), "measure", None)
        if measure is not None:
            yield module.name, measure


def main() -> int:
    """Runs, prints."""
    known = dict(parts())
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="shorter runs")
    parser.add_argument("--only", choices=sorted(known), action="append", help="this part; may be given more than once")
    arguments = parser.parse_args()
    figures: dict[str, float] = {}
    for name in arguments.only or sorted(known):
        print(f"-- {name}")
        figures |= known[name](arguments.quick)
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
