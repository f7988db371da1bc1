"""What sessions append in one turn goes into the log together; each sender is told what became of its own."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from rushes.annotation.v1.operation_pb2 import Batch
from rushes.document import Document
from rushes.document.submitted import Submitted
from rushes.errors import Unavailable
from svc_annotation import appending as module
from svc_annotation.appending import Appends
from svc_annotation.core.submission import Head, Submission, Underway, submission
from svc_annotation.stores import LogFull, LogReadOnly, RecordInvalid, SomeFailed, partition_of
from svc_annotation.stores.kafka import last_of
from tests.unit.svc_annotation.annotation_kit import VIDEO, Writer, create

pytestmark = pytest.mark.asyncio


@dataclass
class Sender:
    """Notes what it is told."""

    in_trouble: bool = True
    told: list[object] = field(default_factory=list)

    def landed(self) -> None:
        """See Sender."""
        self.told.append("landed")

    def lost(self, client_seq: int, error: BaseException) -> None:
        """See Sender."""
        self.told.append((client_seq, type(error)))


@dataclass
class Groups:
    """A log that says what becomes of a group when it is told to."""

    taken: list[tuple[int, int, list[bytes]]] = field(default_factory=list)
    futures: "list[asyncio.Future[int]]" = field(default_factory=list)

    def append_all(self, partition: int, key: int, payloads: Sequence[bytes]) -> "asyncio.Future[int]":
        """See Log."""
        self.taken.append((partition, key, list(payloads)))
        self.futures.append(asyncio.get_running_loop().create_future())
        return self.futures[-1]


async def turns() -> None:
    """The loop goes round."""
    for _ in range(4):
        await asyncio.sleep(0)


def made(number: int) -> Submission:
    """A batch of that number."""
    record = Writer(Document(VIDEO, 1)).record([create(f"note {number}")])
    sender = Submitted.of(record).sender
    batch = Batch(client_seq=number, operations=record.batch.operations)
    return submission(Head.of(sender), batch, time_ms=1000, service=False)


@pytest.fixture
def log() -> Groups:
    """What is appended to."""
    return Groups()


@pytest.fixture
def appends(log: Groups) -> Appends:
    """What is tried."""
    return Appends(log, Underway())  # type: ignore[arg-type]


async def test_what_comes_in_one_turn_goes_into_the_log_together_and_in_order(appends: Appends, log: Groups) -> None:
    batches = [made(number) for number in range(1, 5)]
    for batch in batches[:3]:
        appends.add(VIDEO, batch, Sender())
    appends.add(VIDEO + 1, batches[3], Sender())
    assert not log.taken
    await turns()
    assert log.taken == [
        (partition_of(VIDEO), VIDEO, [batch.payload for batch in batches[:3]]),
        (partition_of(VIDEO + 1), VIDEO + 1, [batches[3].payload]),
    ]
    appends.add(VIDEO, batches[0], Sender())
    await turns()
    assert len(log.taken) == 3


async def test_more_than_a_group_holds_goes_at_once(
    appends: Appends, log: Groups, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = [made(number) for number in range(1, 4)]
    monkeypatch.setattr(module, "GROUP_BYTES", 2 * len(batches[0].payload))
    for batch in batches:
        appends.add(VIDEO, batch, Sender())
    assert [len(payloads) for _, _, payloads in log.taken] == [2]
    await turns()
    assert [len(payloads) for _, _, payloads in log.taken] == [2, 1]


async def test_each_sender_is_told_what_became_of_its_own(appends: Appends, log: Groups) -> None:
    senders = [Sender() for _ in range(5)]
    senders[4].in_trouble = False
    for number, sender in enumerate(senders):
        appends.add(VIDEO + number % 4, made(number), sender)
    await turns()
    log.futures[0].set_result(7)
    log.futures[1].set_exception(LogFull("the disk is full"))
    log.futures[2].cancel()
    log.futures[3].set_exception(Unavailable("not now"))
    await turns()
    assert [sender.told for sender in senders] == [["landed"], [(1, LogReadOnly)], [], [(3, Unavailable)], []]


async def test_all_whose_batches_went_together_are_told_that_they_are_lost(appends: Appends, log: Groups) -> None:
    senders = [Sender() for _ in range(3)]
    for number, sender in enumerate(senders):
        appends.add(VIDEO, made(number), sender)
    await turns()
    log.futures[0].set_exception(Unavailable("not now"))
    await turns()
    assert [sender.told for sender in senders] == [[(number, Unavailable)] for number in range(3)]


async def test_of_a_group_that_landed_in_part_only_those_whose_batches_failed_are_told_so(
    appends: Appends, log: Groups
) -> None:
    senders = [Sender() for _ in range(4)]
    for number, sender in enumerate(senders):
        appends.add(VIDEO, made(number), sender)
    await turns()
    log.futures[0].set_exception(SomeFailed({1: LogFull("the disk is full"), 2: RecordInvalid("too large")}))
    await turns()
    assert [sender.told for sender in senders] == [["landed"], [(1, LogReadOnly)], [(2, RecordInvalid)], ["landed"]]


async def test_an_engine_that_takes_each_by_itself_says_of_each_what_became_of_it() -> None:
    loop = asyncio.get_running_loop()
    records: list[asyncio.Future[int]] = [loop.create_future() for _ in range(3)]
    group = asyncio.ensure_future(last_of(records))
    failed = LogReadOnly("not now")
    records[1].set_exception(failed)
    await turns()
    assert not group.done(), "what became of the others is not known yet"
    records[0].set_result(4)
    records[2].set_result(6)
    with pytest.raises(SomeFailed) as failure:
        await group
    assert failure.value.errors == {1: failed}
    records[1] = loop.create_future()
    records[1].set_result(5)
    assert await last_of(records) == 6


async def test_what_was_appended_is_known_when_it_comes_back(log: Groups) -> None:
    underway = Underway()
    batch = made(1)
    Appends(log, underway).add(VIDEO, batch, Sender())  # type: ignore[arg-type]
    assert underway.take(bytes(batch.payload)) is batch.record
