"""The whole product on engines of its own, at full load: whoever of it dies or is stopped, or when engines are away."""

import asyncio
import contextlib
import os
import signal
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator

import pytest

import rushes
from tests.engine import Engine, kafka, need, running
from tests.product import Product, serving
from tests.waiting import until

pytestmark = pytest.mark.timeout(600)

WRITERS = 12
DYING = ("svc_annotation", "gateway", "svc_annotation.2", "svc_annotation.projector", "gateway.2")
"""In turn: those of one kind not right after each other, for people to have somewhere to go."""


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One of the test's own."""
    need("kafka")
    (engine,) = kafka(tmp_path_factory.mktemp("kafka"))
    with running([engine]):
        yield engine


@pytest.fixture
def product(broker: Engine, store: Engine) -> Iterator[Product]:
    """Two instances behind two gateways."""
    engines = {
        "RUSHES_ANNOTATION__KAFKA": broker.address,
        "RUSHES_ANNOTATION__KAFKA_REPLICAS": "1",
        "RUSHES_ANNOTATION__MONGO": f"mongodb://{store.address}/product",
    }
    with serving("--profile", "cluster", "--scale", "annotation=2,gateway=2", **engines) as made:
        yield made


class Writers:
    """People at both gateways who write one note after the other, each once the one before is saved."""

    def __init__(self, sessions: list[rushes.Session]) -> None:
        self.sessions = sessions
        self.saved: list[str] = []
        self.enough = False
        self._tasks = [asyncio.create_task(self._write(number)) for number in range(len(sessions))]

    async def _write(self, number: int) -> None:
        note = 0
        while not self.enough:
            note += 1
            text = f"writer {number}, note {note}"
            await self.sessions[number].comment(note % 250, text)
            self.saved.append(text)

    async def more(self, count: int) -> None:
        """Returns once so many more are saved."""
        wanted = len(self.saved) + count

        def there() -> bool:
            for task in self._tasks:
                if task.done():
                    task.result()
            return len(self.saved) >= wanted

        await until(there, f"{count} more notes", 60)

    async def end(self) -> None:
        """Writes no more."""
        self.enough = True
        await asyncio.gather(*self._tasks)


@contextlib.asynccontextmanager
async def writers(product: Product) -> AsyncIterator[Writers]:
    """At work."""
    services = product.stack.ready()["services"]
    gateways = [services[name]["http"] for name in ("gateway", "gateway.2")]
    async with contextlib.AsyncExitStack() as stack:
        sessions = []
        for number, secret in enumerate(product.studio.people(WRITERS)):
            client = await stack.enter_async_context(rushes.connect(gateways[number % 2], session=secret))
            sessions.append(await stack.enter_async_context(client.collaborate(product.video_id)))
        yield Writers(sessions)


def texts(session: rushes.Session) -> list[str]:
    return sorted(state.annotation.text for state in session.annotations)


async def test_whoever_is_killed_or_stopped_nothing_saved_is_lost_or_doubled(product: Product) -> None:
    stack = product.stack
    async with writers(product) as load:
        await load.more(100)
        for number in (signal.SIGKILL, signal.SIGTERM):
            for name in DYING:
                pid = stack.pids()[name]
                os.kill(pid, number)
                await load.more(50)
                await asyncio.to_thread(stack.wait_restarted, name, pid)
        await load.end()
        first = load.sessions[0]
        await until(
            lambda: all(each.revision == len(load.saved) for each in load.sessions), "everybody's being up to date"
        )
        assert texts(first) == sorted(load.saved)
        documents = {
            b"".join(s.SerializeToString(deterministic=True) for s in each.annotations) for each in load.sessions
        }
        assert len(documents) == 1


def status(url: str) -> int:
    """Of an HTTP answer."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


async def test_instances_are_not_ready_while_an_engine_is_away_and_live_on(
    product: Product, broker: Engine, store: Engine
) -> None:
    metrics = product.stack.ready()["services"]["svc_annotation"]["metrics"]
    assert status(f"{metrics}/readyz") == 200
    for engine in (broker, store):
        engine.send(signal.SIGSTOP)
        await until(lambda: status(f"{metrics}/readyz") == 503, f"being without {engine.name}")
        assert status(f"{metrics}/healthz") == 200
        engine.send(signal.SIGCONT)
        await until(lambda: status(f"{metrics}/readyz") == 200, f"having {engine.name} again")
