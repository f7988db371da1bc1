"""What a version holds, put together from what is stored, and kept in memory for a while."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Sequence

from mesh.blobs import BlobNotFound, Blobs
from mesh.clock import Clock
from svc_version import metrics
from svc_version.core.content import Content, ContentDamaged, address, in_order, pack_all, replay, unpack
from svc_version.core.model import Hash, Packed, Tier, Version
from svc_version.stores import Store
from svc_version.stores.hot import Hot

log = logging.getLogger(__name__)


def give_way() -> None:
    """In a thread: lets the event loop go on, which otherwise waits for its turn at each of its steps."""
    time.sleep(0)


class Documents:
    """See the module. What it gives is not to be changed."""

    def __init__(self, store: Store, archive: Blobs, hot: Hot, clock: Clock, cache_bytes: int) -> None:
        self._store = store
        self._archive = archive
        self._hot = hot
        self._clock = clock
        self._cache_bytes = cache_bytes
        self._cached: OrderedDict[int, tuple[Content, int]] = OrderedDict()
        self._size_bytes = 0
        self._reading: dict[int, asyncio.Task[Content]] = {}

    async def read(self, version: Version) -> Content:
        """What a version holds, in drawing order. Raises ContentDamaged, or what its stores raise."""
        kept = self._cached.get(version.version_id)
        if kept is not None:
            self._cached.move_to_end(version.version_id)
            return kept[0]
        task = self._reading.get(version.version_id)
        if task is None:
            task = self._reading[version.version_id] = asyncio.create_task(self._read(version))
            task.add_done_callback(lambda _: self._reading.pop(version.version_id, None))
        return await asyncio.shield(task)

    async def snapshot(self, version: Version) -> None:
        """Keeps all that a version holds in one piece, so that reading it and what follows takes less."""
        content = await self.read(version)
        packed = await asyncio.to_thread(pack_all, content, give_way)
        await self._store.put_snapshot(version.video_id, version.version_id, packed)
        metrics.SNAPSHOTS.inc()

    async def _read(self, version: Version) -> Content:
        addresses = await self._store.chain(version.video_id, version.version_id)
        stored = await self._fetch(version, addresses)
        content = await asyncio.to_thread(_put_together, addresses, stored)
        self._keep(version.version_id, content)
        return content

    async def _fetch(self, version: Version, addresses: Sequence[Hash]) -> dict[Hash, bytes]:
        hot = await self._hot.get(version.video_id, addresses)
        # A copy is believed by its address alone.
        found = {sha256: data for sha256, data in hot.items() if address(data) == sha256}
        if len(found) < len(hot):
            log.error("hot_versions_damaged", extra={"video": version.video_id})
            await self._hot.drop(version.video_id, [sha256 for sha256 in hot if sha256 not in found])
        back: list[Packed] = []
        missing = [each for each in addresses if each not in found]
        for each in await self._store.contents(version.video_id, missing) if missing else ():
            data = each.data
            if data is None:
                data = await self._from_archive(each.sha256, each.archive_key)
                back.append(Packed(each.sha256, data, 0))
            found[each.sha256] = data
        if version.tier is not Tier.COLD:
            await self._hot.put(version.video_id, {each: found[each] for each in missing if each in found})
        if version.tier is Tier.COLD:
            # Read, it is warm: also one whose content is here, since others have it or since a crash was in between.
            here = {each.sha256 for each in back}
            own = {version.delta, version.snapshot or version.delta} - here
            back += [Packed(each, found[each], 0) for each in own if each in found]
        if back:
            await self._store.brought_back(version.video_id, back, self._clock.now_ms())
            metrics.BROUGHT_BACK.inc(len(back))
        return found

    async def _from_archive(self, sha256: Hash, key: str) -> bytes:
        try:
            data = b"".join([piece async for piece in self._archive.read(key)])
        except BlobNotFound as error:
            log.critical("archive_object_missing", extra={"key": key})
            raise ContentDamaged("what the archive should have is not there", key=key) from error
        if address(data) != sha256:
            log.critical("archive_object_damaged", extra={"key": key})
            raise ContentDamaged("what the archive has is not what was put there", key=key)
        return data

    def _keep(self, version_id: int, content: Content) -> None:
        size_bytes = sum(len(entry.state) + 150 for entry in content.values())
        if size_bytes > self._cache_bytes:
            return
        self._cached[version_id] = (content, size_bytes)
        self._size_bytes += size_bytes
        while self._size_bytes > self._cache_bytes:
            _, (_, gone_bytes) = self._cached.popitem(last=False)
            self._size_bytes -= gone_bytes


def _put_together(addresses: Sequence[Hash], stored: dict[Hash, bytes]) -> Content:
    missing = [each for each in addresses if each not in stored]
    if missing or not addresses:
        raise ContentDamaged("a content of this version is not stored", missing=str(len(missing)))
    return in_order(replay(unpack(each, stored[each], give_way) for each in addresses), give_way)
