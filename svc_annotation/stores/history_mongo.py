"""History in MongoDB: rows are inserted and never changed; a unique index decides who was first.

There are no transactions: changes go in before the rows that made them, positions after them. What a crash leaves
between is a part of what the log says anyway, so writing the bulk again completes it.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, AsyncMongoClient, ReadPreference, ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, PyMongoError

from svc_annotation.core.row import Change, HistoryRow
from svc_annotation.stores import past_mongo, removal_mongo
from svc_annotation.stores.history import (
    Head,
    HistoryDiverged,
    HistoryGap,
    HistoryLost,
    HistoryUnavailable,
    LandedCommit,
)
from svc_annotation.stores.mongo_schema import (
    CHANGES,
    LOG,
    METADATA,
    RECORDS,
    connect,
    database_of,
    only_duplicates,
    prepare,
)

READ_BYTES: Final = 4 * 1024 * 1024
MAX_HEADS: Final = 20_000
_SIGN: Final = 1 << 63
_COLUMNS: Final = HistoryRow._fields[:-1]
"""All but the changes, which are documents of their own."""
_COMMIT: Final = {"_id": 0, "revision": 1, "commit": 1, "client_commit": 1}

Document = dict[str, Any]


@contextlib.contextmanager
def reaching() -> Iterator[None]:
    """What MongoDB's driver says, as the port says it."""
    try:
        yield
    except PyMongoError as error:
        raise HistoryUnavailable(f"MongoDB cannot be used now: {error}") from error


async def open_mongo_history(url: str) -> "MongoHistory":
    """Connects, and makes the indexes that are missing. Raises HistoryUnavailable."""
    client = connect(url)
    try:
        database = database_of(client)
        with reaching():
            await prepare(database)
    except BaseException:
        await client.close()
        raise
    return MongoHistory(client, database)


class MongoHistory(past_mongo.MongoPast):
    """See `History`, and `Past`."""

    def __init__(self, client: "AsyncMongoClient[Document]", database: "AsyncDatabase[Document]") -> None:
        super().__init__(database)
        self._client = client
        self._records = database[RECORDS]
        self._for_people = self._records.with_options(read_preference=ReadPreference.SECONDARY_PREFERRED)
        self._metadata = database[METADATA]
        self._incarnation: str | None = None
        """Whose positions were read here: no others are ever written over."""
        self._heads: dict[int, int] = {}
        """The next ordinal of videos that were written here: what follows it is most likely new."""

    async def epoch(self) -> int:
        """See `History`."""
        return int((await self._log())["epoch"])

    async def positions(self) -> dict[int, int]:
        """See `History`."""
        return {int(number): position for number, position in (await self._log())["positions"].items()}

    async def _log(self) -> Document:
        with reaching():
            found = await self._metadata.find_one({"_id": LOG})
        if found is None or found["incarnation"] != (self._incarnation or found["incarnation"]):
            raise _lost()
        self._incarnation = found["incarnation"]
        return found

    async def begin_epoch(self, ends: Mapping[int, int]) -> int:
        """See `History`. Of several that find the log exchanged, one raises the epoch."""
        await self._log()
        lost: list[Document] = [{f"positions.{number}": {"$gt": end}} for number, end in ends.items()]
        change = {"$inc": {"epoch": 1}, "$set": {f"positions.{number}": end for number, end in ends.items()}}
        with reaching():
            await self._metadata.find_one_and_update(
                {"_id": LOG, "$or": lost}, change, return_document=ReturnDocument.AFTER
            )
        return await self.epoch()

    async def write(self, positions: Mapping[int, int], rows: Sequence[HistoryRow]) -> None:
        """See `History`."""
        with reaching():
            # Where history was lost, so were the indexes that keep rows unique: nothing may go in before they are back.
            await self._log()
            new = await self._without_those_there(rows)
            if new:
                await past_mongo.insert(
                    self._database, ((row.video_id, row.revision, change) for row in new for change in row.changes)
                )
                await self._insert(new)
            if positions:
                highest = {f"positions.{number}": position for number, position in positions.items()}
                mine = {"_id": LOG, "incarnation": self._incarnation}
                if not (await self._metadata.update_one(mine, {"$max": highest})).matched_count:
                    raise _lost()
        if len(self._heads) > MAX_HEADS:
            self._heads.clear()
        for row in rows:
            self._heads[row.video_id] = row.ordinal + 1

    async def _without_those_there(self, rows: Sequence[HistoryRow]) -> Sequence[HistoryRow]:
        """Rows that are to be inserted. Raises HistoryDiverged, before anything is written."""
        first: dict[int, int] = {}
        for row in rows:
            first[row.video_id] = min(row.ordinal, first.get(row.video_id, row.ordinal))
        asked = {video_id for video_id, ordinal in first.items() if self._heads.get(video_id) != ordinal}
        there = await self._there([row for row in rows if row.video_id in asked])
        return [row for row in rows if (row.video_id, row.ordinal) not in there]

    async def _there(self, rows: Sequence[HistoryRow]) -> set[tuple[int, int]]:
        """Which of these are there. Raises HistoryDiverged if one says something else."""
        by_video: dict[int, dict[int, HistoryRow]] = {}
        for row in rows:
            by_video.setdefault(row.video_id, {})[row.ordinal] = row
        there: set[tuple[int, int]] = set()
        for video_id, by_ordinal in by_video.items():
            query = {"video_id": video_id, "ordinal": {"$gte": min(by_ordinal), "$lte": max(by_ordinal)}}
            async for found in self._records.find(query, {"_id": 0}):
                row_there = by_ordinal.get(found["ordinal"])
                if row_there is None:
                    continue
                if found != _document(row_there):
                    raise _diverged(row_there)
                there.add((video_id, found["ordinal"]))
        return there

    async def _insert(self, rows: Sequence[HistoryRow]) -> None:
        try:
            await self._records.insert_many([_document(row) for row in rows], ordered=False)
        except BulkWriteError as error:
            if not only_duplicates(error):
                raise
            # Another projector was first: fine, when it wrote the same.
            there = await self._there(rows)
            missing = next((row for row in rows if (row.video_id, row.ordinal) not in there), None)
            if missing is not None:
                raise _diverged(missing) from error

    async def head(self, video_id: int) -> Head | None:
        """See `History`."""
        with reaching():
            found = await self._records.find_one(
                {"video_id": video_id}, {"ordinal": 1, "epoch": 1, "offset": 1}, sort=[("ordinal", DESCENDING)]
            )
        return Head(found["ordinal"], found["epoch"], found["offset"]) if found is not None else None

    async def rows(self, video_id: int, first_ordinal: int, limit: int) -> Sequence[HistoryRow]:
        """See `History`. From the primary, for state is built from them."""
        query = {"video_id": video_id, "ordinal": {"$gte": first_ordinal}}
        found: list[Document] = []
        size_bytes = 0
        with reaching():
            async for record in self._records.find(query, {"_id": 0}, sort=[("ordinal", ASCENDING)], limit=limit):
                if record["ordinal"] != first_ordinal + len(found):
                    raise _gap(video_id, f"row {first_ordinal + len(found)}")
                found.append(record)
                size_bytes += len(record["commit"])
                if size_bytes > READ_BYTES:
                    break
            changes = await self._changes(video_id, [record["revision"] for record in found if record["revision"]])
        return [_row(record, tuple(changes.get(record["revision"], ()))) for record in found]

    async def _changes(self, video_id: int, revisions: Sequence[int]) -> dict[int, list[Change]]:
        changes: dict[int, list[Change]] = {}
        if revisions:
            query = {"video_id": video_id, "revision": {"$gte": revisions[0], "$lte": revisions[-1]}}
            order = [("revision", ASCENDING), ("annotation_id", ASCENDING)]
            columns = {"revision": 1, "annotation_id": 1, "state": 1}
            async for found in self._database[CHANGES].find(query, columns, sort=order):
                changes.setdefault(found["revision"], []).append(Change(found["annotation_id"], found["state"]))
        return changes

    async def commits(self, video_id: int, after_revision: int, limit: int) -> Sequence[LandedCommit]:
        """See `History`. A secondary may be behind: what it lacks is asked of the primary."""
        with reaching():
            with contextlib.suppress(HistoryGap):
                commits = await self._commits(self._for_people, video_id, after_revision, limit)
                if commits:
                    return commits
            return await self._commits(self._records, video_id, after_revision, limit)

    async def _commits(self, records: Any, video_id: int, after_revision: int, limit: int) -> Sequence[LandedCommit]:
        query = {"video_id": video_id, "revision": {"$gt": max(after_revision, 0)}}
        commits: list[LandedCommit] = []
        size_bytes = 0
        async for found in records.find(query, _COMMIT, sort=[("revision", ASCENDING)], limit=limit):
            if found["revision"] != after_revision + len(commits) + 1:
                raise _gap(video_id, f"revision {after_revision + len(commits) + 1}")
            commits.append(LandedCommit(found["revision"], found["commit"], found["client_commit"]))
            size_bytes += len(found["commit"])
            if size_bytes > READ_BYTES:
                break
        return commits

    async def remove_some(self, video_id: int) -> bool:
        """See `History`."""
        self._heads.pop(video_id, None)
        with reaching():
            return await removal_mongo.remove_some(self._database, video_id)

    async def removed_to(self) -> int:
        """See `History`."""
        with reaching():
            return await removal_mongo.removed_to(self._database)

    async def set_removed_to(self, number: int) -> None:
        """See `History`."""
        with reaching():
            await removal_mongo.set_removed_to(self._database, number)

    async def close(self) -> None:
        """See `History`."""
        await self._client.close()


def _document(row: HistoryRow) -> Document:
    document = {name: getattr(row, name) for name in _COLUMNS}
    if row.hash >= _SIGN:
        document["hash"] = row.hash - 2 * _SIGN
    return document


def _row(found: Document, changes: tuple[Change, ...]) -> HistoryRow:
    values = {name: found[name] for name in _COLUMNS}
    values["hash"] %= 2 * _SIGN
    return HistoryRow(**values, changes=changes)


def _diverged(row: HistoryRow) -> HistoryDiverged:
    return HistoryDiverged(
        f"history has another row {row.ordinal} of video {row.video_id}",
        video_id=str(row.video_id),
        ordinal=str(row.ordinal),
    )


def _lost() -> HistoryLost:
    return HistoryLost("history is not the one that this instance began with: begin anew")


def _gap(video_id: int, what: str) -> HistoryGap:
    return HistoryGap(f"history of video {video_id} lacks {what}", video_id=str(video_id))
