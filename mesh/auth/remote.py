"""Identity of a service that asks svc_project: keys and rights are cached, and dropped when they change."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mesh.auth.caller import Caller
from mesh.auth.identity import Claims, SessionEnded, UnknownKey, verify_token
from mesh.auth.rights import QUIET_S, Rights
from mesh.rpc import Channels, to_error
from rushes.errors import Unavailable
from rushes.project.v1 import access_service_pb2, identity_service_pb2
from rushes.project.v1.access_service_pb2_grpc import AccessServiceStub
from rushes.project.v1.identity_service_pb2_grpc import IdentityServiceStub
from rushes.type.v1.access_pb2 import Resource

log = logging.getLogger(__name__)

MAX_VERIFIED = 4_096
REFETCH_S = 2.0
"""Least time between two requests for keys because of a token: forged ones must not cost svc_project anything."""

KEYS_S = 300.0
"""Time between two requests for keys all the same, so that old ones end."""

LONGEST_DELAY_S = 1.0
ASK_S = 5.0


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
        self._rights = Rights(monotonic)
        self._raw_keys: dict[str, bytes] = {}
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._verified: dict[str, Claims] = {}
        self._callbacks: list[Callable[[], None]] = []
        self._keyed, self._watching = asyncio.Event(), asyncio.Event()
        self._refetch: asyncio.Task[None] | None = None
        self._refetched_s = float("-inf")
        self._tasks = [
            asyncio.create_task(self._watch(), name="watch-access"),
            asyncio.create_task(self._renew_keys(), name="renew-keys"),
        ]

    async def ready(self) -> None:
        """Returns once the keys are here and changes are watched."""
        await self._keyed.wait()
        await self._watching.wait()

    async def close(self) -> None:
        """Stops watching."""
        tasks = [*self._tasks, *([self._refetch] if self._refetch else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- who -------------------------------------------------------------------------------------------------

    def verify(self, token: str) -> Claims:
        """See Identity."""
        claims = self._verified.get(token)
        if claims is None or claims.expires_ms <= time.time() * 1000:
            self._verified.pop(token, None)
            try:
                claims = verify_token(token, self._keys)
            except UnknownKey as error:
                raise UnknownKey(error.message, self._refetch_keys()) from error
            if len(self._verified) >= MAX_VERIFIED:
                del self._verified[next(iter(self._verified))]
            self._verified[token] = claims
        if self._rights.ended(claims.session_id):
            raise SessionEnded("The session has ended; sign in again.")
        return claims

    def ended(self, session_id: str) -> bool:
        """See Identity."""
        return self._rights.ended(session_id)

    async def name(self, caller: Caller) -> str:
        """See Identity."""
        known = self._rights.name(caller.person_id)
        return (await self._resolve(caller, ())).name if known is None else known

    # -- may they --------------------------------------------------------------------------------------------

    def cached(self, caller: Caller, resource: Resource) -> int | None:
        """See Identity."""
        return self._rights.get(caller, resource)

    @property
    def version(self) -> int:
        """See Identity."""
        return self._rights.version

    async def permissions(self, caller: Caller, resource: Resource) -> int:
        """See Identity."""
        known = self._rights.get(caller, resource)
        if known is not None:
            return known
        if self._rights.lost:
            raise RightsUnknown("Rights cannot be checked right now; try again in a moment.")
        generation = self._rights.generation
        answer = await self._resolve(caller, (resource,))
        mask = answer.permissions[0]
        self._rights.put(caller, resource, mask, generation)
        return mask

    def on_change(self, callback: Callable[[], None]) -> None:
        """See Identity."""
        self._callbacks.append(callback)

    async def _resolve(
        self, caller: Caller, resources: tuple[Resource, ...]
    ) -> access_service_pb2.ResolveAccessResponse:
        request = access_service_pb2.ResolveAccessRequest(
            person_id=caller.person_id, session_id=caller.session_id, tenant_id=caller.tenant_id, resources=resources
        )
        try:
            answer = await self._access.ResolveAccess(request, timeout=ASK_S)
        except grpc.aio.AioRpcError as error:
            log.warning("rights_not_resolved", extra={"code": error.code().name, "reason": to_error(error).reason})
            raise RightsUnknown("Rights cannot be checked right now; try again in a moment.") from error
        if len(answer.permissions) != len(resources):
            raise RightsUnknown("Rights were not answered whole.")
        self._rights.put_name(caller.person_id, answer.name)
        return answer

    # -- keys ------------------------------------------------------------------------------------------------

    def _refetch_keys(self) -> "asyncio.Task[None] | None":
        """Asks for the keys since a token names another one; None: that was done a moment ago."""
        if self._refetch is not None and not self._refetch.done():
            return self._refetch
        now_s = self._monotonic()
        if now_s - self._refetched_s < REFETCH_S:
            return None
        self._refetched_s = now_s
        self._refetch = asyncio.create_task(self._fetch_keys(), name="refetch-keys")
        return self._refetch

    async def _fetch_keys(self) -> None:
        try:
            answer = await self._identity.GetKeys(identity_service_pb2.GetKeysRequest(), timeout=ASK_S)
        except grpc.aio.AioRpcError as error:
            level = logging.WARNING if self._keyed.is_set() else logging.INFO
            log.log(level, "keys_not_fetched", extra={"code": error.code().name})
            return
        raw = {key.kid: key.key for key in answer.keys}
        if raw != self._raw_keys:
            self._keys = {kid: Ed25519PublicKey.from_public_bytes(key) for kid, key in raw.items()}
            self._raw_keys = raw
            # What a key that is gone has signed holds no more.
            self._verified.clear()
        self._keyed.set()

    async def _renew_keys(self) -> None:
        delay_s = 0.02
        while True:
            await self._fetch_keys()
            delay_s = KEYS_S if self._keyed.is_set() else min(delay_s * 2, LONGEST_DELAY_S)
            await asyncio.sleep(delay_s)

    # -- changes ---------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        delay_s = 0.02
        while True:
            try:
                await self._watch_once()
                delay_s = 0.02
            except grpc.aio.AioRpcError as error:
                # A restart of svc_project is over before anybody notices.
                level = logging.WARNING if self._watching.is_set() and not self._rights.fresh else logging.INFO
                log.log(level, "access_watch_lost", extra={"code": error.code().name})
            except TimeoutError:
                log.warning("access_watch_silent")
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, LONGEST_DELAY_S)

    async def _watch_once(self) -> None:
        call = self._access.WatchAccess(access_service_pb2.WatchAccessRequest())
        try:
            messages = aiter(call)
            with contextlib.suppress(StopAsyncIteration):
                while True:
                    async with asyncio.timeout(QUIET_S):
                        message = await anext(messages)
                    self._apply(message)
        finally:
            call.cancel()

    def _apply(self, message: access_service_pb2.WatchAccessResponse) -> None:
        changed = self._rights.heard(
            people=message.person_ids,
            resources=message.resources,
            sessions=message.ended_session_ids,
            everything=message.everything,
        )
        self._watching.set()
        if changed:
            for callback in self._callbacks:
                callback()
