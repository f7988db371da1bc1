"""Making the review file, and reading back what it shows: its frames are what frame numbers mean."""

import os
from pathlib import Path

from svc_media.core import command
from svc_media.core.container import BY_DEMUXER, Kind
from svc_media.core.error import WorkerFailed
from svc_media.core.facts import VideoFacts
from svc_media.core.plan import ReviewPlan, plan_review
from svc_media.worker import tool
from svc_media.worker.media import OnProgress
from svc_media.worker.probe import probe
from svc_media.worker.request import Result
from svc_media.worker.sequence import make_sequence_review
from svc_media.worker.sound import make_sound_review

_ENCODING = 0.95
"""Share of the work; the rest is reading it back."""


def make_review(source: Path, output: Path, facts: VideoFacts, folder: Path, on_progress: OnProgress) -> Result:
    """Makes a review file at `output` by way of `folder`, whatever the plan says about keeping the source."""
    plan = plan_review(facts, source.stat().st_size)
    made = folder / f"review{plan.suffix}"
    arguments = _arguments(source, made, facts, plan, folder)
    tool.run(arguments, folder, lambda frame: on_progress(_ENCODING * min(1.0, frame / facts.frame_count)))
    review = probe(made, lambda share: on_progress(_ENCODING + (1 - _ENCODING) * share), folder)
    _check(review, plan)
    size_bytes = made.stat().st_size
    os.replace(made, output)
    return Result(
        facts=review,
        content_type=plan.content_type,
        size_bytes=size_bytes,
        width=review.width,
        height=review.height,
    )


def _arguments(source: Path, made: Path, facts: VideoFacts, plan: ReviewPlan, folder: Path) -> list[str]:
    container = BY_DEMUXER[facts.container]
    if container.kind is Kind.SEQUENCE:
        return make_sequence_review(source, made, facts, plan, folder, container)
    if facts.kind is Kind.SOUND:
        return make_sound_review(source, made, facts, plan, folder)
    if facts.kind is Kind.STILL:
        return command.picture_arguments(str(source), str(made), facts, plan)
    return command.proxy_arguments(str(source), str(made), facts, plan, tone_map=tool.can_tone_map())


def _check(review: VideoFacts, plan: ReviewPlan) -> None:
    """What players rely on: the size, upright, and the first frame at zero."""
    if (review.width, review.height, review.rotation, review.mirrored) != (plan.width, plan.height, 0, False):
        raise WorkerFailed(
            "The review file could not be made: its size is not the one that was asked for.",
            detail=f"{review.width}x{review.height} turned by {review.rotation}, not {plan.width}x{plan.height}",
        )
    if review.first_s != 0 or review.trimmed_frames:
        raise WorkerFailed("The review file could not be made: it would not begin with its first frame.")
