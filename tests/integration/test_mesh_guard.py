"""Who is let in to which RPC: every RPC of all protos, every rule, every bad token."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import jwt
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from mesh.auth import bit, caller, granted, service_token
from mesh.auth.identity import UnknownKey
from mesh.auth.rule import CALLERS, methods, rule_of
from mesh.rpc import REQUEST_ID_METADATA, to_error
from rushes.annotation.v1 import annotation_service_pb2 as annotation_pb
from rushes.project.v1 import access_service_pb2 as access_service_pb
from rushes.project.v1 import identity_service_pb2 as identity_pb
from rushes.project.v1 import project_service_pb2 as project_pb
from rushes.project.v1.project_service_pb2_grpc import ProjectServiceStub
from rushes.type.v1 import access_pb2
from rushes.type.v1.access_pb2 import Resource
from tests.integration.mesh_server import SECRET, People, Served, Signer, bare_channel, refused, run_folder
from tests.waiting import until

GET_PROJECT = "/rushes.project.v1.ProjectService/GetProject"
GET_ME = "/rushes.project.v1.IdentityService/GetMe"
COLLABORATE = "/rushes.annotation.v1.AnnotationService/Collaborate"
RESOLVE = "/rushes.project.v1.AccessService/ResolveAccess"
VIEW = bit(access_pb2.PERMISSION_VIEW)
ALL = sum(bit(number) for number in access_pb2.Permission.values() if number)


def kind_of(path: str) -> str:
    """Which rule an RPC has."""
    rule = rule_of(path)
    assert rule is not None
    return rule.WhichOneof("rule") or ""


PATHS = sorted(methods())
PERSONAL = [path for path in PATHS if kind_of(path) in ("signed_in", "needs")]
NEEDING = [path for path in PATHS if kind_of(path) == "needs"]


def request_of(method: MethodDescriptor, id_: int = 7) -> Message:
    """A request that names the resource of its rule by this id."""
    request = GetMessageClass(method.input_type)()
    rule = rule_of(f"/{method.containing_service.full_name}/{method.name}")
    if rule is not None and rule.needs.field:
        inner: Any = request
        *parents, leaf = rule.needs.field.split(".")
        for name in parents:
            inner = getattr(inner, name)
        setattr(inner, leaf, id_)
    return request


def call(channel: Any, path: str, metadata: list[tuple[str, str]], request: bytes | None = None) -> Any:
    """Calls a method of whatever kind with one message."""
    method = methods()[path]
    message = request_of(method).SerializeToString() if request is None else request
    many = (method.client_streaming, method.server_streaming)
    make: Any = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, False): channel.stream_unary,
        (True, True): channel.stream_stream,
    }[many]
    return make(path)(iter([message]) if method.client_streaming else message, metadata=metadata)


async def answered(call_: Any) -> int:
    """How many answers came."""
    if hasattr(call_, "read"):
        return len([answer async for answer in call_])
    await call_
    return 1


def service(name: str = "gateway", secret: str = SECRET) -> tuple[str, str]:
    """How a service proves itself."""
    return "rushes-service", service_token(name, secret)


def bearer(token: str) -> tuple[str, str]:
    """How a person proves themself."""
    return "authorization", f"Bearer {token}"


@pytest.fixture
def signer() -> Signer:
    """Whose tokens are taken."""
    return Signer()


@pytest.fixture
def people(signer: Signer) -> People:
    """Anna may do everything, Bert only view, Carl nothing."""
    people = People(signer)
    people.everywhere = {"anna": ALL, "bert": VIEW}
    return people


@pytest.fixture
async def served(people: People) -> AsyncIterator[Served]:
    """A server of all RPCs."""
    async with Served(people).serving("127.0.0.1:0") as served:
        yield served


@pytest.fixture
async def channel(served: Served) -> AsyncIterator[Any]:
    """A channel that adds nothing."""
    async with bare_channel(served.target) as channel:
        yield channel


def some_service(path: str) -> str:
    """A service that may make this call."""
    rule = rule_of(path)
    assert rule is not None
    return rule.services.names[0] if rule.services.names else "gateway"


async def test_every_rpc_answers_whom_its_rule_lets_in(channel: Any, signer: Signer) -> None:
    for path in PATHS:
        metadata = [service(some_service(path))]
        if path in PERSONAL:
            metadata.append(bearer(signer.token()))
        assert await answered(call(channel, path, metadata)) == 1, path


async def test_no_rpc_answers_who_is_no_service(channel: Any, signer: Signer) -> None:
    wrong = [
        [],
        [service("gateway", "another secret")],
        [("rushes-service", "gateway")],
        [("rushes-service", "")],
        [("rushes-service", service_token("gateway", SECRET) + "00")],
        [("rushes-service", service_token("svc_media", SECRET).replace("svc_media", "gateway"))],
    ]
    for path in PATHS:
        for metadata in wrong:
            error = await refused(call(channel, path, [*metadata, bearer(signer.token())]))
            assert error.code() is grpc.StatusCode.UNAUTHENTICATED, (path, metadata)
            assert to_error(error).reason == "SERVICE_UNKNOWN"


async def test_no_rpc_answers_a_service_that_the_table_does_not_name(channel: Any, signer: Signer) -> None:
    for path in PATHS:
        allowed = CALLERS[path[1:].partition("/")[0]]
        rule = rule_of(path)
        assert rule is not None
        if rule.services.names:
            allowed = frozenset(rule.services.names)
        for name in {"gateway", "svc_annotation", "svc_project", "svc_media", "svc_sfu", "stranger"} - allowed:
            error = await refused(call(channel, path, [service(name), bearer(signer.token())]))
            assert error.code() is grpc.StatusCode.PERMISSION_DENIED, (path, name)
            assert to_error(error).reason == "SERVICE_NOT_ALLOWED"


def bad_tokens(signer: Signer) -> dict[str, str]:
    """Tokens that are not to be taken, with the reason that is told."""
    public = signer.key.public_key().public_bytes_raw()
    now_s = int(time.time())
    claims = jwt.decode(signer.token(), options={"verify_signature": False})
    head = {"kid": signer.kid}
    forger = Signer()
    good = signer.token()
    return {
        forger.token(): "TOKEN_INVALID",
        Signer("k9").token(): "UNKNOWN_KEY",
        signer.token(exp=now_s - 1): "TOKEN_EXPIRED",
        signer.token(aud="elsewhere"): "TOKEN_INVALID",
        signer.token(tid=...): "TOKEN_INVALID",
        jwt.encode(claims, "", algorithm="none", headers=head): "TOKEN_INVALID",
        jwt.encode(claims, public, algorithm="HS256", headers=head): "TOKEN_INVALID",
        good[:-4]: "TOKEN_INVALID",
        good.rpartition(".")[0] + ".": "TOKEN_INVALID",
        "x" * 8193: "TOKEN_INVALID",
        "x": "TOKEN_INVALID",
    }


@pytest.mark.filterwarnings("ignore:The HMAC key is")
async def test_no_rpc_about_a_person_answers_a_bad_token(channel: Any, signer: Signer) -> None:
    tokens = bad_tokens(signer)
    for path in PERSONAL:
        for token, reason in tokens.items():
            error = await refused(call(channel, path, [service(), bearer(token)]))
            assert (error.code(), to_error(error).reason) == (grpc.StatusCode.UNAUTHENTICATED, reason), path
        error = await refused(call(channel, path, [service()]))
        assert (error.code(), to_error(error).reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_MISSING"), path
        error = await refused(call(channel, path, [service(), ("authorization", f"Basic {signer.token()}")]))
        assert (error.code(), to_error(error).reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID"), path


async def test_no_rpc_about_a_person_answers_a_session_that_ended(channel: Any, signer: Signer, people: People) -> None:
    people.ended_sessions.add("session of anna")
    for path in PERSONAL:
        error = await refused(call(channel, path, [service(), bearer(signer.token())]))
        assert to_error(error).reason == "SESSION_ENDED", path


async def test_another_tenants_thing_is_not_there(channel: Any, signer: Signer) -> None:
    for path in NEEDING:
        for token in (signer.token(tid="another"), signer.token("carl")):
            error = await refused(call(channel, path, [service(), bearer(token)]))
            assert (error.code(), to_error(error).reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND"), path


async def test_who_may_see_but_not_do_this_is_told_so(channel: Any, signer: Signer) -> None:
    for path in NEEDING:
        rule = rule_of(path)
        assert rule is not None
        attempt = call(channel, path, [service(), bearer(signer.token("bert"))])
        if rule.needs.permission == access_pb2.PERMISSION_VIEW:
            assert await answered(attempt) == 1
            continue
        error = await refused(attempt)
        assert error.code() is grpc.StatusCode.PERMISSION_DENIED, path
        assert to_error(error).metadata["permission"] in access_pb2.Permission.Name(rule.needs.permission).lower()


async def test_bytes_that_are_no_message_are_a_clear_error(channel: Any, signer: Signer) -> None:
    for path in PATHS:
        metadata = [service(some_service(path)), bearer(signer.token())]
        error = await refused(call(channel, path, metadata, b"\xff\xff\xff"))
        assert (error.code(), to_error(error).reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MESSAGE_MALFORMED"), path


async def test_an_id_that_nothing_has_is_not_found_and_a_missing_part_is_named(channel: Any, signer: Signer) -> None:
    metadata = [service(), bearer(signer.token())]
    for path in NEEDING:
        rule = rule_of(path)
        assert rule is not None
        if not rule.needs.field:
            continue
        error = await refused(call(channel, path, metadata, b""))
        expected = "FIELD_MISSING" if "." in rule.needs.field else "NOT_FOUND"
        assert to_error(error).reason == expected, path


# Streams


async def test_a_stream_without_a_first_message_is_refused(channel: Any, signer: Signer) -> None:
    stream = channel.stream_stream(COLLABORATE)(iter(()), metadata=[service(), bearer(signer.token())])
    assert to_error(await refused(stream)).reason == "MESSAGE_MISSING"


async def test_a_stream_that_is_not_let_in_needs_no_message_to_be_told(channel: Any) -> None:
    stream = channel.stream_stream(COLLABORATE)(metadata=[service()])
    assert to_error(await refused(stream)).reason == "TOKEN_MISSING"


async def test_the_servicer_sees_every_message_of_a_stream_the_first_too(signer: Signer, people: People) -> None:
    async def echo(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for request in requests:
            yield annotation_pb.CollaborateResponse(progress_revision=request.ping_ms or request.open.video_id)

    sent = [annotation_pb.CollaborateRequest(open=annotation_pb.CollaborateOpen(video_id=7))]
    sent += [annotation_pb.CollaborateRequest(ping_ms=number) for number in (1, 2, 3)]
    served = Served(people, {COLLABORATE: echo})
    async with served.serving("127.0.0.1:0"), bare_channel(served.target) as channel:
        metadata = [service(), bearer(signer.token())]
        messages = [message.SerializeToString() for message in sent]
        answers = [answer async for answer in channel.stream_stream(COLLABORATE)(iter(messages), metadata=metadata)]
        got = [annotation_pb.CollaborateResponse.FromString(answer).progress_revision for answer in answers]
        assert got == [7, 1, 2, 3]
        # A later message that is none ends the stream, with what came before it answered.
        stream = channel.stream_stream(COLLABORATE)(iter([messages[0], b"\xff\xff"]), metadata=metadata)
        assert to_error(await refused(stream)).reason == "MESSAGE_MALFORMED"


async def test_a_handler_may_write_its_answers_itself(signer: Signer, people: People) -> None:
    async def write(requests: AsyncIterator[Any], context: Any) -> None:
        async for request in requests:
            await context.write(annotation_pb.CollaborateResponse(progress_revision=request.open.video_id))

    served = Served(people, {COLLABORATE: write})
    async with served.serving("127.0.0.1:0"), bare_channel(served.target) as channel:
        assert await answered(call(channel, COLLABORATE, [service(), bearer(signer.token())])) == 1


async def test_a_client_that_goes_away_ends_its_handler(signer: Signer, people: People) -> None:
    ended = asyncio.Event()

    async def endless(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        try:
            while True:
                yield annotation_pb.CollaborateResponse()
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    served = Served(people, {COLLABORATE: endless})
    async with served.serving("127.0.0.1:0"), bare_channel(served.target) as channel:
        stream = call(channel, COLLABORATE, [service(), bearer(signer.token())])
        assert await stream.read() is not grpc.aio.EOF
        stream.cancel()
        async with asyncio.timeout(20):
            await ended.wait()


# What a servicer learns


async def test_a_servicer_learns_who_calls_and_what_they_may(signer: Signer, people: People) -> None:
    seen: list[tuple[Any, int]] = []

    async def look(request: Any, context: Any) -> Any:
        seen.append((caller(), granted()))
        return project_pb.GetProjectResponse()

    people.rights["anna", access_pb2.RESOURCE_KIND_PROJECT, "7"] = VIEW | bit(access_pb2.PERMISSION_UPLOAD)
    async with (
        Served(people, {GET_PROJECT: look}).serving("127.0.0.1:0") as served,
        bare_channel(served.target) as channel,
    ):
        token = signer.token()
        assert await answered(call(channel, GET_PROJECT, [service(), bearer(token)])) == 1
    [(who, mask)] = seen
    assert (who.service, who.person_id, who.session_id, who.tenant_id) == ("gateway", "anna", "session of anna", "t")
    assert who.token == token
    assert mask == VIEW | bit(access_pb2.PERMISSION_UPLOAD)


async def test_a_service_in_its_own_name_is_nobody(signer: Signer, people: People) -> None:
    seen: list[Any] = []

    async def look(request: Any, context: Any) -> Any:
        seen.append(caller())
        return access_service_pb.ResolveAccessResponse()

    async with Served(people, {RESOLVE: look}).serving("127.0.0.1:0") as served, bare_channel(served.target) as channel:
        await answered(call(channel, RESOLVE, [service("svc_media"), bearer(signer.token())]))
    assert (seen[0].service, seen[0].person_id, seen[0].token) == ("svc_media", "", "")


async def test_a_service_may_add_resources_whose_rights_count_for_those_who_may_upload_there(
    signer: Signer, people: People
) -> None:
    async def resources(resource: Resource) -> list[Resource]:
        return [resource, Resource(kind=access_pb2.RESOURCE_KIND_PROJECT, id="9")]

    people.rights["carl", access_pb2.RESOURCE_KIND_PROJECT, "9"] = VIEW | bit(access_pb2.PERMISSION_UPLOAD)
    people.rights["dora", access_pb2.RESOURCE_KIND_PROJECT, "9"] = VIEW
    async with Served(people).serving("127.0.0.1:0", resources) as served, bare_channel(served.target) as channel:
        metadata = [service(), bearer(signer.token("carl"))]
        assert await answered(call(channel, "/rushes.media.v1.MediaService/GetVideo", metadata)) == 1
        metadata = [service(), bearer(signer.token("dora"))]
        error = await refused(call(channel, "/rushes.media.v1.MediaService/GetVideo", metadata))
        assert error.code() is grpc.StatusCode.NOT_FOUND


async def test_keys_are_asked_for_again_when_a_token_names_another(signer: Signer, people: People) -> None:
    newer = Signer("k2")

    async def refetch() -> None:
        people.keys[newer.kid] = newer.key.public_key()

    verify = people.verify

    def verify_or_refetch(token: str) -> Any:
        try:
            return verify(token)
        except UnknownKey as error:
            raise UnknownKey(error.message, refetch()) from error

    people.verify = verify_or_refetch  # type: ignore[method-assign]
    async with Served(people).serving("127.0.0.1:0") as served, bare_channel(served.target) as channel:
        assert await answered(call(channel, GET_ME, [service(), bearer(newer.token())])) == 1


# Calls from one service to another


async def test_a_call_passes_on_the_person_the_id_and_the_deadline(signer: Signer, people: People) -> None:
    seen: list[dict[str, Any]] = []

    async def behind(request: Any, context: Any) -> Any:
        metadata = dict(context.invocation_metadata())
        seen.append({"who": caller(), "left_s": context.time_remaining(), "id": metadata[REQUEST_ID_METADATA]})
        return project_pb.GetProjectResponse()

    def before(stub: ProjectServiceStub) -> Any:
        async def ask(request: Any, context: Any) -> Any:
            await stub.GetProject(project_pb.GetProjectRequest(project_id=7))
            return annotation_pb.GetDocumentResponse()

        return ask

    path = "/rushes.annotation.v1.AnnotationService/GetDocument"
    metadata = [service(), bearer(signer.token()), (REQUEST_ID_METADATA, "r-1")]
    request = annotation_pb.GetDocumentRequest(video_id=7).SerializeToString()
    target = Served(people, {GET_PROJECT: behind})
    with run_folder() as folder:
        async with target.serving(f"unix:{folder}/behind.sock"), target.channels() as channels:
            front = Served(people, {path: before(channels.stub(ProjectServiceStub, "it"))})
            async with front.serving("127.0.0.1:0"), bare_channel(front.target) as channel:
                await channel.unary_unary(path)(request, metadata=metadata, timeout=5.0)
                await channel.unary_unary(path)(request, metadata=metadata[:2], timeout=100.0)
    assert (seen[0]["who"].person_id, seen[0]["who"].service, seen[0]["id"]) == ("anna", "gateway", "r-1")
    # gRPC rounds up what it tells the other side.
    assert 0 < seen[0]["left_s"] <= 5.5
    assert 5.5 < seen[1]["left_s"] <= 11.0
    assert seen[1]["id"] != "r-1"


async def test_work_that_outlives_its_call_has_neither_its_deadline_nor_its_person(
    signer: Signer, people: People
) -> None:
    go, done = asyncio.Event(), asyncio.Event()
    outcome: list[Any] = []
    tasks: list[asyncio.Task[None]] = []

    def begin(stub: ProjectServiceStub) -> Any:
        async def later() -> None:
            await go.wait()
            try:
                await stub.GetProject(project_pb.GetProjectRequest(project_id=7))
            except grpc.aio.AioRpcError as error:
                outcome.append(to_error(error).reason)
            done.set()

        async def answer(request: Any, context: Any) -> Any:
            tasks.append(asyncio.create_task(later()))
            return identity_pb.GetMeResponse()

        return answer

    served = Served(people)
    async with served.serving("127.0.0.1:0"), served.channels() as channels:
        begun = Served(people, {GET_ME: begin(channels.stub(ProjectServiceStub, "it"))})
        async with begun.serving("127.0.0.1:0"), bare_channel(begun.target) as channel:
            metadata = [service(), bearer(signer.token())]
            end_s = time.monotonic() + 0.5
            await channel.unary_unary(GET_ME)(b"", metadata=metadata, timeout=0.5)
            await until(lambda: time.monotonic() > end_s)
            go.set()
            async with asyncio.timeout(20):
                await done.wait()
    assert outcome == ["TOKEN_MISSING"]
