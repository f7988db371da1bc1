"""Headers of a browser's call as metadata of a gRPC call, and the time that it has."""

import re
from collections.abc import Iterable
from typing import Final

from gateway.core import grpcweb
from gateway.core.grpcweb import ProtocolError

CLIENT_METADATA: Final = "rushes-client"
SERVICE_METADATA: Final = "rushes-service"
MAX_METADATA_BYTES: Final = 15 * 1024
"""gRPC servers take 16 KiB with what the gateway adds, and refuse more in ways that hurt others."""

_SKIPPED = frozenset(
    ("authorization", "cookie", "host", "connection", "content-length", "content-type", "te", "user-agent", "accept",
     "accept-encoding", "accept-language", "origin", "referer", "x-grpc-web", "x-user-agent", "transfer-encoding",
     "upgrade", "expect", "keep-alive", "proxy-connection", "priority", "dnt", "forwarded", "x-forwarded-for",
     "x-forwarded-proto", "x-forwarded-host", "x-real-ip", "cache-control", "pragma", SERVICE_METADATA,
     CLIENT_METADATA)
)  # fmt: skip
_NAME = re.compile(r"[0-9a-z_.-]+")
_VALUE = re.compile(r"[ -~]*")
_TIMEOUT = re.compile(r"([0-9]{1,8})([HMSmun])")
_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


class MetadataTooLarge(ProtocolError):
    """There are more headers than a gRPC server takes."""


def passed_on(fields: Iterable[tuple[str, str]], *, keep: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    """What the caller set, less what is the connection's or is no metadata; `-bin` values as base64 that is sound.

    Raises ProtocolError.
    """
    found: list[tuple[str, str]] = []
    size = 0
    for name, value in fields:
        name = name.lower()
        if name not in keep and (name in _SKIPPED or name.startswith(("sec-", "grpc-", "access-control-"))):
            continue
        if not _NAME.fullmatch(name):
            continue
        values = [value]
        if name.endswith("-bin"):  # browsers join values of one name; servers read each apart, or none
            values = [grpcweb.encode_binary(grpcweb.decode_binary(one.strip())) for one in value.split(",")]
        elif not _VALUE.fullmatch(value):
            continue
        size += sum(len(name) + len(one) + 32 for one in values)
        found += [(name, one) for one in values]
    if size > MAX_METADATA_BYTES:
        raise MetadataTooLarge("there is more metadata than is taken")
    return found


def timeout_s(value: str) -> float | None:
    """A grpc-timeout (at most 8 digits and a unit) in seconds; None: there is none."""
    if not value:
        return None
    match = _TIMEOUT.fullmatch(value)
    if match is None:
        raise ProtocolError("grpc-timeout is not understood")
    return int(match[1]) * _UNITS[match[2]]


def bearer_of(authorization: str) -> str:
    """The token of an `authorization` header; empty: it has none that could be one."""
    scheme, _, value = authorization.partition(" ")
    value = value.strip()
    return value if scheme.lower() == "bearer" and _VALUE.fullmatch(value) else ""


def cookie_of(cookies: str, name: str) -> str:
    """The value of one cookie; empty: it is not there."""
    for part in cookies.split(";"):
        found, _, value = part.strip().partition("=")
        if found == name:
            return value.strip('"')
    return ""
