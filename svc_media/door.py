"""Who may come in by HTTP: the gateway alone, for a person with a token. What mesh/auth does for gRPC."""

from collections.abc import Iterable, Mapping

from mesh.auth import Caller, Claims, Identity
from mesh.auth.caller import SERVICE_METADATA, proven_service
from mesh.auth.identity import SessionEnded, TokenMissing, UnknownKey
from rushes.errors import PermissionDenied
from rushes.type.v1.access_pb2 import Resource


class Door:
    """Checks requests by their headers."""

    def __init__(self, identity: Identity, secret: str) -> None:
        self._identity = identity
        self._secret = secret

    def check_service(self, headers: Mapping[str, str]) -> str:
        """The service that calls. Raises Unauthenticated, PermissionDenied."""
        service = proven_service(headers.get(SERVICE_METADATA, ""), self._secret)
        if service != "gateway":
            raise PermissionDenied("Only the gateway may call this.")
        return service

    async def caller(self, headers: Mapping[str, str]) -> Caller:
        """Who calls. Raises Unauthenticated, PermissionDenied."""
        service = self.check_service(headers)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise TokenMissing("Sign in first.")
        token = token.strip()
        claims = await self._claims(token)
        return Caller(service, claims.person_id, claims.session_id, claims.tenant_id, claims.expires_ms, token)

    async def _claims(self, token: str) -> Claims:
        try:
            claims = self._identity.verify(token)
        except UnknownKey as error:
            if error.refetch is None:
                raise
            await error.refetch
            claims = self._identity.verify(token)
        if self._identity.ended(claims.session_id):
            raise SessionEnded("The session has ended; sign in again.")
        return claims

    async def permissions(self, caller: Caller, resources: Iterable[Resource]) -> int:
        """What the caller may do with any of these, which stand for one thing."""
        mask = 0
        for resource in resources:
            known = self._identity.cached(caller, resource)
            mask |= await self._identity.permissions(caller, resource) if known is None else known
        return mask
