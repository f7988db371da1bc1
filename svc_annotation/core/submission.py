"""A batch as it goes into the log, put together from its bytes, and as it is met once it is back."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from rushes.annotation.v1 import operation_pb2, record_pb2
from rushes.document import submitted_bytes
from rushes.document.operation import hash_bytes, split_checked
from rushes.document.submitted import Sender, Submitted
from rushes.document.wire import LENGTH, field, number_field, same_number_field, tag, varint

MAX_UNDERWAY_BYTES: Final = 16 * 1024 * 1024
_UNDERWAY_BYTES: Final = 1024
"""What a record takes there beside its bytes."""

_FIXED64 = 1
_HASH = tag(record_pb2.Record.HASH_FIELD_NUMBER, _FIXED64)
_TIME_MS = record_pb2.Record.TIME_MS_FIELD_NUMBER
_BATCH = tag(record_pb2.Record.BATCH_FIELD_NUMBER, LENGTH)
_REFUSED = record_pb2.Record.REFUSED_FIELD_NUMBER
_new: Final = tuple.__new__
"""A NamedTuple's own is a function of Python's: twice the time."""


@dataclass(slots=True)
class Head:
    """What all records of a sender have in common, serialised once. Never changed."""

    sender: Sender
    begin: bytes
    """The fields before the hash, which is the next."""
    frame_count: bytes
    """The field that comes after the time."""

    @classmethod
    def of(cls, sender: Sender) -> "Head":
        """Of a sender."""
        common = record_pb2.Record(
            rules=sender.rules,
            epoch=sender.epoch,
            video_id=sender.video_id,
            tenant_id=sender.tenant_id,
            person_id=sender.person_id,
            permissions=sender.permissions,
            client_id=sender.client_id,
        )
        frame_count = number_field(record_pb2.Record.FRAME_COUNT_FIELD_NUMBER, sender.frame_count)
        return cls(sender, common.SerializeToString() + _HASH, frame_count)


class Submission(NamedTuple):
    """A batch that is to be appended."""

    payload: bytes
    """A serialised Record."""
    record: Submitted
    """What the payload says."""


def submission(head: Head, batch: operation_pb2.Batch, *, time_ms: int, service: bool) -> Submission:
    """Of a batch, stamped with a time. Discards the batch's unknown fields; it is never to be changed any more.

    Of a batch that no document can take the record holds the number and the reason alone.
    """
    data = submitted_bytes(batch)
    digest = hash_bytes(data)
    hashed = int.from_bytes(digest, "little")
    sender = head.sender
    found = split_checked(batch, len(data), frame_count=sender.frame_count, service=service)
    stamp = same_number_field(_TIME_MS, time_ms)
    begin = b"".join((head.begin, digest, stamp, head.frame_count, _BATCH))
    if isinstance(found, operation_pb2.Refusal):
        return _refused(sender, begin, batch, found, hashed, time_ms)
    payload = b"".join((begin, varint(len(data)), data))
    number, base = batch.client_seq, batch.base_revision
    record = Submitted(sender, hashed, time_ms, number, base, batch, data, found, True, None)
    return _new(Submission, (payload, record))


def _refused(
    sender: Sender, begin: bytes, batch: operation_pb2.Batch, refused: operation_pb2.Refusal, hashed: int, time_ms: int
) -> Submission:
    number, base = batch.client_seq, batch.base_revision
    named = operation_pb2.Batch(client_seq=number, base_revision=base)
    data = named.SerializeToString()
    payload = begin + varint(len(data)) + data + field(_REFUSED, refused.SerializeToString())
    return Submission(payload, Submitted(sender, hashed, time_ms, number, base, named, data, (), True, refused))


class Underway:
    """Records on their way through the log. What comes back with the same bytes says the same: so it need not be taken
    apart and looked at again. Bounded; what is forgotten is read like any other.
    """

    def __init__(self) -> None:
        self._records: dict[bytes, Submitted] = {}
        self._bytes = 0

    def put(self, submitted: Submission) -> None:
        """One that is about to be appended."""
        payload, record = submitted
        if payload in self._records:  # sent twice within a millisecond
            return
        size_bytes = len(payload) + _UNDERWAY_BYTES
        self._bytes += size_bytes
        if self._bytes > MAX_UNDERWAY_BYTES:
            self._records.clear()
            self._bytes = size_bytes
        self._records[payload] = record

    def take(self, payload: bytes) -> Submitted:
        """What a payload of the log says. Raises DecodeError if it is no record."""
        record = self._records.pop(payload, None)
        if record is None:
            return Submitted.of(record_pb2.Record.FromString(payload))
        self._bytes -= len(payload) + _UNDERWAY_BYTES
        return record
