"""A batch as it goes into the log: looked at once, and put together from its bytes."""

from typing import NamedTuple

from rushes.annotation.v1 import operation_pb2, record_pb2
from rushes.document import Document, check_batch, submitted_bytes, submitted_hash
from rushes.document.wire import field, same_number_field, tag

_FIXED64 = 1
_HASH = tag(record_pb2.Record.HASH_FIELD_NUMBER, _FIXED64)
_TIME_MS = record_pb2.Record.TIME_MS_FIELD_NUMBER
_FRAME_COUNT = record_pb2.Record.FRAME_COUNT_FIELD_NUMBER
_BATCH = record_pb2.Record.BATCH_FIELD_NUMBER
_REFUSED = record_pb2.Record.REFUSED_FIELD_NUMBER


class Head(NamedTuple):
    """What all records of a sender have in common, serialised once."""

    begin: bytes
    """The fields before the hash."""
    frame_count: int

    @classmethod
    def of(
        cls,
        *,
        rules: int,
        epoch: int,
        video_id: int,
        tenant_id: str,
        person_id: str,
        permissions: int,
        client_id: bytes,
        frame_count: int,
    ) -> "Head":
        """Of these, as in a Record."""
        common = record_pb2.Record(
            rules=rules,
            epoch=epoch,
            video_id=video_id,
            tenant_id=tenant_id,
            person_id=person_id,
            permissions=permissions,
            client_id=client_id,
        )
        return cls(common.SerializeToString(), frame_count)


class Submission(NamedTuple):
    """A batch that is to be appended."""

    client_seq: int
    hash: int
    payload: bytes
    """A serialised Record."""


def submission(
    document: Document, head: Head, batch: operation_pb2.Batch, *, time_ms: int, service: bool
) -> Submission:
    """Of a batch for a document, stamped with a time. Discards the batch's unknown fields.

    Of a batch that no document can take the record holds the number and the reason alone.
    """
    data = submitted_bytes(batch)
    number, hashed = batch.client_seq, submitted_hash(data)
    frame_count = head.frame_count
    begin = head.begin + _HASH + hashed.to_bytes(8, "little")
    begin += same_number_field(_TIME_MS, time_ms) + same_number_field(_FRAME_COUNT, frame_count)
    refused = check_batch(batch, frame_count=frame_count, service=service)
    if refused is not None:
        named = operation_pb2.Batch(client_seq=number, base_revision=batch.base_revision)
        end = field(_BATCH, named.SerializeToString()) + field(_REFUSED, refused.SerializeToString())
        return Submission(number, hashed, begin + end)
    document.vouch(data, frame_count)
    return Submission(number, hashed, begin + field(_BATCH, data))
