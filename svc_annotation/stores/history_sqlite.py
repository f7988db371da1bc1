"""History in one SQLite file (WAL, synchronous=FULL): every `write` is one durable transaction."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from mesh.migration import migrate
from mesh.sql import Database
from svc_annotation.core.row import Change, HistoryRow
from svc_annotation.stores import past_sqlite
from svc_annotation.stores.history import Head, HistoryDiverged, HistoryGap, LandedCommit
from svc_annotation.stores.removal_sqlite import SqliteRemovals
from svc_annotation.stores.table import SCHEMA

READ_BYTES: Final = 4 * 1024 * 1024
MAPPED_BYTES: Final = 1 << 30
"""A moment of a long history is found in pages all over the file."""

_FIRST_EPOCH: Final = "INSERT OR IGNORE INTO metadata (name, value) VALUES ('epoch', 1)"
_COLUMNS: Final = (
    'video_id, ordinal, epoch, "offset", tenant_id, person_id, client_id, client_seq, hash, rules, time_ms, revision,'
    ' at_revision, refusal, "commit", client_commit'
)
_INSERT_RECORD: Final = f"INSERT OR IGNORE INTO records ({_COLUMNS}) VALUES {{values}}"
_ROWS: Final = f"SELECT {_COLUMNS} FROM records WHERE video_id = ? AND ordinal >= ? ORDER BY ordinal LIMIT ?"
_CHANGES: Final = (
    "SELECT revision, annotation_id, state FROM changes WHERE video_id = ? AND revision BETWEEN ? AND ?"
    " ORDER BY revision, annotation_id"
)
_COMMITS: Final = (
    'SELECT revision, "commit", client_commit FROM records WHERE video_id = ? AND revision > ?'
    " AND revision > 0 ORDER BY revision LIMIT ?"
)
_SIGN: Final = 1 << 63
_HASH: Final = HistoryRow._fields.index("hash")


async def open_sqlite_history(path: Path) -> "SqliteHistory":
    """Opens the file, made if missing, and brought up."""
    path.parent.mkdir(parents=True, exist_ok=True)
    database = Database(f"sqlite:///{path}", mapped_bytes=MAPPED_BYTES)
    try:
        await database.run(_prepare)
    except BaseException:
        await database.close()
        raise
    return SqliteHistory(database)


def _prepare(connection: Connection) -> None:
    migrate(connection, SCHEMA)
    connection.exec_driver_sql(_FIRST_EPOCH)


class SqliteHistory(past_sqlite.SqlitePast, SqliteRemovals):
    """See `History`, and `Past`."""

    async def epoch(self) -> int:
        """See `History`."""
        return await self._database.run(_epoch)

    async def positions(self) -> dict[int, int]:
        """See `History`."""

        def work(connection: Connection) -> dict[int, int]:
            rows = connection.exec_driver_sql("SELECT partition, position FROM positions")
            return {row[0]: row[1] for row in rows}

        return await self._database.run(work)

    async def begin_epoch(self, ends: Mapping[int, int]) -> int:
        """See `History`."""

        def work(connection: Connection) -> int:
            connection.exec_driver_sql("UPDATE metadata SET value = value + 1 WHERE name = 'epoch'")
            _set_positions(connection, ends)
            return _epoch(connection)

        return await self._database.run(work)

    async def write(self, positions: Mapping[int, int], rows: Sequence[HistoryRow]) -> None:
        """See `History`."""

        def work(connection: Connection) -> None:
            if rows:
                _insert(connection, rows)
            _set_positions(connection, positions)

        await self._database.run(work)

    async def head(self, video_id: int) -> Head | None:
        """See `History`."""

        def work(connection: Connection) -> Head | None:
            row = connection.exec_driver_sql(
                'SELECT ordinal, epoch, "offset" FROM records WHERE video_id = ? ORDER BY ordinal DESC LIMIT 1',
                (video_id,),
            ).first()
            return Head(*row) if row is not None else None

        return await self._database.run(work)

    async def rows(self, video_id: int, first_ordinal: int, limit: int) -> Sequence[HistoryRow]:
        """See `History`."""

        def work(connection: Connection) -> Sequence[HistoryRow]:
            return _read_rows(connection, video_id, first_ordinal, limit)

        return await self._database.run(work)

    async def commits(self, video_id: int, after_revision: int, limit: int) -> Sequence[LandedCommit]:
        """See `History`."""

        def work(connection: Connection) -> Sequence[LandedCommit]:
            commits: list[LandedCommit] = []
            size_bytes = 0
            for revision, commit, client in connection.exec_driver_sql(_COMMITS, (video_id, after_revision, limit)):
                if revision != after_revision + len(commits) + 1:
                    raise _gap(video_id, f"revision {after_revision + len(commits) + 1}")
                commits.append(LandedCommit(revision, commit, client))
                size_bytes += len(commit)
                if size_bytes > READ_BYTES:
                    break
            return commits

        return await self._database.run(work)

    async def close(self) -> None:
        """See `History`."""
        await self._database.close()


def _epoch(connection: Connection) -> int:
    epoch = connection.exec_driver_sql("SELECT value FROM metadata WHERE name = 'epoch'").scalar_one()
    assert isinstance(epoch, int)
    return epoch


def _set_positions(connection: Connection, positions: Mapping[int, int]) -> None:
    if positions:
        connection.exec_driver_sql(
            "INSERT OR REPLACE INTO positions (partition, position) VALUES (?, ?)", list(positions.items())
        )


def _insert(connection: Connection, rows: Sequence[HistoryRow]) -> None:
    inserted = past_sqlite.insert_rows(connection, _INSERT_RECORD, [_values(row) for row in rows])
    if inserted != len(rows):
        _check_same(connection, rows)
    past_sqlite.insert(connection, ((row.video_id, row.revision, change) for row in rows for change in row.changes))


def _values(row: HistoryRow) -> tuple[Any, ...]:
    """Of the columns, which are the row's fields but for the changes; numbers have a sign there."""
    signed_hash = row.hash - 2 * _SIGN if row.hash >= _SIGN else row.hash
    return (*row[:_HASH], signed_hash, *row[_HASH + 1 : -1])


def _check_same(connection: Connection, rows: Iterable[HistoryRow]) -> None:
    """Some were there: fine after a crash, when they say the same."""
    for row in rows:
        there = connection.exec_driver_sql(_ROWS, (row.video_id, row.ordinal, 1)).first()
        if there is None or tuple(there) != _values(row):
            raise HistoryDiverged(
                f"history has another row {row.ordinal} of video {row.video_id}",
                video_id=str(row.video_id),
                ordinal=str(row.ordinal),
            )


def _read_rows(connection: Connection, video_id: int, first_ordinal: int, limit: int) -> list[HistoryRow]:
    found: list[tuple[Any, ...]] = []
    size_bytes = 0
    for record in connection.exec_driver_sql(_ROWS, (video_id, first_ordinal, limit)):
        if record[1] != first_ordinal + len(found):
            raise _gap(video_id, f"row {first_ordinal + len(found)}")
        found.append(tuple(record))
        size_bytes += len(record[14])
        if size_bytes > READ_BYTES:
            break
    revisions = [record[11] for record in found if record[11]]
    changes: dict[int, list[Change]] = {}
    if revisions:
        span = (video_id, revisions[0], revisions[-1])
        for revision, annotation_id, state in connection.exec_driver_sql(_CHANGES, span):
            changes.setdefault(revision, []).append(Change(annotation_id, state))
    return [_row(record, tuple(changes.get(record[11], ()))) for record in found]


def _row(record: tuple[Any, ...], changes: tuple[Change, ...]) -> HistoryRow:
    values = [*record, changes]
    values[_HASH] %= 2 * _SIGN
    return HistoryRow(*values)


def _gap(video_id: int, what: str) -> HistoryGap:
    return HistoryGap(f"history of video {video_id} lacks {what}", video_id=str(video_id))
