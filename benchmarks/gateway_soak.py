"""Ten minutes in which clients of every kind come, go, are cut and misbehave: the gateway stays as it was.

`python -m benchmarks.gateway --soak [--minutes 10]`; the last line is one JSON object.
"""

import asyncio
import collections
import random
import re
import time
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import psutil

from benchmarks.footage import footage
from benchmarks.gateway_offences import Door
from benchmarks.gateway_visits import VISITS, Place
from benchmarks.stack import Stack, running
from benchmarks.studio import IDENTITY, Studio
from rushes.project.v1 import identity_service_pb2

PACE_S = 0.1
"""Between two visits: a tenth of a core, or there is no room for anything else."""
WARM_SHARE = 0.2
LOOK_S = 20.0
QUIET_S = 75.0
"""After the last visit nobody has anything to say to the gateway any more."""
RENEW_S = 120.0
GROWN_MB, GROWN_DESCRIPTORS, GROWN_TASKS = 16.0, 8, 8


@dataclass(frozen=True)
class Size:
    """What the gateway holds at a moment."""

    memory_mb: float
    descriptors: int
    tasks: int
    sockets: int


class Soak:
    """One run against a product."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._studio = Studio(stack)
        self._video_id = self._studio.video(footage()).video_id
        self._gateway = psutil.Process(stack.pids()["gateway"])
        self._metrics = stack.ready()["services"]["gateway"]["metrics"] + "/metrics"
        self.visits: collections.Counter[str] = collections.Counter()
        self.wrong: collections.Counter[str] = collections.Counter()

    async def run(self, seconds: float) -> tuple[Size, Size]:
        """Visits for so long; sizes after the beginning and at the end, when all have gone."""
        cookie = {"Cookie": f"rushes_session={self._studio.secret}"}
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(connector=connector, headers=cookie) as http:
            await self._visit(http, seconds * WARM_SHARE)
            start = await self._settled(http)
            self._say("start", start)
            await self._visit(http, seconds)
            end = await self._settled(http)
            self._say("end", end)
        return start, end

    def _door(self) -> Door:
        request = identity_service_pb2.IssueTokenRequest(session_secret=self._studio.secret)
        token = self._stack.rpc(IDENTITY, "IssueToken", request, "").token
        address = urlsplit(self._stack.address)
        return Door(address.hostname or "", address.port or 0, self._studio.secret, token)

    async def _visit(self, http: aiohttp.ClientSession, seconds: float) -> None:
        tasks: set[asyncio.Task[None]] = set()
        loop = asyncio.get_running_loop()
        end_s, look_s, renew_s = loop.time() + seconds, loop.time() + LOOK_S, 0.0
        place: Place | None = None
        while loop.time() < end_s:
            if place is None or loop.time() > renew_s:
                place = Place(await asyncio.to_thread(self._door), self._video_id, http)
                renew_s = loop.time() + RENEW_S
            task = loop.create_task(self._one(place))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            if loop.time() > look_s:
                look_s += LOOK_S
                self._say(f"{end_s - loop.time():4.0f} s left", await self._size(http))
            await asyncio.sleep(random.expovariate(1 / PACE_S))
        await asyncio.gather(*tasks)

    async def _one(self, place: Place) -> None:
        visit = random.choice(VISITS)
        self.visits[visit.__name__] += 1
        try:
            await visit(place)
        except Exception as error:
            self.wrong[f"{visit.__name__}: {type(error).__name__}: {error}"] += 1

    async def _settled(self, http: aiohttp.ClientSession) -> Size:
        """Once nobody is there any more, or after a while."""
        size, end_s = await self._size(http), time.monotonic() + QUIET_S
        while time.monotonic() < end_s:
            await asyncio.sleep(1.0)
            before, size = size, await self._size(http)
            if not size.sockets and (before.descriptors, before.tasks) == (size.descriptors, size.tasks):
                await asyncio.sleep(10.0)  # slow ones that were cut, lanes and their caches
                break
        return await self._size(http)

    async def _size(self, http: aiohttp.ClientSession) -> Size:
        async with http.get(self._metrics) as answer:
            text = await answer.text()

        def value(name: str) -> int:
            found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
            return int(float(found[1])) if found else 0

        memory_mb = round(self._gateway.memory_info().rss / (1 << 20), 1)
        return Size(memory_mb, self._gateway.num_fds(), value("rushes_tasks"), value("rushes_gateway_sockets"))

    def _say(self, when: str, size: Size) -> None:
        print(
            f"{when:>10}  {size.memory_mb:6.1f} MB  {size.descriptors:4} descriptors  {size.tasks:4} tasks  "
            f"{size.sockets:4} sockets  {self.visits.total():6} visits, {self.wrong.total()} of them wrong",
            flush=True,
        )


def run(minutes: float) -> dict[str, Any]:
    """Visits for so many minutes; raises SystemExit if something was wrong, or grew."""
    with running(RUSHES_GATEWAY__BEGIN_S="5") as stack:
        soak = Soak(stack)
        start, end = asyncio.run(soak.run(minutes * 60))
    for what, count in soak.wrong.most_common(10):
        print(f"{count:5} x {what}")
    figures = {
        "minutes": minutes, "visits": soak.visits.total(), "wrong": soak.wrong.total(),
        "start": asdict(start), "end": asdict(end),
        "flat": end.memory_mb - start.memory_mb <= GROWN_MB
        and end.descriptors - start.descriptors <= GROWN_DESCRIPTORS
        and end.tasks - start.tasks <= GROWN_TASKS,
    }  # fmt: skip
    if soak.wrong or not figures["flat"]:
        raise SystemExit(f"Not as it was: {figures}")
    return figures
