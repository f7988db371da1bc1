"""The past in the history's SQLite file: an annotation's changes by revision, and where and when it was at all.

A state at a revision is one seek in the index (video, annotation, revision) for each annotation, however many changes
lie before or behind it.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection

from mesh.sql import Database
from svc_annotation.core.past import facts_of
from svc_annotation.core.row import Change
from svc_annotation.stores.history import HistoryGap, LandedCommit
from svc_annotation.stores.past import Criteria, Frames, Moment, Place, StateAt

ROWS_AT_ONCE: Final = 250
READ_BYTES: Final = 4 * 1024 * 1024
NAMED_AT_ONCE: Final = 500

_INSERT_CHANGE: Final = (
    "INSERT OR IGNORE INTO changes (video_id, revision, annotation_id, state, internal, first_frame, last_frame)"
    " VALUES {values}"
)
_PLACE: Final = (
    "INSERT INTO annotations (video_id, order_revision, order_index, annotation_id, first_frame, last_frame)"
    " VALUES {values} ON CONFLICT DO UPDATE SET"
    " first_frame = min(first_frame, excluded.first_frame), last_frame = max(last_frame, excluded.last_frame)"
    " WHERE excluded.first_frame < first_frame OR excluded.last_frame > last_frame"
)
_STATES: Final = (
    "SELECT a.order_revision, a.order_index, a.annotation_id, c.revision, c.internal, c.state"
    " FROM annotations a CROSS JOIN changes c"
    " WHERE a.video_id = ? AND (a.order_revision, a.order_index) > (?, ?) AND a.order_revision <= ?"
    "{frames}{named} AND c.video_id = a.video_id AND c.annotation_id = a.annotation_id AND c.revision ="
    " (SELECT max(revision) FROM changes WHERE video_id = a.video_id AND annotation_id = a.annotation_id"
    " AND revision <= ?) AND c.revision > ? ORDER BY a.order_revision, a.order_index LIMIT ?"
)
_ON_FRAMES: Final = " AND a.first_frame <= ? AND a.last_frame >= ?"
_TOUCHED: Final = (
    "SELECT DISTINCT c.revision FROM annotations a CROSS JOIN changes c"
    " WHERE a.video_id = ? AND a.first_frame <= ? AND a.last_frame >= ?"
    " AND c.video_id = a.video_id AND c.annotation_id = a.annotation_id AND c.revision > ? AND c.revision <= ?"
    " AND c.first_frame <= ? AND c.last_frame >= ? AND c.internal <= ?"
)
_FIND: Final = (
    'SELECT r.revision, r."commit", r.client_commit FROM records r WHERE r.video_id = ? AND r.revision > ?'
    " AND r.revision <= ? AND r.revision > 0{person}{frames} ORDER BY r.revision {direction} LIMIT ?"
)


def insert_rows(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> int:
    """Adds rows by a statement with a place for {values}; gives how many were added or changed.

    Many rows a statement: between two statements the thread waits for the interpreter, which the event loop has.
    """
    count = 0
    place = f"({', '.join('?' * len(rows[0]))})"
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        values = ", ".join([place] * len(some))
        found = connection.exec_driver_sql(statement.format(values=values), tuple(chain.from_iterable(some)))
        count += found.rowcount
    return count


def insert(connection: Connection, changes: Iterable[tuple[int, int, Change]]) -> None:
    """Adds changes, each with its video and revision, in order. What is there already stays."""
    made = []
    places = []
    for video_id, revision, change in changes:
        annotation_id, state = change
        order_revision, order_index, first, last, internal = facts_of(state)
        made.append((video_id, revision, annotation_id, state, internal, first, last))
        places.append((video_id, order_revision, order_index, annotation_id, first, last))
    if made:
        insert_rows(connection, _INSERT_CHANGE, made)
        insert_rows(connection, _PLACE, places)


class SqlitePast:
    """See `Past`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def moment(self, video_id: int, revision: int) -> Moment:
        """See `Past`."""
        if revision == 0:
            return Moment(0, 0)

        def work(connection: Connection) -> Moment:
            found = connection.exec_driver_sql(
                "SELECT time_ms FROM records WHERE video_id = ? AND revision = ? AND revision > 0",
                (video_id, revision),
            ).scalar()
            if found is None:
                raise HistoryGap(f"history of video {video_id} lacks revision {revision}", video_id=str(video_id))
            return Moment(revision, found)

        return await self._database.run(work)

    async def moment_at(self, video_id: int, time_ms: int) -> Moment:
        """See `Past`. Times never decrease with the ordinal, so halving finds it."""

        def work(connection: Connection) -> Moment:
            last = connection.exec_driver_sql(
                "SELECT max(ordinal) FROM records WHERE video_id = ?", (video_id,)
            ).scalar()
            low, high = 0, -1 if last is None else last
            at = Moment(0, 0)
            while low <= high:
                middle = (low + high) // 2
                found = _record(connection, video_id, middle)
                if found.time_ms <= time_ms:
                    at, low = found, middle + 1
                else:
                    high = middle - 1
            return _applied(connection, video_id, at)

        return await self._database.run(work)

    async def states(
        self,
        video_id: int,
        revision: int,
        *,
        after: Place,
        limit: int,
        since: int = 0,
        frames: Frames | None = None,
        annotation_ids: Collection[bytes] | None = None,
    ) -> Sequence[StateAt]:
        """See `Past`."""
        on_frames: tuple[int, ...] = () if frames is None else (frames.last, frames.first)
        clause = "" if frames is None else _ON_FRAMES
        span = (video_id, *after, revision, *on_frames)

        def work(connection: Connection) -> Sequence[StateAt]:
            if annotation_ids is None:
                return _read(connection, _STATES.format(frames=clause, named=""), (*span, revision, since, limit))
            found: list[StateAt] = []
            names = list(annotation_ids)
            for at in range(0, len(names), NAMED_AT_ONCE):
                some = names[at : at + NAMED_AT_ONCE]
                named = f" AND a.annotation_id IN ({', '.join('?' * len(some))})"
                query = _STATES.format(frames=clause, named=named)
                found += _read(connection, query, (*span, *some, revision, since, limit))
            return sorted(found, key=lambda each: each.place)[:limit]

        return await self._database.run(work)

    async def find(self, video_id: int, criteria: Criteria, limit: int) -> Sequence[LandedCommit]:
        """See `Past`."""
        asked: list[Any] = [video_id, criteria.after, criteria.to]
        person = frames = ""
        if criteria.person_id:
            person = " AND r.person_id = ?"
            asked.append(criteria.person_id)
        if criteria.frames is not None:
            first, last = criteria.frames
            frames = f" AND r.revision IN ({_TOUCHED})"
            asked += [video_id, last, first, criteria.after, criteria.to, last, first, 0 if criteria.client else 1]
        direction = "DESC" if criteria.newest_first else "ASC"
        query = _FIND.format(person=person, frames=frames, direction=direction)

        def work(connection: Connection) -> Sequence[LandedCommit]:
            commits: list[LandedCommit] = []
            size_bytes = 0
            for found, commit, client in connection.exec_driver_sql(query, (*asked, limit)):
                commits.append(LandedCommit(found, commit, client))
                size_bytes += len(commit)
                if size_bytes > READ_BYTES:
                    break
            return commits

        return await self._database.run(work)


def _record(connection: Connection, video_id: int, ordinal: int) -> Moment:
    row = connection.exec_driver_sql(
        "SELECT at_revision, time_ms FROM records WHERE video_id = ? AND ordinal = ?", (video_id, ordinal)
    ).first()
    if row is None:
        raise HistoryGap(f"history of video {video_id} lacks row {ordinal}", video_id=str(video_id))
    return Moment(*row)


def _applied(connection: Connection, video_id: int, at: Moment) -> Moment:
    """The moment of the revision itself: the record found may have been refused after it."""
    made = connection.exec_driver_sql(
        "SELECT time_ms FROM records WHERE video_id = ? AND revision = ? AND revision > 0", (video_id, at.revision)
    ).scalar()
    return Moment(at.revision, made or 0)


def _read(connection: Connection, query: str, values: tuple[Any, ...]) -> list[StateAt]:
    states: list[StateAt] = []
    size_bytes = 0
    # All at once: a moment of a large document is tens of thousands of rows, and one by one each costs more.
    rows = connection.exec_driver_sql(query, values).all()
    for order_revision, order_index, annotation_id, revision, internal, state in rows:
        states.append(StateAt(Place(order_revision, order_index), annotation_id, revision, bool(internal), state))
        size_bytes += len(state)
        if size_bytes > READ_BYTES:
            break
    return states
