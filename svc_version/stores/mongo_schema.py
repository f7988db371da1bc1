"""What MongoDB keeps for svc_version: collections, their indexes, and how a sharded cluster spreads them.

There are no transactions. Of every change one write decides, and says what has to follow it; what follows can be done
twice, and is done by whoever comes next if a crash was in between.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Final

from pymongo import ASCENDING, IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from mesh.mongo import Document
from mesh.sql import StoreUnavailable

VERSIONS: Final = "versions"
CHANGES: Final = "version_changes"
"""A row for each change of a version, numbered without gaps: whoever has read one has read all before it."""
TAGS: Final = "version_tags"
CONTENTS: Final = "version_contents"
PIECES: Final = "version_pieces"
"""Contents that are too large for one document."""
REQUESTS: Final = "version_requests"
WORKS: Final = "version_works"
BATCHES: Final = "version_batches"
MACHINES: Final = "version_machines"
LEASES: Final = "version_leases"
REMOVALS: Final = "version_removals"
OUTBOX: Final = "version_outbox"

SHARD_KEYS: Final[Mapping[str, Mapping[str, int | str]]] = {
    VERSIONS: {"video_id": 1},
    CHANGES: {"video_id": 1},
    TAGS: {"video_id": 1},
    CONTENTS: {"video_id": 1, "sha256": 1},
    PIECES: {"pieces_id": 1},
    BATCHES: {"work_id": 1},
}
INDEXES: Final[Mapping[str, list[IndexModel]]] = {
    VERSIONS: [
        IndexModel([("video_id", ASCENDING), ("number", ASCENDING)], unique=True),
        IndexModel([("video_id", ASCENDING), ("delta", ASCENDING)]),
        IndexModel([("video_id", ASCENDING), ("snapshot", ASCENDING)]),
        IndexModel([("version_status", ASCENDING), ("created_ms", ASCENDING)]),
        IndexModel([("untold_ms", ASCENDING)], sparse=True),
    ],
    CHANGES: [IndexModel([("video_id", ASCENDING), ("change", ASCENDING)], unique=True)],
    TAGS: [
        IndexModel([("video_id", ASCENDING), ("tag", ASCENDING)], unique=True),
        IndexModel([("video_id", ASCENDING), ("version_id", ASCENDING)]),
        IndexModel([("untold_ms", ASCENDING)], sparse=True),
    ],
    CONTENTS: [
        IndexModel([("video_id", ASCENDING), ("sha256", ASCENDING)], unique=True),
        IndexModel([("archive_key", ASCENDING)]),
        IndexModel([("pieces_id", ASCENDING)]),
        IndexModel([("used", ASCENDING), ("put_ms", ASCENDING)]),
    ],
    PIECES: [
        IndexModel([("pieces_id", ASCENDING), ("number", ASCENDING)], unique=True),
        IndexModel([("put_ms", ASCENDING)]),
    ],
    REQUESTS: [IndexModel([("time_ms", ASCENDING)])],
    WORKS: [
        IndexModel([("asked", ASCENDING)], unique=True),
        # The video of work that is being written, and of no other: so there is one for each video.
        IndexModel([("running", ASCENDING)], unique=True, sparse=True),
        IndexModel([("untold_ms", ASCENDING)], sparse=True),
    ],
    BATCHES: [
        IndexModel([("work_id", ASCENDING), ("number", ASCENDING)], unique=True),
        IndexModel([("put_ms", ASCENDING)]),
    ],
    OUTBOX: [IndexModel([("refused", ASCENDING), ("told_ms", ASCENDING)])],
}


@contextlib.contextmanager
def reaching() -> Iterator[None]:
    """What MongoDB's driver says, as the port says it."""
    try:
        yield
    except PyMongoError as error:
        raise StoreUnavailable(f"MongoDB cannot be used now: {error}") from error


async def prepare(database: "AsyncDatabase[Document]") -> None:
    """Makes the indexes that are not there."""
    for name, indexes in INDEXES.items():
        await database[name].create_indexes(indexes)
