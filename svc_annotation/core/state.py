"""A document's whole state as bytes, in pieces: a large one is not serialised in one go."""

from collections.abc import Iterator
from typing import Final

from rushes.annotation.v1 import record_pb2
from rushes.document import Document, Frozen
from rushes.document.wire import repeated

PIECE: Final = 500
CLIENTS_PIECE: Final = 100
"""A client has eight outcomes: it takes as long as twenty annotations."""
_CLIENTS: Final = record_pb2.DocumentState.CLIENTS_FIELD_NUMBER
_EDITS: Final = record_pb2.DocumentState.EDITS_FIELD_NUMBER
_ANNOTATIONS: Final = record_pb2.DocumentState.ANNOTATIONS_FIELD_NUMBER


def encode_state(document: Document) -> Iterator[bytes]:
    """Pieces that put together are a serialised DocumentState of this moment, whatever happens to the document."""
    return _pieces(document.freeze())


def _pieces(frozen: Frozen) -> Iterator[bytes]:
    head = record_pb2.DocumentState(
        video_id=frozen.video_id,
        ordinal=frozen.ordinal,
        revision=frozen.revision,
        time_ms=frozen.time_ms,
        times=frozen.times,
    )
    yield head.SerializeToString()
    for start in range(0, len(frozen.clients), CLIENTS_PIECE):
        clients = frozen.clients[start : start + CLIENTS_PIECE]
        yield repeated(_CLIENTS, [window.message().SerializeToString() for window in clients])
    for start in range(0, len(frozen.edits), PIECE):
        yield repeated(_EDITS, [edit.message().SerializeToString() for edit in frozen.edits[start : start + PIECE]])
    for start in range(0, len(frozen.annotations), PIECE):
        held = frozen.annotations[start : start + PIECE]
        states = [each if isinstance(each, bytes) else each.SerializeToString() for each in held]
        yield repeated(_ANNOTATIONS, states)
