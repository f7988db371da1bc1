"""WebSockets that are not taken."""

from typing import cast

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from prometheus_client import REGISTRY

from gateway.http.call import SocketCalls
from gateway.http.socket import MUX_PATH, SocketRefusals, Sockets

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Protocol": "rushes-streams",
}


class Crowded:
    """Takes nobody from anywhere."""

    full = False

    def crowded(self, peer: str, address: str) -> bool:
        """See Sockets."""
        return True


def refused() -> float:
    """How many connections were, so far."""
    return REGISTRY.get_sample_value("rushes_gateway_refusals_total", {"kind": "connection"}) or 0.0


@pytest.mark.asyncio
async def test_a_socket_that_a_proxy_brings_and_is_one_too_many_counts_among_those_refused() -> None:
    refusals = SocketRefusals(cast(Sockets, Crowded()), cast(SocketCalls, None))
    before = refused()
    with pytest.raises(web.HTTPTooManyRequests):
        await refusals.streams(make_mocked_request("GET", MUX_PATH, UPGRADE))
    assert refused() == before + 1
