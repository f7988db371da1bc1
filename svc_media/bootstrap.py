"""Puts svc_media together: the only module that names what it is made of."""

import asyncio
import contextlib
import logging
import os

import grpc
from aiohttp import web

from mesh.audit import Shipper, SqlOutbox
from mesh.blobs import BlobsUnavailable
from mesh.config import ConfigError
from mesh.purged import ProjectPurged
from mesh.service import Runtime
from mesh.sql import Database
from rushes.media.v1 import (
    export_service_pb2_grpc,
    import_service_pb2_grpc,
    job_service_pb2_grpc,
    media_service_pb2_grpc,
    subtitle_service_pb2_grpc,
)
from rushes.type.v1.access_pb2 import Resource
from svc_media.catalog import Catalog
from svc_media.config import Config
from svc_media.delivery import Delivery
from svc_media.door import Door
from svc_media.download import Downloads
from svc_media.export import Exports
from svc_media.http import MediaHttp
from svc_media.importing import Imports
from svc_media.lock import Locks
from svc_media.reading import Reader
from svc_media.removal import Removals
from svc_media.server import ExportServicer, ImportServicer, JobServicer, MediaServicer, SubtitleServicer
from svc_media.setup import url_of
from svc_media.shelf import BlobShelf, FolderShelf, Shelf
from svc_media.stores.export_sql import SqlExports
from svc_media.stores.folder import Folder
from svc_media.stores.sql import SqlStore
from svc_media.stores.subtitle_sql import SqlSubtitles
from svc_media.subtitle import Subtitles
from svc_media.upload import Uploads
from svc_media.work import Jobs

log = logging.getLogger(__name__)

UPKEEP_S = 600.0
SAMPLE = 20
"""Contents that are looked for at the start."""
PRESENT, UPKEEP = "present", "upkeep"
"""Locks: of all instances that are there, so that nobody takes what they are at for left behind; and of upkeep."""


class MediaParts:
    """The service."""

    def __init__(self, config: Config, runtime: Runtime, folder: Folder, shelf: Shelf) -> None:
        self._config = config
        self._folder = folder
        self._shelf = shelf
        # Several instances write one after the other, as they do to a file.
        database = Database(url_of(config, runtime.mesh.data), one_writer=True)
        self._locks = Locks(folder.locks)
        self._store = SqlStore(database)
        self._shipper = Shipper(SqlOutbox(database), runtime.channels)
        self._jobs = Jobs(
            self._store,
            folder,
            shelf,
            runtime.clock,
            config.workers,
            holder=config.instance,
            held_s=config.held_s,
            locks=self._locks,
        )
        self._uploads = Uploads(
            self._store,
            self._folder,
            runtime.clock,
            self._jobs.enqueue,
            max_bytes=config.max_upload_bytes,
            days=config.upload_days,
            locks=self._locks,
        )
        self._imports = Imports(self._store, self._uploads, self._jobs, runtime.clock)
        self._catalog = Catalog(self._store, folder, shelf)
        self._exports = self._exports_of(config, runtime, database)
        self._removals = self._removals_of(config, runtime)
        self._subtitles = Subtitles(SqlSubtitles(database), self._catalog, runtime.clock)
        self._delivery = Delivery(shelf)
        self._runner = self._runner_of(config, runtime)
        self._now_ms = runtime.clock.now_ms
        mutual = runtime.channels.mutual
        self._tls = mutual.server if mutual is not None else None
        self._upkeep: asyncio.Task[None] | None = None

    def _exports_of(self, config: Config, runtime: Runtime, database: Database) -> Exports:
        """Files of notes, as jobs."""
        return Exports(
            SqlExports(database),
            self._catalog,
            self._folder,
            Reader(runtime.channels),
            runtime.clock,
            days=config.export_days,
            holder=config.instance,
        )

    def _removals_of(self, config: Config, runtime: Runtime) -> Removals:
        """What ends files of clips that are gone for good."""
        return Removals(
            ProjectPurged(runtime.channels),
            self._store,
            self._uploads,
            self._exports,
            self._folder,
            self._shelf,
            self._locks,
            runtime.clock,
            days=config.purge_days,
        )

    def _runner_of(self, config: Config, runtime: Runtime) -> web.AppRunner:
        """What serves uploads and files."""
        http = MediaHttp(
            self._uploads,
            self._catalog,
            self._delivery,
            Downloads(self._store, runtime.clock),
            self._exports,
            self._subtitles,
            Door(runtime.identity, runtime.mesh.secret),
            max_bytes=config.max_upload_bytes,
            idle_s=config.idle_s,
        )
        return web.AppRunner(http.app(), access_log=None, keepalive_timeout=75.0, shutdown_timeout=2.0)

    async def resources(self, resource: Resource) -> list[Resource]:
        """Which rights count for a video that is no cut yet."""
        return await self._catalog.resources(resource)

    def register(self, server: grpc.aio.Server) -> None:
        """Adds the services."""
        media_service_pb2_grpc.add_MediaServiceServicer_to_server(MediaServicer(self._catalog), server)
        servicer = JobServicer(self._catalog, self._store, self._jobs, self._now_ms)
        job_service_pb2_grpc.add_JobServiceServicer_to_server(servicer, server)
        subtitle_service_pb2_grpc.add_SubtitleServiceServicer_to_server(SubtitleServicer(self._subtitles), server)
        import_service_pb2_grpc.add_ImportServiceServicer_to_server(ImportServicer(self._imports), server)
        export_service_pb2_grpc.add_ExportServiceServicer_to_server(ExportServicer(self._exports), server)

    async def start(self) -> None:
        """Opens the store, takes up jobs, listens."""
        await self._store.prepare()
        await self._check_folder()
        alone = self._locks.take(PRESENT)
        if alone:
            await self._uploads.tidy()
            await self._exports.start()
        await self._locks.shared(PRESENT)
        if not alone:  # and whoever was has taken up the exports of all
            await self._exports.start(alone=False)
        await self._jobs.start()
        await self._subtitles.start()
        self._shipper.start()
        await self._runner.setup()
        listen = self._config.http_listen
        site: web.BaseSite
        if listen.startswith("unix:"):
            path = listen.removeprefix("unix:")
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            site = web.UnixSite(self._runner, path)
        else:
            host, _, port = listen.rpartition(":")
            site = web.TCPSite(self._runner, host, int(port), ssl_context=self._tls)
        await site.start()
        self._upkeep = asyncio.create_task(self._keep_up())

    async def _check_folder(self) -> None:
        """Before anything is tidied up: an empty folder is one that is not mounted, or an instance's own."""
        if self._config.blobs or self._config.files_lost:
            return
        known = await self._store.some_contents(SAMPLE)
        if known and not await asyncio.to_thread(self._folder.has_any, known):
            raise ConfigError(
                [
                    f"mesh.data: {self._folder.contents} has nothing of the videos that the store knows. All instances "
                    "have one folder (or a bucket: media.blobs); is it mounted? If all files are lost for good, say "
                    "so: RUSHES_MEDIA__FILES_LOST=true"
                ]
            )

    async def _keep_up(self) -> None:
        while True:
            try:
                if self._locks.take(UPKEEP):  # one instance is enough
                    await self._uploads.upkeep()
                    await self._exports.upkeep()
                    await self._shelf.upkeep()
                    await self._removals.upkeep()
            except Exception:
                log.exception("upkeep_failed")
            finally:
                self._locks.drop(UPKEEP)
            await asyncio.sleep(UPKEEP_S)

    async def check(self) -> None:
        """The store answers. (A bucket that is away is waited for, and what is in the folder plays.)"""
        await self._store.has_file("")

    async def drain(self) -> None:
        """Nothing new is taken; requests under way end or are cut and resume."""
        await self._runner.cleanup()

    async def stop(self) -> None:
        """Stops jobs and closes the store."""
        if self._upkeep is not None:
            self._upkeep.cancel()
            await asyncio.gather(self._upkeep, return_exceptions=True)
        await self._jobs.stop()
        await self._exports.stop()
        await self._runner.cleanup()
        self._uploads.close()
        self._subtitles.close()
        self._delivery.close()
        self._shelf.close()
        await self._shipper.stop()
        await self._store.close()


async def build(config: Config, runtime: Runtime) -> MediaParts:
    """The service of this configuration."""
    folder = Folder(runtime.mesh.data / "media", config.reserve_bytes)
    return MediaParts(config, runtime, folder, await _shelf(config, folder))


async def _shelf(config: Config, folder: Folder) -> Shelf:
    if not config.blobs:
        return FolderShelf()
    from mesh.blobs_s3 import Bucket, S3Blobs

    blobs = S3Blobs(Bucket.of(config.blobs))
    try:
        await blobs.prepare()
    except BlobsUnavailable as error:  # what is in the folder is served all the same
        log.warning("bucket_away", extra={"error": str(error)})
    return BlobShelf(blobs, folder, config.keep_bytes)
