"""Puts the service together: the only module that names concrete adapters."""

import asyncio
import logging
import os
import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from mesh.ids import new_id
from mesh.purged import ProjectPurged
from mesh.service import Runtime
from svc_annotation.config import PROJECTOR, SESSIONS, AnnotationConfig
from svc_annotation.core.reader import ReaderLimits
from svc_annotation.errors import Draining
from svc_annotation.facts import Facts, look_up_through
from svc_annotation.projecting import Join, Projecting
from svc_annotation.removal import Removals
from svc_annotation.server import Handlers
from svc_annotation.setup import FOLDER, HISTORY
from svc_annotation.shared import Shared
from svc_annotation.stores import HistoryLost, Log, Snapshots
from svc_annotation.stores.history_sqlite import SqliteHistory, open_sqlite_history
from svc_annotation.stores.segment import open_segment_log
from svc_annotation.stores.snapshot_folder import FolderSnapshots
from svc_annotation.videos import Videos

if TYPE_CHECKING:
    from svc_annotation.stores.history_mongo import MongoHistory
    from svc_annotation.stores.kafka_topic import Cluster

CLOSE_S = 5.0

_logger = logging.getLogger(__name__)


class AnnotationService:
    """See `mesh.service.Service`."""

    def __init__(
        self,
        config: AnnotationConfig,
        runtime: Runtime,
        shared: Shared,
        projecting: Projecting | None,
        removals: Removals | None,
    ) -> None:
        self._config = config
        self._runtime = runtime
        self._shared = shared
        self._handlers = Handlers(shared)
        self._handlers.draining = config.role == PROJECTOR  # who serves nobody takes nobody in
        self._projecting = projecting
        self._removals = removals
        self._started = False

    def register(self, server: grpc.aio.Server) -> None:
        """See Service."""
        server.add_generic_rpc_handlers(self._handlers.generic())

    async def start(self) -> None:
        """See Service."""
        await self._shared.videos.start()
        if self._projecting is not None:
            self._projecting.start()
        if self._removals is not None:
            self._shared.tasks.add(asyncio.create_task(self._removals.run()))
        self._runtime.identity.on_change(self._shared.videos.recheck)
        self._started = True

    async def check(self) -> None:
        """See Service: log and history answer."""
        await self._shared.log.end(0)
        try:
            await self._shared.history.epoch()
        except HistoryLost:
            # What is in memory goes on from what is no more. Whoever watches over this process starts it again.
            _logger.critical("history_lost")
            os.kill(os.getpid(), signal.SIGTERM)
            raise

    async def drain(self) -> None:
        """See Service."""
        self._handlers.draining = True
        if self._projecting is not None:
            await self._projecting.leave()
        self._shared.videos.hand_over(Draining("this instance stops: open again"))

    async def stop(self) -> None:
        """See Service."""
        shared = self._shared
        try:
            async with asyncio.timeout(CLOSE_S):
                await shared.log.close()
        except TimeoutError:
            _logger.error("log_not_closed")
        if self._started:
            await shared.videos.stop()
        for task in list(shared.tasks):
            task.cancel()
        await asyncio.gather(*shared.tasks, return_exceptions=True)
        await shared.history.close()


async def build(config: AnnotationConfig, runtime: Runtime) -> AnnotationService:
    """Opens the stores in the data folder."""
    folder = runtime.mesh.data / FOLDER
    log = await _open_log(config, folder)
    try:
        snapshots = await _open_snapshots(config, folder)
        history = await _open_history(config, folder)
    except BaseException:
        await log.close()
        raise
    videos = Videos(config, log, history, snapshots, runtime.clock)
    shared = Shared(
        config=config,
        log=log,
        history=history,
        past=history,
        videos=videos,
        facts=Facts(look_up_through(runtime.channels)),
        identity=runtime.identity,
        clock=runtime.clock,
        limits=ReaderLimits(config.unacked_revisions, config.unacked_bytes, config.unacked_s),
        new_name=new_id,
    )
    projecting = Projecting(videos, _member_of(config)) if config.role == PROJECTOR else None
    removals = None
    if config.role != SESSIONS:
        removals = Removals(ProjectPurged(runtime.channels), history, snapshots, videos, shared.facts)
    return AnnotationService(config, runtime, shared, projecting, removals)


# Clients of engines take time and memory to import: only who uses one does.


async def _open_log(config: AnnotationConfig, folder: Path) -> Log:
    if not config.kafka:
        return await open_segment_log(folder / "log", segment_bytes=config.segment_bytes, fsync=config.fsync)
    from svc_annotation.stores.kafka import open_kafka_log

    return await open_kafka_log(_cluster(config), linger_ms=config.kafka_linger_ms, delivery_s=config.kafka_delivery_s)


def _cluster(config: AnnotationConfig) -> "Cluster":
    from svc_annotation.stores.kafka_topic import Cluster

    return Cluster(config.kafka, config.kafka_topic, config.kafka_replicas, config.kafka_options)


def _member_of(config: AnnotationConfig) -> Join:
    from svc_annotation.stores.kafka_group import Membership

    return partial(Membership, _cluster(config))


async def _open_snapshots(config: AnnotationConfig, folder: Path) -> Snapshots:
    if not config.snapshots:
        return FolderSnapshots(folder / "snapshots")
    from mesh.blobs_s3 import open_s3_blobs
    from svc_annotation.stores.snapshot_blobs import BlobSnapshots

    return BlobSnapshots(await open_s3_blobs(config.snapshots))


async def _open_history(config: AnnotationConfig, folder: Path) -> "SqliteHistory | MongoHistory":
    if not config.mongo:
        return await open_sqlite_history(folder / HISTORY)
    from svc_annotation.stores.history_mongo import open_mongo_history

    return await open_mongo_history(config.mongo)
