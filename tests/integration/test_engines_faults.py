"""Brokers, instances, the projector and the store die or hang under load: nothing acknowledged is lost or doubled."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine import Engine, kafka, need, running
from tests.engine_load import Load, commits_of, history_of, instances, judge, url_of
from tests.waiting import until

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Engine]]:
    """Three, each record on all of them and two needed for it."""
    need("kafka")
    engines = kafka(tmp_path_factory.mktemp("kafka"), brokers=3)
    with running(engines):
        yield engines


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    """A MongoDB of this test alone, for it is stopped."""
    need("mongo")
    engine = Engine("mongo", tmp_path / "mongo")
    with running([engine]):
        yield engine


async def test_nothing_acknowledged_is_lost_or_doubled_whatever_dies(brokers: list[Engine], store: Engine) -> None:
    async with instances(brokers, url_of(store), 2) as (one, two, projector):
        load = Load([one, two])
        await load.more(50)
        brokers[1].kill()
        await load.more(50)
        one.end(signal.SIGKILL)
        projector.end(signal.SIGKILL)
        await load.more(50)
        await asyncio.gather(one.start(), projector.start())
        brokers[1].start()
        store.send(signal.SIGSTOP)
        await load.more(50)
        store.send(signal.SIGCONT)
        two.end(signal.SIGTERM)
        await load.more(20)
        await two.start()
        brokers[1].wait()
        brokers[0].send(signal.SIGSTOP)
        await load.more(50)
        brokers[0].send(signal.SIGCONT)
        await load.end()
        order = judge(load)
        history = await history_of(store, len(order))
        assert await commits_of(history) == order
        await history.close()


async def test_a_history_that_is_lost_is_written_again_from_the_log(brokers: list[Engine], store: Engine) -> None:
    async with instances(brokers, url_of(store), 2) as made:
        watching = [asyncio.create_task(each.watch_over()) for each in made]
        load = Load(made[:2])
        await load.more(60)
        history = await history_of(store, 60)
        await history.close()
        store.kill()  # it keeps all in memory
        store.start()
        store.wait()
        await until(lambda: all(each.ends for each in made), "beginning anew")
        await load.more(40)
        await load.end()
        order = judge(load)
        history = await history_of(store, len(order))
        assert await commits_of(history) == order
        await history.close()
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
