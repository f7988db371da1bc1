"""Notes that are held as bytes until somebody looks into them."""

import asyncio
from itertools import pairwise

import pytest

from rushes.annotation.v1.annotation_pb2 import Annotation, AnnotationState
from rushes.document.table import Table
from svc_annotation import query as module
from svc_annotation.query import unpacked
from tests.unit.svc_annotation.annotation_kit import identity


class Watched(Table):
    """Knows what was looked into."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.looked_into: list[bytes] = []
        for number in range(1, count + 1):
            self.add(number)

    def add(self, number: int) -> None:
        """A new note, held as bytes."""
        annotation_id = identity(str(number))
        state = AnnotationState(annotation=Annotation(id=annotation_id), order_revision=number)
        self.land({annotation_id: state}, {annotation_id: annotation_id})
        self.pack(annotation_id, state.SerializeToString())

    def get(self, annotation_id: bytes, /) -> AnnotationState | None:
        """See Table."""
        self.looked_into.append(annotation_id)
        return super().get(annotation_id)

    @property
    def numbers(self) -> list[int]:
        """All, in drawing order."""
        return [state.order_revision for state in self.annotations]

    @property
    def packed_count(self) -> int:
        """How many are held as bytes."""
        return sum(isinstance(each, bytes) for each in self.held)


def test_after_a_new_note_only_that_one_is_looked_into() -> None:
    table = Watched(10)
    assert table.numbers == list(range(1, 11))
    assert len(table.looked_into) == 10
    table.looked_into.clear()
    table.add(11)
    assert table.numbers == list(range(1, 12))
    assert table.looked_into == [identity("11")]


def test_some_at_a_time_are_looked_into_and_what_was_changed_since_is_as_it_was_changed() -> None:
    table = Watched(10)
    changed = AnnotationState(annotation=Annotation(id=identity("3"), text="changed"), order_revision=3)
    table.land({identity("3"): changed}, {})
    table.get(identity("4"))
    assert table.unpack(4)
    assert table.packed_count >= 4
    assert not table.unpack(6)
    assert table.packed_count == 0
    assert not table.unpack(1)
    assert table.numbers == list(range(1, 11))
    assert table.get(identity("3")) is changed


@pytest.mark.asyncio
async def test_others_get_their_turn_while_all_are_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    table, seen = Watched(30), [30]

    async def others() -> None:
        while True:
            seen.append(table.packed_count)
            await asyncio.sleep(0)

    monkeypatch.setattr(module, "UNPACKED_AT_ONCE", 4)
    beside = asyncio.create_task(others())
    await unpacked(table)
    beside.cancel()
    assert table.packed_count == 0
    assert max(earlier - later for earlier, later in pairwise([*seen, 0])) <= 4
