"""A document out of history is the document that the fold made."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.annotation.v1 import operation_pb2, record_pb2
from rushes.document import Document
from rushes.document.submitted import Submitted
from svc_annotation.core.fold import fold
from svc_annotation.core.landed import CLIENT, INTERNAL
from svc_annotation.core.replay import HistoryBroken, Replay
from svc_annotation.core.row import HistoryRow
from svc_annotation.core.state import encode_state
from tests.unit.svc_annotation.annotation_kit import VIDEO, Writer, create, insert, move, publish

HOUR_MS = 3_600_000
NAMES = ("a", "b", "c", "d")

operations = st.one_of(
    st.builds(create, st.sampled_from(NAMES), audience=st.sampled_from((INTERNAL, CLIENT)), text=st.just("")),
    st.builds(create, st.sampled_from(NAMES), audience=st.just(CLIENT), parent=st.sampled_from(NAMES)),
    st.builds(move, st.sampled_from(NAMES), st.integers(-99, 99), st.integers(-99, 99)),
    st.builds(insert, st.sampled_from(NAMES), st.text(min_size=1, max_size=3)),
    st.builds(publish, st.sampled_from(NAMES)),
)
steps = st.lists(
    st.tuples(
        st.sampled_from(("ann", "bob")),
        st.integers(0, 30),
        st.lists(operations, min_size=1, max_size=3),
        st.integers(0, 40 * 24) | st.just(0),
    ),
    max_size=25,
)


def run(script: list[tuple[str, int, list[operation_pb2.Operation], int]]) -> tuple[Document, list[HistoryRow]]:
    """Folds what two people send; who was refused goes on as a new client."""
    document = Document(VIDEO, 3)
    writers: dict[str, Writer] = {}
    rows: list[HistoryRow] = []
    now_ms = HOUR_MS
    for count, (person, behind, batch, hours) in enumerate(script):
        now_ms += hours * HOUR_MS
        writer = writers.setdefault(person, Writer(document, person, f"{person} {count}"))
        base = max(0, document.revision - behind)
        record = writer.record(batch, base=base, time_ms=now_ms)
        folded = fold(document, Submitted.of(record), count)
        if folded.row is not None:
            rows.append(folded.row)
        if folded.landed is None:
            del writers[person]
    return document, rows


@settings(max_examples=150, deadline=None)
@given(steps, st.data())
def test_a_snapshot_and_the_rows_after_it_give_the_folds_own_bytes(
    script: list[tuple[str, int, list[operation_pb2.Operation], int]], data: st.DataObject
) -> None:
    document, rows = run(script)
    at = data.draw(st.integers(0, len(rows)))
    early = Replay(VIDEO, b"")
    if at:
        early.add(rows[:at])
    state = b"".join(encode_state(early.document(3)))
    late = Replay(VIDEO, state if at else b"")
    assert late.ordinal == at
    if rows[at:]:
        late.add(rows[at:])
    replayed = late.document(3)
    assert replayed.to_bytes() == document.to_bytes()
    assert replayed.epoch == 3
    assert replayed.time_ms == document.time_ms


def test_history_that_lacks_a_row_is_not_taken_for_a_document() -> None:
    _, rows = run([("ann", 0, [create("a")], 0), ("ann", 0, [move("a", 1, 1)], 0), ("ann", 0, [move("a", 2, 2)], 0)])
    with pytest.raises(HistoryBroken, match="row 1"):
        Replay(VIDEO, b"").add(rows[1:])
    with pytest.raises(HistoryBroken, match="row 2"):
        Replay(VIDEO, b"").add([rows[0], rows[2]])
    with pytest.raises(HistoryBroken, match="revision 2"):
        Replay(VIDEO, b"").add([rows[0]._replace(revision=2)])
    with pytest.raises(HistoryBroken, match="no row 0"):
        Replay(VIDEO, b"").add([])


def test_the_pieces_of_a_state_are_of_one_moment() -> None:
    writer = Writer(Document(VIDEO, 1))
    for number in range(60):
        writer.fold(*(create(f"{number} {each}") for each in range(20)))
    before = writer.document.to_bytes()
    pieces = encode_state(writer.document)
    writer.fold(create("later"))
    encoded = list(pieces)
    assert len(encoded) > 2
    assert record_pb2.DocumentState.FromString(b"".join(encoded)) == record_pb2.DocumentState.FromString(before)


def test_history_keeps_what_clients_may_read_of_a_commit() -> None:
    writer = Writer(Document(VIDEO, 1))
    shown = writer.fold(create("open"))
    hidden = writer.fold(create("secret", audience=INTERNAL, text="canary"))
    mixed = writer.fold(move("open", 1, 1), move("secret", 2, 2))
    assert shown.row is not None
    assert shown.row.client_commit is None
    assert hidden.row is not None
    assert hidden.row.client_commit == b""
    assert mixed.row is not None
    assert mixed.row.client_commit
    assert len(operation_pb2.Commit.FromString(mixed.row.client_commit).operations) == 1
    assert len(operation_pb2.Commit.FromString(mixed.row.commit).operations) == 2


def test_what_changes_nothing_has_no_row() -> None:
    writer = Writer(Document(VIDEO, 1))
    record = writer.record([create("a")])
    fold(writer.document, Submitted.of(record), 0)
    again = fold(writer.document, Submitted.of(record), 1)
    assert again.row is None
    assert again.landed is None
