"""Instances of the annotation service on engines under load, and the judge of what became of it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import tempfile
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
from tests.integration.annotation_notes import batch, create, identity_of
from tests.integration.annotation_server import SECRET, Media, People, child_command, media_server
from tests.waiting import until

VIDEO = 7
WRITERS = 8
RETRY_S = 0.1
CALL_S = 8.0
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


class Load:
    """Writers that send a batch until they have its outcome, to whichever instance answers."""

    def __init__(self, instances: list[Instance]) -> None:
        self.instances = instances
        self.outcomes: dict[tuple[bytes, int], operation_pb2.Outcome] = {}
        self.enough = False
        self._people = People()
        self._tasks = [asyncio.create_task(self._write(writer)) for writer in range(WRITERS)]

    def metadata(self, person: str) -> Any:
        token = self._people.token(person)
        return (("authorization", f"Bearer {token}"),)

    async def _write(self, writer: int) -> None:
        person = f"writer {writer}"
        number = 0
        while not self.enough:
            number += 1
            made = batch(number, 0, create(f"{person} {number}"))
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
            self.outcomes[request.client_id, number] = answer.outcome

    async def more(self, count: int) -> None:
        """Returns once so many more are acknowledged."""
        wanted = len(self.outcomes) + count

        def there() -> bool:
            for task in self._tasks:
                if task.done():
                    task.result()
            return len(self.outcomes) >= wanted

        await until(there, f"{count} more acknowledged", 90)

    async def end(self) -> None:
        """Writes no more."""
        self.enough = True
        await asyncio.gather(*self._tasks)


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


def judge(load: Load) -> list[tuple[bytes, int]]:
    """Every batch landed once, in one order without a hole, each writer's as it was sent; gives that order."""
    by_revision = {outcome.revision: batch_of for batch_of, outcome in load.outcomes.items()}
    assert sorted(by_revision) == list(range(1, len(load.outcomes) + 1))
    order = [by_revision[revision] for revision in sorted(by_revision)]
    for writer in {client_id for client_id, _ in order}:
        numbers = [number for client_id, number in order if client_id == writer]
        assert numbers == sorted(numbers)
    return order


async def commits_of(history: MongoHistory) -> list[tuple[bytes, int]]:
    """What history has, in order."""
    found: list[tuple[bytes, int]] = []
    while landed := await history.commits(VIDEO, len(found), 500):
        commits = [operation_pb2.Commit.FromString(each.commit) for each in landed]
        found += [(commit.client_id, commit.client_seq) for commit in commits]
    return found
