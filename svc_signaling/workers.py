"""The workers of svc_sfu: people of a room are on one of them until it is full, then on others that are linked."""

import asyncio
import contextlib
import logging
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import grpc

from mesh.fleet import Fleet
from mesh.rpc import Channels
from rushes.sfu.v1 import sfu_service_pb2 as sfu
from rushes.sfu.v1.sfu_service_pb2_grpc import SfuServiceStub
from svc_signaling.placement import place, plan

RETRY_S: Final = 0.5
TELL_S: Final = 2.0
"""How long a worker has to say which rooms it has before another is chosen for somebody who has none."""
LINK_S: Final = 3.0
"""How long both ends of a new link have to tell of it."""
KEY_BYTES: Final = 28
"""Of AES-128 and its salt."""

_logger = logging.getLogger(__name__)


class Workers:
    """See the module. `changed` is called with the id of a room whose state is another one; `most` people are on a
    worker while another has fewer.

    Who is on a worker that stops serving, or cannot be reached, is on none: their state is gone, by which they know to
    come again, and then another worker is chosen. The others of the room stay where they are.
    """

    def __init__(self, channels: Channels, changed: Callable[[str], None], most: int) -> None:
        self._fleet = Fleet(channels, "svc_sfu")
        self._channels = channels
        self._changed = changed
        self._most = most
        self._homes: dict[str, dict[str, str]] = {}
        """Of each room, the worker of each participant."""
        self._placed: dict[str, set[str]] = {}
        """Participants whose worker was chosen here, and is theirs until they leave; others are where it is told."""
        self._states: dict[str, dict[str, sfu.WatchRoomsResponse]] = {}
        self._merged: dict[str, sfu.WatchRoomsResponse] = {}
        """Of rooms whose state did not change since it was asked for."""
        self._linked: dict[str, dict[tuple[str, str], float]] = {}
        """When the links of a room were made."""
        self._linking: dict[str, asyncio.Lock] = {}
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
        """What its workers tell of a room; None: nothing."""
        merged = self._merged.get(room_id)
        if merged is None and room_id in self._states:
            merged = self._merged[room_id] = _merged(self._states[room_id], self._homes.get(room_id, {}))
        return merged if merged is not None and merged.participants else None

    async def of(self, room_id: str, participant_id: str) -> SfuServiceStub:
        """The worker of a participant; one is chosen if there is none."""
        if participant_id not in self._homes.get(room_id, {}):
            await self._all_told()
        homes = self._homes.setdefault(room_id, {})
        if participant_id not in homes:
            load = Counter(worker for people in self._homes.values() for worker in people.values())
            here = Counter(homes.values())
            homes[participant_id] = place(room_id, self._fleet.serving, here, load, self._most)
        self._placed.setdefault(room_id, set()).add(participant_id)
        return self._stub(homes[participant_id])

    async def at(self, room_id: str, participant_id: str) -> SfuServiceStub | None:
        """The worker of a participant who is on one; None: they are on none."""
        if participant_id not in self._homes.get(room_id, {}):
            await self._all_told()
        home = self._homes.get(room_id, {}).get(participant_id)
        return self._stub(home) if home is not None else None

    async def having(self, room_id: str, participant_id: str = "") -> list[SfuServiceStub]:
        """The workers that have anything of a participant, or of a room."""
        if room_id not in self._homes:
            await self._all_told()
        homes, states = self._homes.get(room_id, {}), self._states.get(room_id, {})
        if not participant_id:
            return [self._stub(worker) for worker in sorted({*homes.values(), *states})]
        telling = {
            worker
            for worker, state in states.items()
            if any(each.participant_id == participant_id for each in state.participants)
        }
        home = homes.get(participant_id)
        return [self._stub(worker) for worker in sorted(telling | ({home} if home is not None else set()))]

    def forget(self, room_id: str, participant_id: str = "") -> None:
        """A participant has left, or a room is over."""
        if participant_id:
            self._homes.get(room_id, {}).pop(participant_id, None)
            self._placed.get(room_id, set()).discard(participant_id)
            return
        for table in (self._homes, self._placed, self._linked):
            table.pop(room_id, None)
        lock = self._linking.get(room_id)
        if lock is not None and not lock.locked():
            del self._linking[room_id]

    def let_go(self, room_id: str) -> None:
        """Another instance places people of a room from now on: they are where workers tell, and nowhere else."""
        homes, states = self._homes.get(room_id, {}), self._states.get(room_id, {})
        told = {worker: {each.participant_id for each in state.participants} for worker, state in states.items()}
        self.forget(room_id)
        self._homes[room_id] = {each: home for each, home in homes.items() if each in told.get(home, ())}
        for worker, people in told.items():
            self._learn(worker, room_id, people)
        if not self._homes.get(room_id):
            self.forget(room_id)
        self._merged.pop(room_id, None)

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

    # -- links -----------------------------------------------------------------------------------------------

    async def connect(self, room_id: str) -> None:
        """Every two workers that have people of a room are linked. To be called by whoever owns the room."""
        if len(set(self._homes.get(room_id, {}).values())) < 2 and not self._relays(room_id):
            return
        async with self._linking.setdefault(room_id, asyncio.Lock()):
            wanted = plan(set(self._homes.get(room_id, {}).values()), self._relays(room_id))
            linked, now_s = self._linked.setdefault(room_id, {}), asyncio.get_running_loop().time()
            for ends in wanted.open:
                if now_s - linked.get(ends, float("-inf")) > LINK_S and await self._link(room_id, *ends):
                    linked[ends] = now_s
            for worker, peer in wanted.close:
                with contextlib.suppress(grpc.aio.AioRpcError):
                    await self._stub(worker).CloseRelay(sfu.CloseRelayRequest(room_id=room_id, peer=peer))

    def _relays(self, room_id: str) -> dict[str, dict[str, int]]:
        states = self._states.get(room_id, {})
        return {
            worker: {each.peer: each.relay_id for each in state.relays}
            for worker, state in states.items()
            if state.relays
        }

    async def _link(self, room_id: str, one: str, other: str) -> bool:
        """Tells both ends of a link the same keys, fresh ones; the second also where the first is. Whether it did."""
        there, back = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES)
        request = sfu.OpenRelayRequest(
            room_id=room_id, relay_id=secrets.randbits(63) + 1, peer=one, seal_key=back, open_key=there
        )
        try:
            where = await self._stub(other).OpenRelay(request)
            request.peer, request.seal_key, request.open_key = other, there, back
            request.host, request.port = where.host, where.port
            await self._stub(one).OpenRelay(request)
        except grpc.aio.AioRpcError as error:
            # As while nobody of the room has come to one of them yet. It is looked at again in a second.
            _logger.info("relay_not_open", extra={"room": room_id, "code": error.code().name})
            return False
        return True

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
        people = 0
        for room_id, homes in list(self._homes.items()):
            lost = [participant for participant, home in homes.items() if home == worker]
            people += len(lost)
            for participant in lost:
                self.forget(room_id, participant)
        if people:
            _logger.warning("people_move", extra={"worker": worker, "people": people})
        for room_id in [room_id for room_id, states in self._states.items() if worker in states]:
            self._gone(worker, room_id)

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
        unseen = {room_id for room_id, states in self._states.items() if worker in states}
        told = self._told[worker]
        async for state in self._stub(worker).WatchRooms(sfu.WatchRoomsRequest()):
            if state.room_id:
                unseen.discard(state.room_id)
                self._took(worker, state)
            elif not told.is_set() or unseen:
                told.set()
                for room_id in unseen:
                    self._gone(worker, room_id)
                unseen.clear()

    def _took(self, worker: str, state: sfu.WatchRoomsResponse) -> None:
        if not (state.tracks or state.participants):
            return self._gone(worker, state.room_id)
        self._learn(worker, state.room_id, {each.participant_id for each in state.participants})
        self._states.setdefault(state.room_id, {})[worker] = state
        self._merge(state.room_id)

    def _learn(self, worker: str, room_id: str, people: set[str]) -> None:
        """Whoever is told of there is there, unless they have come to another meanwhile."""
        homes, placed = self._homes.setdefault(room_id, {}), self._placed.get(room_id, set())
        for participant in people:
            homes.setdefault(participant, worker)
        for participant in [each for each, home in homes.items() if home == worker]:
            if participant not in people and participant not in placed:
                del homes[participant]
        if not homes:
            self.forget(room_id)

    def _gone(self, worker: str, room_id: str) -> None:
        self._learn(worker, room_id, set())
        states = self._states.get(room_id, {})
        if states.pop(worker, None) is not None:
            self._merge(room_id)

    def _merge(self, room_id: str) -> None:
        if not self._states[room_id]:
            del self._states[room_id]
        self._merged.pop(room_id, None)
        self._changed(room_id)


def _merged(states: Mapping[str, sfu.WatchRoomsResponse], homes: Mapping[str, str]) -> sfu.WatchRoomsResponse:
    """One state of all workers: of each participant what the own worker tells. Another's is of before, and will end."""
    merged = sfu.WatchRoomsResponse()
    for worker, state in states.items():
        foreign = any(homes.get(each.participant_id) != worker for each in state.participants)
        if len(states) == 1 and not foreign:
            return state
        merged.tracks.extend(each for each in state.tracks if homes.get(each.participant_id) == worker)
        merged.participants.extend(each for each in state.participants if homes.get(each.participant_id) == worker)
    return merged
