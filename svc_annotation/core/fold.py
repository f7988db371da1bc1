"""One record into one document: what the fold decides, encoded once for history and for whoever reads along."""

from dataclasses import dataclass
from typing import Final

from rushes.annotation.v1 import record_pb2
from rushes.document import Applied, Document, Duplicate, Ignored, Refused, apply, view_bytes
from svc_annotation.core.landed import CLIENT, Landed
from svc_annotation.core.row import Change, HistoryRow

Result = Applied | Refused | Duplicate | Ignored
EMPTY: Final = b""


@dataclass(slots=True)
class Folded:
    """A record and what became of it. Never changed."""

    record: record_pb2.Record
    result: Result
    row: HistoryRow | None
    """None: it changed nothing, so history does not hold it."""
    landed: Landed | None
    """None: it was not applied."""


def fold(document: Document, record: record_pb2.Record, offset: int) -> Folded:
    """Applies a record to its document. What raises here is no bad record but a bad rule: the video is quarantined."""
    result = apply(document, record)
    landed = _land(result) if isinstance(result, Applied) else None
    row = _row(document, record, offset, result, landed) if isinstance(result, (Applied, Refused)) else None
    return Folded(record, result, row, landed)


def _land(applied: Applied) -> Landed:
    commit = applied.commit_bytes
    client = view_bytes(applied, CLIENT)
    client_commit = None if client is commit else client or EMPTY
    states = tuple([Change(annotation_id, now.SerializeToString()) for annotation_id, now in applied.after.items()])
    return Landed(applied.revision, commit, client_commit, states, applied.internal or ())


def _row(
    document: Document, record: record_pb2.Record, offset: int, result: Applied | Refused, landed: Landed | None
) -> HistoryRow:
    return HistoryRow(
        video_id=record.video_id,
        ordinal=result.ordinal,
        epoch=document.epoch,
        offset=offset,
        tenant_id=record.tenant_id,
        person_id=record.person_id,
        client_id=record.client_id,
        client_seq=record.batch.client_seq,
        hash=record.hash,
        rules=record.rules,
        time_ms=document.time_ms,
        revision=landed.revision if landed else 0,
        at_revision=document.revision,
        refusal=result.refusal.SerializeToString() if isinstance(result, Refused) else EMPTY,
        commit=landed.commit if landed else EMPTY,
        client_commit=landed.client_commit if landed else None,
        changes=landed.states if landed else (),
    )
