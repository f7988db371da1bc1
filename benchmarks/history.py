"""How fast the past is: documents of any moment, the history of a frame, versions, and going back while others watch.

`python -m benchmarks.history [--quick] [--keep DIR] [--only PART ...]`: one clip with 1,000,000 operations on 20,000
notes and 2,000 versions (quick: 100,000 on 5,000, and 1,000), written through the gateway as programs write. A folder
that is kept is filled once: each later run adds what it commits and goes back by, a twentieth. The peer is ShareDB's
fetchSnapshot in the same run, in memory and without a wire. The last line is one JSON object.
"""

import argparse
import asyncio
import gc
import json
import os
import secrets
import shutil
import statistics
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import rushes
from benchmarks import history_mover
from benchmarks.footage import footage
from benchmarks.history_kept import Written, load, place
from benchmarks.history_writer import Writer, percentile
from benchmarks.measure import cpu_s
from benchmarks.stack import Stack, running
from benchmarks.studio import Studio
from rushes.annotation.v1 import annotation_service_pb2 as annotation
from rushes.annotation.v1.annotation_pb2 import ANNOTATION_KIND_STROKE, Annotation, Box, Position, Style
from rushes.annotation.v1.annotation_service_pb2_grpc import AnnotationServiceStub
from rushes.annotation.v1.operation_pb2 import (
    CreateOperation,
    FieldValue,
    FrameRange,
    MoveOperation,
    Operation,
    SetFieldsOperation,
)
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT
from rushes.version.v1 import version_service_pb2 as version
from rushes.version.v1.version_service_pb2_grpc import VersionServiceStub

ROOT = Path(__file__).resolve().parents[1]
BATCH = 20
POINTS = 24
WRITERS = 24
FRAMES = 250
COMMITTED = 5
"""Batches before each commit that is measured at full size."""
READS = {"document": 200, "head": 300, "frame": 200, "restore": 40, "page": 200, "commit": 200, "peer": 100}


class Bench:
    """The clip and what is done with it."""

    def __init__(self, stack: Stack, clients: Sequence[rushes.Client], written: Written) -> None:
        self._stack = stack
        self._random = Random(7)
        self._client = clients[0]
        self._video_id = written.video_id
        self._ids = [self._random.randbytes(16) for _ in range(written.notes)]
        self._random = Random(written.head)  # what was written by an earlier run would change nothing
        self._writers = [Writer(client, written.video_id, self._random) for client in clients]
        self._head = written.head
        self._call = self._client._connection.call
        self._annotation = AnnotationServiceStub(self._client._connection.channel)
        self._version = VersionServiceStub(self._client._connection.channel)
        self.versions = written.versions

    @property
    def head(self) -> int:
        """The revision that all was written by."""
        return self._head

    # Writing

    async def fill(self, operations: int, versions: int) -> dict[str, float]:
        """Writes notes and then changes of them, with a version after each so many; gives what commits took."""
        batches = [self._creates(first) for first in range(0, len(self._ids), BATCH)]
        left = operations - len(self._ids)
        per_version = operations // versions
        written, times_s = 0, []
        began = time.monotonic()
        while batches or left > 0:
            turn: list[tuple[Writer, list[Operation]]] = []
            for writer in self._writers:
                if written + len(turn) * BATCH >= (len(self.versions) + 1) * per_version or not (batches or left > 0):
                    break
                creating = bool(batches)
                turn.append((writer, batches.pop(0) if creating else self._changes()))
                left -= 0 if creating else BATCH
            heads = await asyncio.gather(*(writer.write(made, self._head) for writer, made in turn))
            self._head = max(heads, default=self._head)
            written += len(turn) * BATCH
            if written >= (len(self.versions) + 1) * per_version and len(self.versions) < versions:
                times_s.append(await self._commit())
                if len(self.versions) % 100 == 0:
                    print(
                        f"  {written} operations, {len(self.versions)} versions, {time.monotonic() - began:.0f} s",
                        flush=True,
                    )
        return {"filling_commit_p50_ms": percentile(times_s, 50), "filling_commit_p99_ms": percentile(times_s, 99)}

    async def commit(self) -> dict[str, float]:
        """Versions on all that there is, after a few changes each."""
        now = annotation.GetDocumentRequest(video_id=self._video_id, frames=FrameRange(first=0, last=0))
        self._head = (await self._call(self._annotation.GetDocument, now)).revision
        times_s = []
        for _ in range(READS["commit"]):
            writing = (writer.write(self._changes(), self._head) for writer in self._writers[:COMMITTED])
            self._head = max(await asyncio.gather(*writing))
            times_s.append(await self._commit())
        return {"commit_p50_ms": percentile(times_s, 50), "commit_p99_ms": percentile(times_s, 99)}

    async def _commit(self) -> float:
        request = version.CommitVersionRequest(video_id=self._video_id, request_id=secrets.token_hex(8))
        began = time.monotonic()
        answer = await self._call(self._version.CommitVersion, request)
        self.versions.append(answer.version.version_id)
        return time.monotonic() - began

    def _creates(self, first: int) -> list[Operation]:
        return [
            Operation(create=CreateOperation(annotation=self._note(each))) for each in self._ids[first : first + BATCH]
        ]

    def _note(self, annotation_id: bytes) -> Annotation:
        frame = self._random.randrange(FRAMES)
        return Annotation(
            id=annotation_id,
            kind=ANNOTATION_KIND_STROKE,
            first_frame=frame,
            last_frame=frame,
            position=Position(x=self._random.randrange(20_000), y=self._random.randrange(20_000)),
            box=Box(left=0, top=0, right=900, bottom=700),
            points=[self._random.randrange(-60, 60) for _ in range(2 * POINTS)],
            pressure=self._random.randbytes(POINTS),
            style=Style(color=0xFF8800, opacity=255, width=120),
            audience=AUDIENCE_CLIENT,
        )

    def _changes(self) -> list[Operation]:
        return [self._change(self._random.choice(self._ids)) for _ in range(BATCH)]

    def _change(self, annotation_id: bytes) -> Operation:
        if self._random.random() < 0.7:
            to = Position(x=self._random.randrange(20_000), y=self._random.randrange(20_000))
            return Operation(move=MoveOperation(id=annotation_id, to=to, seen_revision=self._head))
        color = FieldValue(field="style/color", number=self._random.randrange(1 << 24))
        return Operation(set_fields=SetFieldsOperation(id=annotation_id, fields=[color]))

    # Reading

    async def read(self) -> dict[str, float]:
        """Documents of any moment, and of now; frames; versions."""
        moments = [self._random.randrange(1, self._head + 1) for _ in range(READS["document"])]
        document, at_any = await self._timed_all(
            [partial(self._client.document, self._video_id, revision=at) for at in moments]
        )
        head, now = await self._timed_all([lambda: self._client.document(self._video_id)] * READS["head"])
        frame, _ = await self._timed_all([self._frame] * READS["frame"])
        page, _ = await self._timed_all([self._page] * READS["page"])
        search, searching = await self._timed_all([self._search] * READS["page"])
        return {
            "document_p50_ms": percentile(document, 50),
            "document_p99_ms": percentile(document, 99),
            **{f"document_cpu_{name}_ms": spent_ms for name, spent_ms in at_any.items()},
            "head_p50_ms": percentile(head, 50),
            "head_p99_ms": percentile(head, 99),
            **{f"head_cpu_{name}_ms": spent_ms for name, spent_ms in now.items()},
            "frame_history_p99_ms": percentile(frame, 99),
            "versions_page_p99_ms": percentile(page, 99),
            "search_p99_ms": percentile(search, 99),
            "search_cpu_ms": sum(searching.values()),
        }

    async def _timed_all(self, work: Sequence[Callable[[], Awaitable[Any]]]) -> tuple[list[float], dict[str, float]]:
        """How long each took, and the processor time of one in each process that has any."""
        gc.collect()
        gc.freeze()  # what was imported and filled is no matter of those who read
        before = self._cpu_s()
        times_s = [await _timed(each) for each in work]
        spent_ms = {name: (now - before[name]) / len(work) * 1000 for name, now in self._cpu_s().items()}
        return times_s, {name: each for name, each in spent_ms.items() if each >= 1}

    def _cpu_s(self) -> Mapping[str, float]:
        pids = {"client": os.getpid(), **self._stack.pids()}
        return {name: cpu_s([pid]) for name, pid in pids.items()}

    async def _frame(self) -> None:
        frame = self._random.randrange(FRAMES)
        request = annotation.ListOperationsRequest(
            video_id=self._video_id, frames=FrameRange(first=frame, last=frame), newest_first=True, page_size=50
        )
        assert (await self._call(self._annotation.ListOperations, request)).commits

    async def _page(self) -> None:
        await self._call(self._version.ListVersions, version.ListVersionsRequest(video_id=self._video_id))

    async def _search(self) -> None:
        """Through all notes, for what none of them says."""
        request = annotation.ListAnnotationsRequest(video_id=self._video_id, query="色彩 is:open")
        assert not (await self._call(self._annotation.ListAnnotations, request)).annotations

    async def restore(self) -> dict[str, float]:
        """Documents of versions, from the newest to the oldest that has all notes, each read once: from no cache."""
        whole = [each for at, each in enumerate(self.versions) if at >= len(self.versions) // 10]
        count = READS["restore"]
        chosen = [whole[at * (len(whole) - 1) // (count - 1)] for at in range(count)]
        shuffled = self._random.sample(chosen, count)
        taken_s, spent = await self._timed_all(
            [partial(self._client.versions.document, self._video_id, each) for each in shuffled]
        )
        times = dict(zip(shuffled, taken_s, strict=True))
        oldest, newest = [times[each] for each in chosen[:10]], [times[each] for each in chosen[-10:]]
        return {
            "restore_p50_s": statistics.median(times.values()),
            "restore_max_s": max(times.values()),
            "restore_cpu_ms": sum(spent.values()),
            "restore_spread": statistics.median(oldest) / statistics.median(newest),
        }

    async def roll_back(self, watcher: rushes.Client) -> dict[str, float]:
        """Back by about 10,000 operations: until it is done, and until somebody who watches has all of it."""
        target = version.RollbackTarget(revision=self._head - 10_000 // BATCH)
        async with watcher.collaborate(self._video_id) as session:
            began = time.monotonic()
            done = await self._client.versions.roll_back(self._video_id, target)
            finished_s = time.monotonic() - began
            async for _ in session.changes():
                if session.revision >= done.last_revision:
                    break
            seen_s = time.monotonic() - began
        # As it was, for whoever reads the same folder again.
        await self._client.versions.roll_back(self._video_id, version.RollbackTarget(rollback_id=done.rollback_id))
        return {
            "rollback_operations": done.operation_count,
            "rollback_s": finished_s,
            "rollback_seen_s": seen_s,
        }


async def _timed(work: Callable[[], Awaitable[Any]]) -> float:
    began = time.monotonic()
    await work()
    return time.monotonic() - began


def sizes(data: Path, operations: int, versions: int) -> dict[str, float]:
    """What is stored, for each operation and version."""
    import sqlite3

    with sqlite3.connect(f"file:{data / 'version' / 'versions.sqlite'}?mode=ro", uri=True) as connection:
        stored, raw, single = connection.execute(
            "SELECT sum(stored_bytes), sum(raw_bytes), sum(stored_bytes * uses) FROM contents"
        ).fetchone()
    connection.close()
    notes = sum(path.stat().st_size for path in (data / "annotation").rglob("*") if path.is_file())
    return {
        "bytes_per_op": notes / operations,
        "bytes_per_version": stored / versions,
        "snappy_ratio": raw / stored,
        "deduplicated_ratio": single / stored,
    }


def peer(operations: int, notes: int) -> dict[str, float]:
    """ShareDB, installed beside the other caches when it is not there yet."""
    folder = ROOT / ".cache" / "history_peer"
    if not (folder / "node_modules" / "sharedb").exists():
        shutil.copytree(ROOT / "benchmarks" / "history_peer", folder, dirs_exist_ok=True)
        npm = [str(ROOT / "scripts" / "node"), "--npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(npm, cwd=folder, check=True)
    script = shutil.copy(ROOT / "benchmarks" / "history_peer" / "peer.cjs", folder)
    command = [str(ROOT / "scripts" / "node"), script, str(operations), str(notes), str(READS["peer"])]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return {
        "sharedb_p50_ms": answer["milestones"]["p50_ms"],
        "sharedb_p99_ms": answer["milestones"]["p99_ms"],
        "sharedb_replay_p50_ms": answer["replay"]["p50_ms"],
    }


def begin(stack: Stack, operations: int, notes: int) -> Written:
    """A clip that has no notes yet, and people."""
    studio = Studio(stack)
    video_id = studio.video(footage()).video_id
    return Written(video_id, [studio.secret, *studio.people(WRITERS, "member")], operations, notes)


async def run(stack: Stack, folder: Path, written: Written, versions: int) -> dict[str, float]:
    """All of it; what is not written yet first."""
    clients = [rushes.connect(stack.address, session=secret) for secret in written.people]
    try:
        for client in clients:
            await client.__aenter__()
        bench = Bench(stack, clients[:-1], written)
        if not written.figures:
            filled = await bench.fill(written.operations, versions)
            written.figures = filled | sizes(stack.data, written.operations, versions)
            written.head = bench.head
            written.save(folder)
        figures = dict(written.figures)
        _tell(figures)
        for measured in (bench.read, bench.restore, bench.commit, partial(bench.roll_back, clients[-1])):
            got = await measured()
            _tell(got)
            figures |= got
        written.head = bench.head
        written.save(folder)
        return figures
    finally:
        for client in clients:
            await client.__aexit__(None, None, None)


async def measure(operations: int, notes: int, versions: int, keep: Path | None) -> dict[str, float]:
    """What is ours: one clip."""
    with place(keep) as folder, running(folder / "data") as stack:
        written = load(folder) or begin(stack, operations, notes)
        if (written.operations, written.notes) != (operations, notes):
            raise SystemExit(f"{folder} has {written.operations} operations on {written.notes} notes")
        return await run(stack, folder, written, versions)


def _tell(figures: dict[str, float]) -> None:
    for name, value in figures.items():
        print(f"  {name}: {value:.3g}", flush=True)


def _told(figures: dict[str, float]) -> dict[str, float]:
    _tell(figures)
    return figures


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of it")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write here once; only read it when it is written")
    parser.add_argument("--only", nargs="+", choices=["ours", "mover", "peer"], help="parts of it")
    asked = parser.parse_args()
    operations, notes, versions = (100_000, 5_000, 1_000) if asked.quick else (1_000_000, 20_000, 2_000)
    parts: dict[str, Callable[[], dict[str, float]]] = {
        "ours": lambda: asyncio.run(measure(operations, notes, versions, asked.keep)),
        "mover": lambda: _told(asyncio.run(history_mover.measure(2 * versions, asked.keep))),
        "peer": lambda: _told(peer(operations, notes)),
    }
    figures: dict[str, float] = {}
    for name, part in parts.items():
        if asked.only is None or name in asked.only:
            figures |= part()
    if {"document_p99_ms", "sharedb_p99_ms"} <= figures.keys():
        figures["document_over_sharedb"] = figures["document_p99_ms"] / figures["sharedb_p99_ms"]
    print(json.dumps({name: round(value, 4) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
