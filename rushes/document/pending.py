"""A client's end of `Collaborate`, sans-IO: what to send, when, and what becomes of it.

Messages, the time and random bytes come in; requests and events go out. Whoever drives it moves bytes and decides
nothing. The annotation model's "Transformation" and "Numbers: exactly once" are what it keeps to.
"""

from collections.abc import Iterable
from typing import Final

from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from rushes.annotation.v1.annotation_service_pb2 import (
    RESET_REASON_EPOCH,
    CollaborateOpen,
    CollaborateOpened,
    CollaborateRequest,
    CollaborateResponse,
    Committed,
    Merged,
    OwnOutcome,
    Refused,
    Reset,
    Rights,
    SnapshotPart,
)
from rushes.annotation.v1.operation_pb2 import Commit, Operation, Outcome
from rushes.document import limit, text
from rushes.document.operation import check_operation
from rushes.document.pending_event import (
    Dropped,
    Event,
    InDoubt,
    NotSaved,
    Opened,
    PongReceived,
    PresenceReceived,
    Reconnect,
    RightsChanged,
    Trouble,
    UndoVoid,
)
from rushes.document.pending_item import DO, REDO, UNDO, Sent
from rushes.document.pending_state import PendingState, Phase
from rushes.document.refusal import REASONS, Refuse
from rushes.document.undo import DEPTH
from rushes.errors import InvalidArgument, NotFound

BATCH_EVERY_S: Final = 0.05
ACK_EVERY_S: Final = 2.0
"""How often a client says how far it has read, a quarter more or less: each at a pace of its own, since thousands who
had their first note together would all say so together for ever."""
IDLE_S: Final = 24 * 3600.0


class PendingClient(PendingState):
    """One client on one video: its confirmed document, its pending work and its screen."""

    # What a person does.

    def submit(self, operations: Iterable[Operation], now_s: float) -> list[Event]:
        """One action: on the screen at once, sent when it may. Raises InvalidArgument and then does nothing."""
        own = list(operations)
        lengths: dict[bytes, int] = {}
        for operation in own:
            _check(operation)
            if operation.HasField("create"):
                lengths[operation.create.annotation.id] = len(operation.create.annotation.text)
            elif operation.HasField("edit_text"):
                self._check_edit(operation, lengths)
        events = self._rename_if_idle(now_s)
        self._waiting.clear()
        return [*events, *self._work.add(own, DO)] if own else events

    def edit_text(self, annotation_id: bytes, after: str, now_s: float) -> list[Event]:
        """The text of an annotation as it shall be. Raises NotFound and InvalidArgument and then does nothing."""
        state = self.screen.get(annotation_id)
        if state is None:
            raise NotFound("there is no such annotation")
        if text.has_surrogate(after):
            raise InvalidArgument("the text holds half of a surrogate pair", reason="INVALID_EDIT")
        if len(after.encode()) > limit.MAX_TEXT_BYTES:
            raise InvalidArgument(REASONS["TEXT_TOO_LONG"][1], reason="TEXT_TOO_LONG")
        events = self._rename_if_idle(now_s)
        self._waiting.clear()
        return [*events, *self._work.type(annotation_id, state.annotation.text, after)]

    def undo(self, now_s: float) -> list[Event]:
        """Undoes one's own last batch; waits while anything is pending, until the next thing one does."""
        return self._ask_back(UNDO, now_s)

    def redo(self, now_s: float) -> list[Event]:
        """Undoes the undo."""
        return self._ask_back(REDO, now_s)

    def resend_doubt(self, now_s: float) -> list[Event]:
        """What is in doubt goes out as new work, but for annotations that there are."""
        return [*self._rename_if_idle(now_s), *self._work.add(self._work.take_doubt(), DO)]

    def discard_doubt(self) -> None:
        """What is in doubt is forgotten."""
        self._work.doubt = []

    # What goes out.

    def connect(self, frame: int) -> CollaborateRequest:
        """The first message of a new stream."""
        self.phase = Phase.OPENING
        self._resend = False
        self._parts = []
        if not self._work.sent and self._next_seq > 1:
            self._rename()
        # With nothing of the document there is no revision to resume from.
        self._ready = self.confirmed.epoch != 0
        request = CollaborateOpen(
            video_id=self.video_id,
            client_id=self.client_id,
            frame=frame,
            delivery=self._delivery,
            audience=self._audience,
        )
        if self._ready:
            request.resume_revision = self.confirmed.revision
            request.epoch = self.confirmed.epoch
        return CollaborateRequest(open=request)

    def disconnected(self) -> None:
        """The stream is closed."""
        self.phase = Phase.CLOSED

    def poll(self, now_s: float) -> list[CollaborateRequest]:
        """What is to be sent now, in order."""
        requests: list[CollaborateRequest] = []
        if self.phase is not Phase.OPEN:
            return requests
        if self._may_send():
            if self._resend:
                self._resend = False
                unanswered = [batch for batch in self._work.sent if batch.landed is None]
                requests.extend(CollaborateRequest(submit=batch.message()) for batch in unanswered)
            batch = self._cut() if now_s >= self._next_batch_s else None
            if batch is not None:
                self._next_batch_s = now_s + BATCH_EVERY_S
                self._last_batch_s = now_s
                requests.append(CollaborateRequest(submit=batch.message()))
        if self.confirmed.revision > self._acked and now_s >= self._next_ack_s:
            self._next_ack_s = now_s + ACK_EVERY_S * (0.75 + self.client_id[-1] / 510)
            self._acked = self.confirmed.revision
            requests.append(CollaborateRequest(ack_revision=self._acked))
        return requests

    def wake_at(self, now_s: float) -> float | None:
        """When `poll` may have something to send; None: not before something is received or done."""
        if self.phase is not Phase.OPEN:
            return None
        times: list[float] = []
        if self._may_send() and self._resend:
            times.append(now_s)
        if self._may_send() and self.in_flight < limit.MAX_IN_FLIGHT and self._work.next_items():
            times.append(self._next_batch_s)
        if self.confirmed.revision > self._acked:
            times.append(self._next_ack_s)
        return min(times) if times else None

    # What comes in.

    def receive(self, response: CollaborateResponse, now_s: float) -> list[Event]:
        """Takes a message of the server."""
        if self.phase not in (Phase.OPENING, Phase.OPEN):
            return []
        kind = response.WhichOneof("message")
        if kind is None or (self.phase is Phase.OPENING) != (kind == "opened"):
            return []
        if kind == "presence":
            return [PresenceReceived(response.presence)]
        if kind == "pong":
            return [PongReceived(response.pong)]
        if kind == "trouble":
            return [Trouble(response.trouble)]
        try:
            events: list[Event] = getattr(self, f"_on_{kind}")(getattr(response, kind))
        except Refuse:
            # A commit that does not fit what is here: begin with a snapshot rather than go on with what differs.
            self.confirmed.epoch = 0
            return self._leave("DIVERGED")
        return [*events, *self._go_on(), *self._take_back()]

    def _on_opened(self, opened: CollaborateOpened) -> list[Event]:
        self.phase = Phase.OPEN
        self.permissions = opened.permissions
        work = self._work
        stranger = work.person_id not in ("", opened.person_id)
        work.person_id = opened.person_id
        self._new_epoch = self._epoch not in (0, opened.epoch)
        self._opened_epoch = opened.epoch
        if not self._new_epoch:
            self._epoch = opened.epoch
        self._resend = True
        self._acked = self.confirmed.revision
        work.rebuild()
        events: list[Event] = [Opened(opened.time_ms), RightsChanged(opened.permissions)]
        if stranger:
            return [*events, *self._put_in_doubt("OTHER_PERSON", everything=True)]
        if self._new_epoch:
            self._ready = False
            for batch in work.sent:
                batch.landed = None
        for outcome in opened.outcomes:
            self._take_outcome(outcome)
        if self._new_epoch:
            return events
        unanswered = [batch.client_seq for batch in work.sent if batch.landed is None]
        last = max((outcome.client_seq for outcome in opened.outcomes), default=0)
        if unanswered and self._committed and (not opened.known or last + 1 < unanswered[0]):
            return [*events, *self._put_in_doubt("UNKNOWN_CLIENT")]
        if opened.closed and self._refused is None:
            self._refused = self._refusal("ABORTED", opened.revision)
        return events

    def _on_snapshot_part(self, part: SnapshotPart) -> list[Event]:
        if part.index == 0:
            self._parts = []
        self._parts.extend(part.annotations)
        self._ready = False
        if not part.last:
            return []
        parts, self._parts = self._parts, []
        work = self._work
        events: list[Event] = []
        if self._new_epoch:
            work.undo.clear()
            work.redo.clear()
        events.extend(work.restart(parts, part.revision, self._opened_epoch))
        self._ready = True
        if self._new_epoch:
            events.extend(self._begin_epoch())
        elif work.moves_id != self.client_id:
            work.restate(self.client_id)
            work.rebuild()
        return events

    def _begin_epoch(self) -> list[Event]:
        """What is not known to be saved goes out as new work; stamps of the old log mean nothing in the new one."""
        work = self._work
        self._new_epoch = False
        self._epoch = self._opened_epoch
        work.renew(self.client_id)
        events: list[Event] = []
        restores = [item for item in work.unsent if item.operation.HasField("restore")]
        if restores:
            events.append(Dropped(work.drop(restores), "STALE_BASE", REASONS["STALE_BASE"][1]))
        self._rename()
        work.rebuild()
        return [*events, *self._leave("EPOCH")]

    def _on_committed(self, committed: Committed) -> list[Event]:
        events: list[Event] = []
        for commit in committed.commits:
            if not self._ready or commit.revision <= self.confirmed.revision:
                continue
            if commit.revision != self.confirmed.revision + 1:
                return [*events, *self._leave("HOLE")]
            own = self._own(commit)
            if own is not None:
                self._committed = True
            events.extend(self._work.commit(commit, own))
        return events

    def _on_merged(self, merged: Merged) -> list[Event]:
        if not self._ready or merged.to_revision <= self.confirmed.revision:
            return []
        if merged.from_revision > self.confirmed.revision:
            return self._leave("HOLE")
        return self._work.merge(merged.annotations, merged.to_revision)

    def _on_progress_revision(self, revision: int) -> list[Event]:
        return self._work.progress(revision) if self._ready else []

    def _on_outcome(self, own: OwnOutcome) -> list[Event]:
        for batch in self._work.sent:
            if batch.client_seq == own.outcome.client_seq and batch.landed is None:
                only_texts = all(item.edit is not None for item in batch.items)
                batch.before = list(own.before) if own.before or only_texts else None
        self._take_outcome(own.outcome)
        return self._work.progress(self.confirmed.revision) if self._ready else []

    def _on_refused(self, refused: Refused) -> list[Event]:
        if refused.client_id != self.client_id:
            return []
        reason = _reason(refused.status)
        if reason == "OUT_OF_ORDER":
            return self._leave(reason)
        if reason == "UNKNOWN_CLIENT":
            return self._put_in_doubt(reason)
        if self._refused is None or refused.client_seq < self._refused.client_seq:
            self._refused = refused
        return []

    def _on_resend(self, _: object) -> list[Event]:
        self._resend = True
        return []

    def _on_reset(self, reset: Reset) -> list[Event]:
        self._ready = False
        self._parts = []
        if reset.reason == RESET_REASON_EPOCH and reset.epoch != self._opened_epoch:
            # The log began anew while the stream was open: what `opened` says of this client counts.
            return self._leave("EPOCH")
        return []

    def _on_rights(self, rights: Rights) -> list[Event]:
        self.permissions = rights.permissions
        events: list[Event] = [RightsChanged(rights.permissions)]
        if not self.writable and self.pending_count:
            events.append(NotSaved())
        return events

    # The parts of it.

    def _may_send(self) -> bool:
        return self._ready and self.writable and self._refused is None and not self._new_epoch

    def _cut(self) -> Sent | None:
        if self.in_flight >= limit.MAX_IN_FLIGHT:
            return None
        batch = self._work.cut(self._next_seq)
        if batch is not None:
            self._next_seq += 1
        return batch

    def _own(self, commit: Commit) -> Sent | None:
        first = self._work.sent[0] if self._work.sent else None
        if first is None:
            return None
        mine = commit.client_id == self.client_id and commit.person_id == self.person_id
        return first if first.landed == commit.revision or (mine and commit.client_seq == first.client_seq) else None

    def _take_outcome(self, outcome: Outcome) -> None:
        for batch in self._work.sent:
            if batch.client_seq != outcome.client_seq or batch.landed is not None:
                continue
            if outcome.HasField("revision"):
                batch.landed = outcome.revision
                self._committed = True
            elif self._refused is None:
                self._refused = self._refusal(outcome.refusal.reason, outcome.at_revision)
                self._refused.client_seq = outcome.client_seq
                self._refused.status.message = outcome.refusal.message
                if outcome.refusal.HasField("index"):
                    self._refused.index = outcome.refusal.index

    def _refusal(self, reason: str, at_revision: int) -> Refused:
        refused = Refused(client_id=self.client_id, at_revision=at_revision)
        refused.status.details.add().Pack(ErrorInfo(reason=reason, domain="rushes"))
        return refused

    def _go_on(self) -> list[Event]:
        """Deals with a refusal once all that came before it is here."""
        refused = self._refused
        if refused is None or not self._ready or self.confirmed.revision < refused.at_revision:
            return []
        self._refused = None
        work = self._work
        unanswered = (each for each in work.sent if each.landed is None)
        batch = next((each for each in unanswered if each.client_seq == refused.client_seq), None)
        reason = _reason(refused.status)
        work.renew(self.client_id)
        failed = []
        if batch is not None and refused.HasField("index"):
            failed = batch.items[refused.index : refused.index + 1]
        elif batch is not None and reason not in ("STALE_BASE", "MAY_NOT_ANNOTATE", "ABORTED"):
            failed = batch.items
        events: list[Event] = []
        if failed:
            events.append(Dropped(work.drop(failed), reason, refused.status.message))
        if reason == "MAY_NOT_ANNOTATE":
            events.append(NotSaved())
        self._rename()
        work.rebuild()
        return [*events, *self._leave(reason)]

    def _put_in_doubt(self, reason: str, *, everything: bool = False) -> list[Event]:
        work = self._work
        doubtful = work.put_in_doubt(everything)
        self._rename()
        work.rebuild()
        return [*([InDoubt(doubtful)] if doubtful else []), *self._leave(reason)]

    def _rename(self) -> None:
        """Takes a new client_id; nothing is in flight."""
        self.client_id = self._random(limit.ID_BYTES)
        self._next_seq = 1
        self._committed = False
        self._refused = None
        if self.confirmed.epoch:
            self._work.restate(self.client_id)

    def _rename_if_idle(self, now_s: float) -> list[Event]:
        idle = self._next_seq > 1 and not self._work.sent and now_s - self._last_batch_s > IDLE_S
        if self.phase is not Phase.OPEN or not idle:
            return []
        self._rename()
        return self._leave("IDLE")

    def _leave(self, reason: str) -> list[Event]:
        self.phase = Phase.LEAVING
        return [Reconnect(reason)]

    def _ask_back(self, kind: str, now_s: float) -> list[Event]:
        if len(self._waiting) < DEPTH:
            self._waiting.append(kind)
        return [*self._rename_if_idle(now_s), *self._take_back()]

    def _take_back(self) -> list[Event]:
        """Does the undo or redo that is waited for, once nothing is pending."""
        work = self._work
        if not self._waiting or work.sent or work.unsent or not self._ready:
            return []
        events = work.take_back(self._waiting.pop(0))
        return [UndoVoid()] if events is None else events

    def _check_edit(self, operation: Operation, lengths: dict[bytes, int]) -> None:
        annotation_id = operation.edit_text.id
        state = self.screen.get(annotation_id)
        length = lengths.get(annotation_id, len(state.annotation.text) if state is not None else 0)
        edit = text.from_pieces(operation.edit_text.pieces)
        if text.length_before(edit) != length:
            raise InvalidArgument(REASONS["TEXT_MISMATCH"][1], reason="TEXT_MISMATCH")
        lengths[annotation_id] = text.length_after(edit)


def _check(operation: Operation) -> None:
    try:
        check_operation(operation)
    except Refuse as error:
        raise InvalidArgument(REASONS[error.reason][1], reason=error.reason) from None


def _reason(status: Status) -> str:
    """The reason in a status that a refusal carries."""
    for detail in status.details:
        info = ErrorInfo()
        if detail.Unpack(info):
            return str(info.reason)
    return "UNKNOWN"
