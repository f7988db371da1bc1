"""What an audience may read: decided here, once, for every exit. The audience never has a default."""

from collections.abc import Iterable

from rushes.annotation.v1.annotation_pb2 import AnnotationState
from rushes.annotation.v1.operation_pb2 import Commit, Operation, PresentOperation
from rushes.document.inverse import target
from rushes.document.result import Applied
from rushes.document.table import Table, drawing_order
from rushes.errors import InvalidArgument
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL, Audience


def visible(state: AnnotationState, audience: Audience.ValueType) -> bool:
    """Whether an audience may read an annotation. A reply's audience is kept equal to its thread's."""
    _check(audience)
    return audience == AUDIENCE_INTERNAL or state.annotation.audience == AUDIENCE_CLIENT


def visible_annotations(table: Table, audience: Audience.ValueType) -> list[AnnotationState]:
    """What an audience may read of a document, in drawing order."""
    return [state for state in table.annotations if visible(state, audience)]


def view(applied: Applied, audience: Audience.ValueType) -> Commit | None:
    """A commit as an audience receives it; None: there is nothing in it for them, only its revision (progress).

    What is now readable is presented as it is, whatever the batch did to it; what is not readable is left out. A commit
    of which nothing is hidden is returned itself, so that it is encoded once.
    """
    _check(audience)
    if audience == AUDIENCE_INTERNAL or not _hides(applied):
        return applied.commit
    commit = applied.commit
    shown = Commit(
        revision=commit.revision,
        person_id=commit.person_id,
        client_id=commit.client_id,
        client_seq=commit.client_seq,
        base_revision=commit.base_revision,
        time_ms=commit.time_ms,
    )
    published = set(applied.published)
    for index, operation in enumerate(commit.operations):
        annotation_id = target(operation)
        if annotation_id not in published and annotation_id not in applied.internal:
            if operation.HasField("create"):
                # Its index is its place in the drawing order: what is left out before it becomes an empty operation.
                shown.operations.extend([Operation()] * (index - len(shown.operations)))
            shown.operations.append(operation)
    shown.operations.extend(_present(applied.after[each] for each in published))
    return shown if shown.operations else None


def view_bytes(applied: Applied, audience: Audience.ValueType) -> bytes | None:
    """The same, serialised. When nothing is hidden: `commit_bytes` itself."""
    _check(audience)
    if audience == AUDIENCE_INTERNAL or not _hides(applied):
        return applied.commit_bytes
    shown = view(applied, audience)
    return None if shown is None else shown.SerializeToString()


def _check(audience: Audience.ValueType) -> None:
    if audience not in (AUDIENCE_INTERNAL, AUDIENCE_CLIENT):
        raise InvalidArgument("an audience is internal or client")


def _hides(applied: Applied) -> bool:
    return bool(applied.published or applied.internal)


def _present(states: Iterable[AnnotationState]) -> list[Operation]:
    return [Operation(present=PresentOperation(state=state)) for state in sorted(states, key=drawing_order)]
