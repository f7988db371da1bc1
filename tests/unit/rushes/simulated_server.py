"""A server of one video without I/O: the log, its fold and the lanes."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from google.rpc.error_details_pb2 import ErrorInfo

from rushes.annotation.v1.annotation_service_pb2 import (
    RESET_REASON_COMPACTED,
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
    SnapshotPart,
)
from rushes.annotation.v1.operation_pb2 import (
    Batch,
    Refusal,
)
from rushes.annotation.v1.record_pb2 import Record
from rushes.document import (
    Applied,
    Document,
    Duplicate,
    Result,
    apply,
    check_batch,
    submitted_hash,
    view,
    visible_annotations,
)
from rushes.document import result as results

if TYPE_CHECKING:
    from tests.unit.rushes.simulated_peer import Peer

VIDEO = 7
FRAMES = 240
ALL = 0b111110
NOT_OTHERS = 0b110110
GUEST = 0b100110


@dataclass
class Session:
    """One stream: what is on its way in both directions."""

    peer: Peer
    client_id: bytes
    merged: bool
    reached: int = 0
    up: list[CollaborateRequest] = field(default_factory=list)
    down: list[CollaborateResponse] = field(default_factory=list)
    held: list[Refused] = field(default_factory=list)
    outcomes: list[tuple[int, OwnOutcome]] = field(default_factory=list)


class Server:
    """The log, its fold, and the lanes."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.epoch = 1
        self.document = Document(VIDEO, self.epoch)
        self.log: list[Record] = []
        self.folded = 0
        self.applied: list[Applied] = []
        self.sessions: list[Session] = []
        self.now_ms = 1_000_000
        self.first_kept = 0

    def open(self, peer: Peer, request: CollaborateOpen) -> Session:
        """A new stream of a client: supersedes an older one."""
        self.sessions = [each for each in self.sessions if each.client_id != request.client_id]
        session = Session(peer, request.client_id, merged=False)
        self.sessions.append(session)
        window = self.document.window(peer.person_id, request.client_id, self.now_ms)
        opened = CollaborateOpened(
            epoch=self.epoch,
            revision=self.document.revision,
            outcomes=window.outcomes if window else [],
            known=window is not None,
            closed=bool(window and window.closed),
            person_id=peer.person_id,
            permissions=peer.permissions,
            audience=peer.audience,
            time_ms=self.now_ms,
        )
        session.down.append(CollaborateResponse(opened=opened))
        resumes = request.HasField("resume_revision") and request.epoch == self.epoch
        if resumes and request.resume_revision >= self.first_kept:
            session.reached = request.resume_revision
            return session
        if request.HasField("resume_revision"):
            reason = RESET_REASON_COMPACTED if resumes else RESET_REASON_EPOCH
            session.down.append(CollaborateResponse(reset=Reset(reason=reason, epoch=self.epoch)))
        states = visible_annotations(self.document, peer.audience)
        self.random.shuffle(states)
        half = len(states) // 2
        for index, part in enumerate((states[:half], states[half:])):
            message = SnapshotPart(revision=self.document.revision, index=index, last=index == 1, annotations=part)
            session.down.append(CollaborateResponse(snapshot_part=message))
        session.reached = self.document.revision
        return session

    def take(self, session: Session, request: CollaborateRequest) -> None:
        """A message of a client: a batch is checked and appended."""
        if not request.HasField("submit"):
            return
        batch = Batch.FromString(request.submit.SerializeToString())
        hashed = submitted_hash(batch)
        refused = check_batch(batch, frame_count=FRAMES, service=False)
        if refused is not None:
            del batch.operations[:]
        record = Record(
            rules=1,
            epoch=self.epoch,
            video_id=VIDEO,
            person_id=session.peer.person_id,
            permissions=session.peer.permissions,
            client_id=session.client_id,
            hash=hashed,
            time_ms=self.now_ms,
            frame_count=FRAMES,
            batch=batch,
            refused=refused,
        )
        self.log.append(record)

    def fold(self) -> None:
        """What is appended comes back from the log."""
        while self.folded < len(self.log):
            record = Record.FromString(self.log[self.folded].SerializeToString())
            self.folded += 1
            self.answer(record, apply(self.document, record))

    def answer(self, record: Record, result: Result) -> None:
        """Tells the sender what the lanes do not tell."""
        if isinstance(result, Applied):
            self.applied.append(result)
        for session in self.sessions:
            if session.client_id != record.client_id or session.peer.person_id != record.person_id:
                continue
            if isinstance(result, Applied):
                own = OwnOutcome(outcome=result.outcome, before=result.before, edits=result.edits)
                session.outcomes.append((result.commit.revision, own))
            elif isinstance(result, Duplicate) and result.outcome.HasField("revision"):
                session.down.append(CollaborateResponse(outcome=OwnOutcome(outcome=result.outcome)))
            elif isinstance(result, Duplicate):
                session.held.append(self.refused(record, result.outcome.refusal, result.outcome.at_revision))
            elif isinstance(result, results.Refused):
                session.held.append(self.refused(record, result.refusal, result.at))
            elif result.refusal is not None:
                session.held.append(self.refused(record, result.refusal, self.document.revision))

    def refused(self, record: Record, refusal: Refusal, at: int) -> Refused:
        """A refusal as its sender receives it."""
        message = Refused(client_id=record.client_id, client_seq=record.batch.client_seq, at_revision=at)
        if refusal.HasField("index"):
            message.index = refusal.index
        message.status.code = refusal.code
        message.status.message = refusal.message
        message.status.details.add().Pack(ErrorInfo(reason=refusal.reason, domain="rushes"))
        return message

    def pump(self, session: Session) -> None:
        """Puts what is new on the session's lane on its way."""
        to = self.document.revision
        if session.reached < to:
            news = self.applied[session.reached : to]
            if session.merged:
                self._pump_merged(session, news, to)
            else:
                self._pump_full(session, news)
            session.reached = to
        session.outcomes = [each for each in session.outcomes if each[0] > to]
        for refused in [each for each in session.held if each.at_revision <= session.reached]:
            session.held.remove(refused)
            session.down.append(CollaborateResponse(refused=refused))

    def _pump_full(self, session: Session, news: list[Applied]) -> None:
        for applied in news:
            commit = view(applied, session.peer.audience)
            if commit is None:
                session.down.append(CollaborateResponse(progress_revision=applied.commit.revision))
            else:
                session.down.append(CollaborateResponse(committed=Committed(commits=[commit])))

    def _pump_merged(self, session: Session, news: list[Applied], to: int) -> None:
        for revision, own in session.outcomes:
            if session.reached < revision <= to:
                session.down.append(CollaborateResponse(outcome=own))
        touched = {annotation_id for applied in news for annotation_id in applied.touched}
        states = [
            state
            for state in visible_annotations(self.document, session.peer.audience)
            if state.annotation.id in touched
        ]
        merged = Merged(from_revision=session.reached, to_revision=to, annotations=states)
        session.down.append(CollaborateResponse(merged=merged))

    def restart(self) -> None:
        """The process dies and begins again from a snapshot and the log; streams are gone."""
        self.fold()
        self.document = Document.from_state(self.document.to_state(), self.epoch)
        self.sessions.clear()

    def lose_tail(self, keep: int) -> None:
        """A restore: the last revisions never were, and the log is another incarnation."""
        self.epoch += 1
        kept = list(self.log)
        self.document = Document(VIDEO, self.epoch)
        self.applied = []
        self.log = []
        for record in kept:
            if self.document.revision >= keep:
                break
            again = Record.FromString(record.SerializeToString())
            again.epoch = 0
            result = apply(self.document, again)
            self.log.append(record)
            if isinstance(result, Applied):
                self.applied.append(result)
        self.folded = len(self.log)
        self.sessions.clear()
