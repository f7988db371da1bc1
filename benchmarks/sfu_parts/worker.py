"""A forwarder as a process of its own, what svc_signaling would ask of it, and the load in Go."""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import grpc

from benchmarks.measure import cpu_s
from mesh.auth.caller import service_token
from rushes.sfu.v1 import sfu_service_pb2 as sfu
from rushes.sfu.v1.sfu_service_pb2_grpc import SfuServiceStub

CACHE: Final = Path(__file__).parent.parent.parent / ".cache" / "bench"
SOURCE: Final = Path(__file__).parent.parent / "sfu_load"
ROOM: Final = "load"
KEY_BYTES: Final = 28


def go() -> str:
    """The Go command."""
    found = shutil.which("go") or "/usr/local/go/bin/go"
    if not Path(found).exists():
        raise SystemExit("The load is written in Go: install Go 1.26 or later.")
    return found


def build() -> None:
    """Builds the load."""
    CACHE.mkdir(parents=True, exist_ok=True)
    subprocess.run([go(), "build", "-o", str(CACHE / "sfu_load"), "."], cwd=SOURCE, check=True)


class Worker:
    """See the module."""

    def __init__(self, pid: int, stub: SfuServiceStub, metadata: Any) -> None:
        self.pid = pid
        self._stub = stub
        self._metadata = metadata
        self.tracks: dict[str, list[sfu.Track]] = {}
        """What each participant publishes."""

    async def publish(self, who: str, offer: str) -> str:
        """Answers an offer."""
        request = sfu.PublishRequest(room_id=ROOM, participant_id=who, offer=offer)
        published = await self._stub.Publish(request, metadata=self._metadata)
        self.tracks[who] = list(published.tracks)
        return published.answer

    async def subscribe(self, who: str, *, audio: int, video: int) -> str:
        """Offers slots."""
        request = sfu.SubscribeRequest(room_id=ROOM, participant_id=who, audio_slots=audio, video_slots=video)
        return (await self._stub.Subscribe(request, metadata=self._metadata)).offer

    async def accept(self, who: str, answer: str, shows: Sequence[sfu.Show]) -> None:
        """An answer to slots, and what they show."""
        request = sfu.AcceptSlotsRequest(room_id=ROOM, participant_id=who, answer=answer)
        await self._stub.AcceptSlots(request, metadata=self._metadata)
        await self.show(who, shows)

    async def show(self, who: str, shows: Sequence[sfu.Show]) -> None:
        """What slots show from now on."""
        request = sfu.ShowTracksRequest(room_id=ROOM, participant_id=who, shows=shows)
        await self._stub.ShowTracks(request, metadata=self._metadata)

    async def link(self, other: "Worker") -> None:
        """The room is on both: each sends the other what is watched there."""
        relay, there, back = secrets.randbits(63) + 1, secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES)
        request = sfu.OpenRelayRequest(room_id=ROOM, relay_id=relay, peer="one", seal_key=back, open_key=there)
        where = await other._stub.OpenRelay(request, metadata=other._metadata)
        request.peer, request.seal_key, request.open_key = "other", there, back
        request.host, request.port = where.host, where.port
        await self._stub.OpenRelay(request, metadata=self._metadata)

    async def states(self) -> AsyncIterator[sfu.WatchRoomsResponse]:
        """The room, at least each second."""
        async for state in self._stub.WatchRooms(sfu.WatchRoomsRequest(), metadata=self._metadata):
            if state.room_id == ROOM:
                yield state


@contextlib.asynccontextmanager
async def working() -> AsyncIterator[Worker]:
    """A forwarder, ended afterwards."""
    secret = secrets.token_hex(32)
    with tempfile.TemporaryDirectory(prefix="rushes-sfu-") as folder:
        address = f"unix:{folder}/sfu.sock"
        environ = {
            **os.environ,
            "RUSHES_MESH__SECRET": secret,
            "RUSHES_MESH__DATA": folder,
            "RUSHES_MESH__SERVICES": "{}",
            "RUSHES_SFU__LISTEN": address,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "svc_sfu", env=environ, stderr=subprocess.DEVNULL
        )
        try:
            async with grpc.aio.insecure_channel(address) as channel:
                await asyncio.wait_for(channel.channel_ready(), 60)
                metadata = (("rushes-service", service_token("svc_signaling", secret)),)
                yield Worker(process.pid, SfuServiceStub(channel), metadata)
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), 20)


class Span:
    """Two forwarders that a room is on: the first `most` who come are on one, the others on the other."""

    def __init__(self, one: Worker, other: Worker, most: int) -> None:
        self.tracks = one.tracks
        other.tracks = one.tracks
        self._workers = (one, other)
        self._most = most
        self._homes: dict[str, Worker] = {}
        self._linked = False

    def _of(self, who: str) -> Worker:
        return self._homes.setdefault(who, self._workers[len(self._homes) >= self._most])

    async def publish(self, who: str, offer: str) -> str:
        """Answers an offer."""
        answer = await self._of(who).publish(who, offer)
        await self._link()
        return answer

    async def subscribe(self, who: str, *, audio: int, video: int) -> str:
        """Offers slots."""
        offer = await self._of(who).subscribe(who, audio=audio, video=video)
        await self._link()
        return offer

    async def _link(self) -> None:
        """Once both have somebody of the room."""
        if not self._linked and len(self._homes) > self._most:
            self._linked = True
            await self._workers[0].link(self._workers[1])

    async def accept(self, who: str, answer: str, shows: Sequence[sfu.Show]) -> None:
        """An answer to slots, and what they show."""
        await self._of(who).accept(who, answer, shows)


Shows = Callable[[Worker | Span, str], Sequence[sfu.Show]]
"""What somebody's slots show."""


class Load:
    """The load, and what it asks of whoever started it."""

    def __init__(self, *arguments: str) -> None:
        self._command = [str(CACHE / "sfu_load"), *arguments]

    async def run(
        self, pids: Sequence[int], worker: Worker | Span | None, slots: tuple[int, int], shows: Shows
    ) -> dict[str, Any]:
        """Runs it; what it measured, and the CPU seconds of the servers meanwhile. `slots`: for sound, for pictures."""
        log = CACHE / "sfu_load.log"
        with log.open("wb") as told:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=told, limit=1 << 20
            )
        assert process.stdin is not None
        assert process.stdout is not None
        before, spent = list[float](), list[float]()
        result: dict[str, Any] = {}
        async for line in process.stdout:
            asked = json.loads(line)
            if "do" not in asked:
                result = asked
                continue
            if asked["do"] == "begin":
                before = [cpu_s([pid]) for pid in pids]
            elif asked["do"] == "end":
                spent = [cpu_s([pid]) - at for pid, at in zip(pids, before, strict=True)]
            answer = await _answered(worker, asked, slots, shows) if worker is not None else {}
            process.stdin.write(json.dumps(answer).encode() + b"\n")
        if await process.wait() or not result:
            raise SystemExit(f"the load failed: {log.read_text()[-2000:]}")
        packets = max(1, result["received"])
        return result | {"cpu_s": sum(spent), "each_cpu_s": spent, "us_per_packet": 1e6 * sum(spent) / packets}


async def _answered(
    worker: Worker | Span, asked: dict[str, str], slots: tuple[int, int], shows: Shows
) -> dict[str, str]:
    """What svc_signaling would do."""
    if asked["do"] == "publish":
        return {"sdp": await worker.publish(asked["who"], asked["sdp"])}
    if asked["do"] == "subscribe":
        return {"sdp": await worker.subscribe(asked["who"], audio=slots[0], video=slots[1])}
    if asked["do"] == "accept":
        await worker.accept(asked["who"], asked["sdp"], shows(worker, asked["who"]))
    return {}
