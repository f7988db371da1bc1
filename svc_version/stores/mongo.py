"""The store of record in MongoDB: a document for each version, whose `version_status` says where its content is.

The number of a version is what decides: of those that are committed at once one gets it, and the others look again.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from mesh import audit
from mesh.mongo import Document, connect, database_of
from mesh.sql import KEEP_REQUESTS_MS, AlreadyUsed, StoreBusy
from svc_version.core.model import Draft, Hash, Kind, Once, Packed, Tier, Version
from svc_version.core.sonyflake import Reservation
from svc_version.errors import HeadMoved, VersionUnknown
from svc_version.stores import Head, Stored
from svc_version.stores.mongo_content import PIECE_BYTES, MongoContents, wall_ms
from svc_version.stores.mongo_lease import MongoLeases
from svc_version.stores.mongo_removal import MongoRemovals
from svc_version.stores.mongo_schema import REQUESTS, TAGS, VERSIONS, prepare, reaching
from svc_version.stores.mongo_telling import TRIES, Telling, event_document, untold
from svc_version.stores.mongo_whole import whole
from svc_version.stores.mongo_work import MongoWork

WINDOW: Final = 130
"""Versions that are read at once to find what one is built on: on a straight line all that it takes."""

_STATUS: Final = {Tier.HOT: "hot", Tier.WARM: "warm", Tier.COLD: "cold"}
_TIER: Final = {status: tier for tier, status in _STATUS.items()}
_PLAIN: Final = (
    "tenant_id", "video_id", "number", "base_id", "merged_id", "revision", "message", "person_id", "created_ms", "hash",
    "delta", "snapshot", "depth", "change", "read_ms",
)  # fmt: skip


async def open_mongo_store(url: str, piece_bytes: int = PIECE_BYTES) -> "MongoStore":
    """Connects, and makes the indexes that are missing. Raises StoreUnavailable."""
    client = connect(url, "rushes-version")
    try:
        database = database_of(client)
        with reaching():
            await prepare(database)
    except BaseException:
        await client.close()
        raise
    return MongoStore(client, database, piece_bytes)


class MongoStore(MongoWork):
    """See `Store`."""

    def __init__(
        self, client: "AsyncMongoClient[Document]", database: "AsyncDatabase[Document]", piece_bytes: int
    ) -> None:
        super().__init__(database, Telling(database))
        self._client = client
        self._versions = database[VERSIONS]
        self._tags = database[TAGS]
        self._requests = database[REQUESTS]
        self._contents = MongoContents(database, piece_bytes)
        self._leases = MongoLeases(database)
        self._removals = MongoRemovals(database, self._contents)

    @property
    def outbox(self) -> audit.Outbox:
        """See `Store`."""
        return self._telling.outbox

    @whole
    async def reserve(self, holder: str, now_ms: int) -> Reservation:
        """See `Store`."""
        with reaching():
            return await self._leases.reserve(holder, now_ms)

    @whole
    async def lease(self, name: str, holder: str, now_ms: int, until_ms: int) -> bool:
        """See `Store`."""
        with reaching():
            return await self._leases.lease(name, holder, now_ms, until_ms)

    # Removing

    @whole
    async def removed_to(self) -> int:
        """See `Store`."""
        with reaching():
            return await self._removals.removed_to()

    @whole
    async def set_removed_to(self, number: int) -> None:
        """See `Store`."""
        with reaching():
            await self._removals.set_removed_to(number)

    @whole
    async def remove_some(self, tenant_id: str, video_id: int) -> bool:
        """See `Store`."""
        with reaching():
            return await self._removals.remove_some(tenant_id, video_id)

    # Committing

    @whole
    async def commit(self, draft: Draft, expected_head: int | None, once: Once) -> Version:
        """See `Store`. The content first, then the version: a crash between leaves what the sweeper takes."""
        with reaching():
            version_id, _ = await self._claim(once, draft.version_id)
            document = await self._versions.find_one({"_id": version_id, "video_id": draft.video_id})
            if document is None:
                document = await self._insert(draft, version_id, expected_head)
            if "untold_ms" in document:
                await self._contents.mark_used(draft.video_id, document["delta"])
                document["change"] = await self._telling.version(document)
            return (await self._made([document]))[0]

    async def _insert(self, draft: Draft, version_id: int, expected_head: int | None) -> Document:
        for _ in range(TRIES):
            document = await self._next(draft, version_id, expected_head)
            await self._contents.put(draft.video_id, draft.delta)
            try:
                await self._versions.insert_one(document)
            except DuplicateKeyError:
                # Somebody has this number by now: another version, or this one, by the same request sent twice.
                there = await self._versions.find_one({"_id": version_id})
                if there is not None:
                    return there
                continue
            return document
        raise StoreBusy("Too many versions of this video are committed at once; try again in a moment.")

    async def _next(self, draft: Draft, version_id: int, expected_head: int | None) -> Document:
        """The document of a version that is committed now. Raises HeadMoved, VersionUnknown."""
        newest = await self._newest(draft.tenant_id, draft.video_id)
        head_id, number = (newest["head_id"], newest["number"]) if newest is not None else (0, 0)
        if expected_head is not None and expected_head != head_id:
            raise HeadMoved("the head is another version by now", head_version_id=str(head_id))
        if draft.base_id:
            here = {"_id": draft.base_id, "video_id": draft.video_id, "tenant_id": draft.tenant_id}
            if await self._versions.find_one(here, {"_id": 1}) is None:
                raise _unknown()
        elif head_id:
            # The first one was committed meanwhile by somebody else.
            raise HeadMoved("there is a version by now: commit on it", head_version_id=str(head_id))
        return {
            "_id": version_id,
            **{name: getattr(draft, name) for name in _PLAIN if hasattr(draft, name)},
            "number": number + 1,
            "kind": draft.kind.value,
            "delta": draft.delta.sha256,
            "snapshot": draft.delta.sha256 if not draft.base_id else None,
            "change": 0,
            "version_status": "hot",
            "read_ms": 0,
            # Of all that are newer the newest says which one is the head.
            "head_id": version_id if draft.base_id == head_id else head_id,
            "events": [_event(draft, version_id)],
            **untold(),
        }

    async def _claim(self, once: Once, answer: int) -> tuple[int, bool]:
        """What a request makes, the same however often it is sent, and whether it is done. Raises AlreadyUsed."""
        if not once.request_id:
            return answer, False
        made = {"sha256": hashlib.sha256(once.request).digest(), "answer": answer, "time_ms": wall_ms(), "done": False}
        try:
            await self._requests.insert_one({"_id": _key(once), **made})
        except DuplicateKeyError:
            found = await self._requests.find_one({"_id": _key(once)})
            if found is not None:
                return self._same(found, once)
        return answer, False

    def _same(self, found: Document, once: Once) -> tuple[int, bool]:
        if found["sha256"] != hashlib.sha256(once.request).digest():
            raise AlreadyUsed(
                "This request_id was used for another request; take a new one.", request_id=once.request_id
            )
        return found["answer"], found["done"]

    @whole
    async def done(self, once: Once) -> Version | None:
        """See `Store`."""
        if not once.request_id:
            return None
        with reaching():
            claim = await self._requests.find_one({"_id": _key(once)})
            if claim is None:
                return None
            found = await self._versions.find_one({"_id": self._same(claim, once)[0]})
            # One that is not told yet may be of a commit that is under way: `commit` finishes it.
            return None if found is None or "untold_ms" in found else (await self._made([found]))[0]

    # Reading

    @whole
    async def head(self, tenant_id: str, video_id: int) -> Head:
        """See `Store`."""
        with reaching():
            newest = await self._newest(tenant_id, video_id)
            return Head(0, 0) if newest is None else Head(newest["head_id"], await self._telling.last(video_id))

    @whole
    async def get(self, tenant_id: str, video_id: int, version_id: int) -> Version | None:
        """See `Store`."""
        found = await self._find({"_id": version_id, "video_id": video_id, "tenant_id": tenant_id}, limit=1)
        return found[0] if found else None

    @whole
    async def tagged(self, tenant_id: str, video_id: int, tag: str) -> Version | None:
        """See `Store`."""
        with reaching():
            found = await self._tags.find_one({"video_id": video_id, "tag": tag})
        return None if found is None else await self.get(tenant_id, video_id, found["version_id"])

    @whole
    async def newest(self, tenant_id: str, video_id: int, before_number: int, limit: int) -> Sequence[Version]:
        """See `Store`."""
        query = {"video_id": video_id, "tenant_id": tenant_id, "number": {"$lt": before_number}}
        return await self._find(query, sort=[("number", DESCENDING)], limit=limit)

    @whole
    async def changed(self, tenant_id: str, video_id: int, after_change: int, limit: int) -> Sequence[Version]:
        """See `Store`."""
        with reaching():
            await self._telling.left_here(video_id)
            rows = await self._telling.after(video_id, after_change, limit)
        # Of a version that has changed twice, the last time counts.
        change_of = {version_id: change for change, version_id in rows}
        query = {"_id": {"$in": list(change_of)}, "video_id": video_id, "tenant_id": tenant_id}
        found = await self._find(query, change_of=change_of)
        return sorted(found, key=lambda version: version.change)

    @whole
    async def parents(self, tenant_id: str, video_id: int) -> Mapping[int, tuple[int, ...]]:
        """See `Store`."""
        query, columns = {"video_id": video_id, "tenant_id": tenant_id}, {"base_id": 1, "merged_id": 1}
        with reaching():
            rows = [each async for each in self._versions.find(query, columns, sort=[("number", ASCENDING)])]
        return {row["_id"]: tuple(each for each in (row["base_id"], row["merged_id"]) if each) for row in rows}

    @whole
    async def chain(self, video_id: int, version_id: int) -> Sequence[Hash]:
        """See `Store`."""
        addresses: list[Hash] = []
        known: dict[int, Document] = {}
        at = version_id
        with reaching():
            while at:
                if at not in known:
                    known |= await self._window(video_id, at)
                found = known.get(at)
                if found is None:
                    return []
                addresses.append(found["snapshot"] or found["delta"])
                at = 0 if found["snapshot"] else found["base_id"]
        return addresses[::-1]

    async def _window(self, video_id: int, version_id: int) -> dict[int, Document]:
        """A version and those committed before it, among which its base most likely is."""
        columns = {"number": 1, "base_id": 1, "delta": 1, "snapshot": 1}
        found = await self._versions.find_one({"_id": version_id, "video_id": video_id}, columns)
        if found is None:
            return {}
        span = {"$gte": found["number"] - WINDOW, "$lte": found["number"]}
        rows = self._versions.find({"video_id": video_id, "number": span}, columns)
        return {row["_id"]: row async for row in rows}

    # Tags

    @whole
    async def tag(self, tenant_id: str, video_id: int, version_id: int, tag: str, remove: bool, once: Once) -> Version:
        """See `Store`."""
        version = await self.get(tenant_id, video_id, version_id)
        if version is None:
            raise _unknown()
        with reaching():
            _, done = await self._claim(once, version_id)
            if not done:
                await self._move_tag(version, tag, remove, once)
                await self._requests.update_one({"_id": _key(once)}, {"$set": {"done": True}})
        return await self.get(tenant_id, video_id, version_id) or version

    async def _move_tag(self, version: Version, tag: str, remove: bool, once: Once) -> None:
        where = {"video_id": version.video_id, "tag": tag}
        event = event_document(
            audit.Event(
                once.tenant_id,
                once.person_id,
                "version.untag" if remove else "version.tag",
                f"version/{version.version_id}",
                version.created_ms,
            )
        )
        for _ in range(TRIES):
            there = await self._tags.find_one(where)
            if there is not None and "untold_ms" in there:
                await self._telling.tag(there)
            before = there["version_id"] if there is not None else 0
            has = before == version.version_id
            after = (0 if has else before) if remove else version.version_id
            moved = [each for each in (before, after) if each] if before != after else []
            change = {**where, "version_id": after, "moved": moved, "events": [event], **untold()}
            try:
                if there is None:
                    there = {"_id": (await self._tags.insert_one(dict(change))).inserted_id}
                elif not (
                    await self._tags.update_one({"_id": there["_id"], "version_id": before}, {"$set": change})
                ).matched_count:
                    continue
            except DuplicateKeyError:
                continue
            await self._telling.tag({**change, "_id": there["_id"]})
            return
        raise StoreBusy("Too many tag versions of this video; try again in a moment.")

    # Contents and tiers

    @whole
    async def contents(self, video_id: int, addresses: Sequence[Hash]) -> Sequence[Stored]:
        """See `Store`."""
        with reaching():
            return await self._contents.read(video_id, addresses)

    @whole
    async def stored_bytes(self, video_id: int, addresses: Sequence[Hash]) -> Mapping[Hash, int]:
        """See `Store`."""
        with reaching():
            return await self._contents.stored_bytes(video_id, addresses)

    @whole
    async def put_snapshot(self, video_id: int, version_id: int, packed: Packed) -> None:
        """See `Store`."""
        with reaching():
            await self._contents.put(video_id, packed)
            change = {"$set": {"snapshot": packed.sha256, "depth": 0}}
            await self._versions.update_one({"_id": version_id, "video_id": video_id}, change)
            await self._contents.mark_used(video_id, packed.sha256)

    @whole
    async def older(self, tier: Tier, before_ms: int, limit: int) -> Sequence[Version]:
        """See `Store`."""
        hotter = [_STATUS[each] for each in Tier if each < tier]
        query = {"version_status": {"$in": hotter}, "created_ms": {"$lt": before_ms}, "read_ms": {"$lt": before_ms}}
        return await self._find(query, sort=[("created_ms", ASCENDING)], limit=limit)

    @whole
    async def cooled(self, versions: Sequence[Version]) -> None:
        """See `Store`."""
        with reaching():
            for version in versions:
                where = {"_id": version.version_id, "video_id": version.video_id, "version_status": "hot"}
                await self._set_status(where, Tier.WARM)

    @whole
    async def archived(self, moved: Sequence[tuple[Version, Mapping[Hash, str]]]) -> None:
        """See `Store`."""
        with reaching():
            for version, keys in moved:
                for sha256, key in keys.items():
                    await self._contents.archive(version.video_id, sha256, key)
                await self._set_status({"_id": version.version_id, "video_id": version.video_id}, Tier.COLD)

    @whole
    async def brought_back(self, video_id: int, contents: Sequence[Packed], now_ms: int) -> None:
        """See `Store`."""
        addresses = [packed.sha256 for packed in contents]
        either = [{"delta": {"$in": addresses}}, {"snapshot": {"$in": addresses}}]
        with reaching():
            for packed in contents:
                await self._contents.bring_back(video_id, packed)
            found = self._versions.find({"video_id": video_id, "version_status": "cold", "$or": either}, {"_id": 1})
            for each in [each async for each in found]:
                where = {"_id": each["_id"], "video_id": video_id, "version_status": "cold"}
                await self._set_status(where, Tier.WARM, read_ms=now_ms)

    @whole
    async def shared(self, video_id: int, addresses: Sequence[Hash]) -> Sequence[Hash]:
        """See `Store`."""
        with reaching():
            return [each for each in addresses if await self._contents.shared(video_id, each)]

    @whole
    async def archive_keys(self) -> Sequence[str]:
        """See `Store`."""
        with reaching():
            return await self._contents.keys()

    @whole
    async def tenants(self) -> Sequence[str]:
        """See `Store`."""
        with reaching():
            return sorted(await self._versions.distinct("tenant_id"))

    @whole
    async def sizes(self, video_id: int) -> Mapping[str, int]:
        """See `Store`."""
        with reaching():
            return await self._contents.sizes(video_id)

    @whole
    async def sweep(self, before_ms: int) -> int:
        """See `Store`."""
        with reaching():
            await self._telling.left()
            await self._requests.delete_many({"time_ms": {"$lt": wall_ms() - KEEP_REQUESTS_MS}})
            return await self._contents.sweep(before_ms) + await self.sweep_batches(before_ms)

    async def close(self) -> None:
        """See `Store`."""
        await self.finished()
        await self._client.close()

    async def _set_status(self, where: Document, tier: Tier, **more: int) -> None:
        """`where` names the video: by that a sharded cluster knows where the version is."""
        change = {"version_status": _STATUS[tier], **more, **untold()}
        document = await self._versions.find_one_and_update(where, {"$set": change})
        if document is not None:
            await self._telling.version({**document, **change})

    async def _newest(self, tenant_id: str, video_id: int) -> Document | None:
        query, columns = {"video_id": video_id, "tenant_id": tenant_id}, {"head_id": 1, "number": 1}
        return await self._versions.find_one(query, columns, sort=[("number", DESCENDING)])

    async def _find(
        self, query: Document, *, change_of: Mapping[int, int] | None = None, **options: Any
    ) -> list[Version]:
        with reaching():
            documents = [each async for each in self._versions.find(query, **options)]
            for document in documents if change_of is not None else ():
                document["change"] = change_of[document["_id"]]  # type: ignore[index]
            return await self._made(documents)

    async def _made(self, documents: Iterable[Document]) -> list[Version]:
        """Versions with their tags."""
        found = list(documents)
        if not found:
            return []
        tags: dict[int, list[str]] = {}
        videos = {document["video_id"] for document in found}
        ids = [document["_id"] for document in found]
        query = {"video_id": {"$in": list(videos)}, "version_id": {"$in": ids}}
        async for each in self._tags.find(query):
            tags.setdefault(each["version_id"], []).append(each["tag"])
        return [_version(document, sorted(tags.get(document["_id"], ()))) for document in found]


def _version(document: Document, tags: Sequence[str]) -> Version:
    return Version(
        version_id=document["_id"],
        kind=Kind(document["kind"]),
        tier=_TIER[document["version_status"]],
        tags=tuple(tags),
        **{name: document[name] for name in _PLAIN},
    )


def _event(draft: Draft, version_id: int) -> Document:
    detail: dict[str, str | int] = {"video_id": draft.video_id, "revision": draft.revision}
    action = f"version.{draft.kind.name.lower()}"
    return event_document(
        audit.Event(draft.tenant_id, draft.person_id, action, f"version/{version_id}", draft.created_ms, detail)
    )


def _key(once: Once) -> bytes:
    named = "\0".join((once.tenant_id, once.person_id, once.method, once.request_id))
    return hashlib.sha256(named.encode()).digest()


def _unknown() -> VersionUnknown:
    return VersionUnknown("there is no such version of this video")
