"""What differs between two states of an annotation."""

from rushes.annotation.v1.annotation_pb2 import Annotation, AnnotationState
from rushes.annotation.v1.operation_pb2 import FieldValue
from rushes.document import field


def names(annotation: Annotation) -> list[str]:
    """Every field that it has: the fixed ones, then its tags and attachments, sorted."""
    lists = [f"tags/{tag}" for tag in annotation.tags]
    lists.extend(f"attachments/{attachment.id}" for attachment in annotation.attachments)
    return sorted([*field.MEMBERS, *lists])


def diff(before: AnnotationState, after: AnnotationState) -> list[FieldValue]:
    """The fields of two states of one annotation that differ, with their values after, sorted by name.

    A tag or attachment that is not there any more has no value. Text is no field: see `text.diff`.
    """
    old, new = before.annotation, after.annotation
    values: list[FieldValue] = []
    for name in sorted({*names(old), *names(new)}):
        value = field.read(new, name)
        if value != field.read(old, name):
            values.append(value)
    return values
