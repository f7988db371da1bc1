"""What becomes of the one Create of a batch, put together from the batch's bytes: the annotation stands in them as it
is kept, but for who made it and when. What a message made of it would be serialised to, in a third of the time.
"""

from functools import lru_cache

from rushes.annotation.v1.annotation_pb2 import Annotation, AnnotationState
from rushes.document import limit
from rushes.document.wire import LENGTH, VARINT, number_field, tag, varint

_BEGIN = tag(AnnotationState.ANNOTATION_FIELD_NUMBER, LENGTH)
_REVISION = tag(AnnotationState.ORDER_REVISION_FIELD_NUMBER, VARINT)
_KIND_AT = 2 + limit.ID_BYTES
_REST_AT = _KIND_AT + 2
"""Where the fields come that no server sets: the id and the kind, a small number, are the only ones before these."""
_FIRST_OF_REST = tag(Annotation.FIRST_FRAME_FIELD_NUMBER, VARINT)[0]


@lru_cache(maxsize=16)
def _times(time_ms: int) -> bytes:
    """When it was made and changed: the same for all that comes in a millisecond."""
    return number_field(Annotation.CREATED_MS_FIELD_NUMBER, time_ms) + number_field(
        Annotation.UPDATED_MS_FIELD_NUMBER, time_ms
    )


def new_state_bytes(data: bytes, at: int, author: bytes, revision: int, time_ms: int) -> bytes | None:
    """The serialised AnnotationState of the Create that is all of a batch's operations, which begin there in its bytes.

    It has been checked, begins a thread and is not deleted. `author` is the field that says who made it. None: it came
    with what the server sets, so it is not this simple.
    """
    for _ in range(3):  # the lengths of the operation, of the Create and of the annotation, a tag of one byte each
        at += 1
        while data[at] >= 0x80:
            at += 1
        at += 1
    rest_at = at + _REST_AT
    if data[rest_at] < _FIRST_OF_REST:
        return None
    note = b"".join((data[at:rest_at], author, _times(time_ms), data[rest_at:]))
    return b"".join((_BEGIN, varint(len(note)), note, _REVISION, varint(revision)))
