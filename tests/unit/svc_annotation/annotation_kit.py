"""Documents, records and batches for the tests of svc_annotation."""

import hashlib
from collections.abc import Sequence

from rushes.annotation.v1 import annotation_pb2, operation_pb2, record_pb2
from rushes.document import Document, submitted_hash
from rushes.document.submitted import Submitted
from svc_annotation.core.fold import Folded, fold
from svc_annotation.core.landed import CLIENT, Audience

ALL = sum(1 << value for value in range(1, 11))
VIDEO = 7
FRAMES = 100


def identity(name: str) -> bytes:
    """16 bytes that depend on a name."""
    return hashlib.blake2b(name.encode(), digest_size=16).digest()


def create(
    name: str, *, audience: Audience = CLIENT, text: str = "", frame: int = 0, parent: str = ""
) -> operation_pb2.Operation:
    """Makes a comment."""
    note = annotation_pb2.Annotation(
        id=identity(name),
        kind=annotation_pb2.ANNOTATION_KIND_COMMENT,
        first_frame=frame,
        last_frame=frame,
        text=text,
        audience=audience,
        parent_id=identity(parent) if parent else b"",
    )
    return operation_pb2.Operation(create=operation_pb2.CreateOperation(annotation=note))


def move(name: str, x: int, y: int, seen: int = 0) -> operation_pb2.Operation:
    """Moves an annotation."""
    to = annotation_pb2.Position(x=x, y=y)
    return operation_pb2.Operation(move=operation_pb2.MoveOperation(id=identity(name), to=to, seen_revision=seen))


def insert(name: str, text: str) -> operation_pb2.Operation:
    """Writes into an empty text."""
    piece = operation_pb2.TextPiece(insert=text)
    edit = operation_pb2.EditTextOperation(id=identity(name), pieces=[piece])
    return operation_pb2.Operation(edit_text=edit)


def publish(name: str) -> operation_pb2.Operation:
    """Lets the client audience read an annotation."""
    value = operation_pb2.FieldValue(field="audience", audience=CLIENT)
    fields = operation_pb2.SetFieldsOperation(id=identity(name), fields=[value])
    return operation_pb2.Operation(set_fields=fields)


class Writer:
    """A client that numbers its batches, and the fold that takes them."""

    def __init__(self, document: Document, person: str = "ann", client: str = "a") -> None:
        self.document = document
        self.person = person
        self.client_id = identity(client)
        self.number = 0

    def record(
        self,
        operations: Sequence[operation_pb2.Operation],
        *,
        base: int | None = None,
        time_ms: int = 1000,
        permissions: int = ALL,
    ) -> record_pb2.Record:
        """The record of the next batch."""
        self.number += 1
        base = self.document.revision if base is None else base
        batch = operation_pb2.Batch(client_seq=self.number, base_revision=base, operations=operations)
        return record_pb2.Record(
            rules=1,
            video_id=self.document.video_id,
            tenant_id="t",
            person_id=self.person,
            permissions=permissions,
            client_id=self.client_id,
            hash=submitted_hash(batch),
            time_ms=time_ms,
            frame_count=FRAMES,
            batch=batch,
        )

    def fold(self, *operations: operation_pb2.Operation, time_ms: int = 1000) -> Folded:
        """Folds the next batch; its offset is the document's ordinal."""
        return fold(self.document, Submitted.of(self.record(operations, time_ms=time_ms)), self.document.ordinal)
