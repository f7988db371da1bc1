"""Puts the service together."""

import socket

import grpc

from mesh.audit import Shipper, SqlOutbox
from mesh.blobs import Blobs, FolderBlobs
from mesh.service import Runtime
from mesh.sql import Database
from rushes.signaling.v1.feed_service_pb2_grpc import add_FeedServiceServicer_to_server
from rushes.signaling.v1.recording_service_pb2_grpc import add_RecordingServiceServicer_to_server
from svc_signaling.asset import Assets
from svc_signaling.breakouts import Breakouts
from svc_signaling.config import SignalingConfig
from svc_signaling.errors import Draining
from svc_signaling.feed_server import FeedServicer
from svc_signaling.feeds import Feeds
from svc_signaling.guests import Guests
from svc_signaling.ice import IceServers
from svc_signaling.media import Media
from svc_signaling.memory import Memory
from svc_signaling.record import SealedRecords
from svc_signaling.recorder.process import environment
from svc_signaling.recordings import Recordings
from svc_signaling.rooms import Rooms
from svc_signaling.server import RecordingServicer, RoomServicer
from svc_signaling.setup import url_of
from svc_signaling.stores.moment import MemoryMoments, Moments
from svc_signaling.stores.recording_sql import SqlRecordings
from svc_signaling.stores.sql import SqlStore
from svc_signaling.stores.sql_key import SqlKeys
from svc_signaling.videos import Videos


class SignalingParts:
    """See `mesh.service.Service`."""

    def __init__(self, config: SignalingConfig, runtime: Runtime, blobs: Blobs) -> None:
        folder = runtime.mesh.data / "signaling"
        folder.mkdir(parents=True, exist_ok=True)
        database = Database(url_of(config, runtime.mesh.data))
        instance = config.instance or socket.gethostname()
        self._store = SqlStore(database, instance)
        self._shipper = Shipper(SqlOutbox(database), runtime.channels)
        self._memory = Memory(self._store, _moments(config))
        self._rooms = Rooms(self._store, runtime.clock, self._memory)
        self._media = Media(runtime.channels, self._rooms.tracks_changed, config.people_per_worker)
        self._rooms.media = self._media
        self._rooms.guests = Guests(runtime.channels)
        ice = IceServers(config, runtime.clock)
        feeds = Feeds(self._store, SqlKeys(database), self._rooms, self._media, runtime.clock)
        self._feeds = FeedServicer(feeds, ice)
        self._recordings = Recordings(
            SqlRecordings(database),
            self._store,
            self._rooms,
            blobs,
            Videos(runtime.channels),
            runtime.clock,
            folder / ("recording" if instance == runtime.name else f"recording-{instance}"),
            config.segment_s,
            environment(runtime.mesh),
        )
        self._rooms.recorder = self._recordings
        self._rooms.record = SealedRecords(self._store, blobs)
        assets = Assets(runtime.channels)
        breakouts = Breakouts(self._store, self._rooms, assets, runtime.clock)
        self._rooms.breakouts = breakouts
        self._servicer = RoomServicer(
            self._store,
            self._rooms,
            breakouts,
            self._media,
            assets,
            ice,
            runtime.identity,
            runtime.clock,
            config.open_rooms,
        )

    def register(self, server: grpc.aio.Server) -> None:
        """See Service."""
        self._servicer.add_to(server)
        add_FeedServiceServicer_to_server(self._feeds, server)
        add_RecordingServiceServicer_to_server(RecordingServicer(self._recordings), server)

    async def start(self) -> None:
        """See Service."""
        await self._store.prepare()
        self._shipper.start()
        await self._media.start()
        await self._recordings.start()
        await self._rooms.start()
        self._recordings.gather()

    async def check(self) -> None:
        """See Service: the store answers."""
        await self._store.events("", 0, 1)

    async def drain(self) -> None:
        """See Service."""
        self._servicer.draining = True
        self._rooms.end_all(Draining("this instance stops: come again"))

    async def stop(self) -> None:
        """See Service."""
        await self._recordings.stop()
        await self._media.stop()
        await self._rooms.stop()
        await self._memory.close()
        await self._shipper.stop()
        await self._store.close()


async def build(config: SignalingConfig, runtime: Runtime) -> SignalingParts:
    """The service of this configuration."""
    return SignalingParts(config, runtime, await _open_blobs(config, runtime))


def _moments(config: SignalingConfig) -> Moments:
    if not config.redis:
        return MemoryMoments()
    from svc_signaling.stores.moment_redis import RedisMoments  # its client takes time and memory

    return RedisMoments(config.redis)


async def _open_blobs(config: SignalingConfig, runtime: Runtime) -> Blobs:
    if not config.recordings:
        return FolderBlobs(runtime.mesh.data / "signaling" / "meeting-recordings")
    from mesh.blobs_s3 import open_s3_blobs

    return await open_s3_blobs(config.recordings)
