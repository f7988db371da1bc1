"""The instances of one service, and which of them is to be asked: found by name, watched by their word of health."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

import grpc
from grpc_health.v1 import health_pb2

from mesh.rendezvous import chosen
from mesh.rpc import Channels

DNS: Final = "dns:///"
LOOK_UP_S: Final = 2.0
AGAIN_S: Final = 0.25
KEPT: Final = 1_024
"""Choices that are remembered: of all partitions, and of many rooms."""
WATCH: Final = "/grpc.health.v1.Health/Watch"

log = logging.getLogger(__name__)


class Fleet:
    """See the module. An address is one target, several with commas between, or dns:///name:port for all of
    a name.

    Who has not said otherwise counts as well. If nobody is, all are tried: better an error than no attempt.
    """

    def __init__(self, channels: Channels, service: str) -> None:
        self.service = service
        self._channels = channels
        self._address = channels.address(service)
        self._instances: tuple[str, ...] = tuple(each.strip() for each in self._address.split(",") if each.strip())
        self._down: set[str] = set()
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._callbacks: list[Callable[[], None]] = []
        self._target = lru_cache(KEPT)(self._choose)

    @property
    def alone(self) -> bool:
        """Whether there is one instance, always."""
        return len(self._instances) == 1 and not self._address.startswith(DNS)

    def on_change(self, callback: Callable[[], None]) -> None:
        """Is called when other instances may serve what they did not serve before."""
        self._callbacks.append(callback)

    async def start(self) -> None:
        """Finds the instances, and begins to watch them."""
        if self.alone:
            return
        if self._address.startswith(DNS):
            self._instances = ()
            await self._look_up()
            self._looking = asyncio.create_task(self._look())
        self._watch_all()

    async def close(self) -> None:
        """Watches no more."""
        tasks = [*self._watches.values(), *([self._looking] if self._looking is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def target(self, key: int | str) -> str:
        """The address of the instance that serves a partition, or a room; the name itself while it has none."""
        return self._target(key)

    def bare(self, key: int | str) -> grpc.aio.Channel:
        """A bare channel to that instance."""
        return self._channels.to(self.target(key))

    def raw(self, key: int | str) -> grpc.aio.Channel:
        """A channel to that instance, for calls in the own name and for bytes passed through."""
        return self._channels.raw_to(self.target(key))

    @property
    def serving(self) -> Sequence[str]:
        """The instances that serve; all of them while none says so, the name itself while there is none."""
        well = [each for each in self._instances if each not in self._down]
        return well or self._instances or (self._address,)

    def _choose(self, key: int | str) -> str:
        return chosen(key, self.serving)

    # Who there is

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_UP_S)
            await self._look_up()

    async def _look_up(self) -> None:
        host, _, port = self._address.removeprefix(DNS).rpartition(":")
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            log.warning("name_not_found", extra={"host": host, "error": str(error)})
            return  # those that are known may still be there
        self._have(sorted({_target_of(address[4][0], port) for address in found}))

    def _have(self, instances: Sequence[str]) -> None:
        if tuple(instances) == self._instances:
            return
        gone = set(self._instances) - set(instances)
        self._instances = tuple(instances)
        self._down -= gone
        for each in gone & self._watches.keys():
            self._watches.pop(each).cancel()
        self._watch_all()
        self._changed()

    # How they are

    def _watch_all(self) -> None:
        for each in self._instances:
            if each not in self._watches:
                self._watches[each] = asyncio.create_task(self._watch(each))

    async def _watch(self, instance: str) -> None:
        watch = self._channels.to(instance).unary_stream(
            WATCH,
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        while True:
            with contextlib.suppress(grpc.aio.AioRpcError):
                async for answer in watch(health_pb2.HealthCheckRequest()):
                    self._is(instance, well=answer.status == health_pb2.HealthCheckResponse.SERVING)
            self._is(instance, well=False)
            await asyncio.sleep(AGAIN_S)

    def _is(self, instance: str, *, well: bool) -> None:
        if well == (instance not in self._down):
            return
        (self._down.discard if well else self._down.add)(instance)
        log.info("instance_back" if well else "instance_away", extra={"instance": instance})
        self._changed()

    def _changed(self) -> None:
        self._target.cache_clear()
        for callback in self._callbacks:
            callback()


def _target_of(host: str | int, port: str) -> str:
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
