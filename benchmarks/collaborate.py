"""Many people draw on one video: latency to every client, what is lost or doubled, CPU beside a server on Centrifuge.

Everything is on: gateway, WebSocket, rights, the durable log, history, presence. The generator is open-loop: it keeps
to its clock whatever the server does, and prints how far behind it was itself (lag_p99_ms), and how long what it read
had been in the kernel (unread_p99_ms), which counts as latency too.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import generator
from benchmarks.footage import footage
from benchmarks.measure import pss_mb
from benchmarks.stack import Stack, running
from benchmarks.studio import Studio


class Run:
    """A stack with people, and loads against it."""

    def __init__(self, stack: Stack, people: int, *, line: bool = False) -> None:
        """`line`: each load is printed with its latency from moment to moment."""
        self._stack = stack
        self._line = line
        self._studio = Studio(stack)
        self._sessions = Path(tempfile.mkstemp(prefix="sessions-")[1])
        lines = [*self._studio.people(people), self._studio.secret]
        self._sessions.write_text("\n".join(lines) + "\n")

    def load(self, name: str, **options: object) -> dict[str, Any]:
        """One load on a video of its own."""
        video = self._studio.video(footage())
        where = {"url": self._stack.address, "sessions": self._sessions, "video": video.video_id}
        result = generator.load({**where, **options}, self._stack.pids())
        say(name, result)
        if self._line:
            print("  p50/p99 of each 250 ms:", " ".join(f"{p50:.0f}/{p99:.0f}" for p50, p99 in result["line_ms"]))
        if result.get("back"):
            print(
                f"  came back: {result['back']:,}  after p50 {result['back_p50_ms']:.0f}  "
                f"p99 {result['back_p99_ms']:.0f}  max {result['back_max_ms']:.0f} ms",
                flush=True,
            )
        return result


def say(name: str, result: dict[str, Any]) -> None:
    """A line for people."""
    print(
        f"{name:<44} {result['ops_s']:>8,.0f} op/s {result['deliveries']:>11,} deliveries  "
        f"p50 {result['p50_ms']:6.1f}  p99 {result['p99_ms']:6.1f}  max {result['max_ms']:6.1f} ms  "
        f"{result['merged_frames']:,} merged  resent {result['resent']}  "
        f"missing {result['missing']} twice {result['duplicated']} order {result['clashes'] + result['disorder']}  "
        f"CPU {result['cpu_s']:5.1f} s = {result['cpu_s_per_million']:6.2f} s/million  "
        f"generator: lag p99 {result['lag_p99_ms']:.1f} ms, unread p99 {result['unread_p99_ms']:.1f} ms, "
        f"CPU {result['generator_cpu_s']:.1f} s" + (f"  ERROR {result['error']}" if result["error"] else ""),
        flush=True,
    )
    by_process = sorted(result["cpu_s_by_process"].items(), key=lambda each: -each[1])
    print(
        "  "
        + "  ".join(f"{process} {spent:.1f} s" for process, spent in by_process if spent >= 0.1)
        + f"  (in the kernel {result['system_s']:.1f} s)  generator {result['generator_cpu_s']:.1f} s "
        f"(in the kernel {result['generator_system_s']:.1f} s)  "
        f"{result['frames']:,} frames, {result['distinct_frames']:,} distinct, {result['bytes'] / 1e6:,.0f} MB",
        flush=True,
    )


def centrifuge(name: str, **options: object) -> dict[str, Any]:
    """The same load on the peer. What presence it is sent it sends on to everybody: it does not choose."""
    with generator.peer(9137) as (url, pid):
        result = generator.load({"mode": "centrifuge", "url": url, **options}, {"centrifuge": pid})
    say(name, result)
    return result


STEPS: dict[str, tuple[str, dict[str, object]]] = {
    "viewers": (
        "500 writers x 5/s, 2,000 readers",
        {"writers": 500, "readers": 2000, "seconds": 15, "delivery": 3, "deflate": "true", "unseen": 1},
    ),
    "writers": (
        "2,000 who all write 5/s",
        {"writers": 2000, "readers": 0, "seconds": 10, "delivery": 3, "settle": 30, "deflate": "true", "unseen": 1},
    ),
    "operations": (
        "100,000 op/s (batches of 20), 20 full readers",
        {
            "writers": 250,
            "readers": 20,
            "full": 20,
            "rate": 20,
            "batch": 20,
            "points": 2,
            "seconds": 10,
            "delivery": 2,
            "presence": 0,
            "settle": 60,
        },
    ),
    "storm": (
        "2,000 readers come back at once, 20 writers x 5/s",
        {"writers": 20, "readers": 2000, "seconds": 10, "settle": 30, "storm": "true"},
    ),
}
"""The larger loads by name: printed. `unseen`: who is not among those that are shown says where it is once a second,
as a page does."""


def main() -> None:
    """Runs the loads and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under 50 seconds: the first load alone")
    parser.add_argument("--step", choices=STEPS, help="one of the larger loads alone")
    parser.add_argument("--plain", action="store_true", help="of a step: messages are not packed, as for old clients")
    parser.add_argument("--line", action="store_true", help="of a step: latency from moment to moment")
    options = parser.parse_args()
    generator.build()
    with running() as stack:
        print(f"idle: {pss_mb(stack.pids().values()):.0f} MB (PSS of all services)")
        if options.step:
            name, load = STEPS[options.step]
            load = {**load, "deflate": "false"} if options.plain else load
            found = Run(stack, int(str(load["writers"])), line=options.line).load(name, **load)
            figures = {each: found[each] for each in ("p99_ms", "missing", "duplicated", "cpu_s_per_million")}
        else:
            found, figures = compare(stack, quick=options.quick)
    print(json.dumps(figures))
    sys.exit(1 if found["missing"] or found["duplicated"] or found["clashes"] or found["error"] else 0)


def compare(stack: Stack, *, quick: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """The main load, ours and the peer's, and the larger ones of ours: what ours did, and the figures."""
    run = Run(stack, 200 if quick else 500)
    main_load = {"writers": 200, "readers": 300, "seconds": 8 if quick else 15}
    ours = run.load("200 writers x 5/s, 300 readers", **main_load)
    bare = centrifuge("  Centrifuge, operations alone", **main_load, presence=0)
    peer = centrifuge("  Centrifuge, presence too", **main_load)
    if not quick:
        for name, load in STEPS.values():
            run.load(name, **load)
    alike, bare_ratio = (ours["cpu_s_per_million"] / each["cpu_s_per_million"] for each in (peer, bare))
    print(f"CPU a delivered operation: {alike:.2f}x Centrifuge's under the same load; ours, with presence, rights and")
    print(f"a durable log, is {bare_ratio:.2f}x its own without any of these")
    figures = {name: ours[name] for name in ("p99_ms", "missing", "duplicated", "cpu_s_per_million")}
    return ours, figures | {"cpu_ratio_centrifuge": alike, "cpu_ratio_centrifuge_without_presence": bare_ratio}


if __name__ == "__main__":
    main()
