"""How long from `rushes up` to ready, and how much memory all its processes have when nobody is there.

`python -m benchmarks.start [--quick]`: five starts, quick: three; the middle one counts. The last line is
{"pss_mb": M, "start_s": S}.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import pss_mb
from benchmarks.stack import Stack

SETTLED_MB = 0.5
"""Memory is read when it has changed by less than this between two looks."""
LOOKS_S = 1.0
MOST_LOOKS = 20


def processes(stack: Stack) -> dict[str, int]:
    """The supervisor, its services and whatever these have started, by pid."""
    assert stack.process is not None
    found = {"supervisor": stack.process.pid, **stack.pids()}
    waiting = list(found.values())
    while waiting:
        pid = waiting.pop()
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if int(child) not in found.values():
                found[f"child {child} of {pid}"] = int(child)
                waiting.append(int(child))
    return found


def settled_mb(stack: Stack) -> float:
    """Memory of all processes once it changes no more."""
    before = pss_mb(processes(stack).values())
    for _ in range(MOST_LOOKS):
        time.sleep(LOOKS_S)
        now = pss_mb(processes(stack).values())
        if abs(now - before) < SETTLED_MB:
            return now
        before = now
    return before


def main() -> int:
    """Starts it, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="three starts")
    count = 3 if parser.parse_args().quick else 5
    with tempfile.TemporaryDirectory(prefix="rushes-bench-") as folder:
        stack = Stack(Path(folder) / "data")
        starts: list[float] = []
        try:
            for number in range(count):
                began = time.monotonic()
                stack.start()
                starts.append(time.monotonic() - began)
                print(f"start {number + 1}: {starts[-1]:.2f} s{' (a new data folder)' if number == 0 else ''}")
                if number < count - 1:
                    stack.stop()
            memory = settled_mb(stack)
            for name, pid in processes(stack).items():
                print(f"{name:16} {pss_mb([pid]):6.1f} MB")
        finally:
            stack.kill()
    print(json.dumps({"pss_mb": round(memory, 1), "start_s": round(statistics.median(starts), 2)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
