"""Two versions joined on what they have in common: annotation by annotation, field by field."""

from dataclasses import dataclass, field

from rushes.annotation.v1.annotation_pb2 import AnnotationState
from rushes.annotation.v1.operation_pb2 import FieldValue
from rushes.document import text
from rushes.document.diff import diff
from rushes.document.field import read, set_stamp, write
from rushes.document.refusal import Refuse
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT
from svc_version.core.content import Content, Entry, entry_of


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that both had changed."""

    annotation_id: bytes
    field: str
    from_won: bool
    internal: bool


@dataclass(slots=True)
class Merged:
    """What became of it."""

    content: Content
    conflicts: list[Conflict] = field(default_factory=list)


def merge(ancestor: Content, from_: Content, into: Content) -> Merged:
    """Where one side alone has changed a field, its value; where both have, the later change. Texts that both have
    changed hold both changes. Of a note published on one side alone, that side's state is taken whole.
    """
    merged = Merged(dict(into))
    for name, theirs in from_.items():
        ours, before = into.get(name), ancestor.get(name)
        if ours is None:
            # Nothing is ever removed: not there means that this side was saved before it was made.
            merged.content[name] = theirs
        elif theirs in (ours, before):
            continue
        elif ours == before:
            merged.content[name] = theirs
        elif theirs.internal != ours.internal:
            # Nothing that was written as internal is shown to clients by being joined with what they may read.
            merged.content[name] = ours if theirs.internal else theirs
        else:
            merged.content[name] = _join(merged, before, theirs, ours)
    return merged


def _join(merged: Merged, before: Entry | None, theirs: Entry, ours: Entry) -> Entry:
    state, there = _decoded(ours), _decoded(theirs)
    base = _decoded(before) if before is not None else AnnotationState()
    their_fields = {value.field: value for value in diff(base, there)}
    our_fields = {value.field for value in diff(base, state)}
    later = there.annotation.updated_ms > state.annotation.updated_ms
    fields = _removals_first(their_fields)
    for value in fields:
        name = value.field
        if name == "audience" or value == read(state.annotation, name):
            continue
        if name in our_fields:
            merged.conflicts.append(Conflict(ours.annotation_id, name, later, ours.internal or theirs.internal))
            if not later:
                continue
        _take(state, there, value)
    _join_text(merged, base, there, state, later)
    state.annotation.updated_ms = max(state.annotation.updated_ms, there.annotation.updated_ms)
    return entry_of(state)


def _decoded(entry: Entry) -> AnnotationState:
    return AnnotationState.FromString(entry.state)


def _removals_first(values: dict[str, FieldValue]) -> list[FieldValue]:
    """So that a full list of tags has room again before others come."""
    return sorted(values.values(), key=lambda value: (value.WhichOneof("value") is not None, value.field))


def _take(state: AnnotationState, there: AnnotationState, value: FieldValue) -> None:
    try:
        write(state.annotation, value)
    except Refuse:
        return  # a tag or attachment too many: ours stay
    _stamp_as(state, there, value.field)
    if value.field == "position":
        del state.moves[:]


def _stamp_as(state: AnnotationState, there: AnnotationState, name: str) -> None:
    for stamp in there.stamps:
        if stamp.field == name:
            set_stamp(state, name, stamp.revision, stamp.person_id or there.annotation.author_id)
            return
    set_stamp(state, name, there.order_revision, there.annotation.author_id)


def _join_text(
    merged: Merged, base: AnnotationState, there: AnnotationState, state: AnnotationState, later: bool
) -> None:
    old, theirs, ours = base.annotation.text, there.annotation.text, state.annotation.text
    if theirs in (old, ours):
        return
    if ours == old:
        state.annotation.text = theirs
    else:
        moved = text.transform(text.diff(old, ours), text.diff(old, theirs))[1]
        state.annotation.text = text.apply(ours, moved)
        internal = state.annotation.audience != AUDIENCE_CLIENT
        merged.conflicts.append(Conflict(state.annotation.id, "text", later, internal))
    _stamp_as(state, there, "text")


def fields_that_differ(before: AnnotationState, after: AnnotationState) -> list[str]:
    """Names of the fields in which two states of an annotation differ, text among them."""
    changed = [value.field for value in diff(before, after)]
    if before.annotation.text != after.annotation.text:
        changed.append("text")
    return sorted(changed)
