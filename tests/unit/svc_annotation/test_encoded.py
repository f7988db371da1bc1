"""States as they go out: always those of the document, whatever has changed since they were read last."""

from hypothesis import given
from hypothesis import strategies as st

from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.document import Document, visible_annotations
from rushes.document.wire import delimited, repeated_delimited
from svc_annotation.core.encoded import Encodings
from svc_annotation.core.landed import CLIENT, INTERNAL, Audience
from tests.unit.svc_annotation.annotation_kit import Writer, create, move, publish


def read(encodings: Encodings, audience: Audience) -> list[bytes]:
    return [each.delimited for each in encodings.read(audience)]


def now(document: Document, audience: Audience) -> list[bytes]:
    return [delimited(state.SerializeToString()) for state in visible_annotations(document, audience)]


def whole(encodings: Encodings, audience: Audience) -> bytes:
    return b"".join(encodings.parts(audience))


def message(document: Document, audience: Audience) -> bytes:
    states = visible_annotations(document, audience)
    return service.ReadDocumentResponse(annotations=states).SerializeToString()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.integers(0, 5), st.sampled_from([CLIENT, INTERNAL])),
        st.tuples(st.sampled_from(["move", "publish", "read"]), st.integers(0, 5), st.just(CLIENT)),
    ),
    max_size=30,
)


@given(STEPS)
def test_what_goes_out_is_what_the_document_is_after_any_changes(
    steps: list[tuple[str, int, Audience]],
) -> None:
    document = Document(7, 1)
    encodings, writer = Encodings(document), Writer(document)
    for time_ms, (what, number, audience) in enumerate(steps, 1000):
        name = f"note{number}"
        if what == "read":
            assert read(encodings, CLIENT) == now(document, CLIENT)
            assert whole(encodings, CLIENT) == message(document, CLIENT)
            continue
        operation = {"create": create(name, audience=audience), "move": move(name, time_ms, 1)}.get(what)
        # A batch that is refused closes its writer: the next one is another.
        folded = writer.fold(operation or publish(name), time_ms=time_ms)
        if folded.landed is None:
            writer = Writer(document, client=f"client{time_ms}")
        else:
            encodings.touch(folded.landed.states)
    for each in (INTERNAL, CLIENT):
        assert read(encodings, each) == now(document, each)
        assert whole(encodings, each) == message(document, each)


def test_what_was_read_stays_as_it_was() -> None:
    document = Document(7, 1)
    encodings, writer = Encodings(document), Writer(document)
    writer.fold(create("a"))
    before, bytes_before = encodings.read(CLIENT), now(document, CLIENT)
    landed = writer.fold(move("a", 5, 5)).landed
    assert landed is not None
    encodings.touch(landed.states)
    assert [each.delimited for each in before] == bytes_before != read(encodings, CLIENT)


def test_what_has_not_changed_is_not_encoded_again() -> None:
    document = Document(7, 1)
    encodings, writer = Encodings(document), Writer(document)
    writer.fold(create("a"), create("b"))
    first = read(encodings, INTERNAL)
    landed = writer.fold(move("b", 5, 5)).landed
    assert landed is not None
    encodings.touch(landed.states)
    second = read(encodings, INTERNAL)
    assert second[0] is first[0]
    assert second[1] != first[1]


def test_parts_are_put_together_once_until_something_changes() -> None:
    document = Document(7, 1)
    encodings, writer = Encodings(document), Writer(document)
    for number in range(550):
        writer.fold(create(f"note{number}", text="x" * 4_000))
    reader = iter(encodings.parts(INTERNAL))
    first = next(reader)
    again = list(encodings.parts(INTERNAL))
    assert len(again) == 3
    assert again[0] is first
    before = message(document, INTERNAL)
    landed = writer.fold(move("note1", 5, 5)).landed
    assert landed is not None
    encodings.touch(landed.states)
    assert b"".join((first, *reader)) == before != whole(encodings, INTERNAL) == message(document, INTERNAL)


def test_a_document_without_notes_has_one_part() -> None:
    assert list(Encodings(Document(7, 1)).parts(CLIENT)) == [b""]


def test_a_message_of_them_is_what_the_generated_classes_write() -> None:
    document = Document(7, 1)
    Writer(document).fold(create("a", text="x" * 200), create("b", text="y" * 4_000), create("c"))
    states = visible_annotations(document, INTERNAL)
    written = repeated_delimited(3, read(Encodings(document), INTERNAL))
    assert written == service.GetDocumentResponse(annotations=states).SerializeToString()
    assert len(states) == 3
    assert repeated_delimited(3, []) == b""
