"""One piece of work on one file that somebody uploaded: request on stdin, JSON lines on stdout.

The libraries that decode are imported only when the process is confined.
"""

import json
import os
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any, TextIO

from rushes.errors import RushesError
from svc_media.core.error import WorkerFailed, WorkerLimit
from svc_media.worker.request import Operation, Request, Result, error_to_json
from svc_media.worker.sandbox import confine

_STEP = 0.005


class _Lines:
    """The JSON lines; progress is told in steps, never back."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._told = 0.0

    def tell(self, line: dict[str, Any]) -> None:
        self._out.write(json.dumps(line) + "\n")
        self._out.flush()

    def progress(self, share: float) -> None:
        if share >= self._told + _STEP:
            self._told = share
            self.tell({"progress": round(share, 4)})


def _work(request: Request, folder: Path, lines: _Lines) -> Result:
    from svc_media.core.plan import DEFAULT_RATE, plan_review
    from svc_media.worker import probe, review, still, waveform

    if request.operation is Operation.PROBE:
        facts = probe.probe(
            request.source, lines.progress, folder, Fraction(request.rate) if request.rate else DEFAULT_RATE
        )
        return Result(facts, plan_review(facts, request.source.stat().st_size))
    if request.composition is not None and request.output is not None:
        from svc_media.worker.compose import compose

        return compose(request.composition, request.output, folder, lines.progress)
    if request.facts is None or request.output is None:
        raise WorkerFailed(f"{request.operation} needs the facts of its source, and an output.")
    if request.operation is Operation.EXPORT:
        from svc_media.worker.export import write_export

        assert request.review is not None
        return write_export(request.source, request.output, request.facts, request.review, folder, lines.progress)
    if request.operation is Operation.REVIEW:
        return review.make_review(request.source, request.output, request.facts, folder, lines.progress)
    if request.operation is Operation.POSTER:
        return still.make_poster(request.source, request.output, request.facts, folder)
    if request.operation is Operation.WAVEFORM:
        return waveform.make_waveform(request.source, request.output, request.facts, folder, lines.progress)
    return still.make_filmstrip(request.source, request.output, request.facts, folder, lines.progress)


def main() -> int:
    """Runs in the private folder that is the current one."""
    lines = _Lines(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    # Nothing that a library prints may be taken for an answer.
    os.dup2(2, 1)
    request = Request.from_json(sys.stdin.read())
    lines.tell({"started": {"network": not confine(request.limits)}})
    try:
        result = _work(request, Path.cwd(), lines)
    except RushesError as error:
        lines.tell({"error": error_to_json(error)})
    except MemoryError:
        lines.tell({"error": error_to_json(WorkerLimit("The file needs more memory than is allowed."))})
    except OSError as error:
        lines.tell({"error": error_to_json(WorkerFailed("The file cannot be read or written.", detail=str(error)))})
    else:
        lines.tell({"result": result.to_json()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
