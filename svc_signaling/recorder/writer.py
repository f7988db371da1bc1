"""All files of a recording: each participant's frames into takes, each take's segments into files."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final, TypeAlias

from av import FFmpegError

from svc_signaling.core.payload import Assembler, Frame, Packet
from svc_signaling.core.take import Begin, End, Step, Takes, Write
from svc_signaling.recorder.file import File

MAX_STREAMS: Final = 4_000
StreamKey: TypeAlias = tuple[str, int]
"""Which worker's, and its number there."""

_logger = logging.getLogger(__name__)


class Writer:
    """See the module."""

    def __init__(self, folder: Path, segment_us: int) -> None:
        self._folder = folder
        self._segment_us = segment_us
        self._streams: dict[StreamKey, tuple[str, Assembler]] = {}
        self._takes: dict[str, Takes] = {}
        self._files: dict[str, File] = {}

    @property
    def wants_keys(self) -> bool:
        """Whether a file waits for a keyframe to begin with."""
        return any(takes.wants_key for takes in self._takes.values())

    def stream(self, key: StreamKey, participant_id: str) -> None:
        """A stream of somebody, of whom there may be others."""
        if len(self._streams) < MAX_STREAMS:
            self._streams[key] = (participant_id, Assembler())

    def packet(self, key: StreamKey, packet: Packet) -> None:
        """A packet of a stream."""
        known = self._streams.get(key)
        if known is not None:
            self._frames(known[0], known[1].push(packet))

    def forget(self, worker: str) -> None:
        """What comes of this worker from now on is of other streams."""
        for key in [key for key in self._streams if key[0] == worker]:
            participant_id, assembler = self._streams.pop(key)
            self._frames(participant_id, assembler.flush())

    def tick(self, now_us: int) -> None:
        """Time passes."""
        for participant_id, takes in list(self._takes.items()):
            self._do(participant_id, takes.tick(now_us))

    def close(self) -> None:
        """Every file is complete."""
        for worker in {worker for worker, _ in self._streams}:
            self.forget(worker)
        for participant_id, takes in self._takes.items():
            self._do(participant_id, takes.end())

    def _frames(self, participant_id: str, frames: Iterable[Frame]) -> None:
        for frame in frames:
            takes = self._takes.get(participant_id)
            if takes is None:
                takes = self._takes[participant_id] = Takes(self._segment_us)
            self._do(participant_id, takes.take(frame))

    def _do(self, participant_id: str, steps: Iterable[Step]) -> None:
        for step in steps:
            if isinstance(step, Begin):
                self._open(participant_id, step)
            elif isinstance(step, Write):
                self._write(participant_id, step)
            elif isinstance(step, End):
                file = self._files.pop(participant_id, None)
                if file is not None:
                    file.close()

    def _open(self, participant_id: str, begin: Begin) -> None:
        try:
            self._files[participant_id] = File(self._folder, participant_id, begin)
        except (FFmpegError, ValueError) as error:
            _logger.warning("file_not_begun", extra={"participant": participant_id, "error": str(error)})

    def _write(self, participant_id: str, frame: Write) -> None:
        file = self._files.get(participant_id)
        if file is None:
            return
        try:
            file.write(frame)
        except FFmpegError as error:
            # One frame that a container does not take is no reason to lose the others.
            _logger.warning("frame_not_written", extra={"file": str(file.name), "error": str(error)})
