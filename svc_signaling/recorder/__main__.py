"""`python -m svc_signaling.recorder ROOM FOLDER SEGMENT_S`: records until it is told to stop (SIGTERM)."""

import asyncio
import contextlib
import ctypes
import logging
import signal
import sys
import time
from pathlib import Path
from typing import Final

import grpc

from mesh import telemetry
from mesh.config import MeshConfig, load
from mesh.fleet import Fleet
from mesh.rpc import Channels
from rushes.sfu.v1 import sfu_service_pb2 as sfu
from rushes.sfu.v1.sfu_service_pb2_grpc import SfuServiceStub
from svc_signaling.core.payload import Codec, Packet
from svc_signaling.recorder.writer import Writer

AGAIN_S: Final = 0.3
TICK_S: Final = 0.2
KEYFRAMES_S: Final = 1.0
SILENT_S: Final = 5.0
"""A forwarder that says nothing for so long is gone: it says something each second."""
_CODECS: Final = {
    sfu.TAP_CODEC_OPUS: Codec.OPUS,
    sfu.TAP_CODEC_VP8: Codec.VP8,
    sfu.TAP_CODEC_H264: Codec.H264,
    sfu.TAP_CODEC_VP9: Codec.VP9,
    sfu.TAP_CODEC_AV1: Codec.AV1,
}
_PR_SET_PDEATHSIG: Final = 1

_logger = logging.getLogger(__name__)


class Recorder:
    """Taps a room on every worker, as it may be on any and move, and writes what comes."""

    def __init__(self, room_id: str, writer: Writer, channels: Channels) -> None:
        self._room_id = room_id
        self._writer = writer
        self._channels = channels
        self._fleet = Fleet(channels, "svc_sfu")
        self._taps: dict[str, asyncio.Task[None]] = {}

    async def run(self, stopped: asyncio.Event) -> None:
        """Until it is told to stop; then every file is complete."""
        self._fleet.on_change(self._fleet_changed)
        await self._fleet.start()
        self._fleet_changed()
        ticking = asyncio.create_task(self._tick_for_ever())
        stopping = asyncio.create_task(stopped.wait())
        try:
            done, _ = await asyncio.wait((stopping, ticking), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            tasks = (*self._taps.values(), ticking, stopping)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._writer.close()
            await self._fleet.close()

    def _fleet_changed(self) -> None:
        serving = set(self._fleet.serving)
        for worker in set(self._taps) - serving:
            self._taps.pop(worker).cancel()
            self._writer.forget(worker)
        for worker in serving - set(self._taps):
            self._taps[worker] = asyncio.create_task(self._tap_for_ever(worker))

    def _stub(self, worker: str) -> SfuServiceStub:
        return SfuServiceStub(self._channels.raw_to(worker))

    async def _tap_for_ever(self, worker: str) -> None:
        while True:
            try:
                await self._tap(worker)
            except (grpc.aio.AioRpcError, TimeoutError) as error:
                _logger.warning("tap_lost", extra={"worker": worker, "error": type(error).__name__})
            except Exception:
                # Whatever came, this worker's other people go on being recorded.
                _logger.exception("tap_lost", extra={"worker": worker})
            self._writer.forget(worker)
            await asyncio.sleep(AGAIN_S)

    async def _tap(self, worker: str) -> None:
        call = self._stub(worker).TapRoom(sfu.TapRoomRequest(room_id=self._room_id))
        try:
            while True:
                async with asyncio.timeout(SILENT_S):
                    response = await call.read()
                if not isinstance(response, sfu.TapRoomResponse):
                    return
                self._took(worker, response)
        finally:
            call.cancel()

    def _took(self, worker: str, response: sfu.TapRoomResponse) -> None:
        for stream in response.streams:
            self._writer.stream((worker, stream.stream), stream.participant_id)
        for each in response.packets:
            codec = _CODECS.get(each.codec)
            if codec is not None:
                packet = Packet(each.seq, each.timestamp, each.marker, codec, each.payload, each.arrival_us)
                self._writer.packet((worker, each.stream), packet)

    async def _tick_for_ever(self) -> None:
        asked_s = 0.0
        while True:
            await asyncio.sleep(TICK_S)
            self._writer.tick(int(time.time() * 1e6))
            if self._writer.wants_keys and time.monotonic() - asked_s > KEYFRAMES_S:
                asked_s = time.monotonic()
                for worker in self._fleet.serving:
                    with contextlib.suppress(grpc.aio.AioRpcError):
                        request = sfu.RequestKeyframesRequest(room_id=self._room_id)
                        await self._stub(worker).RequestKeyframes(request)


async def _record(room_id: str, folder: Path, segment_s: float, mesh: MeshConfig) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    channels = Channels("svc_signaling", mesh)
    try:
        await Recorder(room_id, Writer(folder, int(segment_s * 1e6)), channels).run(stopped)
    finally:
        await channels.close()


def main() -> None:
    """Records."""
    # Whoever reads what was written is gone: so is this, with every file complete.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    room_id, folder, segment_s = sys.argv[1:4]
    mesh = load(MeshConfig, "mesh")
    telemetry.set_up_logging("recorder", mesh.log_level)
    asyncio.run(_record(room_id, Path(folder), float(segment_s), mesh))


if __name__ == "__main__":
    main()
