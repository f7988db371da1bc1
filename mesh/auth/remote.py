"""Identity of a service that asks svc_project: keys and rights are cached, and dropped when they change."""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mesh.auth.caller import Caller
from mesh.auth.identity import Claims, UnknownKey, verify_token
from mesh.rpc import Channels, to_error
from rushes.errors import Unauthenticated, Unavailable
from rushes.project.v1 import access_service_pb2, identity_service_pb2
from rushes.project.v1.access_service_pb2_grpc import AccessServiceStub
from rushes.project.v1.identity_service_pb2_grpc import IdentityServiceStub
from rushes.type.v1.access_pb2 import Resource

log = logging.getLogger(__name__)

HEARTBEAT_LOST_S = 3.0
STALE_S = 30.0
MAX_CACHED = 200_000
KEYS_AGAIN_S = 2.0
MAX_ENDED = 100_000

Key = tuple[str, str, int, str]


class RightsUnknown(Unavailable):
    """Nobody can say at the moment what people may do."""

    reason = "RIGHTS_UNKNOWN"


class RemoteIdentity:
    """Identity over svc_project's GetKeys, ResolveAccess and WatchAccess.

    Without a heartbeat for 3 s cached answers hold for 30 s more, then everything is refused.
    """

    def __init__(self, channels: Channels, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._identity = channels.stub(IdentityServiceStub, "svc_project", as_person=False)
        self._access = channels.stub(AccessServiceStub, "svc_project", as_person=False)
        self._monotonic = monotonic
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._keys_at = -KEYS_AGAIN_S
        self._cache: OrderedDict[Key, int] = OrderedDict()
        self._names: OrderedDict[str, str] = OrderedDict()
        self._verified: OrderedDict[str, Claims] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._generation = 0
        self._heard_at: float | None = None
        self._callbacks: list[Callable[[], None]] = []
        self._ready = asyncio.Event()
        self._fetching: asyncio.Task[None] | None = None
        self._task = asyncio.create_task(self._watch(), name="watch-access")

    async def ready(self) -> None:
        """Returns once the keys are here and changes are watched."""
        await self._ready.wait()

    def verify(self, token: str) -> Claims:
        """See Identity. An unknown key is fetched in the background, at most every 2 seconds; the caller tries again."""
        claims = self._verified.get(token)
        if claims is None:
            try:
                claims = verify_token(token, self._keys)
            except UnknownKey:
                self._fetch_keys_soon()
                raise
            self._verified[token] = claims
            if len(self._verified) > MAX_CACHED // 10:
                self._verified.popitem(last=False)
        if claims.expires_ms <= time.time() * 1000:
            self._verified.pop(token, None)
            return verify_token(token, self._keys)
        if claims.session_id in self._ended:
            raise Unauthenticated("The session has ended; sign in again.")
        return claims

    def cached(self, caller: Caller, resource: Resource) -> int | None:
        """See Identity."""
        if not self._current():
            return None
        return self._cache.get((caller.person_id, caller.session_id, resource.kind, resource.id))

    def _current(self) -> bool:
        if self._heard_at is None:
            return False
        return self._monotonic() - self._heard_at < HEARTBEAT_LOST_S + STALE_S

    async def permissions(self, caller: Caller, resource: Resource) -> int:
        """See Identity."""
        known = self.cached(caller, resource)
        if known is not None:
            return known
        generation = self._generation
        answer = await self._resolve(caller, [resource])
        mask = answer.permissions[0]
        if generation == self._generation:
            self._keep((caller.person_id, caller.session_id, resource.kind, resource.id), mask)
        return mask

    async def _resolve(self, caller: Caller, resources: list[Resource]) -> access_service_pb2.ResolveAccessResponse:
        request = access_service_pb2.ResolveAccessRequest(
            person_id=caller.person_id, session_id=caller.session_id, tenant_id=caller.tenant_id, resources=resources
        )
        try:
            answer = await self._access.ResolveAccess(request, timeout=5.0)
        except grpc.aio.AioRpcError as error:
            if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                raise RightsUnknown("Rights cannot be checked right now; try again in a moment.") from error
            raise to_error(error) from error
        self._names[caller.person_id] = answer.name
        if len(self._names) > MAX_CACHED // 10:
            self._names.popitem(last=False)
        return answer

    def _keep(self, key: Key, mask: int) -> None:
        self._cache[key] = mask
        if len(self._cache) > MAX_CACHED:
            self._cache.popitem(last=False)

    async def name(self, caller: Caller) -> str:
        """See Identity."""
        if caller.person_id not in self._names:
            await self._resolve(caller, [])
        return self._names[caller.person_id]

    def ended(self, session_id: str) -> bool:
        """See Identity."""
        return session_id in self._ended

    def on_change(self, callback: Callable[[], None]) -> None:
        """See Identity."""
        self._callbacks.append(callback)

    def _fetch_keys_soon(self) -> None:
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._fetch_keys_quietly())

    async def _fetch_keys_quietly(self) -> None:
        if self._monotonic() - self._keys_at < KEYS_AGAIN_S:
            return
        try:
            await self._fetch_keys()
        except grpc.aio.AioRpcError as error:
            log.warning("keys_not_fetched", extra={"code": error.code().name})

    async def _fetch_keys(self) -> None:
        self._keys_at = self._monotonic()
        answer = await self._identity.GetKeys(identity_service_pb2.GetKeysRequest(), timeout=5.0)
        self._keys = {key.kid: Ed25519PublicKey.from_public_bytes(key.key) for key in answer.keys}

    async def _watch(self) -> None:
        delay_s = 0.05
        while True:
            try:
                await self._watch_once()
                delay_s = 0.05
            except grpc.aio.AioRpcError as error:
                if self._ready.is_set():
                    log.warning("access_watch_lost", extra={"code": error.code().name})
            except TimeoutError:
                log.warning("access_watch_silent")
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, 1.0)

    async def _watch_once(self) -> None:
        await self._fetch_keys()
        call = self._access.WatchAccess(access_service_pb2.WatchAccessRequest())
        try:
            messages = call.__aiter__()
            while True:
                async with asyncio.timeout(HEARTBEAT_LOST_S):
                    try:
                        message = await anext(messages)
                    except StopAsyncIteration:
                        return
                self._apply(message)
                self._heard_at = self._monotonic()
                self._ready.set()
        finally:
            call.cancel()

    def _apply(self, message: access_service_pb2.WatchAccessResponse) -> None:
        for session_id in message.ended_session_ids:
            self._ended[session_id] = None
            if len(self._ended) > MAX_ENDED:
                self._ended.popitem(last=False)
        if not (message.everything or message.person_ids or message.resources or message.ended_session_ids):
            return
        self._generation += 1
        if message.everything:
            self._cache.clear()
            self._names.clear()
        else:
            self._drop(message)
        for callback in self._callbacks:
            callback()

    def _drop(self, message: access_service_pb2.WatchAccessResponse) -> None:
        people = frozenset(message.person_ids)
        sessions = frozenset(message.ended_session_ids)
        resources = {(resource.kind, resource.id) for resource in message.resources}
        for key in [k for k in self._cache if k[0] in people or k[1] in sessions or (k[2], k[3]) in resources]:
            del self._cache[key]
        for person_id in people:
            self._names.pop(person_id, None)

    async def close(self) -> None:
        """Stops watching."""
        tasks = [task for task in (self._task, self._fetching) if task is not None]
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
