"""Writing an export: the formats of rushes.exchange, and sheets with stills of the review file."""

import os
from pathlib import Path

from rushes.exchange import format
from rushes.exchange.sheet import sheet
from svc_media.core.export import Source
from svc_media.core.facts import VideoFacts
from svc_media.worker.media import OnProgress
from svc_media.worker.request import Result
from svc_media.worker.still import Stills


def write_export(
    source: Path, output: Path, facts: VideoFacts, review: Path, folder: Path, on_progress: OnProgress
) -> Result:
    """Writes the file at `output`."""
    wanted = Source.from_json(source.read_text())
    if wanted.format == "pdf":
        data, kind, remark = _sheet(wanted, review, facts, on_progress)
    else:
        data, kind, remark = format.write(wanted.notes, wanted.format), format.FORMATS[wanted.format].content_type, ""
    made = folder / "export"
    made.write_bytes(data)
    os.replace(made, output)
    return Result(facts, None, kind, len(data), remark=remark)


def _sheet(wanted: Source, review: Path, facts: VideoFacts, on_progress: OnProgress) -> tuple[bytes, str, str]:
    from rushes.exchange import pdf
    from svc_media.worker.font import find_fonts

    with Stills(review, facts) as stills:
        written = pdf.write(sheet(wanted.head, wanted.notes), stills.jpeg, find_fonts(), on_progress)
    unknown = written.unknown[:50]
    return written.data, "application/pdf", f"No font of the server has these letters: {unknown}" if unknown else ""
