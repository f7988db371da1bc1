"""What MongoDB keeps for svc_annotation: collections, their indexes, and how a sharded cluster spreads them."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, AsyncMongoClient, IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, OperationFailure

Document = dict[str, Any]

DATABASE: Final = "rushes"
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
_ALREADY_SHARDED: Final = 20
_DUPLICATE: Final = 11_000
_ASK_MS: Final = 5_000


def connect(url: str) -> "AsyncMongoClient[Document]":
    """A client whose writes are on most members before they count, and which gives up in time."""
    return AsyncMongoClient(
        url,
        w="majority",
        retryWrites=False,
        retryReads=False,
        serverSelectionTimeoutMS=_ASK_MS,
        connectTimeoutMS=3_000,
        socketTimeoutMS=20_000,
        appname="rushes-annotation",
    )


def database_of(client: "AsyncMongoClient[Document]") -> "AsyncDatabase[Document]":
    """The database that the address names, or the usual one."""
    return client.get_default_database(DATABASE)


def only_duplicates(error: BulkWriteError) -> bool:
    """Whether all that failed in a bulk was there already, and what was written is on most members."""
    details = error.details
    wrong = details.get("writeErrors", [])
    return bool(wrong) and not details.get("writeConcernErrors") and all(each["code"] == _DUPLICATE for each in wrong)


async def prepare(database: "AsyncDatabase[Document]") -> None:
    """Makes the indexes that are not there, and the first epoch."""
    for name, indexes in INDEXES.items():
        await database[name].create_indexes(indexes)
    await database[METADATA].update_one(
        {"_id": LOG},
        {"$setOnInsert": {"epoch": 1, "schema": 1, "positions": {}, "incarnation": uuid.uuid4().hex}},
        upsert=True,
    )


async def shard(database: "AsyncDatabase[Document]") -> bool:
    """Spreads the collections over the shards; False: this is no sharded cluster."""
    admin = database.client.admin
    if (await admin.command("hello")).get("msg") != "isdbgrid":
        return False
    for name, key in SHARD_KEYS.items():
        try:
            await admin.command("shardCollection", f"{database.name}.{name}", key=dict(key))
        except OperationFailure as error:
            if error.code != _ALREADY_SHARDED:
                raise
    return True
