"""A server of one video and its clients, all in one process and on a virtual clock: every run replays from its seed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from rushes.annotation.v1.annotation_pb2 import (
    ANNOTATION_KIND_COMMENT,
    ANNOTATION_KIND_RECT,
    ANNOTATION_KIND_STROKE,
    ANNOTATION_KIND_TEXT,
    Annotation,
    AnnotationState,
    Attachment,
    Box,
    Position,
    Style,
)
from rushes.annotation.v1.annotation_service_pb2 import (
    DELIVERY_FULL,
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
    Resend,
    Reset,
    SnapshotPart,
)
from rushes.annotation.v1.operation_pb2 import (
    Batch,
    CreateOperation,
    FieldValue,
    FrameRange,
    MoveOperation,
    Operation,
    Outcome,
    Refusal,
    ResizeOperation,
    SetDeletedOperation,
    SetFieldsOperation,
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
from rushes.document.pending import PendingClient
from rushes.document.pending_event import Dropped, Event, InDoubt, Reconnect
from rushes.document.pending_state import Phase
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL, Audience

from google.rpc.error_details_pb2 import ErrorInfo

VIDEO = 7
FRAMES = 240
ALL = 0b111110
NOT_OTHERS = 0b110110
GUEST = 0b100110


FAULTS = {
    "cut": 10,
    "reload": 4,
    "restart": 2,
    "lose": 1,
    "resend": 4,
    "twice": 3,
    "compact": 2,
    "month": 1,
    "lane": 8,
}
"""What breaks, and how often."""


def look(state: AnnotationState | None) -> bytes:
    """What a person sees of an annotation: without times and stamps, which are the server's."""
    if state is None:
        return b""
    shown = Annotation()
    shown.CopyFrom(state.annotation)
    shown.created_ms = shown.updated_ms = 0
    return shown.SerializeToString(deterministic=True)


@dataclass
class Session:
    """One stream: what is on its way in both directions."""

    peer: "Peer"
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

    def open(self, peer: "Peer", request: CollaborateOpen) -> Session:
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
            message = SnapshotPart(
                revision=self.document.revision, index=index, last=index == 1, annotations=part
            )
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
        kept = [record for record in self.log]
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


class Peer:
    """A person at a page."""

    def __init__(self, name: str, permissions: int, audience: Audience.ValueType, random: Random) -> None:
        self.person_id = name
        self.permissions = permissions
        self.audience = audience
        self.random = random
        self.now_s = 0.0
        self.session: Session | None = None
        self.created: list[bytes] = []
        self.exact = True
        self.dropped: list[Operation] = []
        self.doubted: list[Operation] = []
        self.reasons: list[str] = []
        self.client = self.make(None)

    def make(self, stored: object) -> PendingClient:
        """A page's client, perhaps with the work of the page before."""
        return PendingClient(
            VIDEO,
            self.random.randbytes,
            audience=self.audience,
            delivery=DELIVERY_FULL,
            stored=stored,  # type: ignore[arg-type]
        )

    def connect(self, server: Server) -> None:
        """Opens a stream; whatever was on the old one is lost."""
        self.cut(server)
        request = CollaborateRequest.FromString(self.client.connect(3).SerializeToString())
        self.session = server.open(self, request.open)

    def cut(self, server: Server) -> None:
        """The stream breaks."""
        if self.session is not None:
            server.sessions = [each for each in server.sessions if each is not self.session]
            self.session = None
            self.client.disconnected()

    def reload(self, server: Server) -> None:
        """The page is loaded anew; only what it kept is left."""
        self.cut(server)
        self.client = self.make(self.client.dump())

    def heed(self, events: Iterable[Event], server: Server) -> None:
        """Does what the client asks for."""
        for event in events:
            if isinstance(event, Dropped):
                self.dropped.extend(event.operations)
                self.reasons.append(event.reason)
            elif isinstance(event, InDoubt):
                self.doubted.extend(event.operations)
            elif isinstance(event, Reconnect):
                self.reasons.append(event.reason)
                self.connect(server)

    def send(self) -> None:
        """What is due goes on its way; it must not change the screen."""
        if self.session is None:
            return
        before = self.picture()
        self.session.up.extend(self.client.poll(self.now_s))
        assert self.picture() == before

    def receive(self, server: Server) -> None:
        """Takes the next message. One's own batch coming back on the full lane must not change the screen."""
        session = self.session
        if session is None or not session.down:
            return
        response = CollaborateResponse.FromString(session.down.pop(0).SerializeToString())
        own = self.is_own(response)
        if response.HasField("snapshot_part") or response.HasField("merged"):
            # What it skips is known by its result alone: texts may settle otherwise than the server's.
            self.exact = False
        elif not self.client.pending_count:
            self.exact = True
        before = self.picture() if own else []
        events = self.client.receive(response, self.now_s)
        if own and self.client.phase is Phase.OPEN:
            assert self.picture() == before
        self.heed(events, server)

    def is_own(self, response: CollaborateResponse) -> bool:
        """Whether a message is one commit, of a batch of this client, after which nothing but commits came."""
        commits = response.committed.commits
        return (
            len(commits) == 1
            and commits[0].client_id == self.client.client_id
            and commits[0].revision == self.client.confirmed.revision + 1
            and self.session is not None
            and self.exact
            and not self.client.waiting
        )

    def picture(self) -> list[bytes]:
        """All that is on the screen."""
        return [look(state) for state in self.client.screen.annotations]

    def act(self, server: Server) -> None:
        """Does something, as people do."""
        notes = self.client.screen.annotations
        choice = self.random.randrange(14) if notes else 0
        if choice <= 2:
            self.heed(self.client.submit([self.creation(notes)], self.now_s), server)
        elif choice == 3:
            self.heed(self.client.undo(self.now_s), server)
        elif choice == 4:
            self.heed(self.client.redo(self.now_s), server)
        elif choice <= 8:
            state = self.random.choice(notes)
            self.heed(self.client.edit_text(state.annotation.id, self.typed(state.annotation.text), self.now_s), server)
        else:
            count = self.random.choice((1, 1, 1, 2, 25))
            own = [state for state in notes if state.annotation.author_id == self.person_id]
            among = own if own and self.permissions != ALL and self.random.random() < 0.9 else notes
            operations = [self.operation(self.random.choice(among)) for _ in range(count)]
            self.heed(self.client.submit(operations, self.now_s), server)

    def typed(self, text: str) -> str:
        """A text with something put in, taken out or replaced."""
        at = self.random.randint(0, len(text))
        end = min(len(text), at + self.random.choice((0, 0, 0, 1, 3)))
        letters = "".join(self.random.choice("abcä漢🎬") for _ in range(self.random.choice((0, 1, 1, 2, 5))))
        return text[:at] + letters + text[end:]

    def creation(self, notes: list[AnnotationState]) -> Operation:
        """A new annotation; now and then one that the server refuses."""
        random = self.random
        kind = random.choice(
            (ANNOTATION_KIND_COMMENT, ANNOTATION_KIND_TEXT, ANNOTATION_KIND_RECT, ANNOTATION_KIND_STROKE)
        )
        last = FRAMES if random.random() < 0.04 else random.randrange(FRAMES)
        audience = AUDIENCE_CLIENT if self.permissions == GUEST else random.choice((AUDIENCE_CLIENT, AUDIENCE_INTERNAL))
        annotation = Annotation(
            id=random.randbytes(16),
            kind=kind,
            first_frame=random.randint(0, min(last, FRAMES - 1)),
            last_frame=last,
            position=Position(x=random.randint(-9999, 9999), y=random.randint(-9999, 9999)),
            box=Box(left=-10, right=10, top=-5, bottom=5),
            style=Style(color=random.randrange(1 << 24), opacity=255, width=40),
            text="hello" if random.random() < 0.5 else "",
            audience=audience,
        )
        if kind == ANNOTATION_KIND_STROKE:
            annotation.points.extend(random.randint(-50, 50) for _ in range(2 * random.randint(1, 9)))
        if notes and random.random() < 0.3:
            annotation.parent_id = random.choice(notes).annotation.id
        self.created.append(annotation.id)
        return Operation(create=CreateOperation(annotation=annotation))

    def operation(self, state: AnnotationState) -> Operation:
        """A change of an annotation; perhaps of one that this person may not change."""
        random = self.random
        note = state.annotation
        choice = random.randrange(6)
        if choice <= 2:
            to = Position(x=random.randint(-9999, 9999), y=random.randint(-9999, 9999))
            return Operation(move=MoveOperation(id=note.id, to=to))
        if choice == 3:
            return Operation(resize=ResizeOperation(id=note.id, left=random.randint(-99, 0), bottom=random.randint(0, 9)))
        if choice == 4:
            return Operation(set_deleted=SetDeletedOperation(id=note.id, deleted=random.random() < 0.5))
        return Operation(set_fields=SetFieldsOperation(id=note.id, fields=self.fields(note)))

    def fields(self, note: Annotation) -> list[FieldValue]:
        """Some fields with values."""
        random = self.random
        values = [
            FieldValue(field="resolved", flag=random.random() < 0.5),
            FieldValue(field="style/color", number=random.randrange(1 << 24)),
            FieldValue(field="frames", frames=FrameRange(first=1, last=random.randrange(1, FRAMES))),
            FieldValue(field=f"tags/{random.choice('abcdef')}", flag=random.random() < 0.7),
            FieldValue(field="attachments/a1", attachment=Attachment(id="a1", link="https://example.org/a")),
        ]
        if not note.parent_id and random.random() < 0.3:
            values.append(FieldValue(field="audience", audience=AUDIENCE_CLIENT))
        return random.sample(values, random.randint(1, 3))


class World:
    """Five people on one video, with all that goes wrong."""

    def __init__(self, seed: int, *, merged: bool = True, faults: bool = True) -> None:
        self.random = Random(seed)
        self.merged = merged
        self.faults = faults
        self.server = Server(self.random)
        self.peers = [
            Peer("ann", ALL, AUDIENCE_INTERNAL, self.random),
            Peer("bob", ALL, AUDIENCE_INTERNAL, self.random),
            Peer("cem", NOT_OTHERS, AUDIENCE_INTERNAL, self.random),
            Peer("dee", ALL, AUDIENCE_INTERNAL, self.random),
            Peer("guest", GUEST, AUDIENCE_CLIENT, self.random),
        ]

    def step(self) -> None:
        """Somebody does something, or a message gets somewhere, or something breaks."""
        random, server = self.random, self.server
        server.now_ms += random.randrange(40)
        peer = random.choice(self.peers)
        peer.now_s += random.choice((0.0, 0.01, 0.06))
        session = peer.session
        choice = random.random()
        if choice < 0.2:
            peer.act(server)
        elif choice < 0.4:
            peer.send()
        elif session is None:
            if random.random() < 0.3:
                peer.connect(server)
        elif choice < 0.55 and session.up:
            server.take(session, session.up.pop(0))
        elif choice < 0.6:
            server.fold()
        elif choice < 0.7:
            server.pump(session)
        elif choice < 0.97:
            peer.receive(server)
        elif self.faults:
            self.break_something(peer, session)

    def break_something(self, peer: Peer, session: Session) -> None:
        """A cut, a reload, a restart, a change of lane, a message sent twice."""
        fault = self.random.choices(list(FAULTS), list(FAULTS.values()))[0]
        if fault == "cut":
            peer.cut(self.server)
        elif fault == "reload":
            peer.reload(self.server)
        elif fault in ("restart", "lose"):
            self.server.restart()
            if fault == "lose":
                self.server.lose_tail(max(0, self.server.document.revision - self.random.randrange(6)))
            for each in self.peers:
                each.cut(self.server)
        elif fault == "resend":
            session.down.append(CollaborateResponse(resend=Resend()))
        elif fault == "twice" and session.up:
            session.up.append(session.up[0])
        elif fault == "compact":
            self.server.first_kept = self.server.document.revision
        elif fault == "month":
            self.server.now_ms += 31 * 24 * 3600 * 1000
        elif fault == "lane" and self.merged:
            self.server.pump(session)
            session.merged = not session.merged

    def settle(self) -> None:
        """Everybody comes back, and all that is on its way arrives."""
        for _ in range(10_000):
            for peer in self.peers:
                peer.now_s += 0.06
                if peer.session is None:
                    peer.connect(self.server)
                if peer.client.doubt and self.random.random() < 0.5:
                    peer.client.discard_doubt()
                elif peer.client.doubt:
                    peer.heed(peer.client.resend_doubt(peer.now_s), self.server)
                peer.send()
                session = peer.session
                while session is not None and session is peer.session and session.up:
                    self.server.take(session, session.up.pop(0))
            self.server.fold()
            for peer in self.peers:
                if peer.session is not None:
                    self.server.pump(peer.session)
                while peer.session is not None and peer.session.down:
                    peer.receive(self.server)
            if all(self.quiet(peer) for peer in self.peers):
                return
        raise AssertionError("it never ends")

    def quiet(self, peer: Peer) -> bool:
        """Whether nothing more happens to somebody."""
        client = peer.client
        return (
            client.phase is Phase.OPEN
            and not client.pending_count
            and not client.in_flight
            and client.confirmed.revision == self.server.document.revision
        )

    def check(self) -> None:
        """Everybody has the same document, and sees it."""
        for peer in self.peers:
            want = [state.SerializeToString(deterministic=True) for state in self.wanted(peer)]
            have = [state.SerializeToString(deterministic=True) for state in peer.client.confirmed.annotations]
            assert have == want, peer.person_id
            shown = [state.SerializeToString(deterministic=True) for state in peer.client.screen.annotations]
            assert shown == have, peer.person_id

    def wanted(self, peer: Peer) -> list[AnnotationState]:
        """What the server would show this person."""
        return visible_annotations(self.server.document, peer.audience)


def outcome_numbers(outcomes: Iterable[Outcome]) -> list[int]:
    """Their numbers."""
    return [outcome.client_seq for outcome in outcomes]
