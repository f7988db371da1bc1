"""What operators fear, under load: whatever happens to engines and clocks, nothing acknowledged is lost or doubled."""

import asyncio
import signal
import time

import grpc
import pytest

from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import operation_pb2
from svc_annotation.stores.history_mongo import MongoHistory
from tests.engine import Engine
from tests.engine_load import PASSING, VIDEO, Instance, Load, commits_of, history_of, instances, judge, url_of
from tests.integration.annotation_notes import batch, create, identity_of
from tests.integration.annotation_server import CLOCK_OFFSET_S
from tests.toxiproxy import Toxic
from tests.waiting import until

pytestmark = pytest.mark.timeout(600)

ROUNDS = 4
HANG_S = 40.0
HOUR_S = 3_600


async def settle(load: Load, store: Engine) -> MongoHistory:
    """Ends the load, and checks that everybody's batches are there once, in one order, and in history too."""
    await load.end()
    order = judge(load)
    history = await history_of(store, len(order))
    assert await commits_of(history) == order
    return history


class Following:
    """Somebody who has the clip open at an instance, and opens it again nowhere."""

    def __init__(self, instance: Instance, load: Load) -> None:
        request = service.FollowRequest(video_id=VIDEO, delivery=service.DELIVERY_FULL)
        self._call = instance.stub.Follow(request, metadata=load.metadata("reader"))
        self.revision = 0
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for answer in self._call:
            kind = answer.message.WhichOneof("message")
            if kind == "snapshot_part":
                self.revision = answer.message.snapshot_part.revision
            elif kind == "committed":
                for commit in answer.message.committed.commits:
                    assert commit.revision == self.revision + 1
                    self.revision += 1

    def close(self) -> None:
        """Looks away."""
        self._call.cancel()


async def test_brokers_die_one_after_the_other(brokers: list[Engine], store: Engine) -> None:
    async with instances(brokers, url_of(store), 2) as (one, two, _):
        load = Load([one, two])
        for number in range(ROUNDS):
            broker = brokers[number % len(brokers)]
            broker.kill()
            await load.more(40)
            broker.start()
            broker.wait()
            await load.more(40)
        await (await settle(load, store)).close()


async def test_a_broker_hangs_for_forty_seconds_and_goes_on(brokers: list[Engine], store: Engine) -> None:
    async with instances(brokers, url_of(store), 2) as (one, two, _):
        load = Load([one, two])
        await load.more(40)
        brokers[2].send(signal.SIGSTOP)
        began_s = time.monotonic()
        await load.more(40)
        await asyncio.sleep(max(0.0, HANG_S - (time.monotonic() - began_s)))
        brokers[2].send(signal.SIGCONT)
        await load.more(40)
        await (await settle(load, store)).close()


async def test_all_brokers_are_away_what_is_open_stays_open_and_writing_goes_on_by_itself(
    brokers: list[Engine], store: Engine
) -> None:
    async with instances(brokers, url_of(store), 2) as (one, two, _):
        load = Load([one, two])
        await load.more(40)
        following = Following(one, load)
        await until(lambda: following.revision >= 40, "the open clip")
        for broker in brokers:
            broker.kill()
        # What was on its way may still be there; then nothing more is acknowledged.
        stands = -1
        while stands != len(load.outcomes):
            stands = len(load.outcomes)
            await asyncio.sleep(10)
        assert not following.task.done()
        assert following.revision >= stands
        for broker in brokers:
            broker.start()
        for broker in brokers:
            broker.wait()
        await load.more(40)
        await load.end()
        await until(lambda: following.revision == len(load.outcomes), "all that was written meanwhile")
        assert not following.task.done()
        following.close()
        await asyncio.gather(following.task, return_exceptions=True)
        await (await settle(load, store)).close()


async def test_answers_of_the_store_are_cut_in_half(brokers: list[Engine], store: Engine, toxiproxy: Engine) -> None:
    toxic = Toxic(toxiproxy, store)
    async with instances(brokers, f"mongodb://127.0.0.1:{toxic.port}/faults", 2) as (one, two, projector):
        load = Load([one, two])
        await load.more(40)
        for after in (300, 700, 150, 1_500, 60):
            await asyncio.to_thread(toxic.cut_answers_after, after)
            before = toxic.withheld_bytes
            await load.more(40)
            await until(lambda before=before: toxic.withheld_bytes > before, "an answer cut in half")  # type: ignore[misc]
        await asyncio.to_thread(toxic.heal)
        projector.end(signal.SIGKILL)
        await projector.start()
        await (await settle(load, store)).close()


async def test_a_clock_goes_back_an_hour(brokers: list[Engine], store: Engine) -> None:
    async with instances(brokers, url_of(store), 2) as (one, two, projector):
        load = Load([one, two])
        await load.more(40)
        for each in (one, projector):
            each.end(signal.SIGTERM)
            each.environ = {CLOCK_OFFSET_S: str(-HOUR_S)}
            await each.start()
        await load.more(80)
        history = await settle(load, store)
        found = await history.commits(VIDEO, 0, 1_000)
        times = [operation_pb2.Commit.FromString(each.commit).time_ms for each in found]
        assert times == sorted(times)
        await history.close()


async def test_nobody_is_told_of_success_while_too_few_brokers_are_there(brokers: list[Engine], store: Engine) -> None:
    async with instances(brokers, url_of(store), 1) as (one, _):
        load = Load([one])
        await load.more(40)
        for broker in brokers[:2]:
            broker.send(signal.SIGSTOP)
        stands = -1
        while stands != len(load.outcomes):
            stands = len(load.outcomes)
            await asyncio.sleep(10)
        request = service.CreateBatchAnnotationsRequest(
            video_id=VIDEO + 32, client_id=identity_of("x"), batch=batch(1, 0, create("nobody takes this"))
        )
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await one.stub.CreateBatchAnnotations(request, metadata=load.metadata("x"), timeout=3)
        assert caught.value.code() in PASSING
        for broker in brokers[:2]:
            broker.send(signal.SIGCONT)
        await load.more(40)
        await (await settle(load, store)).close()
