"""Live media: what forwarding costs beside LiveKit, for how many there is room, and what people see on bad ways.

`python -m benchmarks.sfu [--quick] [--part NAME]`: runs each part of `benchmarks/sfu_parts`, quick only those that need
no browser. The load is written in Go (pion) and runs on the same machine; it prints its own CPU. The last line is one
JSON object with the figures of all: burst_us_per_packet, paced_us_per_packet, burst_ratio_best_peer,
paced_ratio_best_peer, added_latency_p99_ms, lost_packets, people.
"""

import argparse
import asyncio
import json
from typing import Final

from benchmarks.sfu_parts import Measure, compare, drift, estimate, faults, people, pictures
from benchmarks.sfu_parts.worker import build

PARTS: Final[dict[str, Measure]] = {
    "compare": compare.measure,
    "people": people.measure,
    "pictures": pictures.measure,
    "estimate": estimate.measure,
    "drift": drift.measure,
    "faults": faults.measure,
}
QUICK: Final = ("compare", "people")


async def run(names: list[str], quick: bool) -> dict[str, float]:
    """One part after the other."""
    figures: dict[str, float] = {}
    for name in names:
        print(f"-- {name}", flush=True)
        figures |= await PARTS[name](quick)
    return figures


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less than a minute")
    parser.add_argument("--part", choices=PARTS, action="append", help="this part; may be given more than once")
    arguments = parser.parse_args()
    build()
    names = arguments.part or list(QUICK if arguments.quick else PARTS)
    print(json.dumps(asyncio.run(run(names, arguments.quick))))


if __name__ == "__main__":
    main()
