"""Ids: what they are called in signatures, and how random ones are made."""

import base64
import secrets
from typing import NewType

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
