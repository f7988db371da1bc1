"""Letting go of purged videos in the history's MongoDB."""

from typing import Final

from pymongo import DESCENDING
from pymongo.asynchronous.database import AsyncDatabase

from svc_annotation.stores.mongo_schema import ANNOTATIONS, CHANGES, METADATA, RECORDS, Document

AT_ONCE: Final = 1_000

_NAME: Final = "removed_to"
_ORDER: Final = {RECORDS: "ordinal", CHANGES: "revision", ANNOTATIONS: "order_revision"}


async def remove_some(database: "AsyncDatabase[Document]", video_id: int) -> bool:
    """See `History`."""
    for name, order in _ORDER.items():
        found = database[name].find({"video_id": video_id}, {"_id": 1}, sort=[(order, DESCENDING)], limit=AT_ONCE)
        keys = [each["_id"] async for each in found]
        if keys:
            await database[name].delete_many({"video_id": video_id, "_id": {"$in": keys}})
            return True
    return False


async def removed_to(database: "AsyncDatabase[Document]") -> int:
    """See `History`."""
    found = await database[METADATA].find_one({"_id": _NAME})
    return int(found["number"]) if found is not None else 0


async def set_removed_to(database: "AsyncDatabase[Document]", number: int) -> None:
    """See `History`. Of several instances one may be further."""
    await database[METADATA].update_one({"_id": _NAME}, {"$max": {"number": number}}, upsert=True)
