"""Moves old contents to the archive: copy, verify, commit the pointer, and only then is the copy here gone. Sees to it
that purged videos are removed.

Killed between any two steps, a version is read as before; what the archive has too much is swept.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from mesh.blobs import Blobs
from mesh.clock import Clock
from rushes.errors import Unavailable
from svc_version import metrics
from svc_version.bulletin import Bulletin
from svc_version.core.content import address
from svc_version.core.model import Hash, Tier, Version
from svc_version.removal import Removals
from svc_version.stores import Store
from svc_version.stores.hot import Hot

DAY_MS: Final = 86_400_000
AT_ONCE: Final = 200
TOGETHER: Final = 20
"""Versions that are copied at once, and then pointed to in one step."""
MOST_BYTES: Final = 32 * 1024 * 1024
"""Of contents that are copied at once, unless one version has more; as they were and read back: twice as much."""
EVERY_S: Final = 0.112
"""So often so many, so that whoever works is not held up: 10,700 versions a minute at most."""
REST: Final = 0.25
"""After each, times as long as it took: where disk or processor are busy, there is more rest. Most of what it takes it
waits for the disk's turn, which holds up nobody."""
TURN: Final = "mover"
TURN_MS: Final = 120_000
"""Of several instances one moves: the one whose turn it is, which it takes anew as it goes on."""
SWEEP_MS: Final = 3_600_000
"""An archive object that nothing points to is swept when it is so old: before, somebody may be about to point to it."""

log = logging.getLogger(__name__)


class Mover:
    """See the module."""

    def __init__(
        self,
        store: Store,
        archive: Blobs,
        hot: Hot,
        clock: Clock,
        bulletin: Bulletin,
        removals: Removals,
        *,
        hot_days: float,
        cold_days: float,
        every_s: float,
    ) -> None:
        self._store = store
        self._archive = archive
        self._hot = hot
        self._clock = clock
        self._bulletin = bulletin
        self._removals = removals
        self._hot_ms = int(hot_days * DAY_MS)
        self._cold_ms = int(cold_days * DAY_MS)
        self._every_s = every_s
        self._holder = secrets.token_hex(8)
        self._had_turn = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to look, now and then."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends; what was begun is begun again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(Unavailable):
            await self._store.lease(TURN, self._holder, self._clock.now_ms(), 0)

    async def _run(self) -> None:
        while True:
            for step in (self.move, self._remove, self.sweep):
                try:
                    await step()
                except Exception:
                    log.exception("mover_failed", extra={"step": step.__name__})
            # Whoever has not had a turn looks again when it may be over: its holder may be dead.
            await asyncio.sleep(self._every_s if self._had_turn else min(self._every_s, TURN_MS / 1000))

    async def move(self) -> int:
        """Moves all that is old enough; says how many versions went cold."""
        now_ms = self._clock.now_ms()
        moved = 0
        while await self._mine() and (found := await self._store.older(Tier.COLD, now_ms - self._cold_ms, AT_ONCE)):
            before = moved
            async for some in _resting(found):
                moved += await self._move(some)
            if moved == before:
                break
        while await self._mine() and (found := await self._store.older(Tier.WARM, now_ms - self._hot_ms, AT_ONCE)):
            async for some in _resting(found):
                await self._store.cooled(some)
                for version in some:
                    await self._hot.drop(version.video_id, _addresses(version))
                    self._bulletin.tell(version.video_id)
        return moved

    async def _remove(self) -> None:
        if await self._mine():
            await self._removals.upkeep()

    async def _mine(self) -> bool:
        """Whether it is this instance's turn."""
        now_ms = self._clock.now_ms()
        self._had_turn = await self._store.lease(TURN, self._holder, now_ms, now_ms + TURN_MS)
        return self._had_turn

    async def _move(self, versions: Sequence[Version]) -> int:
        """Says how many; those that cannot be moved now are left as they are."""
        sizes: dict[int, int] = {}
        for video_id in {version.video_id for version in versions}:
            try:
                sizes |= await self._sizes(video_id, [each for each in versions if each.video_id == video_id])
            except Exception:
                log.exception("versions_not_copied", extra={"video": video_id})
        known = [each for each in versions if each.version_id in sizes]
        return sum([await self._move_together(some) for some in cut(known, sizes, MOST_BYTES)])

    async def _sizes(self, video_id: int, versions: Sequence[Version]) -> Mapping[int, int]:
        """How much each version of a video has of its own."""
        stored = await self._store.stored_bytes(
            video_id, [each for version in versions for each in _addresses(version)]
        )
        return {version.version_id: sum(stored.get(each, 0) for each in _addresses(version)) for version in versions}

    async def _move_together(self, versions: Sequence[Version]) -> int:
        moved: list[tuple[Version, Mapping[Hash, str]]] = []
        try:
            moved = await self._copied(versions)
            await self._store.archived(moved)
        except Exception:
            log.exception("versions_not_moved")
            return 0
        for version, keys in moved:
            await self._hot.drop(version.video_id, list(keys))
            self._bulletin.tell(version.video_id)
        metrics.MOVED.inc(len(moved))
        return len(moved)

    async def _copied(self, versions: Sequence[Version]) -> list[tuple[Version, Mapping[Hash, str]]]:
        """Copies what each version has of its own; says what is where, of those that the archive gives back."""
        copies: list[tuple[Version, Mapping[Hash, str]]] = []
        put: dict[str, bytes] = {}
        for video_id in {version.video_id for version in versions}:
            copies += await self._of_video(video_id, [each for each in versions if each.video_id == video_id], put)
        await self._archive.put_all(put)
        there = await self._archive.get_all(list(put))
        return [(version, keys) for version, keys in copies if _verified(version, keys, there)]

    async def _of_video(
        self, video_id: int, versions: Sequence[Version], put: dict[str, bytes]
    ) -> list[tuple[Version, Mapping[Hash, str]]]:
        """What each version of a video has that is to be copied, and under which keys; its bytes go into `put`."""
        addresses = [each for version in versions for each in _addresses(version)]
        try:
            # What newer versions have too stays where it is: it is in use.
            shared = set(await self._store.shared(video_id, addresses))
            stored = {each.sha256: each.data for each in await self._store.contents(video_id, addresses)}
        except Exception:
            log.exception("versions_not_copied", extra={"video": video_id})
            return []
        copies: list[tuple[Version, Mapping[Hash, str]]] = []
        for version in versions:
            keys: dict[Hash, str] = {}
            for sha256 in _addresses(version):
                data = stored.get(sha256)
                if data is not None and (sha256 not in shared or version.snapshot == version.delta):
                    keys[sha256] = _key(version, sha256)
                    put[keys[sha256]] = data
            copies.append((version, keys))
        return copies

    async def sweep(self) -> int:
        """Deletes what nothing points to, here and in the archive; says how much."""
        # Of the archive's own times, which no service's clock has made.
        before_ms = int(time.time() * 1000) - SWEEP_MS
        if not await self._mine():
            return 0
        swept = await self._store.sweep(before_ms)
        for tenant_id in await self._store.tenants():
            there = await self._archive.list(f"{tenant_id}/")
            pointed_to = set(await self._store.archive_keys())
            for blob in there:
                if blob.key not in pointed_to and blob.modified_ms < before_ms:
                    await self._archive.delete(blob.key)
                    swept += 1
        metrics.SWEPT.inc(swept)
        return swept


def cut(versions: Sequence[Version], sizes: Mapping[int, int], most_bytes: int) -> Sequence[Sequence[Version]]:
    """The same in groups, in order, each of so many bytes at most; one that has more is alone."""
    groups: list[list[Version]] = []
    left_bytes = 0
    for version in versions:
        left_bytes -= sizes[version.version_id]
        if left_bytes < 0 or not groups:
            groups.append([])
            left_bytes = most_bytes - sizes[version.version_id]
        groups[-1].append(version)
    return groups


async def _resting(versions: Sequence[Version]) -> AsyncIterator[Sequence[Version]]:
    """Some at a time, those of one video together, whose store is asked once for all of them; a rest after each."""
    by_video = sorted(versions, key=lambda version: version.video_id)
    for at in range(0, len(by_video), TOGETHER):
        began_s = time.monotonic()
        yield by_video[at : at + TOGETHER]
        took_s = time.monotonic() - began_s
        await asyncio.sleep(max(EVERY_S - took_s, REST * took_s))


def _verified(version: Version, keys: Mapping[Hash, str], there: Mapping[str, bytes]) -> bool:
    """Whether the archive gives back what a version was copied from."""
    for sha256, key in keys.items():
        if address(there.get(key, b"")) != sha256:
            log.error("version_not_moved", extra={"version": version.version_id, "key": key})
            return False
    return True


def _key(version: Version, sha256: Hash) -> str:
    part = "full.bin" if sha256 == version.snapshot else "bin"
    return f"{version.tenant_id}/video_{version.video_id}_version_{version.number}.{part}"


def _addresses(version: Version) -> list[Hash]:
    """What a version has of its own."""
    return [version.delta, *([version.snapshot] if version.snapshot else [])]
