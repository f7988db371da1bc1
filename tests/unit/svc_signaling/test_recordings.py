"""Recordings that go on here, beside the rooms they are of."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mesh.clock import Clock
from rushes.signaling.v1 import recording_pb2 as pb
from svc_signaling import recordings as module
from svc_signaling.core.recording import COMPLETED, FAILED, PROCESSING, RECORDING
from svc_signaling.core.settings import RoomInvalid
from svc_signaling.recordings import Recordings
from svc_signaling.stores import Owned

OWNER = ("tenant", 7)


class Kept:
    """Recordings, in memory."""

    def __init__(self, *recordings: pb.Recording) -> None:
        self.of = {each.recording_id: each for each in recordings}

    async def put(self, owned: Owned, action: str = "", now_ms: int = 0) -> None:
        self.of[owned.recording.recording_id] = owned.recording

    async def open(self) -> list[Owned]:
        return [Owned(*OWNER, each) for each in self.of.values() if each.state in (RECORDING, PROCESSING)]

    async def list(self, tenant_id: str, project_id: int, room_id: str, limit: int) -> list[pb.Recording]:
        return [each for each in self.of.values() if room_id in ("", each.room_id)]

    async def room(self, tenant_id: str, project_id: int, room_id: str) -> object:
        return object()


class Rooms:
    """Of which it counts those that were taken."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def desk(self, tenant_id: str, project_id: int, room_id: str) -> None:
        self.taken.append(room_id)

    def held(self, room_id: str) -> None:
        return None


class Recorder:
    """Begins at once, and leaves when it is let."""

    begun: int
    began: asyncio.Event
    leaving: asyncio.Event
    let: asyncio.Event
    running = False

    def __init__(self, *told: object) -> None: ...

    @classmethod
    def prepare(cls) -> None:
        """Nobody has begun."""
        cls.begun, cls.began, cls.leaving, cls.let = 0, asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def ensure(self) -> None:
        if not self.running:
            self.running = True
            Recorder.begun += 1
            self.began.set()

    async def stop(self) -> None:
        self.leaving.set()
        await self.let.wait()


def recordings(kept: Kept, rooms: Rooms, folder: Path) -> Recordings:
    store: Any = kept
    its_rooms: Any = rooms
    none: Any = None
    return Recordings(store, store, its_rooms, none, none, Clock(), folder, 600, {})


async def test_a_room_that_comes_back_while_its_recorder_leaves_has_a_new_one_of_the_same_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Recorder.prepare()
    monkeypatch.setattr(module, "RecorderProcess", Recorder)
    here = recordings(Kept(pb.Recording(recording_id="r", room_id="room", state=RECORDING)), Rooms(), tmp_path)
    await here.resume("room")
    await Recorder.began.wait()
    here.lost("room")
    await Recorder.leaving.wait()
    Recorder.began.clear()
    back = asyncio.create_task(here.resume("room"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not back.done(), "the one before has not left"
    Recorder.let.set()
    await back
    assert here.open_of("room")
    await Recorder.began.wait()
    assert Recorder.begun == 2
    await here.stop()


async def test_only_a_room_with_what_failed_is_taken_to_try_again(tmp_path: Path) -> None:
    kept, rooms = Kept(), Rooms()
    for room_id, state in (("ended", COMPLETED), ("now", RECORDING), ("failed", FAILED), ("failed", FAILED)):
        await kept.put(Owned(*OWNER, pb.Recording(recording_id=f"r{len(kept.of)}", room_id=room_id, state=state)))
    here = recordings(kept, rooms, tmp_path)
    with pytest.raises(RoomInvalid):
        await here.retry(*OWNER, "")
    await here.retry(*OWNER, "ended")
    await here.retry(*OWNER, "now")
    assert rooms.taken == []
    again = await here.retry(*OWNER, "failed")
    assert (rooms.taken, [each.state for each in again]) == (["failed", "failed"], [PROCESSING, PROCESSING])
    await here.stop()
