"""A batch as it goes into the log: looked at once, and put together from its bytes."""

from rushes.annotation.v1 import operation_pb2, record_pb2
from rushes.document import Document, check_batch, submitted_bytes, submitted_hash
from svc_annotation.core.wire import field

_BATCH = record_pb2.Record.BATCH_FIELD_NUMBER


def submission(
    document: Document, record: record_pb2.Record, batch: operation_pb2.Batch, *, service: bool
) -> bytes:
    """The serialised record of a batch for a document, after which `record`, which came without it, has its hash.

    Of one that no document can take it holds the number and the reason alone.
    """
    data = submitted_bytes(batch)
    record.hash = submitted_hash(data)
    refused = check_batch(batch, frame_count=record.frame_count, service=service)
    if refused is not None:
        record.batch.client_seq = batch.client_seq
        record.batch.base_revision = batch.base_revision
        record.refused.CopyFrom(refused)
        return record.SerializeToString()
    document.vouch(data, record.frame_count)
    return record.SerializeToString() + field(_BATCH, data)
