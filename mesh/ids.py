"""Ids: what they are called in signatures, and how random ones are made."""

import base64
import hashlib
import secrets
from typing import Final, NewType

TenantId = NewType("TenantId", str)
PersonId = NewType("PersonId", str)
SessionId = NewType("SessionId", str)
ProjectId = NewType("ProjectId", int)
AssetId = NewType("AssetId", int)
VideoId = NewType("VideoId", int)
JobId = NewType("JobId", int)
Revision = NewType("Revision", int)


def new_id() -> str:
    """128 random bits as 26 characters of a-z2-7."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


FAMILY: Final = 13
"""So many characters at the beginning of an id are those of all its relatives: one instance serves them."""


def relative(of: str, *facts: object) -> str:
    """The id of something that belongs to what has that id: the same facts give the same one."""
    digest = hashlib.sha256("/".join(map(str, (of, *facts))).encode()).digest()
    return of[:FAMILY] + base64.b32encode(digest).decode()[:FAMILY].lower()


def family(of: str) -> str:
    """What relatives have in common."""
    return of[:FAMILY]
