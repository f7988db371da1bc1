"""What MongoDB keeps for svc_annotation: collections, their indexes, and how a sharded cluster spreads them."""

import uuid
from collections.abc import Mapping
from typing import Final

from pymongo import ASCENDING, DESCENDING, AsyncMongoClient, IndexModel
from pymongo.asynchronous.database import AsyncDatabase

from mesh import mongo
from mesh.mongo import Document, database_of, only_duplicates

__all__ = ["Document", "connect", "database_of", "only_duplicates", "prepare"]

RECORDS: Final = "records"
CHANGES: Final = "changes"
ANNOTATIONS: Final = "annotations"
METADATA: Final = "metadata"
"""One document, `LOG`: epoch, positions, and whose they are: made anew, it is another incarnation. Never sharded."""
LOG: Final = "log"

# Each is the beginning of a unique index, as MongoDB demands of a shard key whose uniqueness it is to keep.
SHARD_KEYS: Final[Mapping[str, Mapping[str, int | str]]] = {
    RECORDS: {"video_id": 1, "ordinal": 1},
    CHANGES: {"video_id": 1, "revision": 1},
    ANNOTATIONS: {"video_id": 1, "order_revision": 1},
}
INDEXES: Final[Mapping[str, list[IndexModel]]] = {
    RECORDS: [
        IndexModel([("video_id", ASCENDING), ("ordinal", ASCENDING)], unique=True),
        IndexModel([("video_id", ASCENDING), ("revision", ASCENDING)]),
        IndexModel([("video_id", ASCENDING), ("time_ms", ASCENDING), ("revision", ASCENDING)]),
        IndexModel([("video_id", ASCENDING), ("person_id", ASCENDING), ("revision", ASCENDING)]),
    ],
    CHANGES: [
        IndexModel([("video_id", ASCENDING), ("revision", ASCENDING), ("annotation_id", ASCENDING)], unique=True),
        IndexModel([("video_id", ASCENDING), ("annotation_id", ASCENDING), ("revision", DESCENDING)]),
    ],
    ANNOTATIONS: [
        IndexModel([("video_id", ASCENDING), ("order_revision", ASCENDING), ("order_index", ASCENDING)], unique=True),
    ],
}


def connect(url: str) -> "AsyncMongoClient[Document]":
    """A client of this service."""
    return mongo.connect(url, "rushes-annotation")


async def prepare(database: "AsyncDatabase[Document]") -> None:
    """Makes the indexes that are not there, and the first epoch."""
    for name, indexes in INDEXES.items():
        await database[name].create_indexes(indexes)
    await database[METADATA].update_one(
        {"_id": LOG},
        {"$setOnInsert": {"epoch": 1, "schema": 1, "positions": {}, "incarnation": uuid.uuid4().hex}},
        upsert=True,
    )
