"""Work in several batches, in MongoDB: its batches first, then the work itself, which nobody else may have begun."""

import hashlib
from collections.abc import Sequence

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, DuplicateKeyError

from mesh import audit
from mesh.mongo import Document, only_duplicates
from mesh.sql import AlreadyUsed
from svc_version.core.model import State, Work
from svc_version.errors import RollbackRunning
from svc_version.stores.mongo_content import wall_ms
from svc_version.stores.mongo_schema import BATCHES, WORKS, reaching
from svc_version.stores.mongo_telling import Telling, event_document, untold
from svc_version.stores.mongo_whole import Wholes, whole
from svc_version.stores.row import decode_work, encode_work


class MongoWork(Wholes):
    """The part of `Store` that is about work."""

    def __init__(self, database: "AsyncDatabase[Document]", telling: Telling) -> None:
        super().__init__()
        self._works = database[WORKS]
        self._batches = database[BATCHES]
        self._telling = telling

    @whole
    async def begin_work(self, work: Work, batches: Sequence[bytes]) -> Work:
        """See `Store`."""
        asked = await self.asked(work.tenant_id, work.person_id, work.request_id)
        if asked is not None:
            return _same(asked, work)
        with reaching():
            running = await self._works.find_one({"running": work.video_id}, {"_id": 1})
            if running is not None:
                raise _other(running["_id"])
            await self._put_batches(work.work_id, batches)
            document = _document(work)
            try:
                await self._works.insert_one(document)
            except DuplicateKeyError:
                return await self._begun_by_another(work)
            await self._telling.work(document)
        return work

    async def _put_batches(self, work_id: int, batches: Sequence[bytes]) -> None:
        made = [
            {"work_id": work_id, "number": number, "batch": batch, "put_ms": wall_ms()}
            for number, batch in enumerate(batches, 1)
        ]
        try:
            if made:
                await self._batches.insert_many(made, ordered=False)
        except BulkWriteError as error:
            if not only_duplicates(error):
                raise

    async def _begun_by_another(self, work: Work) -> Work:
        await self._batches.delete_many({"work_id": work.work_id})
        asked = await self.asked(work.tenant_id, work.person_id, work.request_id)
        if asked is not None:
            return _same(asked, work)
        running = await self._works.find_one({"running": work.video_id}, {"_id": 1})
        raise _other(running["_id"] if running is not None else 0)

    @whole
    async def save_work(self, work: Work) -> None:
        """See `Store`."""
        change: Document = {"$set": {"state": work.state.value, "work": encode_work(work)}}
        if work.state is not State.RUNNING:
            change["$unset"] = {"running": ""}
        with reaching():
            await self._works.update_one({"_id": work.work_id, "state": State.RUNNING.value}, change)

    @whole
    async def work(self, tenant_id: str, video_id: int, work_id: int) -> Work | None:
        """See `Store`."""
        return await self._find_work({"_id": work_id, "tenant_id": tenant_id, "video_id": video_id})

    @whole
    async def asked(self, tenant_id: str, person_id: str, request_id: str) -> Work | None:
        """See `Store`."""
        return await self._find_work({"asked": _asked(tenant_id, person_id, request_id)})

    @whole
    async def batches(self, work_id: int) -> Sequence[bytes]:
        """See `Store`."""
        with reaching():
            found = self._batches.find({"work_id": work_id}, {"batch": 1}, sort=[("number", 1)])
            return [each["batch"] async for each in found]

    @whole
    async def batch(self, work_id: int, number: int) -> bytes:
        """See `Store`."""
        with reaching():
            found = await self._batches.find_one({"work_id": work_id, "number": number}, {"batch": 1})
        if found is None:
            raise LookupError(f"work {work_id} has no batch {number}")
        batch: bytes = found["batch"]
        return batch

    @whole
    async def running(self) -> Sequence[Work]:
        """See `Store`."""
        query = {"state": State.RUNNING.value}
        with reaching():
            return [decode_work(each["work"]) async for each in self._works.find(query, sort=[("_id", 1)])]

    async def sweep_batches(self, before_ms: int) -> int:
        """Lets go of batches whose work was never begun."""
        swept = 0
        # One for each work is enough to find them.
        query = {"number": 1, "put_ms": {"$lt": before_ms}, "begun": {"$exists": False}}
        for each in [each async for each in self._batches.find(query, {"work_id": 1})]:
            if await self._works.find_one({"_id": each["work_id"]}, {"_id": 1}) is None:
                swept += (await self._batches.delete_many({"work_id": each["work_id"]})).deleted_count
            else:
                await self._batches.update_one({"_id": each["_id"]}, {"$set": {"begun": True}})
        return swept

    async def _find_work(self, query: Document) -> Work | None:
        with reaching():
            found = await self._works.find_one(query, {"work": 1})
        return None if found is None else decode_work(found["work"])


def _document(work: Work) -> Document:
    detail: dict[str, str | int] = {"operations": work.operation_count, "target_revision": work.target_revision}
    action = f"notes.{work.kind.name.lower()}"
    event = audit.Event(work.tenant_id, work.person_id, action, f"video/{work.video_id}", work.created_ms, detail)
    made: Document = {
        "_id": work.work_id,
        "tenant_id": work.tenant_id,
        "video_id": work.video_id,
        "asked": _asked(work.tenant_id, work.person_id, work.request_id),
        "state": work.state.value,
        "work": encode_work(work),
        "events": [event_document(event)],
        **untold(),
    }
    if work.state is State.RUNNING:
        made["running"] = work.video_id
    return made


def _asked(tenant_id: str, person_id: str, request_id: str) -> bytes:
    return hashlib.sha256("\0".join((tenant_id, person_id, request_id)).encode()).digest()


def _same(asked: Work, work: Work) -> Work:
    if asked.request_hash != work.request_hash:
        raise AlreadyUsed("This request_id was used for another request; take a new one.")
    return asked


def _other(work_id: int) -> RollbackRunning:
    return RollbackRunning("another roll-back of this video is being written", rollback_id=str(work_id))
