"""The recorder's processes, seen from the service: begun, told to stop, begun again when they die."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from mesh.config import MeshConfig
from rushes.errors import FailedPrecondition

GRACE_S: Final = 10.0
JOIN_S: Final = 3600.0

_logger = logging.getLogger(__name__)


class TakeUnreadable(FailedPrecondition):
    """Of what was written of a take, nothing can be read."""

    reason = "TAKE_UNREADABLE"


def _modules() -> str:
    return os.pathsep.join(os.path.abspath(path) for path in sys.path)


def environment(mesh: MeshConfig) -> dict[str, str]:
    """What the processes are told: how to reach the forwarder, and what proves who they are."""
    return {
        **os.environ,
        "PYTHONPATH": _modules(),
        "RUSHES_MESH__SECRET": mesh.secret,
        "RUSHES_MESH__SERVICES": json.dumps(dict(mesh.services)),
    }


class RecorderProcess:
    """Writes what is published in a room into files of a folder, until it is stopped."""

    def __init__(self, room_id: str, folder: Path, segment_s: float, told: Mapping[str, str]) -> None:
        self._arguments = (room_id, str(folder), str(segment_s))
        self._told = told
        self._process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        """Whether it writes."""
        return self._process is not None and self._process.returncode is None

    async def ensure(self) -> None:
        """Begins it, if it does not run (any more)."""
        if self.running:
            return
        if self._process is not None:
            _logger.warning("recorder_died", extra={"code": self._process.returncode, "room": self._arguments[0]})
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "svc_signaling.recorder", *self._arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            env=self._told,
        )

    async def stop(self) -> None:
        """Every file is complete, or as far as it came, when this returns."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(GRACE_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def join(output: Path, segments: Sequence[Path]) -> dict[str, int]:
    """Makes one file of a take's segments; gives what is in it. Raises TakeUnreadable."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "svc_signaling.recorder.join", str(output), *map(str, segments)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": _modules()},
    )
    try:
        async with asyncio.timeout(JOIN_S):
            said, _ = await process.communicate()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise TakeUnreadable("what was recorded of somebody cannot be read", code=str(process.returncode))
    facts: dict[str, int] = json.loads(said)
    if not facts["duration_ms"]:
        raise TakeUnreadable("what was recorded of somebody is empty")
    return facts
