"""How light and quick the page is, in Chromium: its first load, ten thousand strokes, a library of thousands.

`python -m benchmarks.page [--quick] [--only NAME]`: runs each part of `benchmarks/page_parts`, quick without the peers
that drawing is measured beside. The last line is one JSON object with the figures of all: first_load_kb (gzip),
interactive_ms, strokes_fps, input_to_paint_ms, library_fps. `--minutes 60` does nothing but play and draw for an hour,
and says what that leaves in memory.
"""

import argparse
import json
import sys

from benchmarks.page_parts import Measure, library, load, memory, scene, strokes

PARTS: dict[str, Measure] = {"load": load.measure, "library": library.measure, "strokes": strokes.measure}
"""In this order: a first load is of a library with one clip."""


def main() -> int:
    """Runs, prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="shorter runs")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part; may be given more than once")
    parser.add_argument("--minutes", type=int, help="only play and draw, for so long, and look at memory")
    arguments = parser.parse_args()
    figures: dict[str, float] = {}
    with scene() as ready:
        if arguments.minutes:
            print(json.dumps(memory.measure(ready, arguments.minutes)))
            return 0
        for name in arguments.only or PARTS:
            print(f"-- {name}", flush=True)
            figures |= PARTS[name](ready, arguments.quick)
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
