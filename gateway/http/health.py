"""What whoever watches over a gateway asks: whether it lives, and its numbers."""

import ipaddress

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

ELSEWHERE = "The numbers are told on this machine alone, and at the address of RUSHES_MESH__METRICS_PORT.\n"


async def alive(request: web.Request) -> web.Response:
    """That it lives."""
    return web.Response(text="ok")


async def numbers(request: web.Request) -> web.Response:
    """For Prometheus."""
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def near_numbers(request: web.Request) -> web.Response:
    """The same, for this machine alone, though the port is open to everybody.

    A proxy on this machine is told by what it adds: one that adds neither header has to refuse this path itself.
    """
    if not _is_near(request.remote or "") or any(name in request.headers for name in ("X-Forwarded-For", "Forwarded")):
        raise web.HTTPNotFound(text=ELSEWHERE)
    return await numbers(request)


def _is_near(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
