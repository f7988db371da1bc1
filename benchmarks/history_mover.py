"""What moving old versions to the archive does to those who are at work meanwhile: people write without and with it."""

import asyncio
import secrets
import tempfile
import time
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
from rushes.version.v1 import version_pb2
from rushes.version.v1 import version_service_pb2 as version
from rushes.version.v1.version_service_pb2_grpc import VersionServiceStub

VIDEOS = 4
WRITERS = 16
EACH_S = 0.1
"""Between two batches of one writer."""
WARM_S = 2.0
IDLE_S = 10.0
OLD_AT_ONCE = {"RUSHES_VERSION__HOT_DAYS": "0", "RUSHES_VERSION__COLD_DAYS": "0", "RUSHES_VERSION__MOVE_S": "2"}


class People:
    """Those who write, and the videos whose versions are moved."""

    def __init__(self, secrets_of: list[str], videos: list[int], written: int) -> None:
        self.secrets = secrets_of
        self.videos = videos
        self.written = written
        """The video that they write on: none of those that are moved."""


async def measure(versions: int) -> dict[str, float]:
    """The 99th percentile with the mover at work over that without, and how many versions a minute it moves."""
    with tempfile.TemporaryDirectory(prefix="rushes-mover-") as folder:
        data = Path(folder) / "data"
        with running(data) as stack:
            people = await asyncio.to_thread(_people, stack)
            await _make_versions(stack, people, versions)
            before = await _write(stack, people, asyncio.create_task(asyncio.sleep(IDLE_S)))
        with running(data, **OLD_AT_ONCE) as stack:
            began, mover = time.monotonic(), [stack.pids()["svc_version"]]
            spent_s = cpu_s(mover)
            moving = asyncio.create_task(_moved(stack, people, versions))
            during = await _write(stack, people, moving)
            rate = versions / (moving.result() - began) * 60
            spent_s = cpu_s(mover) - spent_s
            after = await _write(stack, people, asyncio.create_task(asyncio.sleep(IDLE_S)))
    idle = percentile(before + after, 99)
    return {
        "mover_versions_a_minute": rate,
        "mover_cpu_ms": spent_s / versions * 1000,
        "mover_idle_p99_ms": idle,
        "mover_p99_ms": percentile(during, 99),
        "mover_p99_ratio": percentile(during, 99) / idle,
    }


def _people(stack: Stack) -> People:
    studio = Studio(stack)
    videos = [studio.video(footage()).video_id for _ in range(VIDEOS + 1)]
    return People([studio.secret, *studio.people(WRITERS - 1, "member")], videos[1:], videos[0])


def _comment(text: str) -> Operation:
    note = Annotation(id=secrets.token_bytes(16), kind=ANNOTATION_KIND_COMMENT, text=text, audience=AUDIENCE_CLIENT)
    return Operation(create=CreateOperation(annotation=note))


async def _make_versions(stack: Stack, people: People, count: int) -> None:
    """Versions that differ from each other, as those that people save do."""

    async def make(video_id: int) -> None:
        async with rushes.connect(stack.address, session=people.secrets[0]) as client:
            writer = Writer(client, video_id, Random(video_id))
            stub = VersionServiceStub(client._connection.channel)
            for number in range(count // VIDEOS):
                await writer.write([_comment(f"note {number} " + secrets.token_hex(200))], writer.head)
                request = version.CommitVersionRequest(video_id=video_id, request_id=secrets.token_hex(8))
                await client._connection.call(stub.CommitVersion, request)

    await asyncio.gather(*(make(video_id) for video_id in people.videos))


async def _write(stack: Stack, people: People, until: "asyncio.Task[object]") -> list[float]:
    """How long each batch took until it was saved, until something is over; the first ones do not count."""
    taken: list[float] = []
    clients = [rushes.connect(stack.address, session=secret) for secret in people.secrets]

    async def work(client: rushes.Client, delay_s: float) -> None:
        writer = Writer(client, people.written, Random(1))
        await asyncio.sleep(delay_s)
        while not until.done():
            began = time.monotonic()
            await writer.write([_comment("at work")], 0)
            if began - started > WARM_S:
                taken.append(time.monotonic() - began)
            await asyncio.sleep(max(0.0, EACH_S - (time.monotonic() - began)))

    for client in clients:
        await client.__aenter__()
    try:
        started = time.monotonic()
        await asyncio.gather(*(work(client, at * EACH_S / WRITERS) for at, client in enumerate(clients)))
    finally:
        for client in clients:
            await client.__aexit__(None, None, None)
    await until
    return taken


async def _moved(stack: Stack, people: People, count: int) -> float:
    """When the last version had moved."""
    async with rushes.connect(stack.address, session=people.secrets[0]) as client:
        stub = VersionServiceStub(client._connection.channel)
        for video_id in people.videos:
            newest = version.ListVersionsRequest(video_id=video_id, page_size=1)
            while True:
                answer = await client._connection.call(stub.ListVersions, newest)
                # They move the oldest first.
                if answer.versions[0].tier == version_pb2.VERSION_TIER_COLD:
                    break
                await asyncio.sleep(0.2)
    return time.monotonic()
