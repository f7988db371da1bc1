"""The state of one video's fold: its annotations, and what exactly-once and transformation need to know."""

from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from rushes.annotation.v1.annotation_pb2 import Annotation, AnnotationState
from rushes.annotation.v1.operation_pb2 import Commit, EditTextOperation, Outcome, Refusal
from rushes.annotation.v1.record_pb2 import ClientWindow, DocumentState, LandedEdit, RevisionTime
from rushes.document import limit, text
from rushes.document.table import Table


@dataclass(slots=True)
class Kept:
    """What became of a batch, as a client's window holds it. Never changed."""

    client_seq: int
    hash: int
    revision: int = 0
    """0: refused."""
    refusal: Refusal | None = None
    at_revision: int = 0

    @classmethod
    def of(cls, outcome: Outcome) -> "Kept":
        """From a snapshot."""
        if outcome.HasField("revision"):
            return cls(outcome.client_seq, outcome.hash, outcome.revision)
        refusal = Refusal()
        refusal.CopyFrom(outcome.refusal)
        return cls(outcome.client_seq, outcome.hash, 0, refusal, outcome.at_revision)

    def message(self) -> Outcome:
        """As it is sent and stored."""
        if self.refusal is None:
            return Outcome(client_seq=self.client_seq, hash=self.hash, revision=self.revision)
        return Outcome(client_seq=self.client_seq, hash=self.hash, refusal=self.refusal, at_revision=self.at_revision)


@dataclass(slots=True)
class Window:
    """What is known of one client."""

    person_id: str
    client_id: bytes
    last_seq: int = 0
    closed: bool = False
    last_ms: int = 0
    outcomes: list[Kept] = field(default_factory=list)
    _author: bytes = b""
    _author_of_note: bytes | None = None

    @property
    def author(self) -> bytes:
        """The fields of a commit that say who made it, serialised: the same in all that this client lands."""
        if not self._author:
            whose = Commit(person_id=self.person_id, client_id=self.client_id)
            self._author = whose.SerializeToString()
        return self._author

    @property
    def author_of_note(self) -> bytes:
        """The field of an annotation that says who made it."""
        if self._author_of_note is None:
            self._author_of_note = Annotation(author_id=self.person_id).SerializeToString()
        return self._author_of_note

    def copy(self) -> "Window":
        """As it is now."""
        return Window(self.person_id, self.client_id, self.last_seq, self.closed, self.last_ms, self.outcomes[:])

    def message(self) -> ClientWindow:
        """As a snapshot holds it."""
        return ClientWindow(
            person_id=self.person_id,
            client_id=self.client_id,
            last_seq=self.last_seq,
            closed=self.closed,
            last_ms=self.last_ms,
            outcomes=[kept.message() for kept in self.outcomes],
        )


class LandedText(NamedTuple):
    """A text edit as applied: later ones are moved past it."""

    revision: int
    person_id: str
    client_id: bytes
    annotation_id: bytes
    edit: text.Edit

    @classmethod
    def of(cls, revision: int, person_id: str, client_id: bytes, edit: EditTextOperation) -> "LandedText":
        """As a commit or a snapshot holds it."""
        return cls(revision, person_id, client_id, edit.id, text.from_pieces(edit.pieces))

    def message(self) -> LandedEdit:
        """As a snapshot holds it."""
        edit = EditTextOperation(id=self.annotation_id, pieces=text.to_pieces(self.edit))
        return LandedEdit(revision=self.revision, person_id=self.person_id, client_id=self.client_id, edit=edit)


@dataclass(frozen=True, slots=True)
class Frozen:
    """A document at one moment, taken without copying what is in it: may be serialised in another thread."""

    video_id: int
    ordinal: int
    revision: int
    time_ms: int
    annotations: list[AnnotationState | bytes]
    """See `Table.held`."""
    clients: list[Window]
    edits: list[LandedText]
    times: list[RevisionTime]

    def to_state(self) -> DocumentState:
        """The message that a snapshot is."""
        return DocumentState(
            video_id=self.video_id,
            ordinal=self.ordinal,
            revision=self.revision,
            time_ms=self.time_ms,
            annotations=[
                AnnotationState.FromString(each) if isinstance(each, bytes) else each for each in self.annotations
            ],
            clients=[window.message() for window in self.clients],
            edits=[edit.message() for edit in self.edits],
            times=self.times,
        )


class Document(Table):
    """Everything that the fold of one video depends on. Only `apply` changes it."""

    def __init__(self, video_id: int, epoch: int) -> None:
        super().__init__()
        self.video_id = video_id
        self.epoch = epoch
        """Incarnation of the log, from the history's metadata: no part of the state."""
        self.ordinal = 0
        """Records that changed the state so far."""
        self.revision = 0
        self.time_ms = 0
        """Time of the last record that changed the state."""
        self._windows: OrderedDict[tuple[str, bytes], Window] = OrderedDict()
        self._edits: deque[LandedText] = deque()
        self._edits_of: dict[bytes, deque[LandedText]] = {}
        self._times: deque[tuple[int, int]] = deque()
        self._forget_after_ms = 0
        """Up to then nothing is too old."""

    @classmethod
    def from_state(cls, state: DocumentState, epoch: int) -> "Document":
        """The document that a snapshot holds."""
        document = cls(state.video_id, epoch)
        document.ordinal = state.ordinal
        document.revision = state.revision
        document.time_ms = state.time_ms
        for each in state.annotations:
            own = AnnotationState()
            own.CopyFrom(each)
            document.put((own,))
        # The longest silent client stands first, so that forgetting looks at the front alone.
        for window in sorted(state.clients, key=lambda each: each.last_ms):
            outcomes = [Kept.of(each) for each in window.outcomes]
            key = (window.person_id, window.client_id)
            document._windows[key] = Window(*key, window.last_seq, window.closed, window.last_ms, outcomes)
        for edit in state.edits:
            document.add_edit(LandedText.of(edit.revision, edit.person_id, edit.client_id, edit.edit))
        document._times.extend((each.revision, each.time_ms) for each in state.times)
        return document

    def freeze(self) -> Frozen:
        """The state now, quickly: `Frozen.to_state` does the rest, wherever."""
        windows = sorted(self._windows.values(), key=lambda each: (each.person_id, each.client_id))
        return Frozen(
            video_id=self.video_id,
            ordinal=self.ordinal,
            revision=self.revision,
            time_ms=self.time_ms,
            annotations=self.held,
            clients=[window.copy() for window in windows],
            edits=list(self._edits),
            times=[RevisionTime(revision=revision, time_ms=time_ms) for revision, time_ms in self._times],
        )

    def to_state(self) -> DocumentState:
        """The state as a snapshot holds it."""
        return self.freeze().to_state()

    def to_bytes(self) -> bytes:
        """The state, canonically: equal documents have equal bytes."""
        return self.to_state().SerializeToString(deterministic=True)

    def window(self, person_id: str, client_id: bytes, now_ms: int) -> ClientWindow | None:
        """What is known of a client at a time; None: it is unknown, or forgotten by then."""
        window = self.find_window(person_id, client_id, now_ms)
        return None if window is None else window.message()

    def find_window(self, person_id: str, client_id: bytes, now_ms: int) -> Window | None:
        """The window itself."""
        window = self._windows.get((person_id, client_id))
        return None if window is None or window.last_ms < now_ms - limit.STALE_MS else window

    def is_stale(self, epoch: int, base_revision: int, now_ms: int) -> bool:
        """Whether a base is of another epoch, in the future, or too far behind to transform from."""
        behind = self.revision - base_revision
        if (epoch and epoch != self.epoch) or base_revision < 0 or not 0 <= behind <= limit.MAX_BEHIND:
            return True
        if not behind:
            return False
        # The time kept at or before the next revision's: it is at most an hour too early, for everybody alike.
        times, oldest_ms = self._times, now_ms - limit.STALE_MS
        if times and times[0][1] >= oldest_ms and times[0][0] <= base_revision + 1:
            return False
        at = bisect_right(times, (base_revision + 1, limit.MAX_NUMBER)) - 1
        return at < 0 or times[at][1] < oldest_ms

    def edits_since(self, annotation_id: bytes, revision: int) -> list[LandedText]:
        """The text edits of an annotation that landed after a revision, in order."""
        landed = self._edits_of.get(annotation_id)
        since: list[LandedText] = []
        if landed is not None:
            for edit in reversed(landed):
                if edit.revision <= revision:
                    break
                since.append(edit)
            since.reverse()
        return since

    def add_edit(self, edit: LandedText) -> None:
        """Keeps a text edit, so that later ones can be moved past it."""
        self._edits.append(edit)
        landed = self._edits_of.get(edit.annotation_id)
        if landed is None:
            landed = self._edits_of[edit.annotation_id] = deque()
        landed.append(edit)

    def advance(self, window: Window, kept: Kept, now_ms: int) -> int:
        """Counts a record that changes the state, and forgets what is too old. Gives its ordinal."""
        windows = self._windows
        key = (window.person_id, window.client_id)
        if not window.last_seq:  # its first
            windows[key] = window
        windows.move_to_end(key)
        window.last_seq = kept.client_seq
        window.last_ms = now_ms
        outcomes = window.outcomes
        outcomes.append(kept)
        if len(outcomes) > limit.MAX_OUTCOMES:
            del outcomes[0]
        self.time_ms = now_ms
        if now_ms > self._forget_after_ms:
            self._forget(now_ms - limit.STALE_MS)
        ordinal = self.ordinal
        self.ordinal = ordinal + 1
        return ordinal

    def next_revision(self, now_ms: int, edits: Iterable[LandedText] = ()) -> None:
        """Takes the next revision, with the text edits that it landed."""
        revision = self.revision = self.revision + 1
        times = self._times
        if not times or now_ms >= times[-1][1] + limit.TIME_STEP_MS:
            times.append((revision, now_ms))
        for edit in edits:
            self.add_edit(edit)
        held = self._edits
        while held and held[0].revision <= revision - limit.MAX_BEHIND:
            annotation_id = held.popleft().annotation_id
            landed = self._edits_of[annotation_id]
            landed.popleft()
            if not landed:
                del self._edits_of[annotation_id]

    def _forget(self, before_ms: int) -> None:
        windows, times = self._windows, self._times
        while windows and windows[next(iter(windows))].last_ms < before_ms:
            windows.popitem(last=False)
        while times and times[0][1] < before_ms:
            times.popleft()
        oldest_ms = windows[next(iter(windows))].last_ms if windows else self.time_ms
        if times:
            oldest_ms = min(oldest_ms, times[0][1])
        self._forget_after_ms = oldest_ms + limit.STALE_MS
