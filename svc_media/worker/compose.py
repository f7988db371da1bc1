"""Making one video of several."""

import os
from pathlib import Path

from svc_media.core.compose import RATE, Composition, compose_arguments
from svc_media.worker import tool
from svc_media.worker.media import OnProgress
from svc_media.worker.probe import probe
from svc_media.worker.request import Result


def compose(composition: Composition, output: Path, folder: Path, on_progress: OnProgress) -> Result:
    """Makes it at `output` by way of `folder`, and reads it back."""
    made = folder / "whole.mp4"
    frames = max(1, composition.duration_ms * RATE // 1000)
    tool.run(compose_arguments(composition, str(made)), folder, lambda frame: on_progress(min(1.0, frame / frames)))
    facts = probe(made, lambda share: None, folder)
    size_bytes = made.stat().st_size
    os.replace(made, output)
    return Result(facts, content_type="video/mp4", size_bytes=size_bytes, width=facts.width, height=facts.height)
