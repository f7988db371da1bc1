"""The writing side of one session: whether its next batch is taken, and what its sender is told of what landed."""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import operation_pb2
from rushes.document import Applied, Duplicate, Ignored, Refused
from svc_annotation.core.landed import Audience
from svc_annotation.core.rate import PRESENCE_BURST, PRESENCE_S, Bucket

MAX_WAITING: Final = 64
"""Batches of one session that wait to be appended. A client has 8 in flight, twice that after a resend."""


class Take(Enum):
    """What to do with a batch."""

    APPEND = 1
    DROP = 2


@dataclass(frozen=True, slots=True)
class Note:
    """A message for one session; not to be sent before its lane has reached a revision (0: at once)."""

    payload: bytes
    after_revision: int = 0


@dataclass(slots=True, eq=False)
class Member:
    """A session that may write. Without a client_id it only reads."""

    key: int
    person_id: str
    tenant_id: str
    client_id: bytes
    audience: Audience
    permissions: int
    presence: Bucket
    outcomes: bool = False
    """It is served from a merged lane: told of each of its own batches."""
    waiting: deque[operation_pb2.Batch] = field(default_factory=deque)
    stopped: bool = False
    """A batch was refused before it was appended: nothing later may land."""
    missing: int | None = None
    """A batch with this number could not be appended: what was sent after it is sent again."""

    def check(self, batch: operation_pb2.Batch) -> Take:
        """Whether a batch goes on."""
        if self.stopped:
            return Take.DROP
        if self.missing is not None:
            if batch.client_seq > self.missing:
                return Take.DROP
            if batch.client_seq == self.missing:
                self.missing = None
        return Take.APPEND

    def lost(self, client_seq: int) -> None:
        """A batch could not be appended, and the document has not taken it."""
        if self.missing is None or client_seq < self.missing:
            self.missing = client_seq

    def took(self, client_seq: int) -> bool:
        """The document has taken a batch, and so all before it: its sender, who sees that, goes on after it.

        Gives whether that one, or an earlier one, was missing.
        """
        if self.missing is None or client_seq < self.missing:
            return False
        self.missing = client_seq + 1
        return True

    def told(self, result: Applied | Refused | Duplicate | Ignored, client_seq: int) -> Note | None:
        """What this session, which sent the batch, is told of its outcome beside what its lane says."""
        if isinstance(result, Applied):
            return Note(own_outcome(result)) if self.outcomes else None
        if isinstance(result, Refused):
            return Note(refused(self.client_id, client_seq, result.refusal, result.at), result.at)
        if isinstance(result, Duplicate):
            return self._again(result.outcome)
        return Note(refused(self.client_id, client_seq, result.refusal, 0)) if result.refusal is not None else None

    def _again(self, outcome: operation_pb2.Outcome) -> Note:
        """A batch sent twice: on the full lane its commit comes first."""
        if outcome.WhichOneof("result") == "refusal":
            at = outcome.at_revision
            return Note(refused(self.client_id, outcome.client_seq, outcome.refusal, at), at)
        message = service.CollaborateResponse(outcome=service.OwnOutcome(outcome=outcome))
        return Note(message.SerializeToString(), 0 if self.outcomes else outcome.revision)


def new_presence_bucket(now: float) -> Bucket:
    """How often a session may say where it is."""
    return Bucket(PRESENCE_S, PRESENCE_BURST, now)


def own_outcome(applied: Applied) -> bytes:
    """A serialised CollaborateResponse: one's own batch landed, with what it changed."""
    outcome = service.OwnOutcome(outcome=applied.outcome, before=applied.before, edits=applied.edits)
    return service.CollaborateResponse(outcome=outcome).SerializeToString()


def refused(client_id: bytes, client_seq: int, refusal: operation_pb2.Refusal, at_revision: int) -> bytes:
    """A serialised CollaborateResponse: one's own batch was refused."""
    message = service.Refused(
        client_id=client_id,
        client_seq=client_seq,
        at_revision=at_revision,
        index=refusal.index if refusal.HasField("index") else None,
        status=status(refusal.code, refusal.reason, refusal.message),
    )
    return service.CollaborateResponse(refused=message).SerializeToString()


def status(code: int, reason: str, message: str) -> status_pb2.Status:
    """A google.rpc.Status with the reason in an ErrorInfo."""
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="rushes"))
    return status_pb2.Status(code=code, message=message, details=[detail])


def trouble(reason: str, message: str) -> bytes:
    """A serialised CollaborateResponse: batches cannot be made durable now."""
    told = service.CollaborateResponse(trouble=status(code_pb2.UNAVAILABLE, reason, message))
    return told.SerializeToString()


RECOVERED: Final = service.CollaborateResponse(trouble=status_pb2.Status()).SerializeToString()
RESEND: Final = service.CollaborateResponse(resend=service.Resend()).SerializeToString()
