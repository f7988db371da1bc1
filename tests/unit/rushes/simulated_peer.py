"""A person at a page: what people do, over a stream that may break."""

from collections.abc import Callable, Iterable
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
    CollaborateRequest,
    CollaborateResponse,
)
from rushes.annotation.v1.operation_pb2 import (
    CreateOperation,
    FieldValue,
    FrameRange,
    MoveOperation,
    Operation,
    ResizeOperation,
    SetDeletedOperation,
    SetFieldsOperation,
)
from rushes.document.pending import PendingClient
from rushes.document.pending_event import Dropped, Event, InDoubt, Reconnect
from rushes.document.pending_item import Stored
from rushes.document.pending_state import Phase
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL, Audience
from tests.unit.rushes.simulated_server import ALL, FRAMES, GUEST, VIDEO, Server, Session


def look(state: AnnotationState | None) -> bytes:
    """What a person sees of an annotation: without times and stamps, which are the server's."""
    if state is None:
        return b""
    shown = Annotation()
    shown.CopyFrom(state.annotation)
    shown.created_ms = shown.updated_ms = 0
    return shown.SerializeToString(deterministic=True)


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
        self.typist = False
        """Whether most of what this person does is typing at the ends of one text."""
        self.random_bytes: Callable[[int], bytes] = random.randbytes
        self.client = self.make(None)

    def make(self, stored: Stored | None) -> PendingClient:
        """A page's client, perhaps with the work of the page before."""
        return PendingClient(VIDEO, self.random_bytes, audience=self.audience, delivery=DELIVERY_FULL, stored=stored)

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
            self.exact = not self.client.pending_count
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
        if notes and self.typist and self.random.random() < 0.8:
            first = notes[0].annotation
            at = self.random.choice((0, len(first.text)))
            typed = first.text[:at] + self.random.choice("abc") + first.text[at:]
            self.heed(self.client.edit_text(first.id, typed, self.now_s), server)
            return
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
            return Operation(
                resize=ResizeOperation(id=note.id, left=random.randint(-99, 0), bottom=random.randint(0, 9))
            )
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
