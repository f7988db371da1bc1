"""Puts the service together: the only module that names concrete adapters."""

import grpc

from mesh.audit import Shipper
from mesh.blobs import Blobs, FolderBlobs
from mesh.purged import ProjectPurged
from mesh.service import Runtime
from svc_version.bulletin import Bulletin
from svc_version.commit import Commits
from svc_version.config import VersionConfig
from svc_version.documents import Documents
from svc_version.ids import Ids
from svc_version.mover import Mover
from svc_version.notes import Notes
from svc_version.reading import Reading
from svc_version.removal import Removals
from svc_version.rollback import Rollbacks
from svc_version.server import VersionServicer, register
from svc_version.setup import url_of
from svc_version.stores import Store
from svc_version.stores.hot import Hot, NoHot
from svc_version.sync import Sync
from svc_version.writing import Writing


class VersionParts:
    """See `mesh.service.Service`."""

    def __init__(self, config: VersionConfig, runtime: Runtime, store: Store, archive: Blobs, hot: Hot) -> None:
        clock = runtime.clock
        bulletin = Bulletin()
        self.store = store
        self._hot = hot
        ids = Ids(store, clock)
        notes = Notes(runtime.channels)
        documents = Documents(store, archive, hot, clock, config.cache_bytes)
        self._commits = Commits(store, documents, notes, ids, clock, bulletin)
        self._writing = Writing(store, self._commits, notes)
        rollbacks = Rollbacks(store, self._commits, documents, notes, ids, clock, self._writing)
        purged = ProjectPurged(runtime.channels)
        self.removals = Removals(purged, store, archive, hot, clock, days=config.purge_days)
        self.mover = Mover(
            store,
            archive,
            hot,
            clock,
            bulletin,
            self.removals,
            hot_days=config.hot_days,
            cold_days=config.cold_days,
            every_s=config.move_s,
        )
        self._shipper = Shipper(store.outbox, runtime.channels)
        self._servicer = VersionServicer(
            self._commits,
            rollbacks,
            Reading(store, documents),
            Sync(store, self._commits, bulletin, runtime.identity, clock),
            runtime.identity,
        )

    def register(self, server: grpc.aio.Server) -> None:
        """See Service."""
        register(self._servicer, server)

    async def start(self) -> None:
        """See Service."""
        self._shipper.start()
        await self._writing.resume()
        self.mover.start()

    async def check(self) -> None:
        """See Service: the store answers."""
        await self.store.head("", 0)

    async def drain(self) -> None:
        """See Service."""

    async def stop(self) -> None:
        """See Service."""
        await self.mover.stop()
        await self._writing.stop()
        await self._commits.stop()
        await self._shipper.stop()
        await self._hot.close()
        await self.store.close()


async def build(config: VersionConfig, runtime: Runtime) -> VersionParts:
    """Opens the store in the data folder."""
    store = await _open_store(config, runtime)
    try:
        archive = await _open_archive(config, runtime)
    except BaseException:
        await store.close()
        raise
    return VersionParts(config, runtime, store, archive, _hot(config))


async def _open_store(config: VersionConfig, runtime: Runtime) -> Store:
    if config.mongo:
        from svc_version.stores.mongo import open_mongo_store

        return await open_mongo_store(config.mongo)
    from svc_version.stores.sql import open_sql_store

    if not config.database:
        (runtime.mesh.data / "version").mkdir(parents=True, exist_ok=True)
    return await open_sql_store(url_of(config, runtime.mesh.data))


async def _open_archive(config: VersionConfig, runtime: Runtime) -> Blobs:
    if not config.archive:
        return FolderBlobs(runtime.mesh.data / "version" / "archive")
    from mesh.blobs_s3 import open_s3_blobs

    return await open_s3_blobs(config.archive)


def _hot(config: VersionConfig) -> Hot:
    if not config.redis:
        return NoHot()
    from svc_version.stores.hot_redis import RedisHot

    return RedisHot(config.redis, config.hot_days * 86_400)
