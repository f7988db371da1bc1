"""What a client's end of `Collaborate` consists of, how one reads it, and how it outlives a page."""

from collections.abc import Callable
from enum import Enum

from rushes.annotation.v1.annotation_pb2 import AnnotationState
from rushes.annotation.v1.annotation_service_pb2 import Delivery, Refused
from rushes.annotation.v1.operation_pb2 import Operation
from rushes.document import limit
from rushes.document.pending_item import Sent, Stored, load, store
from rushes.document.replica import Replica
from rushes.document.screen import Screen
from rushes.document.work import Work
from rushes.errors import InvalidArgument
from rushes.type.v1.access_pb2 import PERMISSION_ANNOTATE, Audience


class Phase(Enum):
    """Where the stream is."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    LEAVING = "leaving"
    """It is to be closed: what still comes is not read."""


class PendingState:
    """One client on one video: its confirmed document, its pending work and its screen."""

    def __init__(
        self,
        video_id: int,
        random_bytes: Callable[[int], bytes],
        *,
        audience: Audience.ValueType,
        delivery: Delivery.ValueType,
        stored: Stored | None = None,
    ) -> None:
        self.video_id = video_id
        self.client_id = random_bytes(limit.ID_BYTES)
        self.permissions = 0
        self.phase = Phase.CLOSED
        self._random = random_bytes
        self._audience = audience
        self._delivery = delivery
        self._work = Work(self.client_id)
        self._epoch = 0
        self._opened_epoch = 0
        self._next_seq = 1
        self._committed = False
        self._resend = False
        self._ready = False
        self._new_epoch = False
        self._refused: Refused | None = None
        self._parts: list[AnnotationState] = []
        self._waiting: list[str] = []
        self._next_batch_s = 0.0
        self._last_batch_s = 0.0
        self._next_ack_s = 0.0
        self._acked = 0
        if stored is not None:
            self._load(stored)

    # What one reads.

    @property
    def confirmed(self) -> Replica:
        """The document as the server sent it."""
        return self._work.confirmed

    @property
    def screen(self) -> Screen:
        """The document as a person sees it."""
        return self._work.screen

    @property
    def person_id(self) -> str:
        """Who one is; empty before the first `opened`."""
        return self._work.person_id

    @property
    def in_flight(self) -> int:
        """Batches sent and not received."""
        return len(self._work.sent)

    @property
    def pending_count(self) -> int:
        """Operations that are not known to be saved, those in doubt apart."""
        work = self._work
        return len(work.unsent) + sum(len(batch.items) for batch in work.sent if batch.landed is None)

    @property
    def doubt(self) -> list[Operation]:
        """Operations of which nobody can say whether they were saved."""
        return [item.current() for item in self._work.doubt]

    @property
    def writable(self) -> bool:
        """Whether one may write."""
        return bool(self.permissions >> PERMISSION_ANNOTATE & 1)

    @property
    def waiting(self) -> int:
        """Undos and redos that were asked for, and wait until nothing is pending."""
        return len(self._waiting)

    @property
    def can_undo(self) -> bool:
        """Whether there is something of one's own to undo."""
        return bool(self._work.undo.entries)

    @property
    def can_redo(self) -> bool:
        """Whether there is something to redo."""
        return bool(self._work.redo.entries)

    def dump(self) -> Stored:
        """What must outlive this page, to begin another client with."""
        work = self._work
        return Stored(
            video_id=self.video_id,
            person_id=work.person_id,
            client_id=self.client_id,
            moves_id=work.moves_id,
            epoch=self._epoch,
            next_seq=self._next_seq,
            committed=self._committed,
            sent=[(batch.client_seq, batch.batch, store(batch.items)) for batch in work.sent],
            unsent=store(work.unsent),
            doubt=store(work.doubt),
            texts=sorted(work.base_texts().items()),
        )

    def _load(self, stored: Stored) -> None:
        if stored.video_id != self.video_id:
            raise InvalidArgument("this work is of another video")
        work = self._work
        self.client_id = stored.client_id
        self._epoch = stored.epoch
        self._next_seq = stored.next_seq
        self._committed = stored.committed
        work.person_id = stored.person_id
        work.moves_id = stored.moves_id
        work.sent = [Sent(number, batch, load(items)) for number, batch, items in stored.sent]
        work.unsent = load(stored.unsent)
        work.doubt = load(stored.doubt)
        work.texts = dict(stored.texts)
        kept = [item for batch in work.sent for item in batch.items] + work.unsent + work.doubt
        work.action = max((item.action for item in kept), default=0)
