"""What the service folds, whose records are checked and whose new notes are held as bytes, is what the rules say."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.annotation.v1.annotation_pb2 import AnnotationState
from rushes.annotation.v1.operation_pb2 import Batch, Operation, Refusal
from rushes.annotation.v1.record_pb2 import Record
from rushes.document import Applied, Document, apply
from rushes.document.operation import split_checked
from rushes.document.submitted import Submitted
from svc_annotation.core.fold import fold
from svc_annotation.core.landed import CLIENT, INTERNAL
from svc_annotation.core.state import encode_state
from tests.unit.rushes.strategies import records
from tests.unit.svc_annotation.annotation_kit import FRAMES, Writer, create, insert, move, publish

NAMES = ("a", "b", "c")
names = st.sampled_from(NAMES)
sound = st.one_of(
    st.builds(
        create, names, audience=st.sampled_from((CLIENT, CLIENT, INTERNAL)), parent=st.sampled_from(("", *NAMES))
    ),
    st.builds(create, names),
    st.builds(move, names, st.integers(-9, 9), st.integers(-9, 9)),
    st.builds(insert, names, st.just("x")),
    st.builds(publish, names),
)


def met(record: Record) -> Submitted:
    """A record as whoever appended it meets it again: known to be checked if it passes."""
    submitted = Submitted.of(record)
    batch: Batch = submitted.batch
    found = split_checked(batch, len(submitted.data), frame_count=submitted.sender.frame_count, service=True)
    return replace(submitted, checked=not isinstance(found, Refusal) and submitted.refused is None)


def same(plain: Document, served: Document, record: Record, offset: int) -> None:
    """Both fold it and come to the same."""
    copy = Record.FromString(record.SerializeToString())
    result = apply(plain, copy)
    folded = fold(served, met(record), offset)
    assert type(folded.result) is type(result)
    if isinstance(result, Applied) and isinstance(folded.result, Applied):
        assert folded.result.commit_bytes == result.commit_bytes
        assert folded.result.kept == result.kept
        assert folded.result.before == result.before
        assert folded.landed is not None
        assert folded.result.after == result.after
        assert list(folded.landed.states) == [(each, now.SerializeToString()) for each, now in result.after.items()]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.tuples(st.sampled_from(("ann", "bob")), st.lists(sound, min_size=1, max_size=2)), records))
)
def test_whatever_comes_the_document_is_the_same(sent: "list[tuple[str, list[Operation]] | Record]") -> None:
    plain, served = Document(7, 1), Document(7, 1)
    writers = {person: Writer(plain, person, person) for person in ("ann", "bob")}
    for offset, each in enumerate(sent):
        if isinstance(each, Record):
            same(plain, served, each, offset)
            continue
        writer = writers[each[0]]
        window = plain.window(writer.person, writer.client_id, 1000)
        if window is not None and window.closed:
            writer = writers[each[0]] = Writer(plain, each[0], f"{each[0]} {offset}")
        record = writer.record(each[1])
        assert record.frame_count == FRAMES
        same(plain, served, record, offset)
    assert b"".join(encode_state(served)) == b"".join(encode_state(plain))
    assert served.to_bytes() == plain.to_bytes()
    assert served.annotations == plain.annotations


def test_a_new_note_is_held_as_bytes_until_somebody_looks_into_it() -> None:
    writer = Writer(Document(7, 1))
    writer.fold(create("a"))
    writer.fold(create("b"), create("c", audience=INTERNAL))
    assert [type(each) for each in writer.document.held] == [bytes] * 3
    writer.fold(move("b", 1, 2))
    kinds = [type(each) for each in writer.document.held]
    assert kinds == [bytes, AnnotationState, bytes]
    assert [each.annotation.position.x for each in writer.document.annotations] == [0, 1, 0]
    assert bytes not in [type(each) for each in writer.document.held]
