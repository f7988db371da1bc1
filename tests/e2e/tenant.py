"""Another tenant in the same installation, with one of everything; made in the store, since no RPC makes tenants."""

import asyncio
import base64
import json
from dataclasses import dataclass
from typing import Any

from benchmarks.stack import Stack
from benchmarks.studio import IDENTITY, MEDIA, PROJECT, ROOM, VERSION
from mesh.sql import Database
from rushes.media.v1 import media_service_pb2
from rushes.project.v1 import identity_service_pb2, project_service_pb2
from rushes.signaling.v1 import room_service_pb2
from rushes.version.v1 import version_service_pb2
from svc_project.core.model import PersonId, ProjectId, Session, SessionId, SigningKey, TenantId
from svc_project.core.role import OWNER
from svc_project.identity import digest, new_person
from svc_project.stores import Unit
from svc_project.stores.sql import SqlStore
from tests.clips import footage
from tests.product import Product

SECRET = "zoe-s-session-secret-made-for-this-test"
FAR_MS = 2**50
TUS = {"Tus-Resumable": "1.0.0"}


@dataclass(frozen=True)
class Things:
    """Ids of things of one tenant, by the name of the field that holds them."""

    secret: str
    """Session of an administrator of it."""
    person_id: str
    project_id: int
    asset_id: int
    video_id: int
    job_id: int
    invitation_id: str
    upload: str
    """Path of an upload that is not finished."""
    part: str
    """Path of a finished part."""
    version_id: int
    rollback_id: int
    folder_id: int
    spare_folder_id: int
    """One to be deleted."""
    room_id: str

    def of(self, field: str) -> Any:
        """The id for a field, such as "asset.asset_id"."""
        name = field.rpartition(".")[2]
        if name == "person_ids":
            return [self.person_id]
        for kind in ("video_id", "version_id"):
            if name.endswith(f"_{kind}"):
                return getattr(self, kind)
        return getattr(self, name)


def in_store(stack: Stack, work: Any) -> Any:
    """Does something in svc_project's store, beside the running service."""

    async def run() -> Any:
        store = SqlStore(Database(f"sqlite:///{stack.data / 'project' / 'project.db'}"))
        try:
            return await store.run(work)
        finally:
            await store.close()

    return asyncio.run(run())


def signing_key(stack: Stack) -> SigningKey:
    """The key that signs now."""
    keys: list[SigningKey] = in_store(stack, lambda unit: list(unit.keys.all()))
    return keys[0]


def _seed(unit: Unit) -> tuple[PersonId, ProjectId]:
    tenant_id = TenantId("second")
    unit.people.add_tenant(tenant_id, "Second", 1)
    zoe = new_person(tenant_id, "Zoe of Second", 1, email="zoe@second.org", password_hash="none", administrator=True)
    unit.people.add(zoe)
    unit.sessions.add(Session(SessionId("zoesession"), tenant_id, zoe.person_id, 1, FAR_MS), digest(SECRET))
    project_id = unit.projects.add(tenant_id, "Theirs alone", "theirs alone", 1)
    unit.access.put(tenant_id, project_id, zoe.person_id, OWNER, 1)
    return zoe.person_id, project_id


def second(product: Product) -> Things:
    """The other tenant: its people and project from the store, all else through the product's doors."""
    person_id, project_id = in_store(product.stack, _seed)
    return _things(product, SECRET, person_id, project_id)


def first(product: Product) -> Things:
    """The tenant that there is."""
    me = product.stack.rpc(IDENTITY, "GetMe", identity_service_pb2.GetMeRequest(), product.secret).person
    return _things(product, product.secret, me.person_id, product.studio.project_id)


def _things(product: Product, secret: str, person_id: str, project_id: int) -> Things:
    stack = product.stack
    video_id = stack.upload(footage(), project_id, secret)
    create = project_service_pb2.CreateAssetRequest(project_id=project_id, video_id=video_id, name="Their secret clip")
    asset = stack.rpc(PROJECT, "CreateAsset", create, secret).asset
    video = stack.rpc(MEDIA, "GetVideo", media_service_pb2.GetVideoRequest(video_id=video_id), secret).video
    invite = identity_service_pb2.CreateInvitationRequest(project_id=project_id, role="guest", request_id="invite")
    invitation = stack.rpc(IDENTITY, "CreateInvitation", invite, secret)
    commit = version_service_pb2.CommitVersionRequest(video_id=video_id)
    version_id = stack.rpc(VERSION, "CommitVersion", commit, secret).version.version_id
    target = version_service_pb2.RollbackTarget(version_id=version_id)
    back = version_service_pb2.RollbackVersionRequest(video_id=video_id, target=target, request_id="back")
    folder = project_service_pb2.CreateFolderRequest(project_id=project_id, name="Their folder", request_id="folder")
    spare = project_service_pb2.CreateFolderRequest(project_id=project_id, name="Spare", request_id="spare")
    room = room_service_pb2.CreateRoomRequest(project_id=project_id, title="Their room", request_id="room")
    return Things(
        secret=secret,
        person_id=person_id,
        project_id=project_id,
        asset_id=asset.asset_id,
        video_id=video_id,
        job_id=video.job_id or 1,
        invitation_id=invitation.invitation_id,
        version_id=version_id,
        rollback_id=stack.rpc(VERSION, "RollbackVersion", back, secret).rollback.rollback_id,
        folder_id=stack.rpc(PROJECT, "CreateFolder", folder, secret).folder.folder_id,
        spare_folder_id=stack.rpc(PROJECT, "CreateFolder", spare, secret).folder.folder_id,
        room_id=stack.rpc(ROOM, "CreateRoom", room, secret).room.room_id,
        upload=_upload(stack, secret, project_id, {"Upload-Length": "10"}),
        part=_upload(stack, secret, project_id, {"Upload-Length": "10", "Upload-Concat": "partial"}, bytes(10)),
    )


def _upload(stack: Stack, secret: str, project_id: int, headers: dict[str, str], body: bytes = b"") -> str:
    project = base64.b64encode(str(project_id).encode()).decode()
    metadata = f"filename Y2xpcC5tcDQ=,project_id {project}"
    type_ = {"Content-Type": "application/offset+octet-stream"} if body else {}
    all_headers = {**TUS, **headers, **type_, "Upload-Metadata": metadata}
    status, answered, raw = stack.request("POST", "/uploads", body, all_headers, secret)
    assert status == 201, json.loads(raw)
    return answered["Location"]
