"""Recordings under faults: how many play. Packets are lost and come out of order, networks are cut, recorders are
killed and begun again; what is left is joined as the service does it, and every picture decoded.
"""

import argparse
import json
import logging
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import av

from svc_media.worker import tool
from svc_signaling.core.name import read_name
from svc_signaling.core.payload import Codec, Packet
from svc_signaling.recorder.join import join
from svc_signaling.recorder.writer import Writer
from tests.integration.recording_child import SEGMENT_US, packets_of

SECONDS: Final = 8
GOAL: Final = 0.995
CODERS: Final = {
    Codec.VP8: ("libvpx", "-auto-alt-ref", "0", "-deadline", "realtime"),
    Codec.H264: ("libx264", "-tune", "zerolatency", "-bf", "0"),
}
Sent = tuple[int, Packet]


@dataclass(frozen=True)
class Faults:
    """What goes wrong with one recording."""

    loss: float
    swapped: float
    cut: tuple[float, float]
    """Of the recording, from here to there nothing arrives."""
    kills: tuple[float, ...]
    """At these parts of the recording its recorder is killed."""

    @classmethod
    def drawn(cls, dice: random.Random) -> "Faults":
        """One of many."""
        begin = dice.random()
        kills = sorted(dice.uniform(0.1, 1.0) for _ in range(dice.choice((0, 1, 1, 2))))
        length = dice.choice((0.0, 0.0, 0.1, 0.3))
        return cls(dice.choice((0.0, 0.01, 0.05)), dice.choice((0.0, 0.02)), (begin, begin + length), tuple(kills))


def source(folder: Path, codec: Codec) -> list[Sent]:
    """What a browser would have sent: moving pictures with a keyframe every two seconds, and a tone."""
    path = folder / f"{codec}.{'mp4' if codec is Codec.H264 else 'webm'}"
    pictures, tone = f"testsrc2=s=320x180:r=25:d={SECONDS}", f"sine=440:d={SECONDS}"
    command = [tool.ffmpeg(), "-v", "error", "-f", "lavfi", "-i", pictures, "-f", "lavfi", "-i", tone]
    coded = ["-c:v", *CODERS[codec], "-g", "50", "-pix_fmt", "yuv420p", "-c:a", "libopus", str(path)]
    subprocess.run([*command, *coded], check=True)
    return list(packets_of(path, codec))


def arriving(sent: Sequence[Sent], faults: Faults, dice: random.Random) -> Iterator[tuple[float, Sent]]:
    """What of it arrives, and at which part of the whole."""
    held: tuple[float, Sent] | None = None
    for index, each in enumerate(sent):
        at = index / len(sent)
        if dice.random() < faults.loss or faults.cut[0] <= at < faults.cut[1]:
            continue
        if held is None and dice.random() < faults.swapped:
            held = (at, each)
            continue
        yield at, each
        if held is not None:
            yield held
            held = None


def record(folder: Path, arrived: Sequence[Sent], *, killed: bool) -> None:
    """A recorder's life; one that is killed leaves what it wrote."""
    writer = Writer(folder, SEGMENT_US)
    for number in (1, 2):
        writer.stream(("worker", number), "ada")
    for number, packet in arrived:
        writer.packet(("worker", number), packet)
        writer.tick(packet.arrival_us)
    if killed:
        os.kill(os.getpid(), signal.SIGKILL)
    writer.close()


def lives(arrived: Sequence[tuple[float, Sent]], kills: Sequence[float]) -> Iterator[tuple[list[Sent], bool]]:
    """What each recorder of a recording was given, and whether it was killed then."""
    begin = 0.0
    for end in (*kills, 2.0):
        yield [each for at, each in arrived if begin <= at < end], end < 2.0
        begin = end


def in_a_process(work: Callable[..., Any], *arguments: object, **options: object) -> int:
    """Runs it, and gives its exit code: libraries that write media may end the process that they are in."""
    process = multiprocessing.get_context("fork").Process(target=work, args=arguments, kwargs=options)
    process.start()
    process.join()
    code = process.exitcode
    process.close()
    return -1 if code is None else code


def check(folder: Path) -> None:
    """Joins what is there and decodes all of it; exits with 1 if a take does not play, with 2 if there is none."""
    names = sorted(name for path in folder.iterdir() if (name := read_name(path.name)) is not None)
    paths = {str(read_name(path.name)): path for path in folder.iterdir() if read_name(path.name) is not None}
    takes = 0
    for take, segments in groupby(names, key=lambda name: name.take):
        output = folder / f"joined-{takes}.{take[-1] if isinstance(take[-1], str) else 'media'}"
        facts = join([paths[str(segment)] for segment in segments], output)
        if not facts["duration_ms"]:
            continue
        takes += 1
        with av.open(str(output)) as file:
            pictures = sum(1 for frame in file.decode(video=0)) if file.streams.video else 0
        with av.open(str(output)) as file:
            samples = sum(frame.samples for frame in file.decode(audio=0)) if file.streams.audio else 0
        if not pictures and not samples:
            sys.exit(1)
    sys.exit(0 if takes else 2)


def one(seed: int, sources: dict[Codec, list[Sent]], folder: Path) -> str:
    """What became of one recording."""
    dice = random.Random(seed)
    codec, faults = dice.choice(list(sources)), Faults.drawn(dice)
    arrived = list(arriving(sources[codec], faults, dice))
    folder.mkdir()
    for given, killed in lives(arrived, faults.kills):
        in_a_process(record, folder, given, killed=killed)
    code = in_a_process(check, folder)
    outcome = {0: "plays", 2: "empty"}.get(code, "broken")
    if outcome != "plays":
        print(f"recording {seed}: {outcome} ({code}), {codec.name}, {faults}", flush=True)
    return outcome


def main() -> None:
    """Makes the recordings and prints how many play."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="24 recordings instead of 200")
    count = 24 if parser.parse_args().quick else 200
    logging.disable(logging.WARNING)  # that a frame is missing is what is asked for
    folder = Path(tempfile.mkdtemp(prefix="recordings-"))
    try:
        sources = {codec: source(folder, codec) for codec in CODERS}
        outcomes = Counter(one(seed, sources, folder / str(seed)) for seed in range(count))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    playable = outcomes["plays"] / count
    print(f"{outcomes['plays']} of {count} recordings play ({playable:.1%}, goal {GOAL:.1%})")
    print(json.dumps({"recordings": count, "playable": playable}))
    sys.exit(0 if playable >= GOAL else 1)


if __name__ == "__main__":
    main()
