"""The fold as a whole: total, all or nothing, the same again for what is sent again."""

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.annotation.v1.operation_pb2 import Commit
from rushes.annotation.v1.record_pb2 import DocumentState, Record
from rushes.document import Applied, Document, Duplicate, Ignored, Refused, UnknownRules, apply
from rushes.document import limit as limits
from rushes.document.replica import Replica
from tests.unit.rushes.builder import (
    ANN,
    BOB,
    DAY_MS,
    NOW_MS,
    VIDEO,
    A,
    B,
    color,
    create,
    edit,
    fields,
    fold,
    key,
    move,
    record,
)
from tests.unit.rushes.strategies import records

START = [record(ANN, 1, 0, create(A, text="hello")), record(BOB, 1, 1, create(B, text="xyz", parent_id=A))]


@settings(max_examples=100, deadline=None)
@given(st.lists(records, min_size=1, max_size=6))
def test_any_records_give_results_and_a_replay_gives_the_same(several: list[Record]) -> None:
    document, _ = fold(*START)
    again = Document.from_state(document.to_state(), 1)
    replica = Replica()
    replica.restart(document.annotations, document.revision, 1)
    for each in several:
        sent = each.SerializeToString()
        before = document.to_state()
        result = apply(document, each)
        other = apply(again, Record.FromString(sent))
        assert type(result) is type(other)
        assert document.to_bytes() == again.to_bytes()
        if isinstance(result, Applied):
            assert document.revision == before.revision + 1
            replica.apply(Commit.FromString(result.commit.SerializeToString()))
        elif isinstance(result, Refused):
            assert document.annotations == list(before.annotations)
        else:
            assert document.to_state() == before
        assert replica.annotations == document.annotations


@given(st.binary(max_size=200))
def test_any_bytes_give_a_result(data: bytes) -> None:
    document, _ = fold(*START)
    try:
        each = Record.FromString(data)
    except DecodeError:
        return
    each.rules = 1
    assert isinstance(apply(document, each), Applied | Refused | Duplicate | Ignored)


def test_a_state_is_read_as_it_was_written() -> None:
    document, _ = fold(*START, record(ANN, 2, 2, edit(A, [5, "!"]), move(A, 3, 4, seen=1)))
    state = DocumentState.FromString(document.to_bytes())
    assert Document.from_state(state, 1).to_bytes() == document.to_bytes()
    assert len(document) == 2
    assert document.thread(A) == [A, B]
    assert document.root(B) == A == document.root(A)


def test_a_state_that_is_kept_stays_what_it_was() -> None:
    document, _ = fold(*START)
    kept, frozen = document.annotations, document.freeze()
    before = [state.SerializeToString() for state in kept]
    apply(document, record(ANN, 2, 2, move(A, 3, 4, seen=1), fields(A, color(1)), edit(A, [5, "!"])))
    assert [state.SerializeToString() for state in kept] == before
    assert frozen.to_state().revision == 2


def test_the_window_holds_the_last_eight_outcomes() -> None:
    document, _ = fold(record(ANN, 1, 0, create(A)), *(record(ANN, n, n - 1, move(A, n, n)) for n in range(2, 12)))
    window = document.window("ann", ANN, NOW_MS)
    assert window is not None
    assert [outcome.client_seq for outcome in window.outcomes] == list(range(4, 12))
    assert window.last_seq == 11
    assert document.window("bob", ANN, NOW_MS) is None


def test_a_client_silent_for_a_month_is_forgotten() -> None:
    document, _ = fold(*START)
    later = NOW_MS + 31 * DAY_MS
    assert document.window("ann", ANN, later) is None
    apply(document, record(BOB, 1, 2, move(A, 0, 0), time_ms=later))
    assert [window.person_id for window in document.to_state().clients] == ["bob"]
    assert [each.revision for each in document.to_state().times] == [3]


def test_times_are_kept_once_an_hour() -> None:
    hour = DAY_MS // 24
    batches = [record(ANN, n + 1, n, create(key(n + 1)), time_ms=NOW_MS + n * hour // 4) for n in range(10)]
    document, _ = fold(*batches)
    assert [each.revision for each in document.to_state().times] == [1, 5, 9]


def test_a_duplicate_gives_the_same_answer() -> None:
    first = record(ANN, 1, 0, create(A))
    _, (applied, duplicate) = fold(first, first)
    assert isinstance(applied, Applied)
    assert isinstance(duplicate, Duplicate)
    assert duplicate.same
    assert duplicate.outcome == applied.outcome
    _, (_, other) = fold(first, record(ANN, 1, 0, create(B)))
    assert isinstance(other, Duplicate)
    assert not other.same
    assert other.outcome == applied.outcome


def test_rules_that_are_not_known_stop_the_fold() -> None:
    newer = record(ANN, 1, 0, create(A))
    newer.rules = 2
    document = Document(VIDEO, 1)
    with pytest.raises(UnknownRules) as raised:
        apply(document, newer)
    assert raised.value.metadata == {"rules": "2"}
    assert document.ordinal == 0


class Small(Document):
    """A document that is nearly full, without making 200,000 annotations."""

    def __len__(self) -> int:
        return limits.MAX_ANNOTATIONS - 1


def test_a_full_document_takes_no_more_annotations() -> None:
    result = apply(Small(VIDEO, 1), record(ANN, 1, 0, create(A), create(B)))
    assert isinstance(result, Refused)
    assert result.refusal.reason == "TOO_MANY_ANNOTATIONS"
    assert result.refusal.index == 1


def test_text_edits_are_kept_for_a_hundred_thousand_revisions() -> None:
    document, _ = fold(*START, record(ANN, 2, 2, edit(A, [5, "!"])))
    document.revision = 3 + limits.MAX_BEHIND - 1
    apply(document, record(ANN, 3, document.revision, edit(B, [3, "?"])))
    assert [each.edit.id for each in document.to_state().edits] == [B]
    assert document.edits_since(A, 0) == []


def test_a_base_more_than_a_hundred_thousand_revisions_behind_is_stale() -> None:
    document, _ = fold(*START)
    document.revision = 2 + limits.MAX_BEHIND
    result = apply(document, record(ANN, 2, 1, move(A, 0, 0)))
    assert isinstance(result, Refused)
    assert result.refusal.reason == "STALE_BASE"
    assert isinstance(apply(document, record(BOB, 2, 2, move(A, 0, 0))), Applied)


def test_an_edit_behind_very_many_others_is_refused() -> None:
    document, _ = fold(*START, record(BOB, 2, 2, edit(A, [5])))
    (landed,) = document.edits_since(A, 0)
    for _ in range(limits.MAX_TRANSFORM_PIECES // 3):
        document.add_edit(landed)
    result = apply(document, record(ANN, 2, 2, edit(A, [5, "x"])))
    assert isinstance(result, Refused)
    assert result.refusal.reason == "TEXT_TOO_FAR_BEHIND"
