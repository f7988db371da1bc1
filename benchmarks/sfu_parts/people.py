"""How many people one forwarder has room for: ten publish three layers and sound, everybody sees and hears them.

Each sees the speaker large (1.5 Mb/s) and nine tiles (200 kb/s), and hears eight, as the page does: 800 packets a
second. The load is on the same machine and takes about as much, so the number of people is this machine's with both.
Then as many again over two forwarders, half of them on each and all who publish on the first: what more that costs.
"""

import asyncio
import contextlib
from typing import Any, Final

from benchmarks.sfu_parts.worker import Load, Span, Worker, working
from rushes.sfu.v1 import sfu_service_pb2 as sfu

TILES: Final = 9
SOUNDS: Final = 8
PUBLISHERS: Final = 10
LATE_MS: Final = 10.0
STEPS: Final = (10, 20, 30, 40, 50, 60, 80, 100, 120)
QUICK: Final = (20, 40)
EVERYBODY: Final = 100


def _shows(worker: Worker | Span, who: str) -> list[sfu.Show]:
    """The first of the others speaks."""
    others = [tracks for name, tracks in worker.tracks.items() if name != who]
    pictures = [_of(tracks, sfu.MEDIA_KIND_VIDEO) for tracks in others]
    sounds = [_of(tracks, sfu.MEDIA_KIND_AUDIO) for tracks in others[:SOUNDS]]
    shows = [sfu.Show(mid="v0", track_id=pictures[0], layer="h", priority=8)]
    shows += [sfu.Show(mid=f"v{at}", track_id=each, layer="l", priority=5) for at, each in enumerate(pictures) if at]
    return shows + [sfu.Show(mid=f"a{at}", track_id=each) for at, each in enumerate(sounds)]


def _of(tracks: list[sfu.Track], kind: "sfu.MediaKind.ValueType") -> str:
    return next(track.track_id for track in tracks if track.kind == kind)


async def _look(worker: Worker) -> None:
    """Is told what becomes of the room, as svc_signaling is."""
    async for _ in worker.states():
        pass


async def _review(people: int, seconds: int, *, two: bool = False) -> dict[str, Any]:
    async with contextlib.AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(working()) for _ in range(1 + two)]
        watching = [asyncio.create_task(_look(worker)) for worker in workers]
        flags = ("-kind=review", f"-subscribers={people}", f"-publishers={PUBLISHERS}", f"-seconds={seconds}")
        asked = Span(workers[0], workers[1], people // 2) if two else workers[0]
        figures = await Load(*flags).run([each.pid for each in workers], asked, (SOUNDS, TILES + 1), _shows)
        for each in watching:
            each.cancel()
    cores, rate = figures["cpu_s"] / seconds, figures["received"] / seconds
    parts = " + ".join(f"{each / seconds:.2f}" for each in figures["each_cpu_s"])
    cost = f"{parts} cores, {figures['us_per_packet']:.1f} us a packet, {rate:.0f} packets/s"
    late = f"{figures['lost']} lost, p50 {figures['p50_ms']:.2f} ms, p99 {figures['p99_ms']:.2f} ms"
    print(f"{people:>4} people: {cost}, {late}; the load {figures['generator_cpu_s'] / seconds:.2f} cores", flush=True)
    return figures | {"cores": cores}


async def measure(quick: bool) -> dict[str, float]:
    """More and more people, until packets are lost or late."""
    seconds = 3 if quick else 10
    most, enough, runs = 0, True, dict[int, float]()
    for people in QUICK if quick else STEPS:
        figures = await _review(people, seconds)
        runs[people] = figures["cores"]
        enough = enough and not figures["lost"] and figures["p99_ms"] < LATE_MS
        if enough:
            most = people
        elif len(runs) > 1:  # what one more person takes needs two
            break
    each = _slope(runs)
    base = max(runs.values()) - each * max(runs)
    cores = base + each * EVERYBODY
    print(f"{most} people without loss in time; {EVERYBODY} need {cores:.2f} cores", flush=True)
    again = most if most in runs else min(runs)
    span = (await _review(again, seconds, two=True))["cores"] - runs[again]
    print(f"over two forwarders: {span:+.2f} cores, so {EVERYBODY} need {cores + span:.2f}", flush=True)
    return {"people": most, "cores_of_100_people": round(cores, 2), "cores_over_two": round(cores + span, 2)}


def _slope(cores: dict[int, float]) -> float:
    """What one more person takes: between the fewest and the most; of one run all of it."""
    few, many = min(cores), max(cores)
    return (cores[many] - cores[few]) / (many - few) if many > few else cores[many] / many
