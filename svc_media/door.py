"""Who may come in by HTTP: the gateway alone, for a person with a token. What mesh/auth does for gRPC."""

from collections.abc import Iterable, Mapping

from mesh.auth import Caller, Identity, claims_of, permissions_of
from mesh.auth.caller import SERVICE_METADATA, proven_service
from mesh.auth.identity import TokenMissing
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
        claims = await claims_of(self._identity, token)
        return Caller(service, claims.person_id, claims.session_id, claims.tenant_id, claims.expires_ms, token)

    async def permissions(self, caller: Caller, resources: Iterable[Resource]) -> int:
        """See `permissions_of`."""
        return await permissions_of(self._identity, caller, resources)
