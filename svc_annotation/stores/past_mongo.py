"""The past in MongoDB: an annotation's changes by revision, and where and when it was at all."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, UpdateOne
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, PyMongoError

from svc_annotation.core.past import facts_of
from svc_annotation.core.row import Change
from svc_annotation.stores.history import HistoryGap, HistoryUnavailable, LandedCommit
from svc_annotation.stores.mongo_schema import ANNOTATIONS, CHANGES, RECORDS, only_duplicates
from svc_annotation.stores.past import Criteria, Frames, Moment, Place, StateAt

READ_BYTES: Final = 4 * 1024 * 1024
AT_ONCE: Final = 500

Document = dict[str, Any]


async def insert(database: "AsyncDatabase[Document]", changes: Iterable[tuple[int, int, Change]]) -> None:
    """Adds changes, each with its video and revision. What is there already stays."""
    made: list[Document] = []
    spans: dict[tuple[int, int, int], tuple[bytes, int, int]] = {}
    for video_id, revision, change in changes:
        facts = facts_of(change.state)
        place = (video_id, facts.order_revision, facts.order_index)
        _, first, last = spans.get(place, (b"", facts.first_frame, facts.last_frame))
        spans[place] = (change.annotation_id, min(first, facts.first_frame), max(last, facts.last_frame))
        made.append(
            {
                "video_id": video_id,
                "revision": revision,
                "annotation_id": change.annotation_id,
                "state": change.state,
                "internal": facts.internal,
                "first_frame": facts.first_frame,
                "last_frame": facts.last_frame,
            }
        )
    if not made:
        return
    try:
        await database[CHANGES].insert_many(made, ordered=False)
    except BulkWriteError as error:
        if not only_duplicates(error):
            raise
    await _place(database, spans)


async def _place(
    database: "AsyncDatabase[Document]", spans: dict[tuple[int, int, int], tuple[bytes, int, int]]
) -> None:
    """Notes each annotation's place, and all frames between the first and last it was ever on."""
    updates = [
        UpdateOne(
            {"video_id": video_id, "order_revision": order_revision, "order_index": order_index},
            {"$set": {"annotation_id": name}, "$min": {"first_frame": first}, "$max": {"last_frame": last}},
            upsert=True,
        )
        for (video_id, order_revision, order_index), (name, first, last) in spans.items()
    ]
    try:
        await database[ANNOTATIONS].bulk_write(updates, ordered=False)
    except BulkWriteError as error:
        if not only_duplicates(error):
            raise
        # Two made the same one at the same time: now it is there to be updated.
        await database[ANNOTATIONS].bulk_write(updates, ordered=False)


class MongoPast:
    """See `Past`. All of it is read from the primary: a secondary that is behind would tell another past."""

    def __init__(self, database: "AsyncDatabase[Document]") -> None:
        self._database = database

    async def moment(self, video_id: int, revision: int) -> Moment:
        """See `Past`."""
        if revision == 0:
            return Moment(0, 0)
        found = await self._one({"video_id": video_id, "revision": revision}, {"time_ms": 1})
        if found is None or revision < 0:
            raise HistoryGap(f"history of video {video_id} lacks revision {revision}", video_id=str(video_id))
        return Moment(revision, found["time_ms"])

    async def moment_at(self, video_id: int, time_ms: int) -> Moment:
        """See `Past`."""
        query = {"video_id": video_id, "time_ms": {"$lte": time_ms}, "revision": {"$gt": 0}}
        order = [("time_ms", DESCENDING), ("revision", DESCENDING)]
        found = await self._one(query, {"time_ms": 1, "revision": 1}, order)
        return Moment(found["revision"], found["time_ms"]) if found is not None else Moment(0, 0)

    async def _one(
        self, query: Document, columns: Document, sort: list[tuple[str, int]] | None = None
    ) -> Document | None:
        try:
            return await self._database[RECORDS].find_one(query, columns, sort=sort)
        except PyMongoError as error:
            raise _away(error) from error

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
        states: list[StateAt] = []
        size_bytes = 0
        try:
            while len(states) < limit:
                places = await self._places(video_id, revision, after, frames, annotation_ids)
                for state in await self._at(video_id, revision, since, places):
                    states.append(state)
                    size_bytes += len(state.state)
                    if len(states) == limit or size_bytes > READ_BYTES:
                        return states
                if len(places) < AT_ONCE:
                    break
                after = max(places.values())
        except PyMongoError as error:
            raise _away(error) from error
        return states

    async def _places(
        self,
        video_id: int,
        revision: int,
        after: Place,
        frames: Frames | None,
        annotation_ids: Collection[bytes] | None,
    ) -> dict[bytes, Place]:
        """Annotations in drawing order."""
        query: Document = {
            "video_id": video_id,
            "order_revision": {"$lte": revision},
            "$or": [
                {"order_revision": {"$gt": after.order_revision}},
                {"order_revision": after.order_revision, "order_index": {"$gt": after.order_index}},
            ],
        }
        if frames is not None:
            query |= {"first_frame": {"$lte": frames.last}, "last_frame": {"$gte": frames.first}}
        if annotation_ids is not None:
            query["annotation_id"] = {"$in": list(annotation_ids)}
        order = [("order_revision", ASCENDING), ("order_index", ASCENDING)]
        found = self._database[ANNOTATIONS].find(query, sort=order, limit=AT_ONCE)
        return {each["annotation_id"]: Place(each["order_revision"], each["order_index"]) async for each in found}

    async def _at(self, video_id: int, revision: int, since: int, places: dict[bytes, Place]) -> Sequence[StateAt]:
        """The newest state of each: the first of its keys in the index, of which MongoDB need not read the others."""
        pipeline: list[Document] = [
            {
                "$match": {
                    "video_id": video_id,
                    "annotation_id": {"$in": list(places)},
                    "revision": {"$lte": revision},
                }
            },
            {"$sort": {"video_id": 1, "annotation_id": 1, "revision": -1}},
            {
                "$group": {
                    "_id": "$annotation_id",
                    "revision": {"$first": "$revision"},
                    "internal": {"$first": "$internal"},
                    "state": {"$first": "$state"},
                }
            },
        ]
        found = [
            StateAt(places[each["_id"]], each["_id"], each["revision"], each["internal"], each["state"])
            async for each in await self._database[CHANGES].aggregate(pipeline, allowDiskUse=True)
            if each["revision"] > since
        ]
        return sorted(found)

    async def find(self, video_id: int, criteria: Criteria, limit: int) -> Sequence[LandedCommit]:
        """See `Past`."""
        try:
            revisions = await self._touching(video_id, criteria) if criteria.frames is not None else None
            return await self._find(video_id, criteria, revisions, limit)
        except PyMongoError as error:
            raise _away(error) from error

    async def _touching(self, video_id: int, criteria: Criteria) -> list[int]:
        """Revisions after which something that they touched was on the frames."""
        assert criteria.frames is not None
        overlapping: Document = {
            "video_id": video_id,
            "first_frame": {"$lte": criteria.frames.last},
            "last_frame": {"$gte": criteria.frames.first},
        }
        names = [each["annotation_id"] async for each in self._database[ANNOTATIONS].find(overlapping)]
        query = overlapping | {
            "annotation_id": {"$in": names},
            "revision": {"$gt": criteria.after, "$lte": criteria.to},
        }
        if criteria.client:
            query["internal"] = False
        found = {each["revision"] async for each in self._database[CHANGES].find(query, {"revision": 1})}
        return sorted(found, reverse=criteria.newest_first)

    async def _find(
        self, video_id: int, criteria: Criteria, revisions: list[int] | None, limit: int
    ) -> Sequence[LandedCommit]:
        query: Document = {"video_id": video_id, "revision": {"$gt": max(criteria.after, 0), "$lte": criteria.to}}
        if criteria.person_id:
            query["person_id"] = criteria.person_id
        pages = [query]
        if revisions is not None:
            some = [revisions[at : at + AT_ONCE] for at in range(0, len(revisions), AT_ONCE)]
            pages = [query | {"revision": {"$in": each}} for each in some]
        order = [("revision", DESCENDING if criteria.newest_first else ASCENDING)]
        columns = {"revision": 1, "commit": 1, "client_commit": 1}
        commits: list[LandedCommit] = []
        size_bytes = 0
        for page in pages:
            if len(commits) >= limit:
                break
            found = self._database[RECORDS].find(page, columns, sort=order, limit=limit - len(commits))
            async for each in found:
                commits.append(LandedCommit(each["revision"], each["commit"], each["client_commit"]))
                size_bytes += len(each["commit"])
                if size_bytes > READ_BYTES:
                    return commits
        return commits


def _away(error: PyMongoError) -> HistoryUnavailable:
    return HistoryUnavailable(f"MongoDB cannot be used now: {error}")
