"""What moving old versions to the archive does to those who are at work meanwhile: people write without and with it, in
turns of a few seconds, so that both have the same machine. In between the service of versions is held.
"""

import asyncio
import json
import os
import secrets
import shutil
import signal
import sqlite3
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import rushes
from benchmarks.footage import footage
from benchmarks.history_writer import Writer, percentile
from benchmarks.measure import cpu_s
from benchmarks.stack import Stack, running
from benchmarks.studio import Studio
from rushes.annotation.v1.annotation_pb2 import ANNOTATION_KIND_COMMENT, Annotation
from rushes.annotation.v1.operation_pb2 import CreateOperation, Operation
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT
from rushes.version.v1 import version_service_pb2 as version
from rushes.version.v1.version_service_pb2_grpc import VersionServiceStub
from svc_version.core.model import Tier

VIDEOS = 8
WRITERS = 16
EACH_S = 0.1
"""Between two batches of one writer."""
WARM_S = 2.0
TURN_S = 2.0
OLD_AT_ONCE = {"RUSHES_VERSION__HOT_DAYS": "0", "RUSHES_VERSION__COLD_DAYS": "0", "RUSHES_VERSION__MOVE_S": "2"}


@dataclass
class People:
    """Those who write, and the videos whose versions are moved."""

    secrets: list[str]
    videos: list[int]
    written: int
    """The video that they write on: none of those that are moved."""


class Mover:
    """The service of versions, held or at work."""

    def __init__(self, pid: int, data: Path) -> None:
        self._pid = pid
        self._store = data / "version" / "versions.sqlite"
        self.at_work = True
        self.moved = 0
        """By whole turns."""
        self.worked_s = 0.0
        self.spent_s = 0.0
        """Processor time."""

    def hold(self) -> None:
        """It does nothing from here on."""
        os.kill(self._pid, signal.SIGSTOP)
        self.at_work = False

    def go_on(self) -> None:
        """It works again."""
        self.at_work = True
        os.kill(self._pid, signal.SIGCONT)

    def cold(self) -> int:
        """How many versions are in the archive."""
        with sqlite3.connect(f"file:{self._store}?mode=ro", uri=True) as connection:
            (count,) = connection.execute("SELECT count(*) FROM versions WHERE tier = ?", (Tier.COLD.value,)).fetchone()
        connection.close()
        return int(count)

    async def work_in_turns(self, versions: int) -> None:
        """Until all versions have moved. What was moved in the last turn, which ends early, does not count."""
        await asyncio.sleep(WARM_S)
        before = self.cold()
        while before < versions:
            await asyncio.sleep(TURN_S)
            began, spent_s = time.monotonic(), cpu_s([self._pid])
            self.go_on()
            await asyncio.sleep(TURN_S)
            self.hold()
            now = self.cold()
            if now < versions:
                self.moved += now - before
                self.worked_s += time.monotonic() - began
                self.spent_s += cpu_s([self._pid]) - spent_s
            before = now


async def measure(versions: int, keep: Path | None) -> dict[str, float]:
    """The 99th percentile with the mover at work over that without, and how many versions a minute it moves."""
    with tempfile.TemporaryDirectory(prefix="rushes-mover-") as temporary:
        kept, data = (keep or Path(temporary)) / "mover", Path(temporary) / "data"
        people = await _filled(kept, versions)
        shutil.copytree(kept / "data", data)
        with running(data, **OLD_AT_ONCE) as stack:
            mover = Mover(stack.pids()["svc_version"], data)
            mover.hold()
            try:
                without_s, beside_s = await _write(stack, people, mover, versions)
            finally:
                mover.go_on()
    idle, beside = percentile(without_s, 99), percentile(beside_s, 99)
    return {
        "mover_versions_a_minute": mover.moved / mover.worked_s * 60,
        "mover_cpu_ms": mover.spent_s / mover.moved * 1000,
        "mover_batches": len(without_s) + len(beside_s),
        "mover_idle_p50_ms": percentile(without_s, 50),
        "mover_p50_ms": percentile(beside_s, 50),
        "mover_idle_p99_ms": idle,
        "mover_p99_ms": beside,
        "mover_p99_ratio": beside / idle,
    }


async def _filled(kept: Path, versions: int) -> People:
    """Versions that are all at hand, in a folder; made once."""
    made = kept / f"{versions}.json"
    if not made.exists():
        shutil.rmtree(kept, ignore_errors=True)
        with running(kept / "data") as stack:
            people = await asyncio.to_thread(_people, stack)
            await _make_versions(stack, people, versions)
        made.write_text(json.dumps(asdict(people)))
    return People(**json.loads(made.read_text()))


def _people(stack: Stack) -> People:
    studio = Studio(stack)
    videos = [studio.video(footage()).video_id for _ in range(VIDEOS + 1)]
    return People([studio.secret, *studio.people(WRITERS - 1, "member")], videos[1:], videos[0])


def _comment(text: str) -> Operation:
    note = Annotation(id=secrets.token_bytes(16), kind=ANNOTATION_KIND_COMMENT, text=text, audience=AUDIENCE_CLIENT)
    return Operation(create=CreateOperation(annotation=note))


async def _make_versions(stack: Stack, people: People, count: int) -> None:
    """Versions that differ from each other, as those that people save do."""

    async def make(video_id: int, secret: str) -> None:
        async with rushes.connect(stack.address, session=secret) as client:
            writer = Writer(client, video_id, Random(video_id))
            stub = VersionServiceStub(client._connection.channel)
            for number in range(count // VIDEOS):
                await writer.write([_comment(f"note {number} " + secrets.token_hex(200))], writer.head)
                request = version.CommitVersionRequest(video_id=video_id, request_id=secrets.token_hex(8))
                await client._connection.call(stub.CommitVersion, request)

    # Each by somebody else: a person may write only so much.
    await asyncio.gather(*map(make, people.videos, people.secrets))


async def _write(stack: Stack, people: People, mover: Mover, versions: int) -> tuple[list[float], list[float]]:
    """How long each batch took until it was saved, without and with the mover at work, until it has moved all; those
    of the beginning, and those that saw it begin or end, do not count.
    """
    taken: dict[bool, list[float]] = {False: [], True: []}
    clients = [rushes.connect(stack.address, session=secret) for secret in people.secrets]
    turns = asyncio.create_task(mover.work_in_turns(versions))

    async def work(client: rushes.Client, delay_s: float) -> None:
        writer = Writer(client, people.written, Random(1))
        await asyncio.sleep(delay_s)
        while not turns.done():
            began, beside = time.monotonic(), mover.at_work
            await writer.write([_comment("at work")], 0)
            if began - started > WARM_S and mover.at_work == beside:
                taken[beside].append(time.monotonic() - began)
            await asyncio.sleep(max(0.0, EACH_S - (time.monotonic() - began)))

    for client in clients:
        await client.__aenter__()
    try:
        started = time.monotonic()
        await asyncio.gather(*(work(client, at * EACH_S / WRITERS) for at, client in enumerate(clients)))
    finally:
        for client in clients:
            await client.__aexit__(None, None, None)
    await turns
    return taken[False], taken[True]
