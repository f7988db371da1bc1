"""Making one video of several."""

import os
import shutil
from pathlib import Path
from typing import Final

from svc_media.core.compose import RATE, Composition, Label, compose_arguments
from svc_media.worker import tool
from svc_media.worker.font import find_fonts
from svc_media.worker.media import OnProgress
from svc_media.worker.probe import probe
from svc_media.worker.request import Result


def compose(composition: Composition, output: Path, folder: Path, on_progress: OnProgress) -> Result:
    """Makes it at `output` by way of `folder`, and reads it back."""
    made = folder / "whole.mp4"
    frames = max(1, composition.duration_ms * RATE // 1000)
    arguments = compose_arguments(composition, str(made), label(composition, folder))
    tool.run(arguments, folder, lambda frame: on_progress(min(1.0, frame / frames)))
    facts = probe(made, lambda share: None, folder)
    size_bytes = made.stat().st_size
    os.replace(made, output)
    return Result(facts, content_type="video/mp4", size_bytes=size_bytes, width=facts.width, height=facts.height)


_IDEOGRAPHS: Final = 0x2E80
"""From here on a font for Chinese, Japanese and Korean is needed."""


def label(composition: Composition, folder: Path) -> dict[int, Label]:
    """Writes what ffmpeg needs for the names on tiles; without a font, or a filter, there are none."""
    fonts = find_fonts()
    if fonts.regular is None or not tool.can_write():
        return {}
    labels = {}
    for tile, name in composition.names().items():
        wide = bool(fonts.fallback) and any(ord(c) >= _IDEOGRAPHS for c in name)
        font, text = folder / f"font-{'wide' if wide else 'regular'}", folder / f"name-{tile}"
        if not font.exists():
            shutil.copyfile((fonts.fallback[0] if wide else fonts.regular).path, font)
        text.write_text(name, encoding="utf-8")
        labels[tile] = Label(text.name, font.name)
    return labels
