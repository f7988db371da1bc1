"""Puts svc_project together: the only module that names what it is made of."""

from pathlib import Path

import grpc
from google.protobuf.message import Message

from mesh.config import MeshConfig
from mesh.ids import new_id
from mesh.service import Runtime
from mesh.sql import Database
from rushes.project.v1 import (
    access_service_pb2_grpc,
    audit_service_pb2_grpc,
    identity_service_pb2_grpc,
    project_service_pb2_grpc,
)
from svc_project.access import Access
from svc_project.audit import AuditTrail
from svc_project.batch import Batch
from svc_project.bulletin import Bulletin
from svc_project.config import Config
from svc_project.context import Context
from svc_project.core.key import Schedule
from svc_project.core.throttle import Throttle
from svc_project.feed import Feed
from svc_project.first_start import FirstSignIn, prepare
from svc_project.folder import Folders
from svc_project.identity import Identity
from svc_project.invitation import Invitations
from svc_project.library import Library
from svc_project.local import LocalIdentity
from svc_project.media import MediaVideos
from svc_project.password import Passwords
from svc_project.server import proto
from svc_project.server.access import AccessServicer
from svc_project.server.audit import AuditServicer
from svc_project.server.identity import IdentityServicer
from svc_project.server.project import ProjectServicer
from svc_project.settings import Settings
from svc_project.setup import is_shared, url_of
from svc_project.stores.sql import SqlStore
from svc_project.token import Tokens
from svc_project.upkeep import Upkeep

DAY_MS = 86_400_000
THROTTLED = 20_000


class ProjectParts:
    """The service. The guard in front of it needs its identity first, so both are made here."""

    def __init__(self, config: Config, mesh: MeshConfig) -> None:
        self._config = config
        self._folder = mesh.data / "project"

    def identity(self, runtime: Runtime) -> LocalIdentity:
        """Who people are, for the guard; `build` comes after it."""
        config = self._config
        token_ms = int(config.token_s * 1000)
        self._store = SqlStore(_database(config, self._folder))
        self._bulletin = Bulletin(
            runtime.clock,
            token_ms=token_ms,
            heartbeat_s=config.heartbeat_s,
            watchers=config.watchers,
            pending=config.watcher_pending,
        )
        origin = new_id() if is_shared(config) else ""
        self._context = Context(self._store, runtime.clock, self._bulletin, origin)
        schedule = Schedule(int(config.key_days * DAY_MS), int(config.key_lead_s * 1000), token_ms)
        self._tokens = Tokens(self._context, schedule)
        self._access = Access(self._context)
        return LocalIdentity(self._tokens, self._access, self._bulletin)

    def build(self, runtime: Runtime) -> "ProjectParts":
        """The service itself."""
        config = self._config
        self._first = FirstSignIn(self._folder)
        self._passwords = Passwords(
            memory_kib=config.hash_memory_kib,
            passes=config.hash_passes,
            threads=config.hash_threads,
            waiting=config.hash_waiting,
        )
        longest_ms = int(config.longest_wait_s * 1000)
        self._identity = Identity(
            self._context,
            self._passwords,
            session_ms=int(config.session_days * DAY_MS),
            emails=Throttle(free=config.email_attempts, longest_ms=longest_ms, capacity=THROTTLED),
            clients=Throttle(free=config.client_attempts, longest_ms=longest_ms, capacity=THROTTLED),
            password_changed=self._first.password_changed,
        )
        self._invitations = Invitations(self._context, self._identity, self._passwords)
        self._library = Library(self._context, MediaVideos(runtime.channels))
        self._feed = Feed(self._context, self._bulletin, config.news_s) if self._context.origin else None
        self._upkeep = Upkeep(self._context, self._tokens, self._feed, config.upkeep_s)
        return self

    def register(self, server: grpc.aio.Server) -> None:
        """Adds the four services."""
        identity = IdentityServicer(self._identity, self._invitations, self._tokens, Settings(self._context))
        identity_service_pb2_grpc.add_IdentityServiceServicer_to_server(identity, server)
        access = AccessServicer(self._access, self._bulletin)
        access_service_pb2_grpc.add_AccessServiceServicer_to_server(access, server)
        project = ProjectServicer(self._library, Batch(self._context), Folders(self._context))
        project_service_pb2_grpc.add_ProjectServiceServicer_to_server(project, server)
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(AuditServicer(AuditTrail(self._context)), server)

    async def was_done(self, path: str, request: Message) -> bool:
        """Whether the caller has made this very request before; for the guard."""
        once = proto.once(path.rpartition("/")[2], request, getattr(request, "request_id", ""))
        return await self._context.run(lambda work: work.unit.was_done(once))

    async def start(self) -> None:
        """Tables, first start, keys."""
        await self._store.prepare()
        await prepare(
            self._context,
            self._passwords,
            self._first,
            tenant_name=self._config.tenant_name,
            email=self._config.administrator,
        )
        if self._feed is not None:
            await self._feed.start()
        await self._upkeep.start()

    async def check(self) -> None:
        """The store answers."""
        await self._context.run(lambda work: work.unit.news.last())

    async def drain(self) -> None:
        """Watchers go elsewhere."""
        self._bulletin.close()

    async def stop(self) -> None:
        """Ends once what was begun is done."""
        if self._feed is not None:
            await self._feed.stop()
        await self._upkeep.stop()
        await self._context.settle()
        self._passwords.close()
        await self._store.close()


def _database(config: Config, folder: Path) -> Database:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Database(url_of(config, folder.parent), one_writer=is_shared(config))
