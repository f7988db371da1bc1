"""Instances of the annotation service on engines under load, and the judge of what became of it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import grpc

from mesh.config import MeshConfig
from mesh.rpc import Channels
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import operation_pb2
from rushes.annotation.v1.annotation_service_pb2_grpc import AnnotationServiceStub
from svc_annotation.config import PROJECTOR, SESSIONS
from svc_annotation.stores.history_mongo import MongoHistory, open_mongo_history
from tests.engine import Engine
from tests.history_checker import BatchOf, Watch, Write, check_watch, order_of
from tests.integration.annotation_child import child_command
from tests.integration.annotation_notes import batch, create, identity_of
from tests.integration.annotation_server import SECRET, Media, People, media_server
from tests.waiting import until

VIDEO = 7
WRITERS = 8
OPERATIONS = 2
"""In a batch, so that half of one is seen."""
RETRY_S = 0.1
CALL_S = 8.0
WATCHERS = 2
PASSING = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED)


class Instance:
    """The service in a process of its own."""

    def __init__(self, folder: Path, media: str, **settings: Any) -> None:
        folder.mkdir()
        self.ends = 0
        self._socket = folder / "annotation.sock"
        self._log = folder / "log"
        self._command = child_command(folder / "data", str(self._socket), media, **settings)
        self._process: subprocess.Popen[bytes] | None = None
        self.environ: Mapping[str, str] = {}
        """More of its environment, from its next start on."""
        self._channels = Channels("gateway", MeshConfig(secret=SECRET, services={"it": f"unix:{self._socket}"}))

    async def start(self) -> None:
        """Begins; returns once it serves."""
        self._socket.unlink(missing_ok=True)
        with self._log.open("ab") as log:
            environ = {**os.environ, **self.environ}
            self._process = await asyncio.to_thread(
                subprocess.Popen, self._command, stdout=log, stderr=log, env=environ
            )
        await until(self._serves, "the instance")

    def _serves(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()[-3_000:]
        return self._socket.exists()

    async def watch_over(self) -> None:
        """Starts it again whenever it has ended."""
        while True:
            await asyncio.sleep(0.1)
            if self._process is not None and self._process.poll() is not None:
                self.ends += 1
                await self.start()

    def end(self, number: signal.Signals) -> None:
        """As whoever runs it ends it."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)

    @property
    def stub(self) -> AnnotationServiceStub:
        """Calls to it."""
        return self._channels.stub(AnnotationServiceStub, "it", as_person=False)

    async def close(self) -> None:
        """Ends everything."""
        await self._channels.close()
        self.end(signal.SIGKILL)


class Watcher:
    """Follows the video through one stream after the other, at whichever instance answers."""

    def __init__(self, load: "Load", turn: int) -> None:
        self.watch = Watch()
        self.streams = 0
        self._load = load
        self._turn = turn
        self.task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        epoch = 1  # of a log that is new
        while True:
            self._turn += 1
            stub = self._load.instances[self._turn % len(self._load.instances)].stub
            request = service.FollowRequest(video_id=VIDEO, delivery=service.DELIVERY_FULL, epoch=epoch)
            request.resume_revision = self.watch.revision
            try:
                async for answer in stub.Follow(request, metadata=self._load.metadata("watcher")):
                    epoch = self._take(answer.message) or epoch
            except grpc.aio.AioRpcError as error:
                if error.code() not in (*PASSING, grpc.StatusCode.CANCELLED):  # a server that stops says that
                    raise
            await asyncio.sleep(RETRY_S)

    def _take(self, message: service.CollaborateResponse) -> int:
        """Takes what came in; gives the epoch that it names, or 0."""
        kind = message.WhichOneof("message")
        if kind == "opened":
            self.streams += 1
            return message.opened.epoch
        assert kind != "reset", message
        for commit in message.committed.commits:
            batch_of = (commit.client_id, commit.client_seq)
            self.watch.commit(commit.revision, batch_of, len(commit.operations), OPERATIONS)
        if kind == "progress_revision":
            self.watch.bookmark(message.progress_revision)
        return 0


class Load:
    """Writers that send a batch until they have its outcome, to whichever instance answers, and some who watch."""

    def __init__(self, instances: list[Instance]) -> None:
        self.instances = instances
        self.outcomes: dict[BatchOf, operation_pb2.Outcome] = {}
        self.writes: list[Write] = []
        self.enough = False
        self._people = People()
        self._tasks = [asyncio.create_task(self._write(writer)) for writer in range(WRITERS)]
        self.watchers = [Watcher(self, number) for number in range(WATCHERS)]

    def metadata(self, person: str) -> Any:
        token = self._people.token(person)
        return (("authorization", f"Bearer {token}"),)

    async def _write(self, writer: int) -> None:
        person = f"writer {writer}"
        number = 0
        while not self.enough:
            number += 1
            made = batch(number, 0, *(create(f"{person} {number}.{part}") for part in range(OPERATIONS)))
            begun_s = time.monotonic()
            request = service.CreateBatchAnnotationsRequest(video_id=VIDEO, client_id=identity_of(person), batch=made)
            turn = writer
            while True:
                turn += 1
                stub = self.instances[turn % len(self.instances)].stub
                try:
                    answer = await stub.CreateBatchAnnotations(request, metadata=self.metadata(person), timeout=CALL_S)
                    break
                except grpc.aio.AioRpcError as error:
                    if error.code() not in PASSING:
                        raise
                    await asyncio.sleep(RETRY_S)
            key = (request.client_id, number)
            self.outcomes[key] = answer.outcome
            self.writes.append(Write(key, begun_s, time.monotonic(), answer.outcome.revision))

    async def more(self, count: int) -> None:
        """Returns once so many more are acknowledged."""
        wanted = len(self.outcomes) + count

        def there() -> bool:
            for task in (*self._tasks, *(each.task for each in self.watchers)):
                if task.done():
                    task.result()
            return len(self.outcomes) >= wanted

        await until(there, f"{count} more acknowledged", 90)

    async def end(self) -> None:
        """Writes no more, and returns once those who watch have seen it all. May be called again."""
        if self.enough:
            return
        self.enough = True
        await asyncio.gather(*self._tasks)

        def seen() -> bool:
            for each in self.watchers:
                if each.task.done():
                    each.task.result()
            return all(each.watch.revision >= len(self.outcomes) for each in self.watchers)

        await until(seen, "what was written, at those who watch", 60)
        for each in self.watchers:
            each.task.cancel()
        await asyncio.gather(*(each.task for each in self.watchers), return_exceptions=True)


@contextlib.asynccontextmanager
async def instances(brokers: list[Engine], mongo: str, count: int) -> AsyncIterator[list[Instance]]:
    """So many that serve people, and a projector, which is the last."""
    name = uuid.uuid4().hex
    settings = {
        "kafka": ",".join(broker.address for broker in brokers),
        "kafka_topic": f"annotations-{name}",
        "mongo": mongo,
    }
    with tempfile.TemporaryDirectory(prefix="rushes-") as folder:
        media = f"{folder}/media.sock"
        made = [Instance(Path(folder) / str(each), media, role=SESSIONS, **settings) for each in range(count)]
        made.append(Instance(Path(folder) / "projector", media, role=PROJECTOR, **settings))
        async with media_server(media, Media()):
            try:
                for each in made:
                    await each.start()
                yield made
            finally:
                for each in made:
                    await each.close()


def url_of(store: Engine) -> str:
    return f"mongodb://{store.address}/faults"


async def history_of(store: Engine, count: int) -> MongoHistory:
    """History, once it has so many commits of the video."""
    history = await open_mongo_history(url_of(store))

    async def complete() -> bool:
        head = await history.head(VIDEO)
        return head is not None and head.ordinal + 1 >= count

    await until(complete, "history", 60)
    return history


def judge(load: Load) -> list[BatchOf]:
    """The one order that agrees with all that writers were told, and that those who watched saw; see the checker."""
    order = order_of(load.writes)
    for watcher in load.watchers:
        check_watch(watcher.watch, order)
    return order


async def commits_of(history: MongoHistory) -> list[BatchOf]:
    """What history has, in order."""
    found: list[BatchOf] = []
    while landed := await history.commits(VIDEO, len(found), 500):
        commits = [operation_pb2.Commit.FromString(each.commit) for each in landed]
        found += [(commit.client_id, commit.client_seq) for commit in commits]
    return found
