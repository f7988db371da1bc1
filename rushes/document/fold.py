"""Rule set 1: what becomes of a record, in the order of "Numbers: exactly once" of the annotation model.

Pure and total: any record gives a result, the same on every instance and at every replay. Published, so what it decides
never changes; a change of rules is another rule set (rules.py).
"""

from rushes.annotation.v1.annotation_pb2 import AnnotationState
from rushes.annotation.v1.operation_pb2 import (
    Commit,
    CreateOperation,
    EditTextOperation,
    MoveOperation,
    Operation,
    Refusal,
    ResizeOperation,
    RestoreOperation,
    SetDeletedOperation,
    SetFieldsOperation,
)
from rushes.document import limit, text
from rushes.document.change import Change
from rushes.document.document import Document, Kept, LandedText, Window
from rushes.document.inverse import edit_operation
from rushes.document.new_note import new_state_bytes
from rushes.document.operation import check_operations
from rushes.document.refusal import Refuse, refusal
from rushes.document.result import Applied, Duplicate, Ignored, Refused, Result
from rushes.document.submitted import Submitted
from rushes.document.wire import VARINT, same_number_field, tag, varint
from rushes.type.v1.access_pb2 import (
    AUDIENCE_CLIENT,
    PERMISSION_ANNOTATE,
    PERMISSION_EDIT_OTHERS,
    PERMISSION_SEE_INTERNAL,
)

_REVISION = tag(Commit.REVISION_FIELD_NUMBER, VARINT)
_TIME_MS = Commit.TIME_MS_FIELD_NUMBER
_ANNOTATE = 1 << PERMISSION_ANNOTATE
_EDIT_OTHERS = 1 << PERMISSION_EDIT_OTHERS
_SEE_INTERNAL = 1 << PERMISSION_SEE_INTERNAL
_ALL = _EDIT_OTHERS | _SEE_INTERNAL


def fold(document: Document, record: Submitted) -> Result:
    """Applies a record to a document, in place, whole or not at all."""
    sender = record.sender
    person_id, client_id = sender.person_id, sender.client_id
    if len(client_id) != limit.ID_BYTES:
        return Ignored(refusal("INVALID_CLIENT"))
    sent_ms, now_ms = record.time_ms, document.time_ms
    if now_ms < sent_ms <= limit.MAX_NUMBER:
        now_ms = sent_ms
    number = record.client_seq
    window = document.find_window(person_id, client_id, now_ms)
    stale = document.is_stale(sender.epoch, record.base_revision, now_ms)
    if window is None or number != window.last_seq + 1 or window.closed:
        early = _numbered(window, number, record, stale)
        if early is not None:
            return early
        if window is None:
            window = Window(person_id, client_id)
    refused = None
    if stale or record.refused is not None or not sender.permissions & _ANNOTATE:
        refused = _turned_away(record, stale)
    else:
        applied = _create_one(document, record, window, now_ms)
        if applied is not None:
            return applied
        attempt = _Attempt(document, record, window, now_ms)
        refused = attempt.run()
        if refused is None:
            return attempt.land()
    kept = Kept(number, record.hash, 0, refused, document.revision)
    window.closed = True
    return Refused(document.advance(window, kept, now_ms), kept.message(), refused, document.revision)


def _numbered(window: Window | None, number: int, record: Submitted, stale: bool) -> Duplicate | Ignored | None:
    """Steps 1 and 2: what was sent before, cannot land any more, or is too early. None: it is this client's next."""
    last = 0 if window is None else window.last_seq
    if window is not None:
        if number <= last:
            for kept in window.outcomes:
                if kept.client_seq == number:
                    return Duplicate(kept.message(), kept.hash == record.hash)
        if window.closed:
            return Ignored(refusal("ABORTED"))
    if number <= last:
        return Ignored(None)
    if number > last + 1:
        return Ignored(refusal("OUT_OF_ORDER"))
    if window is None and stale:
        return Ignored(refusal("UNKNOWN_CLIENT"))
    return None


def _turned_away(record: Submitted, stale: bool) -> Refusal:
    """Why it is refused without a look at its operations."""
    if record.refused is not None:
        return record.refused
    return refusal("STALE_BASE" if stale else "MAY_NOT_ANNOTATE")


def _create_one(document: Document, record: Submitted, window: Window, now_ms: int) -> Applied | None:
    """Step 4 of what most batches are: one new annotation that everybody may see, and begins a thread. None: it is not
    surely that, and what becomes of it is `_Attempt`'s to say, which does the same in twice the time.
    """
    parts = record.parts
    if not record.checked or len(parts) != 1 or parts[0][0] != "create":
        return None
    annotation = parts[0][1].annotation
    annotation_id = annotation.id
    if (
        annotation.audience != AUDIENCE_CLIENT
        or annotation.parent_id
        or annotation.deleted
        or annotation_id in document
        or len(document) >= limit.MAX_ANNOTATIONS
    ):
        return None
    revision = document.revision + 1
    data = record.data
    head, numbers = _commit_head(record, window, revision, now_ms)
    state = new_state_bytes(data, numbers, window.author_of_note, revision, now_ms)
    if state is None:
        return None
    document.land_one(annotation_id, state, revision)
    document.next_revision(now_ms)
    kept = Kept(record.client_seq, record.hash, revision)
    ordinal = document.advance(window, kept, now_ms)
    return Applied(ordinal, kept, head + data[numbers:], {annotation_id: None}, {annotation_id: state})


def _commit_head(record: Submitted, window: Window, revision: int, now_ms: int) -> tuple[bytes, int]:
    """The commit up to its operations, serialised, and where these begin in the batch: it is numbered as the commit is,
    so its fields' bytes pass into it as they are.
    """
    base = record.base_revision
    # What its two numbers take there, each with a tag of one byte; a base of 0 is left out.
    numbers = 1 + (record.client_seq.bit_length() + 6) // 7
    if base:
        numbers += 1 + (base.bit_length() + 6) // 7
    time_ms = same_number_field(_TIME_MS, now_ms)
    return b"".join((_REVISION, varint(revision), window.author, record.data[:numbers], time_ms)), numbers


class _Attempt:
    """Step 4: a batch on its way into the document."""

    __slots__ = (
        "change",
        "document",
        "edits",
        "moved",
        "record",
        "void",
        "window",
    )

    def __init__(self, document: Document, record: Submitted, window: Window, now_ms: int) -> None:
        self.document = document
        self.record = record
        self.window = window
        self.change = Change(
            document,
            revision=document.revision + 1,
            person_id=window.person_id,
            client_id=window.client_id,
            time_ms=now_ms,
        )
        self.edits: list[LandedText] = []
        self.moved: dict[int, text.Edit] = {}
        """Index of a text edit that others' edits changed -> the edit as applied."""
        self.void: list[int] = []
        """Indices of restores without effect."""

    def run(self) -> Refusal | None:
        """Does all operations on the side; says why not, if not."""
        record = self.record
        parts = record.parts
        if not record.checked:
            refused = check_operations(parts, record.sender.frame_count)
            if refused is not None:
                return refused
        index = 0
        try:
            for index, (kind, operation) in enumerate(parts):
                getattr(self, kind)(operation, index)
        except Refuse as error:
            return refusal(error.reason, index)
        return None

    def land(self) -> Applied:
        """Makes it the document's next revision."""
        document, change, record = self.document, self.change, self.record
        now_ms = change.time_ms
        after, created = change.touched, change.created
        earlier: dict[bytes, AnnotationState | None]
        if len(created) == len(after):
            earlier = dict.fromkeys(after)
        else:
            get = document.get
            earlier = {annotation_id: get(annotation_id) for annotation_id in after}
        commit = self._commit(record)
        document.land(after, created)
        document.next_revision(now_ms, self.edits)
        kept = Kept(record.client_seq, record.hash, change.revision)
        ordinal = document.advance(self.window, kept, now_ms)
        return Applied(ordinal, kept, commit, earlier, after, change.published, change.internal)

    def _commit(self, record: Submitted) -> bytes:
        """The commit, serialised."""
        head, numbers = _commit_head(record, self.window, self.change.revision, self.change.time_ms)
        if self.moved or self.void:
            return head + Commit(operations=self._applied()).SerializeToString()
        return head + record.data[numbers:]

    def _applied(self) -> list[Operation]:
        """The operations as applied, if not as sent."""
        operations = self.record.batch.operations
        return [
            edit_operation(operation.edit_text.id, self.moved[index]) if index in self.moved else operation
            for index, operation in enumerate(operations)
            if index not in self.void
        ]

    def _target(self, annotation_id: bytes, *, resolves: bool = False) -> AnnotationState:
        """The annotation that an operation is about. Refuses what its sender may not see or change."""
        state = self.change.get(annotation_id)
        if state is None:
            raise Refuse("NOT_FOUND")
        permissions = self.record.sender.permissions
        if permissions & _ALL == _ALL:
            return state
        annotation = state.annotation
        if not permissions & _SEE_INTERNAL and annotation.audience != AUDIENCE_CLIENT:
            raise Refuse("NOT_FOUND")
        person_id = self.window.person_id
        if not permissions & _EDIT_OTHERS and annotation.author_id != person_id:
            root = self.change.get(self.change.root(annotation_id)) if resolves else None
            if root is None or root.annotation.author_id != person_id:
                raise Refuse("NOT_YOURS")
        return state

    def create(self, create: CreateOperation, index: int) -> None:
        annotation = create.annotation
        change = self.change
        annotation_id = annotation.id
        if change.get(annotation_id) is not None:
            raise Refuse("ALREADY_EXISTS")
        if len(self.document) + len(change.created) >= limit.MAX_ANNOTATIONS:
            raise Refuse("TOO_MANY_ANNOTATIONS")
        parent_id, see_internal = annotation.parent_id, self.record.sender.permissions & _SEE_INTERNAL
        if parent_id:
            parent = change.get(parent_id)
            if parent is None or (not see_internal and parent.annotation.audience != AUDIENCE_CLIENT):
                raise Refuse("NOT_FOUND")
        elif not see_internal and annotation.audience != AUDIENCE_CLIENT:
            raise Refuse("MAY_NOT_WRITE_INTERNAL")
        # Counted as in the commit, where restores without effect are left out.
        change.add(annotation, annotation_id, index - len(self.void))

    def move(self, move: MoveOperation, index: int) -> None:
        now = self._target(move.id)
        if not 0 <= move.seen_revision <= self.record.base_revision:
            raise Refuse("INVALID_SEEN")
        self.change.move(move, now)

    def resize(self, resize: ResizeOperation, index: int) -> None:
        self.change.resize(resize, self._target(resize.id))

    def set_fields(self, set_fields: SetFieldsOperation, index: int) -> None:
        names = [value.field for value in set_fields.fields[:]]
        now = self._target(set_fields.id, resolves=names == ["resolved"])
        if "audience" in names and now.annotation.parent_id:
            raise Refuse("AUDIENCE_OF_REPLY")
        self.change.set_fields(set_fields, now)

    def set_deleted(self, set_deleted: SetDeletedOperation, index: int) -> None:
        self.change.set_deleted(set_deleted, self._target(set_deleted.id))

    def edit_text(self, edit_text: EditTextOperation, index: int) -> None:
        annotation_id = edit_text.id
        now = self._target(annotation_id)
        edit = text.from_pieces(edit_text.pieces)
        moved = self._past_others(annotation_id, edit)
        edited = text.apply(now.annotation.text, moved)
        if len(edited) > limit.MAX_TEXT_BYTES // 4 and len(edited.encode()) > limit.MAX_TEXT_BYTES:
            raise Refuse("TEXT_TOO_LONG")
        change = self.change
        change.set_text(annotation_id, now, edited)
        if moved != edit:
            self.moved[index] = moved
        self.edits.append(LandedText(change.revision, change.person_id, change.client_id, annotation_id, moved))

    def restore(self, restore: RestoreOperation, index: int) -> None:
        now = self._target(restore.id, resolves=restore.value.field == "resolved")
        base = self.record.base_revision
        if not now.order_revision <= restore.stamp_revision <= base or not 0 < restore.made_revision <= base:
            raise Refuse("INVALID_STAMP")
        if not self.change.restore(restore, now):
            self.void.append(index)

    def _past_others(self, annotation_id: bytes, edit: text.Edit) -> text.Edit:
        """The edit moved past what others landed on that text since its base."""
        window = self.window
        pieces = 0
        for landed in self.document.edits_since(annotation_id, self.record.base_revision):
            if landed.client_id == window.client_id and landed.person_id == window.person_id:
                raise Refuse("STALE_TEXT")
            pieces += len(landed.edit) + len(edit)
            if pieces > limit.MAX_TRANSFORM_PIECES:
                raise Refuse("TEXT_TOO_FAR_BEHIND")
            edit = text.transform(landed.edit, edit)[1]
        return edit
