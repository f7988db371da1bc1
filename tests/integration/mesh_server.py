"""What the tests of mesh share: tokens, an identity, and servers of which every RPC answers something."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from mesh.auth import Caller, Claims
from mesh.auth.identity import verify_token
from mesh.auth.interceptor import Guard, Resources
from mesh.auth.rule import methods
from mesh.config import MeshConfig
from mesh.rpc import Channels
from mesh.service import SERVER_OPTIONS
from rushes.type.v1.access_pb2 import Resource

SECRET = "a secret of the mesh, made for this test alone"
TENANT = "t"


@contextlib.contextmanager
def run_folder() -> Iterator[Path]:
    """A folder whose path is short enough for Unix sockets."""
    folder = Path(tempfile.mkdtemp(prefix="rushes-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


class Signer:
    """Signs tokens with a key of its own."""

    def __init__(self, kid: str = "k1") -> None:
        self.kid = kid
        self.key = Ed25519PrivateKey.generate()

    def token(self, person: str = "anna", **claims: Any) -> str:
        """A token of a person of TENANT, good for five minutes unless the claims say otherwise; ... leaves one out."""
        now_s = int(time.time())
        payload = {
            "sub": person,
            "sid": f"session of {person}",
            "tid": TENANT,
            "aud": "rushes",
            "exp": now_s + 300,
            "iat": now_s,
            "jti": "j",
            **claims,
        }
        payload = {name: value for name, value in payload.items() if value is not ...}
        return jwt.encode(payload, self.key, algorithm="EdDSA", headers={"kid": self.kid})


class People:
    """An Identity over a signer's key. Rights are by (person, kind, id), for people of TENANT."""

    def __init__(self, signer: Signer) -> None:
        self.keys = {signer.kid: signer.key.public_key()}
        self.rights: dict[tuple[str, int, str], int] = {}
        self.everywhere: dict[str, int] = {}
        self.ended_sessions: set[str] = set()

    async def ready(self) -> None:
        """See Identity."""

    def verify(self, token: str) -> Claims:
        """See Identity."""
        return verify_token(token, self.keys)

    def cached(self, caller: Caller, resource: Resource) -> int | None:
        """See Identity."""
        return None

    @property
    def version(self) -> int:
        """See Identity."""
        return -1

    async def permissions(self, caller: Caller, resource: Resource) -> int:
        """See Identity."""
        if caller.tenant_id != TENANT:
            return 0
        known = self.rights.get((caller.person_id, resource.kind, resource.id))
        return self.everywhere.get(caller.person_id, 0) if known is None else known

    async def name(self, caller: Caller) -> str:
        """See Identity."""
        return caller.person_id.title()

    def ended(self, session_id: str) -> bool:
        """See Identity."""
        return session_id in self.ended_sessions

    def on_change(self, callback: Callable[[], None]) -> None:
        """See Identity."""

    async def close(self) -> None:
        """See Identity."""


Behaviour = Callable[[Any, Any], Any]


def handlers(behaviours: Mapping[str, Behaviour]) -> list[grpc.GenericRpcHandler]:
    """Handlers of all RPCs of all protos. Those that are not given answer with an empty message."""
    services: dict[str, dict[str, grpc.RpcMethodHandler[Any, Any]]] = {}
    for path, method in methods().items():
        service, _, name = path[1:].partition("/")
        answer_class = GetMessageClass(method.output_type)
        coders = (GetMessageClass(method.input_type).FromString, answer_class.SerializeToString)
        many = (method.client_streaming, method.server_streaming)
        make = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[many]
        behaviour = behaviours.get(path) or (_many(answer_class) if method.server_streaming else _one(answer_class))
        services.setdefault(service, {})[name] = make(behaviour, *coders)
    return [grpc.method_handlers_generic_handler(name, found) for name, found in services.items()]


def _one(answer_class: type[Message]) -> Behaviour:
    async def answer(request: Any, context: Any) -> Message:
        return answer_class()

    return answer


def _many(answer_class: type[Message]) -> Behaviour:
    async def answer(request: Any, context: Any) -> AsyncIterator[Message]:
        yield answer_class()

    return answer


class Served:
    """A guarded server on a Unix socket, or on any port of 127.0.0.1."""

    def __init__(self, people: People, behaviours: Mapping[str, Behaviour] | None = None) -> None:
        self.people = people
        self.behaviours: dict[str, Behaviour] = dict(behaviours or {})
        self.target = ""

    @contextlib.asynccontextmanager
    async def serving(self, listen: str, resources: Resources | None = None) -> AsyncIterator["Served"]:
        """Serves."""
        server = grpc.aio.server(interceptors=[Guard(SECRET, self.people, resources)], options=SERVER_OPTIONS)
        server.add_generic_rpc_handlers(handlers(self.behaviours))
        port = server.add_insecure_port(listen)
        self.target = listen if listen.startswith("unix:") else f"127.0.0.1:{port}"
        await server.start()
        try:
            yield self
        finally:
            await server.stop(None)

    @contextlib.asynccontextmanager
    async def channels(self, name: str = "gateway", **services: str) -> AsyncIterator[Channels]:
        """Channels of a service; to this server under the name `it`."""
        channels = Channels(name, MeshConfig(secret=SECRET, services={"it": self.target, **services}))
        try:
            yield channels
        finally:
            await channels.close()


@contextlib.asynccontextmanager
async def bare_channel(target: str) -> AsyncIterator[Any]:
    """A channel that adds nothing. Any, for what goes over it is bytes."""
    async with grpc.aio.insecure_channel(target) as channel:
        yield channel


async def refused(call: Any) -> grpc.aio.AioRpcError:
    """The error that a call, of whatever kind, ends with."""
    try:
        if hasattr(call, "read"):
            while await call.read() is not grpc.aio.EOF:
                pass
        else:
            await call
    except grpc.aio.AioRpcError as error:
        return error
    raise AssertionError("the call was not refused")
