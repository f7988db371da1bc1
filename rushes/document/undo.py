"""A client's own undo and redo: what puts back its committed batches, the last first."""

from dataclasses import dataclass, field
from typing import Final

from rushes.annotation.v1.operation_pb2 import Operation
from rushes.document import limit, text
from rushes.document.field import stamp_of
from rushes.document.inverse import edit_operation
from rushes.document.replica import Replica

DEPTH: Final = 200


@dataclass(slots=True)
class Entry:
    """What undoes one action."""

    action: int
    restores: list[Operation]
    edits: dict[bytes, text.Edit] = field(default_factory=dict)
    """Inverse edits, moved past everything that landed since."""

    def operations(self, confirmed: Replica) -> list[Operation]:
        """What is left to do: fields that nobody has set since, and texts."""
        left: list[Operation] = []
        stamps: dict[tuple[bytes, str], int] = {}
        for operation in self.restores:
            restore = operation.restore
            state = confirmed.get(restore.id)
            if state is None:
                continue
            key = (restore.id, restore.value.field)
            stamp = stamps.get(key)
            if (stamp_of(state, key[1]) if stamp is None else stamp) == restore.made_revision:
                left.append(operation)
                stamps[key] = restore.stamp_revision
        for annotation_id, edit in self.edits.items():
            if not text.changes_nothing(edit) and confirmed.get(annotation_id) is not None:
                parts = text.split(edit, limit.MAX_OPERATION_TEXT_BYTES, limit.MAX_PIECES)
                left.extend(edit_operation(annotation_id, part) for part in parts)
        return left


class Stack:
    """Entries, the newest last."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def push(self, entry: Entry) -> None:
        """Puts an entry on top; batches of one action become one entry."""
        if not entry.restores and not entry.edits:
            return
        top = self.entries[-1] if self.entries else None
        if top is None or top.action != entry.action:
            self.entries.append(entry)
            del self.entries[:-DEPTH]
            return
        top.restores = entry.restores + top.restores
        for annotation_id, edit in entry.edits.items():
            # What is on top has been moved past the edit that `edit` undoes: so past `edit` too, then both are one.
            older = top.edits.get(annotation_id)
            both = edit if older is None else text.compose(edit, text.transform(edit, older)[1])
            top.edits[annotation_id] = both

    def pop(self) -> Entry | None:
        """Takes the newest."""
        return self.entries.pop() if self.entries else None

    def move_past(self, annotation_id: bytes, landed: text.Edit) -> None:
        """Moves the inverse edits of a text past one that landed."""
        for entry in self.entries:
            edit = entry.edits.get(annotation_id)
            if edit is None:
                continue
            try:
                entry.edits[annotation_id] = text.transform(landed, edit)[1]
            except text.Mismatch:
                # The annotation was hidden for a while: what its text became meanwhile is not known.
                del entry.edits[annotation_id]

    def texts(self) -> set[bytes]:
        """The annotations whose texts are edited in it."""
        return {annotation_id for entry in self.entries for annotation_id in entry.edits}

    def clear(self) -> None:
        """Forgets all."""
        self.entries.clear()
