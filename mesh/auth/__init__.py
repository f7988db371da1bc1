"""Who is asking, and may they: callers, tokens, rights, and the interceptor that enforces each RPC's rule."""

from mesh.auth.caller import Caller, caller, current, granted, proven_service, renew, service_token
from mesh.auth.identity import Claims, Identity, claims_of, permissions_of
from mesh.auth.permission import bit, has

__all__ = [
    "Caller",
    "Claims",
    "Identity",
    "bit",
    "caller",
    "claims_of",
    "current",
    "granted",
    "has",
    "permissions_of",
    "proven_service",
    "renew",
    "service_token",
]
