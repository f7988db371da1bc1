"""Letting go of purged videos in MongoDB. Whatever a crash leaves of one is let go of when it is done again."""

from typing import Final

from pymongo.asynchronous.database import AsyncDatabase

from mesh.mongo import Document
from svc_version.stores.mongo_content import MongoContents
from svc_version.stores.mongo_schema import BATCHES, CHANGES, REMOVALS, TAGS, VERSIONS, WORKS

AT_ONCE: Final = 200
_ROW: Final = 1


class MongoRemovals:
    """See the module, and `Store`."""

    def __init__(self, database: "AsyncDatabase[Document]", contents: MongoContents) -> None:
        self._database = database
        self._contents = contents

    async def removed_to(self) -> int:
        """See `Store`."""
        found = await self._database[REMOVALS].find_one({"_id": _ROW})
        return found["number"] if found is not None else 0

    async def set_removed_to(self, number: int) -> None:
        """See `Store`."""
        await self._database[REMOVALS].update_one({"_id": _ROW}, {"$set": {"number": number}}, upsert=True)

    async def remove_some(self, tenant_id: str, video_id: int) -> bool:
        """See `Store`."""
        here = {"video_id": video_id}
        if await self._database[VERSIONS].find_one({**here, "tenant_id": {"$ne": tenant_id}}, {"_id": 1}) is not None:
            return False
        works = [each["_id"] async for each in self._database[WORKS].find(here, {"_id": 1})]
        for work_id in works:
            await self._database[BATCHES].delete_many({"work_id": work_id})
        for name in (WORKS, TAGS, VERSIONS, CHANGES):
            await self._database[name].delete_many(here)
        return await self._contents.remove_some(video_id, AT_ONCE)
