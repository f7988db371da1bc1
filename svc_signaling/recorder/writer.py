"""All files of a recording: each participant's frames into takes, each take's segments into files."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

from svc_signaling.core.payload import Assembler, Frame, Packet
from svc_signaling.core.take import Begin, Step, Takes, Write
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
            with self._alone(known[0], key):
                self._frames(known[0], known[1].push(packet))

    def forget(self, worker: str) -> None:
        """What comes of this worker from now on is of other streams."""
        for key in [key for key in self._streams if key[0] == worker]:
            participant_id, assembler = self._streams[key]
            with self._alone(participant_id, key):
                self._frames(participant_id, assembler.flush())
            self._streams.pop(key, None)

    def tick(self, now_us: int) -> None:
        """Time passes."""
        for participant_id, takes in list(self._takes.items()):
            with self._alone(participant_id):
                self._do(participant_id, takes.tick(now_us))

    def close(self) -> None:
        """Every file is complete."""
        for worker in {worker for worker, _ in self._streams}:
            self.forget(worker)
        for participant_id, takes in self._takes.items():
            with self._alone(participant_id):
                self._do(participant_id, takes.end())

    @contextmanager
    def _alone(self, participant_id: str, key: StreamKey | None = None) -> Iterator[None]:
        """Whatever somebody sends, the others are recorded: a stream that cannot be read ends alone."""
        try:
            yield
        except Exception:
            _logger.exception("not_recorded", extra={"participant": participant_id})
            if key is not None:
                self._streams.pop(key, None)

    def _frames(self, participant_id: str, frames: Iterable[Frame]) -> None:
        for frame in frames:
            takes = self._takes.get(participant_id)
            if takes is None:
                takes = self._takes[participant_id] = Takes(self._segment_us)
            self._do(participant_id, takes.take(frame))

    def _do(self, participant_id: str, steps: Iterable[Step]) -> None:
        for step in steps:
            try:
                self._step(participant_id, step)
            except Exception as error:
                # A frame may be anything; one that a container does not take is no reason to lose the others.
                told = {"participant": participant_id, "step": type(step).__name__, "error": repr(error)}
                _logger.warning("step_not_written", extra=told)

    def _step(self, participant_id: str, step: Step) -> None:
        if isinstance(step, Begin):
            self._files[participant_id] = File(self._folder, participant_id, step)
            return
        file = self._files.get(participant_id)
        if file is None:
            return
        if isinstance(step, Write):
            file.write(step)
        else:
            del self._files[participant_id]
            file.close()
