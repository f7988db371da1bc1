"""A document from a snapshot and the rows of history after it. Never folds again what is in history: what the fold
decided then is what holds, whatever it would decide today.
"""

from collections.abc import Iterable

from rushes.annotation.v1 import annotation_pb2, operation_pb2, record_pb2
from rushes.document import Document
from rushes.document.document import Kept, LandedText, Window
from svc_annotation.core.row import HistoryRow


class HistoryBroken(Exception):
    """History lacks rows that it should have."""


class Replay:
    """See the module. `state` is a serialised DocumentState; empty: from the beginning."""

    def __init__(self, video_id: int, state: bytes) -> None:
        snapshot = record_pb2.DocumentState.FromString(state)
        self._document = Document.from_state(snapshot, 0) if state else Document(video_id, 0)

    @property
    def ordinal(self) -> int:
        """Of the next row."""
        return self._document.ordinal

    def add(self, rows: Iterable[HistoryRow]) -> None:
        """The next rows, in order, and at least one. Raises HistoryBroken if they are not the next."""
        before = self.ordinal
        for row in rows:
            self._add(row)
        if self.ordinal == before:
            raise HistoryBroken(f"there is no row {before}")

    def _add(self, row: HistoryRow) -> None:
        document = self._document
        if row.ordinal != document.ordinal or (row.revision and row.revision != document.revision + 1):
            raise HistoryBroken(
                f"row {row.ordinal} of revision {row.revision} comes where {document.ordinal} is next, "
                f"after revision {document.revision}"
            )
        window = document.find_window(row.person_id, row.client_id, row.time_ms)
        window = window or Window(row.person_id, row.client_id)
        refusal = None
        if row.revision:
            document.put(annotation_pb2.AnnotationState.FromString(change.state) for change in row.changes)
            document.next_revision(row.time_ms, _edits(row))
        else:
            refusal = operation_pb2.Refusal.FromString(row.refusal)
            window.closed = True
        at_revision = 0 if row.revision else row.at_revision
        document.advance(window, Kept(row.client_seq, row.hash, row.revision, refusal, at_revision), row.time_ms)

    def document(self, epoch: int) -> Document:
        """The document after the rows so far, in an incarnation of the log."""
        self._document.epoch = epoch
        return self._document


def _edits(row: HistoryRow) -> list[LandedText]:
    commit = operation_pb2.Commit.FromString(row.commit)
    return [
        LandedText.of(row.revision, row.person_id, row.client_id, operation.edit_text)
        for operation in commit.operations
        if operation.HasField("edit_text")
    ]
