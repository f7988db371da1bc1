"""Puts the service together."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Final

import grpc

from mesh.service import Runtime
from rushes.sfu.v1 import sfu_service_pb2_grpc
from svc_sfu import metrics
from svc_sfu.config import SfuConfig
from svc_sfu.engine import Engine
from svc_sfu.near import ANY, is_loopback
from svc_sfu.outward import outward_address
from svc_sfu.server import SfuServicer, Watchers

MOVE_S: Final = 2.0
"""What people have to come to another worker before this one closes their transports."""

LOOK_S: Final = 0.05


class SfuParts:
    """See `mesh.service.Service`."""

    def __init__(self, config: SfuConfig, runtime: Runtime, outward: Sequence[str] = ()) -> None:
        self._watchers = Watchers()
        self._now_ms = runtime.clock.now_ms
        own = own_addresses(config.host)
        inner = config.inner_address or own[0]
        told = [*outward, *(config.addresses or own)]
        self._engine = Engine(config.host, config.port, told, self._watchers.changed, inner=inner)

    def register(self, server: grpc.aio.Server) -> None:
        """See Service."""
        sfu_service_pb2_grpc.add_SfuServiceServicer_to_server(
            SfuServicer(self._engine, self._watchers, self._now_ms), server
        )

    async def start(self) -> None:
        """See Service."""
        self._engine.start()
        metrics.watch(self._engine)

    async def drain(self) -> None:
        """See Service. Signalling knows by now, and brings the rooms to another worker, if there is one."""
        for _ in range(int(MOVE_S / LOOK_S)):
            if not self._engine.rooms:
                return
            await asyncio.sleep(LOOK_S)

    async def stop(self) -> None:
        """See Service."""
        await self._engine.close()


def own_addresses(host: str) -> Sequence[str]:
    """Where this machine can be reached if it receives on that address, the best first."""
    near = is_loopback(host)
    if host not in ANY and not near:
        return [socket.gethostbyname(host)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: the kernel only chooses the way out
            outward: list[str] = [probe.getsockname()[0]]
        except OSError:
            outward = []
    return ["127.0.0.1", *outward] if near else [*outward, "127.0.0.1"]


async def build(config: SfuConfig, runtime: Runtime) -> SfuParts:
    """The service of this configuration. Raises ConfigError."""
    return SfuParts(config, runtime, [await outward_address(config.stun)] if config.stun else ())
