"""TURN credentials that end by themselves: coturn's `use-auth-secret` (draft-uberti-behave-turn-rest-00)."""

import base64
import hashlib
import hmac


def credentials(secret: str, expires_s: int, name: str) -> tuple[str, str]:
    """Username and credential for somebody, good until then. The server shares the secret and nothing else."""
    username = f"{expires_s}:{name}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()
