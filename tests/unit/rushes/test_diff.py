"""What differs between two states, and what an operation is about."""

from rushes.annotation.v1.annotation_pb2 import AnnotationState
from rushes.annotation.v1.operation_pb2 import FieldValue, Operation, PresentOperation
from rushes.document import apply
from rushes.document.diff import diff
from rushes.document.inverse import target
from tests.unit.rushes.builder import ANN, A, color, create, deleted, fields, fold, link, move, note, record, tag


def test_the_fields_that_differ_are_listed_with_their_values_after() -> None:
    document, _ = fold(record(ANN, 1, 0, create(A, tags=["old"])))
    before = document.get(A)
    values = [color(5), tag("new"), tag("old", there=False), link("a1")]
    apply(document, record(ANN, 2, 1, fields(A, *values), move(A, 1, 1), deleted(A)))
    after = document.get(A)
    assert before is not None
    assert after is not None
    found = diff(before, after)
    assert [value.field for value in found] == [
        "attachments/a1",
        "deleted",
        "position",
        "style/color",
        "tags/new",
        "tags/old",
    ]
    assert found[-1] == FieldValue(field="tags/old")
    assert diff(after, after) == []


def test_an_operation_is_about_its_annotation() -> None:
    assert target(move(A, 1, 1)) == A
    assert target(create(A)) == A
    assert target(Operation(present=PresentOperation(state=AnnotationState(annotation=note(A))))) == A
    assert target(Operation()) == b""
