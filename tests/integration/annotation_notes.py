"""What people of these tests do to a document, and by what ids."""

import hashlib

from rushes.annotation.v1 import annotation_pb2, operation_pb2
from rushes.type.v1 import access_pb2

CLIENT = access_pb2.AUDIENCE_CLIENT


def identity_of(name: str) -> bytes:
    """16 bytes that depend on a name."""
    return hashlib.blake2b(name.encode(), digest_size=16).digest()


def create(
    name: str, *, audience: int = CLIENT, text: str = "", frame: int = 0, parent: str = ""
) -> operation_pb2.Operation:
    """Makes a comment."""
    note = annotation_pb2.Annotation(
        id=identity_of(name),
        kind=annotation_pb2.ANNOTATION_KIND_COMMENT,
        first_frame=frame,
        last_frame=frame,
        text=text,
        audience=audience,  # type: ignore[arg-type]
        parent_id=identity_of(parent) if parent else b"",
    )
    return operation_pb2.Operation(create=operation_pb2.CreateOperation(annotation=note))


def move(name: str, x: int, y: int, seen: int = 0) -> operation_pb2.Operation:
    """Moves an annotation."""
    to = annotation_pb2.Position(x=x, y=y)
    return operation_pb2.Operation(move=operation_pb2.MoveOperation(id=identity_of(name), to=to, seen_revision=seen))


def publish(name: str) -> operation_pb2.Operation:
    """Lets the client audience read an annotation."""
    value = operation_pb2.FieldValue(field="audience", audience=CLIENT)
    fields = operation_pb2.SetFieldsOperation(id=identity_of(name), fields=[value])
    return operation_pb2.Operation(set_fields=fields)


def batch(number: int, base: int, *operations: operation_pb2.Operation) -> operation_pb2.Batch:
    """A batch."""
    return operation_pb2.Batch(client_seq=number, base_revision=base, operations=operations)
