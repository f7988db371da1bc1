"""Access tokens: signing keys from the store, rotated in time, and the tokens they sign."""

import secrets
from collections.abc import Sequence

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mesh.auth.identity import AUDIENCE
from mesh.clock import Clock
from mesh.ids import new_id
from rushes.errors import Unavailable
from svc_project.context import Context, Work
from svc_project.core import key as rules
from svc_project.core.model import Session, SigningKey

ALGORITHM = "EdDSA"


class NoSigningKey(Unavailable):
    """No key may sign now: upkeep has not made one yet."""

    reason = "NO_SIGNING_KEY"


class Tokens:
    """Issues tokens, and knows every key that an unexpired token may be signed with."""

    def __init__(self, context: Context, schedule: rules.Schedule) -> None:
        self._context = context
        self._clock: Clock = context.clock
        self._schedule = schedule
        self._keys: Sequence[SigningKey] = ()
        self._private: dict[str, Ed25519PrivateKey] = {}
        self.public: dict[str, Ed25519PublicKey] = {}
        """Public keys by name."""

    async def rotate(self) -> None:
        """Makes the key that is needed, drops those that are over, and reads what others made."""
        self._keys = await self._context.run(self._rotate)
        private = {key.kid: Ed25519PrivateKey.from_private_bytes(key.private) for key in self._keys}
        self._private = private
        self.public = {kid: one.public_key() for kid, one in private.items()}

    def public_keys(self) -> list[tuple[str, bytes]]:
        """Names and public keys."""
        return [(kid, key.public_bytes_raw()) for kid, key in self.public.items()]

    def issue(self, session: Session) -> tuple[str, int]:
        """A token of the session, and when it ends: never after the session does."""
        now_ms = self._clock.now_ms()
        key = rules.signing(self._keys, now_ms)
        if key is None:
            raise NoSigningKey("No token can be issued right now.")
        expires_s = min(now_ms + self._schedule.token_ms, session.expires_ms) // 1000
        claims = {
            "sub": session.person_id,
            "sid": session.session_id,
            "tid": session.tenant_id,
            "aud": AUDIENCE,
            "iat": now_ms // 1000,
            "exp": expires_s,
            "jti": secrets.token_urlsafe(12),
        }
        token = jwt.encode(claims, self._private[key.kid], algorithm=ALGORITHM, headers={"kid": key.kid})
        return token, expires_s * 1000

    def _rotate(self, work: Work) -> Sequence[SigningKey]:
        keys = work.unit.keys.all()
        plan = rules.plan(keys, work.now_ms, self._schedule)
        if plan.drop:
            work.unit.keys.drop(plan.drop)
        if plan.make_signs_ms is not None:
            private = secrets.token_bytes(32)
            work.unit.keys.add(rules.make(new_id(), private, work.now_ms, plan.make_signs_ms, self._schedule))
        return work.unit.keys.all() if plan.drop or plan.make_signs_ms is not None else keys
