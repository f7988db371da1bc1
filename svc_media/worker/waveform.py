"""The waveform of a review file: its sound decoded once, as it is heard with its frames."""

import os
from math import ceil
from pathlib import Path

from svc_media.core import command, waveform
from svc_media.core.facts import VideoFacts
from svc_media.worker import tool
from svc_media.worker.media import OnProgress
from svc_media.worker.request import Result


def make_waveform(source: Path, output: Path, facts: VideoFacts, folder: Path, on_progress: OnProgress) -> Result:
    """Makes the waveform file at `output`."""
    made = folder / "waveform"
    data = read_waveform(source, facts, folder, on_progress).to_bytes()
    made.write_bytes(data)
    os.replace(made, output)
    return Result(facts, None, waveform.CONTENT_TYPE, len(data))


def read_waveform(
    source: Path, facts: VideoFacts, folder: Path, on_progress: OnProgress = lambda share: None
) -> waveform.Waveform:
    """The waveform of a file's sound, from the first frame to the end of the last."""
    count = max(1, ceil(facts.end_s * waveform.RATE))
    fine = bytearray()
    with tool.piped(command.samples_arguments(str(source), facts), folder) as chunks:
        for number, pair in enumerate(waveform.pairs(chunks)):
            fine += pair
            if number % 1000 == 0:
                on_progress(min(1.0, number / count))
    return waveform.waveform(bytes(fine), count)
