"""A batch that was checked before it was appended is not checked again; that is all that knowing so does."""

from dataclasses import replace

import pytest

from rushes.annotation.v1.record_pb2 import Record
from rushes.document import Applied, Document, apply, check_batch, view, view_bytes
from rushes.document.operation import CHECKS
from rushes.document.submitted import Submitted
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL
from tests.unit.rushes.builder import (
    ANN,
    BOB,
    GUEST,
    VIDEO,
    A,
    B,
    audience,
    create,
    edit,
    fields,
    internal,
    move,
    record,
    restore,
    tag,
)
from tests.unit.rushes.cases import Case, cases


def copy(each: Record) -> Record:
    return Record.FromString(each.SerializeToString())


def vouched(each: Record) -> Submitted:
    """As whoever appends it hands it on."""
    found = Submitted.of(copy(each))
    checked = check_batch(copy(each).batch, frame_count=each.frame_count, service=True) is None
    return replace(found, checked=checked and found.refused is None)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name.replace(" ", "-"))
def test_what_becomes_of_a_record_does_not_depend_on_whether_it_is_known_to_be_checked(case: Case) -> None:
    plain, known = Document(VIDEO, 1), Document(VIDEO, 1)
    for each in case.records:
        one, other = apply(plain, copy(each)), apply(known, vouched(each))
        assert type(one) is type(other)
        assert plain.to_bytes() == known.to_bytes()
        if isinstance(one, Applied) and isinstance(other, Applied):
            assert one.commit_bytes == other.commit_bytes


def test_a_batch_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[object] = []
    monkeypatch.setitem(CHECKS, "create", lambda target, frame_count: checked.append(target))
    into = Document(VIDEO, 1)
    first = record(ANN, 1, 0, create(A))
    assert isinstance(apply(into, vouched(first)), Applied)
    assert len(checked) == 1
    assert isinstance(apply(into, record(ANN, 2, 1, create(B))), Applied)
    assert len(checked) == 2


def test_a_batch_with_fields_of_a_newer_program_lands_without_them() -> None:
    into = Document(VIDEO, 1)
    sent = record(ANN, 1, 0, create(A))
    newer = copy(sent)
    newer.batch.MergeFromString(b"\xf8\x07\x01")
    assert newer.SerializeToString() != sent.SerializeToString()
    result = apply(into, newer)
    assert isinstance(result, Applied)
    assert result.commit_bytes == result.commit.SerializeToString(deterministic=True)
    assert result.commit.operations[0] == create(A)


def test_views_as_bytes_are_the_views() -> None:
    into = Document(VIDEO, 1)
    batches = [
        record(ANN, 1, 0, create(A, text="hello"), internal(B)),
        record(BOB, 1, 1, move(A, 3, 4, seen=1), edit(A, [5, "!"])),
        record(ANN, 2, 1, edit(A, ["x", 5]), fields(B, tag("late"))),
        record(ANN, 3, 3, restore(A, fields(A, tag("no")).set_fields.fields[0], made=1, stamp=1), move(A, 1, 1)),
        record(ANN, 4, 4, fields(B, audience())),
        record(ANN, 5, 5, move(A, 3, 4, seen=1), permissions=GUEST),
    ]
    seen = set()
    for each in batches:
        result = apply(into, each)
        assert isinstance(result, Applied), result
        assert result.commit_bytes == result.commit.SerializeToString(deterministic=True)
        for reader in (AUDIENCE_INTERNAL, AUDIENCE_CLIENT):
            shown, data = view(result, reader), view_bytes(result, reader)
            assert data == (None if shown is None else shown.SerializeToString(deterministic=True))
            assert (data is result.commit_bytes) == (shown is result.commit)
            seen.add(data is result.commit_bytes)
    assert seen == {True, False}
