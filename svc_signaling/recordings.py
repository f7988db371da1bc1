"""Recordings that go on here: a recorder each, its segments made safe, and afterwards their videos."""

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import grpc

from mesh.blobs import Blobs
from mesh.clock import Clock
from mesh.rpc import to_error
from rushes.errors import ResourceExhausted, RushesError, Unavailable
from rushes.signaling.v1 import recording_pb2 as pb
from rushes.signaling.v1 import room_service_pb2
from svc_signaling.core.name import PART, read_name
from svc_signaling.core.recording import FAILED, RECORDING, moved
from svc_signaling.core.settings import RoomInvalid
from svc_signaling.errors import RoomUnknown
from svc_signaling.processing import Processing, prefix_of
from svc_signaling.recorder.process import RecorderProcess
from svc_signaling.rooms import Desk, Rooms
from svc_signaling.stores import Owned, RecordingStore, Store
from svc_signaling.videos import Videos

LOOK_S: Final = 0.5
AGAIN_S: Final = (0.5, 30.0)
TRIES: Final = 40
LEAVE_S: Final = 3.0
LISTED: Final = 100
READ_EVENTS: Final = 1_000

Work = Callable[[], Awaitable[None]]

_logger = logging.getLogger(__name__)


class Recordings:
    """See the module."""

    def __init__(
        self,
        store: RecordingStore,
        room_store: Store,
        rooms: Rooms,
        blobs: Blobs,
        videos: Videos,
        clock: Clock,
        folder: Path,
        segment_s: float,
        told: Mapping[str, str],
    ) -> None:
        self._store = store
        self._room_store = room_store
        self._rooms = rooms
        self._blobs = blobs
        self._clock = clock
        self._folder = folder
        self._segment_s = segment_s
        self._told = told
        self._scratch = folder / "scratch"
        self._processing = Processing(store, blobs, videos, self._scratch, self._name_of)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._gathering: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Goes on with what was open when the process ended."""
        await asyncio.to_thread(shutil.rmtree, self._scratch, ignore_errors=True)
        await asyncio.to_thread(self._scratch.mkdir, parents=True, mode=0o700)

    def gather(self) -> None:
        """What this instance left when it ended is made safe also of rooms that are another's now."""
        self._gathering = asyncio.create_task(self._gather(), name="gather-segments")

    async def _gather(self) -> None:
        for owned in await self._store.open():
            if self._key(owned.recording.room_id, owned.recording.recording_id) not in self._tasks:
                await self._surely(partial(self._sweep, owned, all_of=True))

    async def resume(self, room_id: str) -> None:
        """See `rooms.Recorder`. If the room was here before, its recorders have left first."""
        leaving = [task for key, task in self._tasks.items() if _is_of(room_id, key) and task.cancelling()]
        if leaving:
            await asyncio.wait(leaving)
        for owned in await self._store.open():
            if owned.recording.room_id == room_id:
                self._begin(owned)

    def lost(self, room_id: str) -> None:
        """See `rooms.Recorder`. What was recorded here until now is made safe."""
        for key, task in list(self._tasks.items()):
            if _is_of(room_id, key):
                task.cancel()

    async def stop(self) -> None:
        """Ends; recordings go on at the next start."""
        tasks = [*self._tasks.values(), *([self._gathering] if self._gathering is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def open_of(self, room_id: str) -> bool:
        """Whether segments of a room may still come."""
        return any(_is_of(room_id, key) for key in self._tasks)

    async def look(self, desk: Desk) -> None:
        """A room that is recorded has a recorder."""
        live, now = desk.live, desk.live.recording
        if now is None or not now.recording_id or self._key(live.room.room_id, now.recording_id) in self._tasks:
            return
        participant = live.people.get(now.participant_id)
        recording = pb.Recording(
            recording_id=now.recording_id,
            room_id=live.room.room_id,
            state=RECORDING,
            started_by=participant.person_id if participant is not None else live.room.created_by,
            start_time_ms=self._clock.now_ms(),
            title=live.room.title,
            asset_id=live.room.asset_id,
        )
        owned = Owned(desk.tenant_id, live.room.project_id, recording)
        await self._store.add(owned)
        self._begin(owned)

    async def all(self, tenant_id: str, project_id: int, room_id: str) -> list[pb.Recording]:
        """See the proto. Raises RoomUnknown."""
        if room_id and await self._room_store.room(tenant_id, project_id, room_id) is None:
            raise RoomUnknown("there is no such room in this project")
        return await self._store.list(tenant_id, project_id, room_id, LISTED)

    async def retry(self, tenant_id: str, project_id: int, room_id: str) -> list[pb.Recording]:
        """See the proto. Raises RoomUnknown and RoomInvalid."""
        if not room_id:
            raise RoomInvalid("recordings are tried again of one room: say which")
        for recording in await self.all(tenant_id, project_id, room_id):
            if recording.state == FAILED:
                # Its videos are made by the instance that has the room.
                await self._rooms.desk(tenant_id, project_id, room_id)
                now_ms = self._clock.now_ms()
                again = Owned(tenant_id, project_id, moved(recording, "retry", now_ms))
                await self._store.put(again, "recording.retry", now_ms)
                self._begin(again)
        return await self.all(tenant_id, project_id, room_id)

    @staticmethod
    def _key(room_id: str, recording_id: str) -> str:
        return f"{room_id}/{recording_id}"

    def _begin(self, owned: Owned) -> None:
        key = self._key(owned.recording.room_id, owned.recording.recording_id)
        if key in self._tasks:
            return
        task = asyncio.create_task(self._run(owned), name=f"recording-{owned.recording.recording_id}")
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._tasks.pop(key, None))

    async def _run(self, owned: Owned) -> None:
        """A recording to its end."""
        try:
            if owned.recording.state == RECORDING:
                owned = await self._record(owned)
            await self._surely(lambda: self._sweep(owned, all_of=True))
            await self._process(owned)
        except Exception:
            # It is open in the store: the next start goes on with it.
            _logger.exception("recording_lost", extra={"recording": owned.recording.recording_id})

    # -- while it goes on ------------------------------------------------------------------------------------

    def _work(self, owned: Owned) -> Path:
        return self._folder / owned.recording.recording_id

    async def _record(self, owned: Owned) -> Owned:
        recording, folder = owned.recording, self._work(owned)
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True, mode=0o700)
        # What a recorder that is gone left is as complete as it will be.
        await self._surely(lambda: self._sweep(owned, all_of=True))
        recorder = RecorderProcess(recording.room_id, folder, self._segment_s, self._told)
        try:
            while self._goes_on(owned):
                if not recorder.running:
                    await self._surely(lambda: self._sweep(owned, all_of=True))
                await recorder.ensure()
                await self._surely(lambda: self._sweep(owned, all_of=False))
                await asyncio.sleep(LOOK_S)
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.ensure_future(self._leave(owned, recorder)))
            raise
        except BaseException:
            await asyncio.shield(asyncio.ensure_future(recorder.stop()))
            raise
        await recorder.stop()
        now_ms = self._clock.now_ms()
        ended = Owned(owned.tenant_id, owned.project_id, moved(recording, "stop", now_ms))
        await self._surely(lambda: self._store.put(ended, "recording.stop", now_ms))
        return ended

    async def _leave(self, owned: Owned, recorder: RecorderProcess) -> None:
        """This instance stops, or another goes on with it. What cannot be made safe now is when it starts again."""
        await recorder.stop()
        try:
            async with asyncio.timeout(LEAVE_S):
                await self._sweep(owned, all_of=True)
        except (TimeoutError, RushesError) as error:
            _logger.warning("segments_left", extra={"recording": owned.recording.recording_id, "why": str(error)})

    def _goes_on(self, owned: Owned) -> bool:
        desk = self._rooms.held(owned.recording.room_id)
        return desk is None or desk.live.recording_id == owned.recording.recording_id

    async def _sweep(self, owned: Owned, *, all_of: bool) -> None:
        """Makes segments safe: those that are complete, or all there are."""
        folder = self._work(owned)
        paths = await asyncio.to_thread(lambda: sorted(folder.iterdir()) if folder.exists() else [])
        for path in paths:
            name = read_name(path.name)
            if name is None or (path.name.endswith(PART) and not all_of):
                continue
            size = (await asyncio.to_thread(path.stat)).st_size
            if not size:
                await asyncio.to_thread(path.unlink)
                continue
            await self._blobs.put_file(f"{prefix_of(owned)}{name}", path)
            await self._tell(owned, str(name), size)

    async def _tell(self, owned: Owned, name: str, size_bytes: int) -> None:
        segment = pb.RecordingSegment(recording_id=owned.recording.recording_id, name=name, size_bytes=size_bytes)
        desk = self._rooms.held(owned.recording.room_id)
        if desk is not None:  # of a room that is another instance's by now it is not told
            await self._rooms.act(desk, "", lambda live: [room_service_pb2.Event(segment=segment)])

    # -- afterwards ------------------------------------------------------------------------------------------

    async def _process(self, owned: Owned) -> None:
        what, error = "complete", ""
        try:
            await self._surely(lambda: self._processing.run(owned))
        except RushesError as refusal:
            _logger.warning("recording_refused", extra={"reason": refusal.reason})
            what, error = "fail", str(refusal)
        except Exception:
            _logger.exception("recording_failed", extra={"recording": owned.recording.recording_id})
            what, error = "fail", "Something went wrong here; try it again."
        now_ms = self._clock.now_ms()
        after = Owned(owned.tenant_id, owned.project_id, moved(owned.recording, what, now_ms, error))
        await self._surely(lambda: self._store.put(after, f"recording.{what}", now_ms))
        await asyncio.to_thread(shutil.rmtree, self._work(owned), ignore_errors=True)

    async def _name_of(self, owned: Owned, participant_id: str) -> str:
        """The name of somebody in a room, also of who is long gone."""
        room_id, after, name = owned.recording.room_id, 0, ""
        while kept := await self._room_store.events(room_id, after, READ_EVENTS):
            for each in kept:
                if each.event.participant.participant_id == participant_id:
                    name = each.event.participant.name
            after = kept[-1].event.ordinal
        return name

    async def _surely(self, work: Work) -> None:
        """Again while what it needs is not there."""
        wait_s, longest_s = AGAIN_S
        for left in reversed(range(TRIES)):
            try:
                await work()
                return
            except (Unavailable, ResourceExhausted) as error:
                if not left:
                    raise
                _logger.warning("recording_tried_again", extra={"reason": error.reason})
            except grpc.aio.AioRpcError as error:
                refusal = to_error(error)
                if not left or not isinstance(refusal, Unavailable | ResourceExhausted):
                    raise refusal from error
                _logger.warning("recording_tried_again", extra={"reason": refusal.reason})
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, longest_s)


def _is_of(room_id: str, key: str) -> bool:
    return key.partition("/")[0] == room_id
