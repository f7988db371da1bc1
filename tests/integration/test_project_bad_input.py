"""No, forged, expired and foreign tokens, and another tenant's ids, on every RPC of svc_project."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from rushes.project.v1 import access_service_pb2 as access_pb
from rushes.project.v1 import audit_service_pb2, identity_service_pb2, project_service_pb2
from rushes.type.v1 import access_pb2
from svc_project.core.model import (
    Folder,
    FolderId,
    Invitation,
    InvitationId,
    PersonId,
    ProjectId,
    TenantId,
    VideoFacts,
    VideoId,
)
from svc_project.core.role import OWNER
from svc_project.identity import new_person
from svc_project.stores import Unit
from tests.integration.project_server import (
    Client,
    Person,
    ProjectServer,
    invite,
    reason,
    service_header,
    serving,
    sign_in,
)

FILES = (identity_service_pb2, access_pb, project_service_pb2, audit_service_pb2)
METHODS: dict[str, MethodDescriptor] = {
    f"/{service.full_name}/{method.name}": method
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}


def rule(path: str) -> access_pb2.AccessRule:
    chosen: access_pb2.AccessRule = METHODS[path].GetOptions().Extensions[access_pb2.access]
    return chosen


def paths(*kinds: str) -> list[str]:
    return [path for path in METHODS if rule(path).WhichOneof("rule") in kinds]


def ids_of(message: Any, prefix: str = "") -> list[str]:
    """Paths of all fields of a request that name a thing, such as "asset.asset_id"."""
    found = []
    for field in message.fields:
        name = f"{prefix}{field.name}"
        if field.type == FieldDescriptor.TYPE_MESSAGE and field.message_type.file in [one.DESCRIPTOR for one in FILES]:
            found += ids_of(field.message_type, f"{name}.")
        elif field.name.endswith(("_id", "_ids")) and field.name not in ("request_id", "event_id"):
            found.append(name)
    return found


# Cuts, times and the like are of no account in requests: those that the service reads are these and no others.
OUTPUT_ONLY = ("asset.cuts.", "asset.project_id", "cut.")
ID_FIELDS = [
    (path, field)
    for path in paths("needs", "signed_in")
    for field in ids_of(METHODS[path].input_type)
    if not field.startswith(OUTPUT_ONLY)
]


@dataclass(frozen=True)
class Things:
    """Ids of things of one tenant, by the name of the field that holds them."""

    project_id: int
    asset_id: int
    video_id: int
    person_id: str
    invitation_id: str
    folder_id: int = 1

    def of(self, field: str) -> Any:
        """The id for a field."""
        name = field.rpartition(".")[2]
        if name.endswith("_ids"):
            return [getattr(self, name.removesuffix("s"))]
        return self.folder_id if name == "parent_id" else getattr(self, name)


def seed(unit: Unit, server_videos: dict[int, tuple[str, int]]) -> Things:
    """A second tenant with one of everything."""
    tenant_id = TenantId("second")
    unit.people.add_tenant(tenant_id, "Second", 1)
    zoe = new_person(tenant_id, "Zoe", 1, email="zoe@second.org", password_hash="unused", administrator=True)
    unit.people.add(zoe)
    project_id = unit.projects.add(tenant_id, "Theirs", "theirs", 1)
    unit.access.put(tenant_id, project_id, zoe.person_id, OWNER, 1)
    project = unit.projects.get(tenant_id, project_id)
    assert project is not None
    folder = Folder(FolderId(0), tenant_id, project_id, FolderId(0), "Secret folder", "secret folder", 1, 1)
    folder_id = unit.folders.add(folder)
    asset_id = unit.assets.add(project, "Secret", ["Secret tag"], folder_id, 1)
    asset = unit.assets.get(tenant_id, asset_id)
    assert asset is not None
    server_videos[900] = (tenant_id, project_id)
    unit.assets.add_cut(asset, VideoFacts(VideoId(900), tenant_id, project_id, "secret.mov"), zoe.person_id, 1)
    invitation_id = InvitationId("secondinvitation")
    unit.invitations.add(
        Invitation(invitation_id, tenant_id, project_id, "guest", zoe.person_id, 1, 2**50, 9, 0, revoked=False)
    )
    return Things(project_id, asset_id, 900, zoe.person_id, invitation_id, folder_id)


@pytest.fixture(scope="module")
def server() -> Iterator[ProjectServer]:
    with serving() as running:
        yield running


@pytest.fixture
async def channel(server: ProjectServer) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield channel


@pytest.fixture
async def admin(server: ProjectServer, channel: grpc.aio.Channel) -> Person:
    return await sign_in(Client(channel), **server.first_sign_in())


@pytest.fixture
async def theirs(server: ProjectServer) -> Things:
    async with server.store() as store:
        known = await store.run(lambda unit: unit.people.by_email("zoe@second.org"))
        if known is None:
            return await store.run(lambda unit: seed(unit, server.videos))
    return Things(2, 1, 900, known.person_id, "secondinvitation")


@pytest.fixture
async def ours(server: ProjectServer, admin: Person, theirs: Things) -> Things:
    server.videos[1] = ("default", 1)
    asset = (await admin.project("CreateAsset", project_id=1, name="Ours")).asset
    person = await invite(admin, 1, "guest", "Gast")
    made = await admin.identity("CreateInvitation", project_id=1, role="guest")
    name = f"Ours {asset.asset_id}"
    folder = (await admin.project("CreateFolder", project_id=1, name=name)).folder
    return Things(1, asset.asset_id, 1, person.person_id, made.invitation_id, folder.folder_id)


async def call(channel: grpc.aio.Channel, path: str, request: Message, *metadata: tuple[str, str]) -> Message:
    answers = GetMessageClass(METHODS[path].output_type)
    method: Any = channel.unary_unary(
        path, request_serializer=lambda message: message.SerializeToString(), response_deserializer=answers.FromString
    )
    answer: Message = await method(request, metadata=list(metadata), timeout=20)
    return answer


async def refused(channel: grpc.aio.Channel, path: str, request: Message, *metadata: tuple[str, str]) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call(channel, path, request, *metadata)
    return reason(error.value)[0]


def request_of(path: str, things: Things) -> Message:
    """A request of an RPC that names the things of one tenant."""
    request = GetMessageClass(METHODS[path].input_type)()
    for field in ids_of(METHODS[path].input_type):
        if not field.startswith(OUTPUT_ONLY):
            put(request, field, things.of(field))
    given = {"role": "guest", "name": "A name"}
    for name, value in given.items():
        if name in METHODS[path].input_type.fields_by_name:
            setattr(request, name, value)
    if isinstance(request, identity_service_pb2.UpdateSettingsRequest):
        request.setting.name = "keys"
    return request


def put(request: Message, field: str, value: Any) -> None:
    *parents, name = field.split(".")
    for parent in parents:
        request = getattr(request, parent)
    if isinstance(value, list):
        getattr(request, name)[:] = value
    else:
        setattr(request, name, value)


def bearer(token: str) -> tuple[str, str]:
    return "authorization", f"Bearer {token}"


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


async def bad_tokens(server: ProjectServer, person: Person) -> dict[str, str]:
    """Tokens that must not be taken, each made as well as somebody could who lacks one thing."""
    async with server.store() as store:
        keys = await store.run(lambda unit: unit.keys.all())
    private = Ed25519PrivateKey.from_private_bytes(keys[0].private)
    public = private.public_key().public_bytes_raw()
    header = {"kid": keys[0].kid}
    claims = jwt.decode(person.token, options={"verify_signature": False})

    def signed(key: Any = private, *, kid: Any = keys[0].kid, **changes: Any) -> str:
        content = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jwt.encode(content, key, "EdDSA", headers={"kid": kid})

    head, body, signature = person.token.split(".")
    other = Ed25519PrivateKey.generate()
    return {
        "rubbish": "rubbish",
        "dots": "..",
        "signed by another key": signed(other),
        "signed by an unknown key": signed(other, kid="unknown"),
        "expired": signed(exp=int(time.time()) - 10),
        "for another audience": signed(aud="other"),
        "issued in the future": signed(iat=int(time.time()) + 3600),
        "body altered": f"{head}.{encoded({**claims, 'sub': 'somebody'})}.{signature}",
        "without signature": f"{head}.{body}.",
        "alg none": f"{encoded({'alg': 'none', **header})}.{body}.",
        "HS256 with the public key": hs256(claims, public, header),
        "too long": signed(padding="x" * 9000),
        "no kid": jwt.encode(claims, private, "EdDSA"),
        **{f"without {name}": signed(**{name: None}) for name in ("sub", "sid", "tid", "aud", "exp", "iat", "jti")},
        "a number for a person": signed(sub=5),
    }


def hs256(claims: dict[str, Any], key: bytes, header: dict[str, str]) -> str:
    content = f"{encoded({'alg': 'HS256', 'typ': 'JWT', **header})}.{encoded(claims)}"
    digest = hmac.new(key, content.encode(), hashlib.sha256).digest()
    return f"{content}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


@pytest.mark.parametrize("path", paths("needs", "signed_in"))
async def test_a_token_that_is_not_right_is_refused(
    server: ProjectServer, channel: grpc.aio.Channel, admin: Person, ours: Things, path: str
) -> None:
    request = request_of(path, ours)
    service = service_header("gateway")
    assert await refused(channel, path, request, service) == "UNAUTHENTICATED"
    for scheme in ("", "Bearer", "Bearer ", f"Basic {admin.token}", admin.token):
        assert await refused(channel, path, request, service, ("authorization", scheme)) == "UNAUTHENTICATED"
    for name, token in (await bad_tokens(server, admin)).items():
        code = await refused(channel, path, request, service, bearer(token))
        # What is longer than headers may be does not even come to the guard.
        assert (name, code) in ((name, "UNAUTHENTICATED"), ("too long", "RESOURCE_EXHAUSTED"))


@pytest.mark.parametrize("path", METHODS)
async def test_a_service_that_does_not_prove_itself_is_refused(
    channel: grpc.aio.Channel, admin: Person, path: str
) -> None:
    request = GetMessageClass(METHODS[path].input_type)()
    forged = [service_header("gateway", "another secret"), ("rushes-service", "gateway"), ("rushes-service", "")]
    for metadata in ([], *([one] for one in forged)):
        assert await refused(channel, path, request, *metadata, bearer(admin.token)) == "UNAUTHENTICATED"
    assert await refused(channel, path, request, service_header("svc_sfu"), bearer(admin.token)) == "PERMISSION_DENIED"


@pytest.mark.parametrize("path", paths("services"))
async def test_people_may_not_call_what_is_for_services(channel: grpc.aio.Channel, admin: Person, path: str) -> None:
    request = GetMessageClass(METHODS[path].input_type)()
    service = service_header("svc_project")
    assert await refused(channel, path, request, service, bearer(admin.token)) == "PERMISSION_DENIED"


@pytest.mark.parametrize(("path", "field"), ID_FIELDS)
async def test_another_tenants_thing_is_not_found(
    channel: grpc.aio.Channel, admin: Person, ours: Things, theirs: Things, path: str, field: str
) -> None:
    request = request_of(path, ours)
    put(request, field, theirs.of(field))
    if path.endswith("/ListPeople"):
        answer = await call(channel, path, request, service_header("gateway"), bearer(admin.token))
        assert answer == identity_service_pb2.ListPeopleResponse()
        return
    code = await refused(channel, path, request, service_header("gateway"), bearer(admin.token))
    assert code == "NOT_FOUND"


@pytest.mark.parametrize("path", paths("needs"))
async def test_what_is_not_there_at_all_is_not_found_either(
    channel: grpc.aio.Channel, admin: Person, ours: Things, path: str
) -> None:
    if not rule(path).needs.field:
        return
    for value in (0, -1, 2**63 - 1):
        request = request_of(path, ours)
        put(request, rule(path).needs.field, value)
        code = await refused(channel, path, request, service_header("gateway"), bearer(admin.token))
        assert code == "NOT_FOUND"


async def test_another_tenants_things_resolve_to_nothing(
    channel: grpc.aio.Channel, admin: Person, theirs: Things
) -> None:
    claims = jwt.decode(admin.token, options={"verify_signature": False})
    resources = [
        access_pb2.Resource(kind=kind, id=str(id_))  # type: ignore[arg-type]
        for kind, id_ in ((2, theirs.project_id), (3, theirs.asset_id), (4, theirs.video_id))
    ]
    request = access_pb.ResolveAccessRequest(
        person_id=admin.person_id, session_id=claims["sid"], tenant_id="default", resources=resources
    )
    path = "/rushes.project.v1.AccessService/ResolveAccess"
    answer = await call(channel, path, request, service_header("svc_media"))
    assert answer == access_pb.ResolveAccessResponse(permissions=[0, 0, 0], name="Administrator")
    request.tenant_id = "second"
    answer = await call(channel, path, request, service_header("svc_media"))
    assert answer == access_pb.ResolveAccessResponse(permissions=[0, 0, 0])


async def test_lists_hold_nothing_of_another_tenant(
    channel: grpc.aio.Channel, admin: Person, ours: Things, theirs: Things
) -> None:
    for path in METHODS:
        if "page_token" in METHODS[path].input_type.fields_by_name:
            request = request_of(path, ours)
            if path.endswith("/ListPeople"):
                request.ClearField("person_ids")
            answer = await call(channel, path, request, service_header("gateway"), bearer(admin.token))
            content = answer.SerializeToString()
            for secret in ("Theirs", "Secret", "Zoe", "second", theirs.person_id):
                assert secret.encode() not in content


async def test_a_token_of_one_tenant_for_a_person_of_another_opens_nothing(
    server: ProjectServer, channel: grpc.aio.Channel, theirs: Things
) -> None:
    async with server.store() as store:
        keys = await store.run(lambda unit: unit.keys.all())
        zoe = await store.run(lambda unit: unit.people.get(TenantId("second"), PersonId(theirs.person_id)))
    assert zoe is not None
    private = Ed25519PrivateKey.from_private_bytes(keys[0].private)
    now_s = int(time.time())
    claims = {"sub": zoe.person_id, "sid": "s", "tid": "default", "aud": "rushes", "jti": "1"}
    token = jwt.encode({**claims, "iat": now_s, "exp": now_s + 60}, private, "EdDSA", headers={"kid": keys[0].kid})
    for path in paths("needs", "signed_in"):
        request = request_of(path, Things(1, 1, 1, zoe.person_id, "x"))
        code = await refused(channel, path, request, service_header("gateway"), bearer(token))
        assert (path, code) == (path, "NOT_FOUND")


async def test_a_guest_of_one_project_finds_nothing_of_another(
    channel: grpc.aio.Channel, admin: Person, ours: Things
) -> None:
    other = (await admin.project("CreateProject", name="Apart")).project.project_id
    guest = await invite(admin, ProjectId(other), "guest", "Gast")
    for path in paths("needs"):
        code = await refused(channel, path, request_of(path, ours), service_header("gateway"), bearer(guest.token))
        assert (path, code) == (path, "NOT_FOUND")
