"""The client audience never receives what is internal, nor what was."""

import pytest

from rushes.annotation.v1.operation_pb2 import Commit
from rushes.document import Applied, Document, apply, view, visible, visible_annotations
from rushes.document.replica import Replica
from rushes.errors import InvalidArgument
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL, AUDIENCE_UNSPECIFIED
from tests.unit.rushes.builder import (
    ANN,
    BOB,
    VIDEO,
    A,
    B,
    C,
    audience,
    color,
    create,
    deleted,
    edit,
    fields,
    fold,
    internal,
    key,
    move,
    record,
    reply,
)

CANARY = b"CANARY"


def applied(document: Document, *args: object) -> Applied:
    result = apply(document, record(*args))  # type: ignore[arg-type]
    assert isinstance(result, Applied)
    return result


def test_what_is_internal_is_only_progress_for_clients() -> None:
    document = Document(VIDEO, 1)
    made = applied(document, ANN, 1, 0, internal(A, text="CANARY"))
    assert view(made, AUDIENCE_CLIENT) is None
    assert view(made, AUDIENCE_INTERNAL) is made.commit
    edited = applied(document, BOB, 1, 1, edit(A, ["CANARY ", 6]), reply(B, A, text="CANARY"))
    assert view(edited, AUDIENCE_CLIENT) is None
    assert visible_annotations(document, AUDIENCE_CLIENT) == []
    assert len(visible_annotations(document, AUDIENCE_INTERNAL)) == 2


def test_what_all_may_read_is_passed_on_as_it_is() -> None:
    document = Document(VIDEO, 1)
    made = applied(document, ANN, 1, 0, create(A))
    assert view(made, AUDIENCE_CLIENT) is made.commit


def test_a_publication_shows_the_present_and_nothing_of_the_past() -> None:
    document, _ = fold(
        record(ANN, 1, 0, internal(A, text="CANARY")),
        record(BOB, 1, 1, reply(B, A, text="CANARY too")),
        record(ANN, 2, 2, edit(A, ["fine", -6])),
        record(BOB, 2, 3, edit(B, ["good", -10])),
    )
    published = applied(document, ANN, 3, 4, move(A, 1, 1), fields(A, audience(), color(1)), reply(C, B, text="new"))
    shown = view(published, AUDIENCE_CLIENT)
    assert shown is not None
    assert CANARY not in shown.SerializeToString()
    assert [operation.present.state.annotation.text for operation in shown.operations] == ["fine", "good", "new"]
    assert published.published == [A, B, C]
    replica = Replica()
    replica.apply(shown)
    assert replica.annotations == document.annotations
    assert replica.thread(A) == [A, B, C]


def test_hidden_operations_leave_the_others_and_their_order() -> None:
    document, _ = fold(record(ANN, 1, 0, internal(A, text="CANARY"), create(B)))
    mixed = applied(
        document, ANN, 2, 1, edit(A, [6, " CANARY"]), create(key(9)), internal(key(10)), deleted(B), create(key(11))
    )
    shown = view(mixed, AUDIENCE_CLIENT)
    assert shown is not None
    assert CANARY not in shown.SerializeToString()
    replica = Replica()
    replica.restart(visible_annotations(document, AUDIENCE_CLIENT)[:1], 1, 1)
    replica.apply(Commit.FromString(shown.SerializeToString()))
    assert replica.annotations == visible_annotations(document, AUDIENCE_CLIENT)


def test_a_reply_has_the_audience_of_its_thread_whatever_it_says() -> None:
    document, _ = fold(
        record(ANN, 1, 0, internal(A)),
        record(BOB, 1, 1, reply(B, A, audience=AUDIENCE_CLIENT)),
        record(BOB, 2, 2, reply(C, B, audience=AUDIENCE_CLIENT)),
    )
    assert [visible(state, AUDIENCE_CLIENT) for state in document.annotations] == [False] * 3


def test_there_is_no_audience_by_default() -> None:
    document, _ = fold(record(ANN, 1, 0, create(A)))
    with pytest.raises(InvalidArgument):
        visible(document.annotations[0], AUDIENCE_UNSPECIFIED)
    with pytest.raises(TypeError):
        visible(document.annotations[0])  # type: ignore[call-arg]
