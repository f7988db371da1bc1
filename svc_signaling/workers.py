"""The workers of svc_sfu: each room lives on one of them, and stays there until that one goes."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

import grpc

from mesh.fleet import Fleet
from mesh.rendezvous import chosen
from mesh.rpc import Channels
from rushes.sfu.v1 import sfu_service_pb2 as sfu
from rushes.sfu.v1.sfu_service_pb2_grpc import SfuServiceStub

RETRY_S: Final = 0.5
TELL_S: Final = 2.0
"""How long a worker has to say which rooms it has before another is chosen for one that has no home."""

_logger = logging.getLogger(__name__)


class Workers:
    """See the module. `changed` is called with the id of a room whose state is another one.

    A worker that stops serving, or cannot be reached, loses its rooms: their state is gone, by which whoever is in them
    knows to come again, and then another worker is chosen.
    """

    def __init__(self, channels: Channels, changed: Callable[[str], None]) -> None:
        self._fleet = Fleet(channels, "svc_sfu")
        self._channels = channels
        self._changed = changed
        self._homes: dict[str, str] = {}
        self._states: dict[str, sfu.WatchRoomsResponse] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._told: dict[str, asyncio.Event] = {}

    async def start(self) -> None:
        """Finds the workers, and begins to listen to them."""
        self._fleet.on_change(self._fleet_changed)
        await self._fleet.start()
        self._fleet_changed()

    async def stop(self) -> None:
        """Listens no more."""
        await self._fleet.close()
        watches = list(self._watches.values())
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)

    def state(self, room_id: str) -> sfu.WatchRoomsResponse | None:
        """What its worker tells of a room; None: nothing."""
        return self._states.get(room_id)

    async def of(self, room_id: str) -> SfuServiceStub:
        """The worker of a room; one is chosen if it has none."""
        home = self._homes.get(room_id)
        if home is None:
            await self._all_told()
            home = self._homes.setdefault(room_id, chosen(room_id, self._fleet.serving))
        return self._stub(home)

    def forget(self, room_id: str) -> None:
        """A room is over."""
        self._homes.pop(room_id, None)

    def _stub(self, worker: str) -> SfuServiceStub:
        return SfuServiceStub(self._channels.raw_to(worker))

    async def _all_told(self) -> None:
        """Waits until all have said which rooms they have: after a start of this service those rooms stay there."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TELL_S):
                for worker in self._fleet.serving:
                    told = self._told.get(worker)
                    if told is not None:
                        await told.wait()

    # -- who there is ----------------------------------------------------------------------------------------

    def _fleet_changed(self) -> None:
        serving = set(self._fleet.serving)
        for worker in set(self._watches) - serving:
            self._watches.pop(worker).cancel()
            self._told.pop(worker, None)
            self._lose(worker)
        for worker in serving - set(self._watches):
            self._told[worker] = asyncio.Event()
            self._watches[worker] = asyncio.create_task(self._watch_for_ever(worker), name="watch-sfu")

    def _lose(self, worker: str) -> None:
        lost = [room_id for room_id, home in self._homes.items() if home == worker]
        if lost:
            _logger.warning("rooms_move", extra={"worker": worker, "rooms": len(lost)})
        for room_id in lost:
            del self._homes[room_id]
            self._gone(room_id)

    async def _watch_for_ever(self, worker: str) -> None:
        while True:
            try:
                await self._watch(worker)
            except grpc.aio.AioRpcError as error:
                _logger.warning("sfu_lost", extra={"worker": worker, "code": error.code().name, "why": error.details()})
            except Exception:
                _logger.exception("sfu_watch_failed", extra={"worker": worker})
            await asyncio.sleep(RETRY_S)

    async def _watch(self, worker: str) -> None:
        """Follows a worker; a room that it does not tell of at the beginning has no tracks any more."""
        unseen = {room_id for room_id, home in self._homes.items() if home == worker and room_id in self._states}
        told = self._told[worker]
        async for state in self._stub(worker).WatchRooms(sfu.WatchRoomsRequest()):
            if state.room_id:
                unseen.discard(state.room_id)
                self._took(worker, state)
            elif not told.is_set() or unseen:
                told.set()
                for room_id in unseen:
                    self._gone(room_id)
                unseen.clear()

    def _took(self, worker: str, state: sfu.WatchRoomsResponse) -> None:
        lives = bool(state.tracks or state.participants)
        home = self._homes.setdefault(state.room_id, worker) if lives else self._homes.get(state.room_id)
        if home != worker:
            return  # it moved: what the one before still has of it ends by itself
        if not lives:
            return self._gone(state.room_id)
        self._states[state.room_id] = state
        self._changed(state.room_id)

    def _gone(self, room_id: str) -> None:
        if self._states.pop(room_id, None) is not None:
            self._changed(room_id)
