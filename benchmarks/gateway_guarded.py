"""The gateway alone with the product's guard: tokens verified, people and addresses counted. Prints a token first."""

import asyncio
import sys
import time
from typing import cast

import jwt
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.access import MeshAccess
from gateway.http.session import TokenCache
from gateway.limiter import MemoryLimiter, Policy
from gateway.standalone import Alone
from mesh.auth.identity import ALGORITHM, AUDIENCE, Claims, Identity, verify_token


class OneKey:
    """Verifies tokens of one key, each once, as every service does."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self._verified: dict[str, Claims] = {}

    def token(self) -> str:
        """A token of somebody."""
        now_s = int(time.time())
        claims = {
            "sub": "somebody",
            "sid": "s",
            "tid": "t",
            "aud": AUDIENCE,
            "iat": now_s,
            "exp": now_s + 3600,
            "jti": "j",
        }
        return jwt.encode(claims, self._key, ALGORITHM, headers={"kid": "one"})

    def verify(self, token: str) -> Claims:
        """See Identity."""
        claims = self._verified.get(token)
        if claims is None:
            claims = self._verified[token] = verify_token(token, {"one": self._key.public_key()})
        return claims


async def serve(port: int, upstream: str) -> None:
    """Until it is ended."""
    key = OneKey()
    policy = Policy(person_s=1e6, sign_in_s=5.0)
    identity, tokens = cast(Identity, key), TokenCache(None)  # type: ignore[arg-type]  # nobody has a cookie here
    access = MeshAccess(identity, tokens, MemoryLimiter(), policy, (), "svc.proof")
    gateway = Alone(f"127.0.0.1:{port}", upstream, access=access)
    await gateway.start()
    sys.stdout.write(f"{key.token()}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1]), sys.argv[2]))
