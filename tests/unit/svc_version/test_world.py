"""Any sequence of operations, commits, branches and roll-backs: every state is that of a replay from zero."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.annotation.v1.annotation_pb2 import ANNOTATION_KIND_COMMENT, Annotation, AnnotationState, Position
from rushes.annotation.v1.operation_pb2 import (
    Batch,
    CreateOperation,
    FieldValue,
    FrameRange,
    MoveOperation,
    Operation,
    SetDeletedOperation,
    SetFieldsOperation,
)
from rushes.annotation.v1.record_pb2 import Record
from rushes.document import Applied, Document, apply
from rushes.document.inverse import edit_operation
from rushes.document.text import diff
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL
from svc_version.core.content import Content, address, difference, entry_of, pack, replay, unpack
from svc_version.core.plan import Scope, batches, plan, touched_by

EVERYTHING = sum(1 << value for value in range(1, 11))
NAMES = [bytes([number]) * 16 for number in range(3)]
TAGS = ["colour", "roto", "späť"]

actions = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.sampled_from(NAMES), st.booleans()),
        st.tuples(st.just("move"), st.sampled_from(NAMES), st.integers(-9, 9)),
        st.tuples(st.just("text"), st.sampled_from(NAMES), st.text("abü蓝", max_size=6)),
        st.tuples(st.just("tag"), st.sampled_from(NAMES), st.sampled_from(TAGS)),
        st.tuples(st.just("frames"), st.sampled_from(NAMES), st.integers(0, 50)),
        st.tuples(st.just("delete"), st.sampled_from(NAMES), st.booleans()),
        st.tuples(st.just("publish"), st.sampled_from(NAMES), st.none()),
        st.tuples(st.just("commit"), st.none(), st.integers(0, 3)),
        st.tuples(st.just("back"), st.none(), st.integers(0, 30)),
        st.tuples(st.just("undo"), st.none(), st.none()),
    ),
    min_size=8,
    max_size=30,
)


class World:
    """A document, its states at each revision, the records that made it, versions, and the last roll-back."""

    def __init__(self) -> None:
        self.document = Document(1, 1)
        self.records: list[bytes] = []
        self.states: list[Content] = [{}]
        self.versions: list[tuple[int, bytes, Content]] = []
        self.last_back: tuple[int, int, list[Batch]] | None = None
        self._numbers = 0

    def write(self, operations: Sequence[Operation], base: int | None = None) -> bool:
        """A batch of its own client; whether it was applied."""
        self._numbers += 1
        base = self.document.revision if base is None else base
        record = Record(
            rules=1,
            video_id=1,
            person_id="ann",
            permissions=EVERYTHING,
            client_id=self._numbers.to_bytes(16, "big"),
            hash=self._numbers,
            time_ms=1_000 + self._numbers,
            frame_count=100,
            batch=Batch(client_seq=1, base_revision=base, operations=operations),
        )
        self.records.append(record.SerializeToString())
        applied = isinstance(apply(self.document, record), Applied)
        if applied:
            self.states.append(self.content())
        return applied

    def content(self) -> Content:
        """The document now."""
        return {state.annotation.id: entry_of(state) for state in self.document.annotations}

    def operation(self, kind: str, name: bytes, value: Any) -> Operation | None:
        """An operation that applies now; None: there is none."""
        state = self.document.get(name)
        if kind == "create":
            audience = AUDIENCE_INTERNAL if value else AUDIENCE_CLIENT
            note = Annotation(id=name, kind=ANNOTATION_KIND_COMMENT, audience=audience)
            return None if state is not None else Operation(create=CreateOperation(annotation=note))
        if state is None:
            return None
        if kind == "move":
            seen = self.document.revision
            return Operation(move=MoveOperation(id=name, to=Position(x=value, y=-value), seen_revision=seen))
        if kind == "text":
            return edit_operation(name, diff(state.annotation.text, value))
        if kind == "delete":
            return Operation(set_deleted=SetDeletedOperation(id=name, deleted=value))
        field = {
            "tag": FieldValue(field=f"tags/{value}", flag=value not in state.annotation.tags),
            "frames": FieldValue(field="frames", frames=FrameRange(first=value or 0, last=(value or 0) + 3))
            if isinstance(value, int)
            else None,
            "publish": FieldValue(field="audience", audience=AUDIENCE_CLIENT),
        }[kind]
        return Operation(set_fields=SetFieldsOperation(id=name, fields=[field] if field is not None else []))

    def commit(self, back: int) -> None:
        """A version, on one of the last ones."""
        base = len(self.versions) - 1 - back
        packed = pack(difference(self.versions[base][2] if base >= 0 else {}, self.content()))
        self.versions.append((max(base, -1), packed.data, self.content()))

    def back_to(self, revision: int) -> None:
        """All notes as they were, but for what is not put before clients."""
        before = self.states[revision]
        base = self.document.revision
        planned = plan(list(self.content().values()), before.get, base, Scope(see_internal=True))
        made = batches(planned.operations, planned.late_edits, base)
        for batch in made:
            assert self.write(batch.operations, base)
        if made:
            self.last_back = (base, self.document.revision, made)
        now = self.content()
        for name, entry in now.items():
            then = before.get(name)
            if then is None:
                assert AnnotationState.FromString(entry.state).annotation.deleted
            elif not (then.internal and not entry.internal):
                assert seen(entry.state) == seen(then.state)

    def undo(self) -> None:
        """What the last roll-back set, if nobody has since."""
        if self.last_back is None:
            return
        base, last, made = self.last_back
        scope = Scope(see_internal=True, touched=touched_by(made, self.states[last].get, "ann"))
        planned = plan(list(self.states[last].values()), self.states[base].get, last, scope)
        nothing_since = self.document.revision == last
        for batch in batches(planned.operations, planned.late_edits, last):
            assert self.write(batch.operations, last)
        if nothing_since:
            assert {n: seen(e.state) for n, e in self.content().items()} == {
                n: seen(e.state) for n, e in self.states[base].items()
            }
        self.last_back = None


def seen(state: bytes) -> bytes:
    """What a person sees of a state."""
    annotation = AnnotationState.FromString(state).annotation
    annotation.updated_ms = 0
    for part in (annotation.position, annotation.box, annotation.style):
        part.SetInParent()
    return annotation.SerializeToString(deterministic=True)


@settings(max_examples=150, deadline=None)
@given(actions)
def test_every_state_and_version_is_that_of_a_replay_from_zero(taken: list[tuple[str, Any, Any]]) -> None:
    world = World()
    for kind, name, value in taken:
        if kind == "commit":
            world.commit(value)
        elif kind == "back":
            world.back_to(value % (world.document.revision + 1))
        elif kind == "undo":
            world.undo()
        else:
            operation = world.operation(kind, name, value)
            if operation is not None:
                world.write([operation])
    again = Document(1, 1)
    revision = 0
    for data in world.records:
        if isinstance(apply(again, Record.FromString(data)), Applied):
            revision += 1
            replayed = {state.annotation.id: entry_of(state) for state in again.annotations}
            assert replayed == world.states[revision]
    assert again.to_bytes() == world.document.to_bytes()
    for index in range(len(world.versions)):
        chain = []
        at = index
        while at >= 0:
            chain.append(world.versions[at][1])
            at = world.versions[at][0]
        from_store = replay(unpack(address(data), data) for data in reversed(chain))
        assert from_store == world.versions[index][2]
