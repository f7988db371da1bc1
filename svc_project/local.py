"""Identity of svc_project itself: what others ask it for is here already."""

from collections.abc import Callable

from mesh.auth import Caller, Claims
from mesh.auth.identity import verify_token
from rushes.errors import Unauthenticated
from rushes.type.v1 import access_pb2
from svc_project.access import Access
from svc_project.bulletin import Bulletin
from svc_project.core.model import PersonId, Resource, SessionId, TenantId, Who
from svc_project.server.proto import from_resource
from svc_project.token import Tokens


class LocalIdentity:
    """The port Identity over the service's own store. Nothing is cached, so nothing can be out of date."""

    def __init__(self, tokens: Tokens, access: Access, bulletin: Bulletin) -> None:
        self._tokens = tokens
        self._access = access
        self._bulletin = bulletin

    async def ready(self) -> None:
        """The service's own start makes it ready, before any request comes."""

    def verify(self, token: str) -> Claims:
        """What a token says."""
        claims = verify_token(token, self._tokens.public)
        if self._bulletin.ended(claims.session_id):
            raise Unauthenticated("The session has ended: sign in again.")
        return claims

    def cached(self, caller: Caller, resource: access_pb2.Resource) -> int | None:
        """Never known without asking the store."""
        return None

    @property
    def version(self) -> int:
        """Nothing holds without asking the store."""
        return -1

    async def permissions(self, caller: Caller, resource: access_pb2.Resource) -> int:
        """The caller's permissions on a resource."""
        masks, _ = await self._resolve(caller, [from_resource(resource)])
        return masks[0]

    async def name(self, caller: Caller) -> str:
        """The person's name."""
        _, name = await self._resolve(caller, [])
        return name

    def ended(self, session_id: str) -> bool:
        """Whether the session is known to have ended."""
        return self._bulletin.ended(session_id)

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back whenever rights may have changed."""
        self._bulletin.callbacks.append(callback)

    async def close(self) -> None:
        """The service closes what it has."""

    async def _resolve(self, caller: Caller, resources: list[Resource]) -> tuple[list[int], str]:
        who = Who(TenantId(caller.tenant_id), PersonId(caller.person_id))
        return await self._access.resolve(who, SessionId(caller.session_id), resources)
