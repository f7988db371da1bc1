"""Contents in MongoDB: each once for its video and address, in one document or, if it is large, in pieces."""

import contextlib
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Final

from pymongo import ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from mesh.mongo import Document
from mesh.sql import StoreUnavailable
from svc_version.core.model import Hash, Packed
from svc_version.stores import Stored
from svc_version.stores.mongo_schema import CONTENTS, PIECES, VERSIONS

PIECE_BYTES: Final = 8 * 1024 * 1024
"""A document of MongoDB holds 16 MiB."""
TRIES: Final = 5


def wall_ms() -> int:
    """The time by which leftovers are told from what is being made: the machine's own."""
    return int(time.time() * 1000)


class MongoContents:
    """See the module."""

    def __init__(self, database: "AsyncDatabase[Document]", piece_bytes: int = PIECE_BYTES) -> None:
        self._contents = database[CONTENTS]
        self._pieces = database[PIECES]
        self._versions = database[VERSIONS]
        self._piece_bytes = piece_bytes

    async def put(self, video_id: int, packed: Packed) -> None:
        """Keeps a content here, before a version points to it. One that is here is touched: so no sweep takes it
        between this and the version.
        """
        where = {"video_id": video_id, "sha256": packed.sha256}
        here = await self._contents.update_one({**where, "archive_key": ""}, {"$set": {"put_ms": wall_ms()}})
        if not here.matched_count:
            sizes = {"raw_bytes": packed.raw_bytes, "stored_bytes": len(packed.data)}
            await self._write(where, packed.data, sizes)

    async def mark_used(self, video_id: int, sha256: Hash) -> None:
        """A version has a content: no sweep need look at it any more."""
        await self._contents.update_one({"video_id": video_id, "sha256": sha256}, {"$set": {"used": True}})

    async def bring_back(self, video_id: int, packed: Packed) -> None:
        """Keeps a content here again that the archive had."""
        where = {"video_id": video_id, "sha256": packed.sha256, "archive_key": {"$gt": ""}}
        if await self._contents.find_one(where, {"_id": 1}) is not None:
            await self._write({"video_id": video_id, "sha256": packed.sha256}, packed.data, {})

    async def archive(self, video_id: int, sha256: Hash, key: str) -> None:
        """Lets go of a content that is under a key in the archive."""
        gone = {"archive_key": key, "data": None, "pieces_id": None}
        before = await self._contents.find_one_and_update({"video_id": video_id, "sha256": sha256}, {"$set": gone})
        await self._drop_pieces(before)

    async def read(self, video_id: int, addresses: Sequence[Hash]) -> list[Stored]:
        """Contents by their address; what is not there is left out."""
        for _ in range(TRIES):
            query = {"video_id": video_id, "sha256": {"$in": list(addresses)}}
            found = {each["sha256"]: each async for each in self._contents.find(query)}
            stored = [await self._stored(found[each]) for each in dict.fromkeys(addresses) if each in found]
            whole = [each for each in stored if each is not None]
            if len(whole) == len(stored):
                return whole
        raise StoreUnavailable("A content of this video is changing all the time.")

    async def stored_bytes(self, video_id: int, addresses: Sequence[Hash]) -> Mapping[Hash, int]:
        """See `Store`."""
        query = {"video_id": video_id, "sha256": {"$in": list(addresses)}}
        found = self._contents.find(query, {"_id": 0, "sha256": 1, "stored_bytes": 1})
        return {each["sha256"]: each["stored_bytes"] async for each in found}

    async def sizes(self, video_id: int) -> Mapping[str, int]:
        """See `Store`."""
        columns = {"_id": 0, "sha256": 1, "stored_bytes": 1, "raw_bytes": 1}
        found = [each async for each in self._contents.find({"video_id": video_id}, columns)]
        uses: dict[Hash, int] = {}
        async for each in self._versions.find({"video_id": video_id}, {"delta": 1, "snapshot": 1}):
            for sha256 in {each["delta"], each["snapshot"]} - {None}:
                uses[sha256] = uses.get(sha256, 0) + 1
        return {
            "count": len(found),
            "stored_bytes": sum(each["stored_bytes"] for each in found),
            "raw_bytes": sum(each["raw_bytes"] for each in found),
            "undeduplicated_bytes": sum(each["stored_bytes"] * uses.get(each["sha256"], 1) for each in found),
        }

    async def shared(self, video_id: int, sha256: Hash) -> bool:
        """Whether several versions have a content."""
        return await self._uses(video_id, sha256, 2) > 1

    async def keys(self) -> list[str]:
        """All keys that are pointed to."""
        found = self._contents.find({"archive_key": {"$gt": ""}}, {"_id": 0, "archive_key": 1})
        return [each["archive_key"] async for each in found]

    async def sweep(self, before_ms: int) -> int:
        """Lets go of contents that no version has, and of pieces that no content has."""
        swept = 0
        columns = {"video_id": 1, "sha256": 1, "put_ms": 1, "pieces_id": 1}
        async for each in self._contents.find({"used": False, "put_ms": {"$lt": before_ms}}, columns):
            if await self._uses(each["video_id"], each["sha256"], 1):
                await self.mark_used(each["video_id"], each["sha256"])
            else:
                # Only if nobody has touched it since.
                gone = await self._contents.delete_one({"_id": each["_id"], "put_ms": each["put_ms"]})
                swept += gone.deleted_count
                await self._drop_pieces(each if gone.deleted_count else None)
        for pieces_id in await self._pieces.distinct("pieces_id", {"put_ms": {"$lt": before_ms}}):
            if await self._contents.find_one({"pieces_id": pieces_id}, {"_id": 1}) is None:
                swept += (await self._pieces.delete_many({"pieces_id": pieces_id})).deleted_count
        return swept

    async def remove_some(self, video_id: int, limit: int) -> bool:
        """Lets go of some contents of a video that has no versions any more; says whether there were any."""
        columns = {"pieces_id": 1}
        found = [each async for each in self._contents.find({"video_id": video_id}, columns, limit=limit)]
        for each in found:
            await self._drop_pieces(each)
        gone = {"video_id": video_id, "_id": {"$in": [each["_id"] for each in found]}}
        await self._contents.delete_many(gone)
        return bool(found)

    async def _uses(self, video_id: int, sha256: Hash, limit: int) -> int:
        either = [{"delta": sha256}, {"snapshot": sha256}]
        found = self._versions.find({"video_id": video_id, "$or": either}, {"_id": 1}).limit(limit)
        return len([each async for each in found])

    async def _write(self, where: Document, data: bytes, more: Document) -> None:
        made: Document = {**more, "put_ms": wall_ms(), "archive_key": "", "data": data, "pieces_id": None}
        if len(data) > self._piece_bytes:
            made |= {"data": None, "pieces_id": secrets.token_bytes(12)}
            for number, at in enumerate(range(0, len(data), self._piece_bytes)):
                piece = {"pieces_id": made["pieces_id"], "number": number, "put_ms": made["put_ms"]}
                await self._pieces.insert_one({**piece, "data": data[at : at + self._piece_bytes]})
        await self._drop_pieces(await self._replace(where, made))

    async def _replace(self, where: Document, made: Document) -> Document | None:
        change = {"$set": made, "$setOnInsert": {"used": False}}
        for _ in range(TRIES):
            # Put by somebody else just now, it is written over by the same bytes.
            with contextlib.suppress(DuplicateKeyError):
                before: Document | None = await self._contents.find_one_and_update(
                    where, change, upsert=True, return_document=ReturnDocument.BEFORE
                )
                return before
        raise StoreUnavailable("A content is being written by many at once.")

    async def _stored(self, found: Document) -> Stored | None:
        """None: its pieces went while it was read."""
        sha256, pieces_id = found["sha256"], found["pieces_id"]
        if pieces_id is None:
            return Stored(sha256, found["data"], found["archive_key"])
        pieces = self._pieces.find({"pieces_id": pieces_id}, {"data": 1}).sort("number", 1)
        data = b"".join([each["data"] async for each in pieces])
        return Stored(sha256, data, "") if len(data) == found["stored_bytes"] else None

    async def _drop_pieces(self, content: Document | None) -> None:
        if content is not None and content.get("pieces_id") is not None:
            await self._pieces.delete_many({"pieces_id": content["pieces_id"]})
