"""Which pages may call, and what tells their browser so."""

from typing import Final, Protocol
from urllib.parse import urlsplit

METHODS: Final = "GET, HEAD, POST, PATCH, DELETE"
MAX_AGE_S: Final = 7_200
GRPC_EXPOSED: Final = "grpc-status, grpc-message, grpc-status-details-bin, grpc-encoding, grpc-accept-encoding"
EXPOSED: Final = (
    GRPC_EXPOSED + ", Location, Upload-Offset, Upload-Length, Tus-Resumable, Tus-Version, Tus-Extension, "
    "Rushes-Video-Id, ETag, Link, Accept-Patch, Content-Range, Accept-Ranges, Retry-After"
)


class Headers(Protocol):
    """Headers of a request, asked for in lower case."""

    def get(self, name: str, /, default: str) -> str:
        """The value, or the default."""


class Origins:
    """Refuses pages of other origins, but those that configuration allows. `everybody`: a gateway without users."""

    def __init__(self, allowed: tuple[str, ...], *, everybody: bool = False) -> None:
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in allowed)
        self._everybody = everybody

    @property
    def varies(self) -> bool:
        """Whether answers depend on the origin."""
        return bool(self._allowed) or self._everybody

    def admits(self, headers: Headers) -> bool:
        """Whether the request may come from where its page is. Programs send no Origin."""
        origin = headers.get("origin", "")
        if self._everybody:
            return True
        if not origin:
            return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
        return self.own(headers, origin) or origin.lower() in self._allowed

    def own(self, headers: Headers, origin: str) -> bool:
        """Whether the origin is the gateway's own address, as the browser wrote it."""
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and parts.netloc.lower() == headers.get("host", "").lower()

    def friend(self, headers: Headers) -> str:
        """The other origin that may read the answer; empty: there is none."""
        origin = headers.get("origin", "")
        if origin and (origin.lower() in self._allowed or self._everybody) and not any(c in origin for c in "\r\n"):
            return origin
        return ""

    def answer(self, headers: Headers) -> list[tuple[str, str]]:
        """Headers that let an allowed origin's page read the answer, but for those that name what it may read."""
        found = [("Vary", "Origin")] if self.varies else []
        friend = self.friend(headers)
        if friend:
            found += [("Access-Control-Allow-Origin", friend), ("Access-Control-Allow-Credentials", "true")]
        return found

    def preflight(self, headers: Headers) -> list[tuple[str, str]]:
        """Answer to OPTIONS before a request of another origin: what the page asked for, if it may call at all."""
        if not self.friend(headers):
            return []
        found = [("Access-Control-Allow-Methods", METHODS), ("Access-Control-Max-Age", str(MAX_AGE_S))]
        asked = headers.get("access-control-request-headers", "")
        if asked:
            found.append(("Access-Control-Allow-Headers", asked))
        return found
