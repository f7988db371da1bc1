"""Running a worker from the service: its progress, its answer, and its end, which nothing outlives."""

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from rushes.errors import FailedPrecondition
from svc_media.core.error import WorkerFailed, WorkerLimit
from svc_media.worker.request import Request, Result, error_from_json

_LOG = logging.getLogger(__name__)
_LINE_BYTES: Final = 128 << 20
"""The times of five million frames fit."""
_KEPT_COMPLAINT_BYTES: Final = 8192
LOOK_S: Final = 0.01
ENDED: Final = "ZX"
"""States of processes (proc_pid_stat(5)) that do nothing any more."""
_LIMIT_SIGNALS: Final = (-signal.SIGXCPU, -signal.SIGXFSZ, -signal.SIGKILL)


class WorkCancelled(FailedPrecondition):
    """Somebody asked for the work to stop."""

    reason = "WORK_CANCELLED"


async def run(
    request: Request,
    *,
    scratch: Path,
    on_progress: Callable[[float], None] = lambda share: None,
    cancel: asyncio.Event | None = None,
    grace_s: float = 2.0,
) -> Result:
    """Does the work in a process of its own; raises what went wrong, WorkCancelled when `cancel` is set.

    `scratch` is a folder on the file system of the output; what a worker leaves there is removed with it. Cancelling
    the task that waits here stops the worker too.
    """
    folder = Path(tempfile.mkdtemp(prefix="work-", dir=scratch))
    try:
        return await _run_in(folder, request, on_progress, cancel or asyncio.Event(), grace_s)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _run_in(
    folder: Path, request: Request, on_progress: Callable[[float], None], cancel: asyncio.Event, grace_s: float
) -> Result:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "svc_media.worker"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env=_environment(folder),
        limit=_LINE_BYTES,
        start_new_session=True,
    )
    answer = asyncio.ensure_future(_answer(process, request, on_progress))
    stop = asyncio.ensure_future(cancel.wait())
    try:
        await asyncio.wait((answer, stop), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise WorkCancelled("The work was stopped.")
        return await answer
    finally:
        stop.cancel()
        answer.cancel()
        await asyncio.shield(asyncio.ensure_future(_end(process, grace_s)))
        await asyncio.gather(answer, stop, return_exceptions=True)


def _environment(folder: Path) -> dict[str, str]:
    """Only what a worker needs: no secret of the service reaches the process that opens strangers' files."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    modules = os.pathsep.join(os.path.abspath(path) for path in sys.path)
    return {**kept, "PYTHONPATH": modules, "TMPDIR": str(folder), "HOME": str(folder), "LC_ALL": "C.UTF-8"}


async def _answer(
    process: asyncio.subprocess.Process, request: Request, on_progress: Callable[[float], None]
) -> Result:
    """Hands the request over and reads lines until there is a result; raises the error told, or how it died."""
    assert process.stdin
    assert process.stdout
    assert process.stderr
    complaints = asyncio.ensure_future(_tail(process.stderr))
    try:
        # A worker that has ended already is told of below; uvloop says RuntimeError of a closed pipe.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, RuntimeError):
            process.stdin.write(request.to_json().encode())
            await process.stdin.drain()
            process.stdin.close()
        async for raw in process.stdout:
            line: dict[str, Any] = json.loads(raw)
            if "progress" in line:
                on_progress(line["progress"])
            elif "result" in line:
                return Result.from_json(line["result"])
            elif "error" in line:
                raise error_from_json(line["error"])
            elif line.get("started", {}).get("network"):
                _LOG.debug("worker_has_network")
        raise _death(await process.wait(), await complaints)
    finally:
        complaints.cancel()


async def _tail(stream: asyncio.StreamReader) -> str:
    """The last that a worker complained about."""
    kept = b""
    while chunk := await stream.read(65536):
        kept = (kept + chunk)[-_KEPT_COMPLAINT_BYTES:]
    return kept.decode(errors="replace")


def _death(code: int, complaint: str) -> WorkerLimit | WorkerFailed:
    if code in _LIMIT_SIGNALS or "MemoryError" in complaint:
        return WorkerLimit("The file needs more memory, time or space than is allowed.", code=str(code))
    _LOG.error("worker_died", extra={"code": code, "complaint": complaint})
    return WorkerFailed("The file made the program that reads it fail.", code=str(code))


async def _end(process: asyncio.subprocess.Process, grace_s: float) -> None:
    """Ends the worker and all that it started: politely, then not."""
    if process.returncode is None:
        _signal(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), grace_s)
    # The group outlives its leader while anything is left in it.
    _signal(process.pid, signal.SIGKILL)
    await process.wait()
    # What it started takes a moment to die too, and writes into its folder until then.
    await asyncio.to_thread(_wait, process.pid, grace_s)


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has ended by itself
        os.killpg(group, number)


def _wait(group: int, longest_s: float) -> None:
    until = time.monotonic() + longest_s
    while lives(group) and time.monotonic() < until:
        time.sleep(LOOK_S)


def lives(group: int) -> bool:
    """Whether a process of the group has not ended; one whose end nobody has asked for yet has."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = entry.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # it has ended since it was listed
            continue
        if int(its_group) == group and state not in ENDED:
            return True
    return False
