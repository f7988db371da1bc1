"""What follows a change in MongoDB: its number for those who follow a video, and its event for the audit trail.

A document that was changed says so itself (`untold_ms`, `events`) until that is done: what a crash leaves is done by
whoever comes next.
"""

import secrets
from collections.abc import Sequence
from typing import Any, Final

from pymongo import DESCENDING
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from mesh import audit
from mesh.mongo import Document
from mesh.sql import StoreBusy
from svc_version.stores.mongo_content import wall_ms
from svc_version.stores.mongo_schema import CHANGES, OUTBOX, TAGS, VERSIONS, WORKS

TRIES: Final = 200
MAX_LOOKED: Final = 10_000
LEFT_MS: Final = 5_000
"""After so long whoever made a change does not tell it any more."""

SERVICE: Final = "svc_version"


class Telling:
    """See the module. Told twice, a change has two numbers, which harms nobody."""

    def __init__(self, database: "AsyncDatabase[Document]") -> None:
        self._versions = database[VERSIONS]
        self._changes = database[CHANGES]
        self._tags = database[TAGS]
        self._works = database[WORKS]
        self._looked: dict[int, int] = {}
        """When it was last looked for what is left, by video."""
        self.outbox = MongoOutbox(database)

    async def last(self, video_id: int) -> int:
        """The number of the last change; 0: there is none."""
        found = await self._changes.find_one({"video_id": video_id}, {"change": 1}, sort=[("change", DESCENDING)])
        return found["change"] if found is not None else 0

    async def after(self, video_id: int, change: int, limit: int) -> list[tuple[int, int]]:
        """Changes after one, in order: their numbers, and of which versions."""
        query = {"video_id": video_id, "change": {"$gt": change}}
        rows = self._changes.find(query, sort=[("change", 1)], limit=limit)
        return [(row["change"], row["version_id"]) async for row in rows]

    async def version(self, document: Document) -> int:
        """Tells that a version has changed; gives the change's number."""
        change = await self._number(document["video_id"], document["_id"])
        await self.outbox.put(document.get("events", ()))
        await self._done(self._versions, document)
        return change

    async def tag(self, document: Document) -> None:
        """Tells that a tag has changed, and with it the versions that have and had it."""
        for version_id in document["moved"]:
            await self._number(document["video_id"], version_id)
        await self.outbox.put(document["events"])
        await self._done(self._tags, document)

    async def work(self, document: Document) -> None:
        """Tells that work has begun."""
        await self.outbox.put(document["events"])
        await self._done(self._works, document)

    async def left_here(self, video_id: int) -> None:
        """As `left`, for those who follow a video: many may, so it is looked for now and then."""
        now_ms = wall_ms()
        if now_ms - self._looked.get(video_id, 0) < LEFT_MS:
            return
        if len(self._looked) > MAX_LOOKED:
            self._looked.clear()
        self._looked[video_id] = now_ms
        await self.left(video_id)

    async def left(self, video_id: int | None = None) -> int:
        """Tells what others have left untold, of one video or of all; says how much."""
        query: Document = {"untold_ms": {"$lt": wall_ms() - LEFT_MS}}
        if video_id is not None:
            query["video_id"] = video_id
        told = 0
        for collection, tell in ((self._versions, self.version), (self._tags, self.tag), (self._works, self.work)):
            for document in [each async for each in collection.find(query)]:
                await tell(document)
                told += 1
        return told

    async def _number(self, video_id: int, version_id: int) -> int:
        for _ in range(TRIES):
            change = await self.last(video_id) + 1
            try:
                await self._changes.insert_one({"video_id": video_id, "change": change, "version_id": version_id})
            except DuplicateKeyError:
                continue
            where = {"_id": version_id, "video_id": video_id}
            await self._versions.update_one(where, {"$max": {"change": change}})
            return change
        raise StoreBusy("Too many change the versions of this video; try again in a moment.")

    async def _done(self, collection: "AsyncCollection[Document]", document: Document) -> None:
        # Not what has changed since: that is told by whoever did it.
        told = {"_id": document["_id"], "untold_mark": document["untold_mark"]}
        await collection.update_one(told, {"$unset": {"untold_ms": "", "untold_mark": "", "events": ""}})


class MongoOutbox:
    """See `mesh.audit.Outbox`."""

    def __init__(self, database: "AsyncDatabase[Document]") -> None:
        self._events = database[OUTBOX]

    async def put(self, events: Sequence[Document]) -> None:
        """Takes events; those that are here stay."""
        for event in events:
            made = {"event": event["event"], "refused": False, "told_ms": event["told_ms"]}
            await self._events.update_one({"_id": event["event_id"]}, {"$setOnInsert": made}, upsert=True)

    async def oldest(self, limit: int) -> Sequence[tuple[Any, bytes]]:
        """See Outbox."""
        order = [("told_ms", 1), ("_id", 1)]
        return [
            (each["_id"], each["event"])
            async for each in self._events.find({"refused": False}, sort=order, limit=limit)
        ]

    async def forget(self, keys: Sequence[Any]) -> None:
        """See Outbox."""
        await self._events.delete_many({"_id": {"$in": list(keys)}})

    async def refuse(self, key: Any) -> None:
        """See Outbox."""
        await self._events.update_one({"_id": key}, {"$set": {"refused": True}})


def untold() -> Document:
    """What a document says until its change is told."""
    return {"untold_ms": wall_ms(), "untold_mark": secrets.token_bytes(12)}


def event_document(event: audit.Event) -> Document:
    """An event as the document that it tells of has it until it is in the outbox."""
    return {"event_id": event.event_id, "event": audit.encode(SERVICE, event), "told_ms": wall_ms()}
