"""What every adapter of the past port promises: any moment, compared with a replay of everything before it."""

import random
import sqlite3
import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from rushes.annotation.v1.annotation_pb2 import Annotation, AnnotationState
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL
from svc_annotation.stores import START, Change, Criteria, Frames, HistoryGap, HistoryRow, Moment, Place, StateAt
from svc_annotation.stores.history_mongo import MongoHistory, open_mongo_history
from svc_annotation.stores.history_sqlite import SqliteHistory, open_sqlite_history

VIDEO = 7
REVISIONS = 300
ANNOTATIONS = 40
EVERYTHING = Criteria(0, 1 << 40, client=False)


class Told:
    """A history of random changes, and what is to be found in it."""

    def __init__(self, seed: int) -> None:
        self.rows: list[HistoryRow] = []
        self.states: list[dict[bytes, AnnotationState]] = [{}]
        dice = random.Random(seed)
        for revision in range(1, REVISIONS + 1):
            now = dict(self.states[-1])
            touched = [self._change(dice, now, revision, index) for index in range(dice.randint(1, 3))]
            self.states.append(now)
            self.rows.append(self._row(revision, dice.choice("abc"), {state.annotation.id: state for state in touched}))

    def _change(
        self, dice: random.Random, now: dict[bytes, AnnotationState], revision: int, index: int
    ) -> AnnotationState:
        state = AnnotationState(order_revision=revision, order_index=index)
        name = bytes([dice.randrange(ANNOTATIONS)]) * 16
        if name in now:
            state.CopyFrom(now[name])
        else:
            state.annotation.audience = AUDIENCE_INTERNAL if dice.random() < 0.4 else AUDIENCE_CLIENT
        first = dice.randrange(100)
        state.annotation.MergeFrom(Annotation(id=name, text=f"at {revision}.{index}"))
        state.annotation.first_frame, state.annotation.last_frame = first, first + dice.randrange(10)
        now[name] = state
        return state

    def _row(self, revision: int, person: str, touched: dict[bytes, AnnotationState]) -> HistoryRow:
        return HistoryRow(
            video_id=VIDEO,
            ordinal=len(self.rows),
            epoch=1,
            offset=revision,
            tenant_id="t",
            person_id=person,
            client_id=bytes(16),
            client_seq=revision,
            hash=revision,
            rules=1,
            time_ms=self.time_ms(revision),
            revision=revision,
            at_revision=revision,
            refusal=b"",
            commit=b"commit %d" % revision,
            client_commit=None,
            changes=tuple(Change(name, state.SerializeToString()) for name, state in touched.items()),
        )

    def time_ms(self, revision: int) -> int:
        """Some revisions are of the same time."""
        return 10_000 + revision // 3 * 10

    def at(self, revision: int) -> list[StateAt]:
        """The states at a revision, by replay."""
        found = []
        for name, state in self.states[revision].items():
            made = next(
                r for r in range(revision, 0, -1) if any(c.annotation_id == name for c in self.rows[r - 1].changes)
            )
            place = Place(state.order_revision, state.order_index)
            internal = state.annotation.audience == AUDIENCE_INTERNAL
            found.append(StateAt(place, name, made, internal, state.SerializeToString()))
        return sorted(found)


AnyHistory = SqliteHistory | MongoHistory


@pytest.fixture(params=["sqlite", "mongo"])
async def told(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Told, AnyHistory]]:
    """A history, written."""
    history: AnyHistory
    if request.param == "mongo":
        history = await open_mongo_history(request.getfixturevalue("mongo_url") + f"past-{uuid.uuid4().hex}")
    else:
        history = await open_sqlite_history(tmp_path / "history.sqlite")
    told = Told(3)
    await history.write({}, told.rows)
    await history.write({}, told.rows[-20:])
    yield told, history
    await history.close()


async def all_states(history: AnyHistory, revision: int, limit: int, since: int = 0) -> list[StateAt]:
    """All states, page by page."""
    states: list[StateAt] = []
    while page := await history.states(
        VIDEO, revision, after=states[-1].place if states else START, limit=limit, since=since
    ):
        states += page
    return states


async def test_the_states_at_every_revision_are_those_of_a_replay(told: tuple[Told, AnyHistory]) -> None:
    expected, history = told
    for revision in range(0, REVISIONS + 1, 7):
        assert await all_states(history, revision, 11) == expected.at(revision)


async def test_states_since_a_revision_are_those_changed_after_it(told: tuple[Told, AnyHistory]) -> None:
    expected, history = told
    for since, revision in ((0, 0), (10, 30), (199, 200), (250, 300), (300, 300)):
        changed = [each for each in expected.at(revision) if each.revision > since]
        assert await all_states(history, revision, 1_000, since) == changed


async def test_named_states_are_found_alone(told: tuple[Told, AnyHistory]) -> None:
    expected, history = told
    names = [bytes([number]) * 16 for number in (1, 5, 200)]
    found = await history.states(VIDEO, 200, after=START, limit=100, annotation_ids=names)
    assert found == [each for each in expected.at(200) if each.annotation_id in names]


async def test_states_of_frames_leave_out_what_never_was_there(told: tuple[Told, AnyHistory]) -> None:
    expected, history = told
    found = await history.states(VIDEO, 250, after=START, limit=1_000, frames=Frames(40, 41))
    ids = {each.annotation_id for each in found}
    for each in expected.at(250):
        annotation = AnnotationState.FromString(each.state).annotation
        if annotation.first_frame <= 41 and annotation.last_frame >= 40:
            assert each.annotation_id in ids
    assert await history.states(VIDEO, 250, after=START, limit=1_000, frames=Frames(500, 600)) == []


async def test_a_moment_is_the_last_revision_up_to_a_time(told: tuple[Told, AnyHistory]) -> None:
    expected, history = told
    for time_ms in (0, 9_999, 10_000, 10_005, 10_010, 10_500, 99_999):
        last = max((r for r in range(1, REVISIONS + 1) if expected.time_ms(r) <= time_ms), default=0)
        assert await history.moment_at(VIDEO, time_ms) == Moment(last, expected.time_ms(last) if last else 0)
    assert await history.moment_at(8, 99_999) == Moment(0, 0)
    assert await history.moment(VIDEO, 12) == Moment(12, expected.time_ms(12))
    assert await history.moment(VIDEO, 0) == Moment(0, 0)
    with pytest.raises(HistoryGap):
        await history.moment(VIDEO, REVISIONS + 1)


def revisions(found: Sequence[object]) -> list[int]:
    """Their revisions."""
    return [each.revision for each in found]  # type: ignore[attr-defined]


async def test_commits_are_found_by_person_and_order(told: tuple[Told, AnyHistory]) -> None:
    expected, history = told
    of_b = [row.revision for row in expected.rows if row.person_id == "b"]
    assert revisions(await history.find(VIDEO, Criteria(0, 300, client=False, person_id="b"), 1_000)) == of_b
    newest = Criteria(100, 200, client=False, person_id="b", newest_first=True)
    assert revisions(await history.find(VIDEO, newest, 5)) == [r for r in reversed(of_b) if 100 < r <= 200][:5]
    assert revisions(await history.find(VIDEO, EVERYTHING, 3)) == [1, 2, 3]


@pytest.mark.parametrize("client", [False, True])
async def test_commits_are_found_by_the_frames_that_what_they_touched_was_on(
    told: tuple[Told, AnyHistory], client: bool
) -> None:
    expected, history = told
    there = []
    for row in expected.rows:
        states = [AnnotationState.FromString(change.state).annotation for change in row.changes]
        if any(
            each.first_frame <= 22 and each.last_frame >= 20 and not (client and each.audience == AUDIENCE_INTERNAL)
            for each in states
        ):
            there.append(row.revision)
    criteria = Criteria(0, REVISIONS, client=client, frames=Frames(20, 22))
    assert there
    assert revisions(await history.find(VIDEO, criteria, 1_000)) == there


async def test_a_history_from_before_its_past_could_be_searched_is_made_searchable(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    expected = Told(4)
    history = await open_sqlite_history(path)
    await history.write({}, expected.rows)
    await history.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE annotations")
        connection.execute("DROP TABLE alembic_version")
        connection.execute("DROP INDEX changes_seek")
        for column in ("internal", "first_frame", "last_frame"):
            connection.execute(f"ALTER TABLE changes DROP COLUMN {column}")
    connection.close()
    history = await open_sqlite_history(path)
    assert await all_states(history, 150, 1_000) == expected.at(150)
    criteria = Criteria(0, REVISIONS, client=True, frames=Frames(20, 22))
    assert await history.find(VIDEO, criteria, 1_000)
    await history.close()
