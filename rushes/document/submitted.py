"""A record as the fold reads it: taken apart from a message, or as whoever appended it had it in hands anyway."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rushes.annotation.v1.operation_pb2 import Batch, Refusal
from rushes.annotation.v1.record_pb2 import Record
from rushes.document.operation import split, submitted_bytes


@dataclass(slots=True)
class Sender:
    """What all records of one client have in common, as long as its rights are the same. Never changed."""

    rules: int
    epoch: int
    video_id: int
    tenant_id: str
    person_id: str
    permissions: int
    client_id: bytes
    frame_count: int


@dataclass(slots=True)
class Submitted:
    """See the module. Never changed."""

    sender: Sender
    hash: int
    time_ms: int
    client_seq: int
    base_revision: int
    batch: Batch
    """Without unknown fields. Never changed any more."""
    data: bytes
    """The batch's `submitted_bytes`."""
    parts: Sequence[tuple[str, Any]]
    """Its operations, see `split`."""
    checked: bool
    """Whether `check_batch` is known to have found nothing in it. Whoever does not know checks, and finds the same."""
    refused: Refusal | None
    """Why it was refused before it was appended."""

    @classmethod
    def of(cls, record: Record) -> "Submitted":
        """Of a record that was read. Discards its batch's unknown fields."""
        sender = Sender(
            record.rules,
            record.epoch,
            record.video_id,
            record.tenant_id,
            record.person_id,
            record.permissions,
            record.client_id,
            record.frame_count,
        )
        refused = None
        if record.HasField("refused"):
            refused = Refusal()
            refused.CopyFrom(record.refused)
            refused.DiscardUnknownFields()
        batch = record.batch
        data = submitted_bytes(batch)
        return cls(
            sender,
            record.hash,
            record.time_ms,
            batch.client_seq,
            batch.base_revision,
            batch,
            data,
            split(batch.operations[:]),
            False,
            refused,
        )
