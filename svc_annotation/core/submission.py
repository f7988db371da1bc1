"""A batch as it goes into the log: looked at once, and put together from its bytes."""

from typing import NamedTuple

from rushes.annotation.v1 import operation_pb2, record_pb2
from rushes.document import Document, check_batch, submitted_bytes, submitted_hash
from svc_annotation.core.wire import field

_BATCH = record_pb2.Record.BATCH_FIELD_NUMBER


class Submission(NamedTuple):
    """A batch that is to be appended."""

    client_seq: int
    hash: int
    payload: bytes
    """A serialised Record."""


def submission(
    document: Document, record: record_pb2.Record, batch: operation_pb2.Batch, *, service: bool
) -> Submission:
    """Of a batch for a document, and of its record without it. Discards the batch's unknown fields.

    Of a batch that no document can take the record holds the number and the reason alone.
    """
    data = submitted_bytes(batch)
    number, hashed = batch.client_seq, submitted_hash(data)
    record.hash = hashed
    refused = check_batch(batch, frame_count=record.frame_count, service=service)
    if refused is not None:
        record.batch.client_seq = number
        record.batch.base_revision = batch.base_revision
        record.refused.CopyFrom(refused)
        return Submission(number, hashed, record.SerializeToString())
    document.vouch(data, record.frame_count)
    return Submission(number, hashed, record.SerializeToString() + field(_BATCH, data))
