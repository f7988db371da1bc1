"""Bodies of requests that came packed: aiohttp would unpack whatever comes at once, so it is not asked to."""

from aiohttp import web

from gateway.core import grpcweb

IDENTITY = "identity"


def packed(request: web.Request) -> str:
    """How the body is packed; `identity`: it is not."""
    return request.headers.get("Content-Encoding", "").strip().lower() or IDENTITY


async def unpacked(request: web.Request) -> bytes:
    """The body, of which no more is ever unpacked than a body may have. Raises ProtocolError."""
    raw = await request.read()
    encoding = grpcweb.check_encoding(packed(request))
    return raw if encoding == IDENTITY else grpcweb.inflate(raw, encoding, request.client_max_size)


def refuse_packed(request: web.Request) -> None:
    """For bodies that nobody packs."""
    if packed(request) != IDENTITY:
        raise web.HTTPUnsupportedMediaType(headers={"Accept-Encoding": IDENTITY}, text="Send the body as it is.")
