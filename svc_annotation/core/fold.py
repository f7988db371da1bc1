"""One record into one document: what the fold decides, encoded once for history and for whoever reads along."""

from dataclasses import dataclass
from typing import Final

from rushes.document import Applied, Document, Duplicate, Ignored, Refused, apply, view_bytes
from rushes.document.submitted import Submitted
from svc_annotation.core.landed import CLIENT, Landed
from svc_annotation.core.row import Change, HistoryRow

Result = Applied | Refused | Duplicate | Ignored
EMPTY: Final = b""
_new: Final = tuple.__new__
"""A NamedTuple's own is a function of Python's: twice the time."""


@dataclass(slots=True)
class Folded:
    """A record and what became of it. Never changed."""

    record: Submitted
    result: Result
    row: HistoryRow | None
    """None: it changed nothing, so history does not hold it."""
    landed: Landed | None
    """None: it was not applied."""


def fold(document: Document, record: Submitted, offset: int) -> Folded:
    """Applies a record to its document. What raises here is no bad record but a bad rule: the video is quarantined."""
    result = apply(document, record)
    if isinstance(result, Applied):
        landed = _land(document, result)
        row = _row(document, record, offset, result, landed.revision, EMPTY, landed)
        return Folded(record, result, row, landed)
    if isinstance(result, Refused):
        refusal = result.refusal.SerializeToString()
        return Folded(record, result, _row(document, record, offset, result, 0, refusal, _NOTHING), None)
    return Folded(record, result, None, None)


def _land(document: Document, applied: Applied) -> Landed:
    commit = applied.commit_bytes
    client_commit = None
    if applied.published or applied.internal:
        client = view_bytes(applied, CLIENT)
        client_commit = None if client is commit else client or EMPTY
    earlier = applied.earlier
    changes: list[Change] = []
    for annotation_id, state in applied.states.items():
        if not isinstance(state, bytes):
            state = state.SerializeToString()
            if earlier[annotation_id] is None:  # new: what is changed soon, is mostly changed again
                document.pack(annotation_id, state)
        changes.append(_new(Change, (annotation_id, state)))
    return Landed(applied.kept.revision, commit, client_commit, tuple(changes), applied.internal or ())


_NOTHING: Final = Landed(0, EMPTY, None, ())


def _row(
    document: Document,
    record: Submitted,
    offset: int,
    result: Applied | Refused,
    revision: int,
    refusal: bytes,
    landed: Landed,
) -> HistoryRow:
    sender = record.sender
    return _new(
        HistoryRow,
        (
            sender.video_id,
            result.ordinal,
            document.epoch,
            offset,
            sender.tenant_id,
            sender.person_id,
            sender.client_id,
            record.client_seq,
            record.hash,
            sender.rules,
            document.time_ms,
            revision,
            document.revision,
            refusal,
            landed.commit,
            landed.client_commit,
            landed.states,
        ),
    )
