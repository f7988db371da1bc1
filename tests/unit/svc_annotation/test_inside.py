"""What a saved version takes out of memory: as much as came in a rush, without holding up who is served beside it."""

import asyncio
from itertools import pairwise

import pytest

from rushes.annotation.v1.annotation_pb2 import Annotation, AnnotationState
from svc_annotation import inside as module
from svc_annotation.core.landed import Landed
from svc_annotation.core.past import Facts, facts_of
from svc_annotation.core.row import Change
from svc_annotation.inside import newest_states
from svc_annotation.stores import StateAt
from tests.unit.svc_annotation.annotation_kit import identity

pytestmark = pytest.mark.asyncio

AT_ONCE = 4


def landed(revision: int, name: str, made: int) -> Landed:
    """A note that was made at a revision, as it is after another."""
    note = Annotation(id=identity(name), text=f"at {revision}")
    state = AnnotationState(annotation=note, order_revision=made).SerializeToString()
    return Landed(revision, b"", None, (Change(identity(name), state),))


async def read(since: list[Landed]) -> list[StateAt]:
    """All of it."""
    return [each async for found in newest_states(since) for each in found]


async def test_the_newest_of_each_is_given_in_drawing_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", AT_ONCE)
    made = [landed(number, str(number), number) for number in range(1, 11)]
    changed = [landed(21 - number, str(number), number) for number in range(10, 2, -1)]
    found = await read([landed(0, "older", -1), *made, *reversed(changed)])
    assert [each.place.order_revision for each in found] == [-1, *range(1, 11)]
    assert [each.revision for each in found] == [0, 1, 2, *range(18, 10, -1)]
    assert AnnotationState.FromString(found[3].state).annotation.text == "at 18"
    assert await read([]) == []


async def test_others_get_their_turn_and_each_note_is_looked_into_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_into, seen = 0, [0]

    def count(state: bytes) -> Facts:
        nonlocal looked_into
        looked_into += 1
        return facts_of(state)

    async def others() -> None:
        while True:
            seen.append(looked_into)
            await asyncio.sleep(0)

    monkeypatch.setattr(module, "AT_ONCE", AT_ONCE)
    monkeypatch.setattr(module, "facts_of", count)
    beside = asyncio.create_task(others())
    found = await read([landed(number, str(number % 30), number % 30) for number in range(100)])
    beside.cancel()
    assert (len(found), looked_into) == (30, 30)
    assert max(later - earlier for earlier, later in pairwise(seen)) <= AT_ONCE
    assert seen[-1] > 20
