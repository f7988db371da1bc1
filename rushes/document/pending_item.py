"""What a client has made and not seen come back: operations, batches, and how they are kept over a reload."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from rushes.annotation.v1.annotation_service_pb2 import FieldBefore
from rushes.annotation.v1.operation_pb2 import Batch, Operation
from rushes.document import text
from rushes.document.inverse import edit_operation, target

DO: Final = "do"
UNDO: Final = "undo"
REDO: Final = "redo"


@dataclass(slots=True)
class Item:
    """An operation that is pending, as it applies to what has been received so far."""

    operation: Operation
    """Of a text edit only its annotation counts: see `edit`."""
    action: int
    """Number of the person's action that it is of."""
    kind: str
    edit: text.Edit | None = None
    """Of a text edit: moved past what has landed since it was made."""

    @property
    def target(self) -> bytes:
        """The annotation that it is about."""
        return target(self.operation)

    def current(self) -> Operation:
        """The operation as it applies now."""
        return self.operation if self.edit is None else edit_operation(self.target, self.edit)


@dataclass(slots=True)
class Sent:
    """A batch on its way. What was sent never changes; beside it is what has become of it (the shadow)."""

    client_seq: int
    batch: bytes
    items: list[Item]
    landed: int | None = None
    """Its revision, once known; it is in flight until that revision has come."""
    before: list[FieldBefore] | None = None
    """What its fields were, once known."""

    def message(self) -> Batch:
        """The batch as it was sent."""
        return Batch.FromString(self.batch)


StoredItem: TypeAlias = tuple[bytes, int, str]
"""Serialised operation as it applies, action, kind."""


@dataclass
class Stored:
    """Everything that must outlive a page: numbers, bytes, strings and lists of them."""

    video_id: int
    person_id: str
    client_id: bytes
    moves_id: bytes
    epoch: int
    next_seq: int
    committed: bool
    sent: list[tuple[int, bytes, list[StoredItem]]] = field(default_factory=list)
    unsent: list[StoredItem] = field(default_factory=list)
    doubt: list[StoredItem] = field(default_factory=list)
    texts: list[tuple[bytes, str]] = field(default_factory=list)
    """The confirmed texts that edits among these are made on."""


def make_item(operation: Operation, action: int, kind: str) -> Item:
    """An operation that is now pending."""
    own = Operation()
    own.CopyFrom(operation)
    edit = text.from_pieces(own.edit_text.pieces) if own.HasField("edit_text") else None
    return Item(own, action, kind, edit)


def store(items: Iterable[Item]) -> list[StoredItem]:
    """Items as they are kept."""
    return [(item.current().SerializeToString(deterministic=True), item.action, item.kind) for item in items]


def load(stored: Iterable[StoredItem]) -> list[Item]:
    """Items as they were kept."""
    return [make_item(Operation.FromString(each), action, kind) for each, action, kind in stored]
