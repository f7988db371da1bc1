"""Services die in the middle of work, again and again: what was acknowledged is there, once, and all replicas agree.

Three people write, people come and go, one reads, one uploads, one makes projects; meanwhile services are killed
(SIGKILL) in turn, and at last all of them at once. The last line is one JSON object.
"""

import argparse
import asyncio
import contextlib
import json
import secrets
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rushes
from benchmarks.footage import footage
from benchmarks.measure import pss_mb
from benchmarks.stack import Stack, running
from benchmarks.studio import Studio
from rushes.annotation.v1 import annotation_pb2
from rushes.annotation.v1.operation_pb2 import Commit
from rushes.errors import Unavailable
from rushes.media.v1 import media_service_pb2

PAIRS = (("svc_annotation", "svc_project"), ("gateway", "svc_media"))
"""Killed one right after the other: while one is away the other comes back."""
WRITERS = 3
PACE_S = 0.04
PROGRESS = 25
"""Pieces of work that must be acknowledged between two rounds of kills."""
SETTLE_S = 120.0
VISIT = 20
"""What somebody who comes and goes does before they go."""


@dataclass
class Ledger:
    """What was acknowledged."""

    comments: dict[bytes, str] = field(default_factory=dict)
    letters: Counter[bytes] = field(default_factory=Counter)
    """Letters that were appended to a text, one by one."""
    projects: list[str] = field(default_factory=list)
    videos: list[int] = field(default_factory=list)

    @property
    def notes(self) -> int:
        """Pieces of work on the document."""
        return len(self.comments) + self.letters.total()

    @property
    def count(self) -> int:
        """Everything."""
        return self.notes + len(self.projects) + len(self.videos)


@dataclass
class Verdict:
    """What was found in the end."""

    kills: int = 0
    acknowledged: int = 0
    missing: int = 0
    duplicated: int = 0
    replicas: int = 0
    equal: bool = False

    @property
    def good(self) -> bool:
        """Nothing is wrong."""
        return self.equal and not self.missing and not self.duplicated


class Writer:
    """Somebody who writes comments, and types a text a letter at a time."""

    def __init__(self, client: rushes.Client, video_id: int, ledger: Ledger, *, visits: bool = False) -> None:
        self._client = client
        self._video_id = video_id
        self._ledger = ledger
        self._visits = visits
        self.session: rushes.Session | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop; the session stays open then."""
        while not stop.is_set():
            if self.session is not None:
                await self.session.__aexit__(None, None, None)
            self.session = await self._client.collaborate(self._video_id).__aenter__()
            await self._write(self.session, stop)

    async def _write(self, session: rushes.Session, stop: asyncio.Event) -> None:
        typed = await session.comment(0, "")
        self._ledger.comments[typed] = ""
        done = 0
        while not stop.is_set() and not (self._visits and done >= VISIT):
            text = f"{secrets.token_hex(8)} {done}"
            made = await session.comment(done % 250, text)
            self._ledger.comments[made] = text
            state = session.get(typed)
            assert state is not None
            await session.edit_text(typed, state.annotation.text + "x")
            self._ledger.letters[typed] += 1
            done += 1
            await asyncio.sleep(PACE_S)


class Reader:
    """Somebody who follows the commits; knows whether one was left out or came twice."""

    def __init__(self, client: rushes.Client, video_id: int) -> None:
        self._client = client
        self._video_id = video_id
        self.revision = -1
        self.out_of_order = 0

    async def run(self) -> None:
        """Until cancelled."""
        async with contextlib.aclosing(self._client.follow(self._video_id)) as messages:  # type: ignore[type-var]
            async for message in messages:
                if message.HasField("snapshot_part"):
                    self.revision = message.snapshot_part.revision
                for commit in message.committed.commits:
                    self.out_of_order += self.revision >= 0 and commit.revision != self.revision + 1
                    self.revision = commit.revision


async def make_projects(client: rushes.Client, ledger: Ledger, stop: asyncio.Event) -> None:
    """A project now and then; one that is not acknowledged is not asked for again."""
    while not stop.is_set():
        name = f"Project {secrets.token_hex(8)}"
        with contextlib.suppress(Unavailable):
            await client.create_project(name)
            ledger.projects.append(name)
        await asyncio.sleep(10 * PACE_S)


async def upload(client: rushes.Client, project_id: int, ledger: Ledger, stop: asyncio.Event) -> None:
    """A clip every few seconds."""
    while not stop.is_set():
        with contextlib.suppress(Unavailable):
            video_id = await client.upload(footage(), project_id)
            ledger.videos.append(video_id)
        await asyncio.wait((asyncio.ensure_future(stop.wait()),), timeout=5.0)


class Soak:
    """One run against a stack."""

    def __init__(self, stack: Stack, studio: Studio, video_id: int, say: Callable[[str], None]) -> None:
        self._stack = stack
        self._studio = studio
        self._video_id = video_id
        self._say = say
        self._stop = asyncio.Event()
        self._writers: list[Writer] = []
        self.ledger = Ledger()
        self.verdict = Verdict()

    async def run(self, kills: int, *, visitors: int = 0) -> Verdict:
        """Works while services die, then looks at what is there."""
        async with contextlib.AsyncExitStack() as open_ones:
            owner = await self._client(open_ones, self._studio.secret)
            people = await asyncio.to_thread(self._studio.people, WRITERS + visitors)
            clients = [await self._client(open_ones, secret) for secret in people]
            self._writers = [
                Writer(client, self._video_id, self.ledger, visits=number >= WRITERS)
                for number, client in enumerate(clients)
            ]
            reader = Reader(owner, self._video_id)
            reading = asyncio.create_task(reader.run())
            working = [asyncio.create_task(work) for work in self._work(owner)]
            try:
                await self._kill(kills, [*working, reading])
                self._stop.set()
                await asyncio.gather(*working)
                await self._judge(owner, reader)
            finally:
                for task in (*working, reading):
                    task.cancel()
                await asyncio.gather(*working, reading, return_exceptions=True)
                await self._leave()
        return self.verdict

    async def _client(self, open_ones: contextlib.AsyncExitStack, secret: str) -> rushes.Client:
        return await open_ones.enter_async_context(rushes.connect(self._stack.address, session=secret))

    def _work(self, owner: rushes.Client) -> list[Coroutine[Any, Any, None]]:
        return [
            *(writer.run(self._stop) for writer in self._writers),
            make_projects(owner, self.ledger, self._stop),
            upload(owner, self._studio.project_id, self.ledger, self._stop),
        ]

    async def _leave(self) -> None:
        sessions = [writer.session for writer in self._writers if writer.session is not None]
        error = StopAsyncIteration()  # nothing is waited for
        await asyncio.gather(*(each.__aexit__(type(error), error, None) for each in sessions))

    # -- killing -------------------------------------------------------------------------------------------------

    async def _kill(self, kills: int, tasks: Sequence["asyncio.Task[None]"]) -> None:
        await self._progress(tasks)
        for number in range(kills // 2):
            names = PAIRS[number % len(PAIRS)]
            died = {name: self._stack.kill_service(name) for name in names}
            self.verdict.kills += len(died)
            for name, pid in died.items():
                await asyncio.to_thread(self._stack.wait_restarted, name, pid)
            await self._progress(tasks)
            if (number + 1) % 10 == 0:
                self._say(f"{self.verdict.kills:>4} kills  {self.ledger.count:>7,} acknowledged  {self._costs()}")
        await asyncio.to_thread(self._stack.kill)
        self.verdict.kills += len(self._stack.pids())
        await asyncio.to_thread(self._stack.start)
        await self._progress(tasks)

    async def _progress(self, tasks: Sequence["asyncio.Task[None]"]) -> None:
        """Waits until work goes on; raises what ended a task that was not to end."""
        wanted = self.ledger.notes + PROGRESS
        end_s = time.monotonic() + SETTLE_S
        while self.ledger.notes < wanted:
            for task in tasks:
                if task.done():
                    task.result()
            if time.monotonic() > end_s:
                raise AssertionError(f"no progress in {SETTLE_S:g} s")
            await asyncio.sleep(0.05)

    def _costs(self) -> str:
        pids = self._stack.pids()
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            descriptors = sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids.values())
            return f"{pss_mb(pids.values()):6.1f} MB  {descriptors:>4} descriptors"
        return "(a service is starting)"

    # -- judging -------------------------------------------------------------------------------------------------

    async def _judge(self, owner: rushes.Client, reader: Reader) -> None:
        verdict, ledger = self.verdict, self.ledger
        verdict.acknowledged = ledger.count
        commits = await owner.operations(self._video_id)
        head = commits[-1].revision
        await self._settled(head, reader)
        document = await owner.document(self._video_id)
        verdict.missing, verdict.duplicated = judge_notes(ledger, commits, document)
        verdict.duplicated += reader.out_of_order
        names = Counter(project.name for project in await owner.projects())
        verdict.missing += sum(not names[name] for name in ledger.projects)
        verdict.duplicated += sum(names[name] > 1 for name in ledger.projects)
        async for ready in self._videos(owner):
            verdict.missing += not ready
        replicas = [_bytes(writer.session.annotations) for writer in self._writers if writer.session is not None]
        verdict.replicas = len(replicas)
        verdict.equal = all(replica == _bytes(document) for replica in replicas)

    async def _settled(self, head: int, reader: Reader) -> None:
        end_s = time.monotonic() + SETTLE_S
        sessions = [writer.session for writer in self._writers if writer.session is not None]
        while reader.revision < head or any(each.revision < head or each.pending_count for each in sessions):
            if time.monotonic() > end_s:
                raise AssertionError(f"replicas did not reach revision {head} in {SETTLE_S:g} s")
            await asyncio.sleep(0.05)

    async def _videos(self, owner: rushes.Client) -> AsyncIterator[bool]:
        """Whether each upload that was acknowledged became a video."""
        for video_id in self.ledger.videos:
            async with asyncio.timeout(SETTLE_S):
                video = await owner.wait_ready(video_id)
            yield video.state == media_service_pb2.VIDEO_STATE_READY


def judge_notes(
    ledger: Ledger, commits: Sequence[Commit], document: Sequence[annotation_pb2.AnnotationState]
) -> tuple[int, int]:
    """How much of what was acknowledged is missing, and how much there is twice."""
    notes = {state.annotation.id: state.annotation for state in document}
    missing = sum(made not in notes for made in ledger.comments)
    missing += sum(
        notes[made].text != text
        for made, text in ledger.comments.items()
        if made in notes and made not in ledger.letters
    )
    wrong = [len(notes[made].text) - letters if made in notes else -letters for made, letters in ledger.letters.items()]
    creates = Counter(
        op.create.annotation.id for commit in commits for op in commit.operations if op.HasField("create")
    )
    numbers = Counter((commit.client_id, commit.client_seq) for commit in commits)
    revisions = [commit.revision for commit in commits]
    twice = sum(count - 1 for count in creates.values()) + sum(count - 1 for count in numbers.values())
    twice += sum(max(0, difference) for difference in wrong)
    missing += sum(max(0, -difference) for difference in wrong)
    missing += revisions != list(range(1, len(revisions) + 1))
    return missing, twice


def _bytes(states: Sequence[annotation_pb2.AnnotationState]) -> list[bytes]:
    return [state.SerializeToString(deterministic=True) for state in states]


def main() -> int:
    """Runs it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20 kills instead of 200")
    arguments = parser.parse_args()
    with running() as stack:
        studio = Studio(stack)
        video_id = studio.video(footage()).video_id

        async def soak() -> Verdict:
            run = Soak(stack, studio, video_id, lambda text: print(text, flush=True))
            return await run.run(20 if arguments.quick else 200, visitors=2)

        verdict = asyncio.run(soak())
    figures = {name: getattr(verdict, name) for name in ("kills", "acknowledged", "missing", "duplicated")}
    print(f"{verdict.replicas} replicas and the document are {'equal' if verdict.equal else 'NOT EQUAL'}")
    print(json.dumps(figures))
    return 0 if verdict.good else 1


if __name__ == "__main__":
    sys.exit(main())
