"""The reading side of one direct session: what it is sent next. It pulls, so who does not read costs no memory."""

from collections import deque
from dataclasses import dataclass
from typing import Final

from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.errors import ResourceExhausted
from svc_annotation.core.landed import Audience
from svc_annotation.core.lane import Frame
from svc_annotation.core.member import Note

MAX_NOTES: Final = 256

FULL: Final = service.DELIVERY_FULL
MERGED: Final = service.DELIVERY_MERGED
AUTO: Final = service.DELIVERY_AUTO


class SlowReader(ResourceExhausted):
    """A session whose reader fell too far behind. `resume_revision` in the metadata says where to go on."""

    reason = "SLOW_READER"


@dataclass(frozen=True, slots=True)
class ReaderLimits:
    """How much a reader may be sent before it acknowledges some of it, and how long it may take."""

    unacked_revisions: int = 20_000
    unacked_bytes: int = 16 * 1024 * 1024
    unacked_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Want:
    """The frames that a reader wants next."""

    merged: bool
    after: int
    to: int


class Reader:
    """See the module. `acks`: whether it acknowledges (a stream in one direction cannot)."""

    def __init__(self, audience: Audience, delivery: int, limits: ReaderLimits, *, acks: bool, now: float) -> None:
        self.audience = audience
        self.cursor = 0
        self.acked = 0
        self.merged = delivery == MERGED
        self.delivery = delivery
        self._auto = delivery not in (FULL, MERGED)
        self._limits = limits
        self._acks = acks
        self._moved = now
        self._unacked: deque[tuple[int, int]] = deque()
        self._unacked_bytes = 0
        self._notes: deque[Note] = deque()
        self._presence: bytes | None = None
        self._turn_at: int | None = None

    # What is put in

    def begin(self, revision: int) -> None:
        """It holds the document at a revision."""
        self.cursor = self.acked = revision
        self._unacked.clear()
        self._unacked_bytes = 0

    def note(self, note: Note) -> None:
        """A message for it alone. Raises SlowReader when there are too many."""
        self._notes.append(note)
        if len(self._notes) > MAX_NOTES:
            raise self._slow("it does not read what it is answered")

    def presence(self, payload: bytes) -> None:
        """Who else is here; replaces what has not been sent."""
        self._presence = payload

    def ack(self, revision: int, now: float) -> None:
        """It has received a revision."""
        if revision <= self.acked or revision > self.cursor:
            return
        self.acked = revision
        self._moved = now
        while self._unacked and self._unacked[0][0] <= revision:
            self._unacked_bytes -= self._unacked.popleft()[1]

    def choose(self, merging: bool, head: int) -> bool:
        """`auto`: merged from the present revision on, or full again. True: it changes now."""
        if not self._auto or merging == self.merged or self._turn_at is not None:
            return False
        self._turn_at = head
        return True

    # What comes out

    def take_notes(self) -> list[bytes]:
        """Messages that may be sent now."""
        if not self._notes:
            return []
        due = [note.payload for note in self._notes if note.after_revision <= self.cursor]
        self._notes = deque(note for note in self._notes if note.after_revision > self.cursor)
        return due

    def take_presence(self) -> bytes | None:
        """The latest presence, once."""
        payload, self._presence = self._presence, None
        return payload

    def want(self, head: int) -> Want | None:
        """What it lacks of the document at `head`; None: nothing, or it has to acknowledge first."""
        if self._turn_at is not None and self.cursor >= self._turn_at:
            self.merged, self._turn_at = not self.merged, None
        to = head if self._turn_at is None else min(head, self._turn_at)
        if self.cursor >= to or self.blocked:
            return None
        return Want(self.merged, self.cursor, to)

    def sent(self, frame: Frame, now: float) -> None:
        """A frame was written."""
        if self.acked == self.cursor:
            self._moved = now
        self.cursor = frame.to_revision
        if self._acks:
            self._unacked.append((frame.to_revision, len(frame.payload)))
            self._unacked_bytes += len(frame.payload)
        else:
            self.acked = frame.to_revision

    @property
    def blocked(self) -> bool:
        """It has to acknowledge before it is sent more."""
        limits = self._limits
        return self.cursor - self.acked >= limits.unacked_revisions or self._unacked_bytes >= limits.unacked_bytes

    def check(self, now: float, writing_since: float | None) -> None:
        """Raises SlowReader if it has not moved for too long. `writing_since`: a write has been waiting since then."""
        allowed_s = self._limits.unacked_s
        if self.blocked and now - self._moved > allowed_s:
            raise self._slow("it did not acknowledge what it was sent")
        if writing_since is not None and now - writing_since > allowed_s:
            raise self._slow("it does not read")

    def _slow(self, why: str) -> SlowReader:
        return SlowReader(
            f"this session was cut since {why}; nothing is lost, open again to go on",
            resume_revision=str(self.acked),
        )
