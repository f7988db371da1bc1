"""What was acknowledged is there, once, whatever happens to the process, the disk and what follows the log."""

import asyncio
import itertools
import random
import signal
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import operation_pb2, record_pb2
from rushes.document import Document, apply
from rushes.errors import Unavailable
from svc_annotation import past
from svc_annotation.bootstrap import AnnotationService
from svc_annotation.config import AnnotationConfig
from svc_annotation.core.row import HistoryRow
from svc_annotation.stores import LogFull, partition_of
from svc_annotation.stores.segment import open_segment_log
from tests.integration.annotation_notes import batch, create, identity_of, move, publish
from tests.integration.annotation_server import (
    INTERNAL,
    Media,
    People,
    Place,
    Server,
    Session,
    media_server,
    reason,
    serving,
)
from tests.waiting import until

KILLS = 6


async def commits_of(place: Place, video: int = 1) -> list[operation_pb2.Commit]:
    """All commits, page by page."""
    commits: list[operation_pb2.Commit] = []
    token = ""
    while True:
        request = service.ListOperationsRequest(video_id=video, page_size=1_000, page_token=token)
        answer = await place.stub.ListOperations(request, metadata=place.as_person("reader"))
        commits += answer.commits
        token = answer.next_page_token
        if not token:
            return commits


def rows_of(data: Path) -> list[tuple[object, ...]]:
    """All rows of history, in order."""
    with sqlite3.connect(data / "annotation" / "history.sqlite") as connection:
        records = connection.execute("SELECT * FROM records ORDER BY video_id, ordinal").fetchall()
        changes = connection.execute("SELECT * FROM changes ORDER BY video_id, revision, annotation_id").fetchall()
    connection.close()
    return records + changes


async def logged(data: Path, video: int = 1) -> list[record_pb2.Record]:
    """The video's records as the log has them."""
    log = await open_segment_log(data / "annotation" / "log")
    try:
        number = partition_of(video)
        end = await log.end(number)
        records: list[record_pb2.Record] = []
        if end:
            async for entries in log.read(number, 0):
                records += [record_pb2.Record.FromString(entry.payload) for entry in entries]
                if entries[-1].offset + 1 >= end:
                    break
        return [record for record in records if record.video_id == video]
    finally:
        await log.close()


@asynccontextmanager
async def child(data: Path, folder: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The service in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.annotation_child",
        str(data),
        f"{folder}/annotation.sock",
        f"{folder}/media.sock",
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        assert await asyncio.wait_for(process.stdout.readline(), 30) == b"ready\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        transport = process._transport  # type: ignore[attr-defined]
        transport.close()


class Writer:
    """Writes for ever through a stream, sends again what was not answered, and notes what was acknowledged."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.acknowledged: dict[int, int] = {}
        self.sent: dict[int, operation_pb2.Batch] = {}
        self.number = 0

    async def write(self, place: Place) -> None:
        """Until the stream breaks."""
        try:
            session = await place.session(self.name)
            if session.error is not None:
                return
            for outcome in session.opened.outcomes:
                self._acknowledge(outcome.client_seq, outcome.revision)
            for each in sorted(self.sent):
                await session.send(submit=self.sent[each])
            while session.error is None:
                self._note(session)
                if len(self.sent) < 4:
                    self.number += 1
                    new = batch(self.number, 0, create(f"{self.name} {self.number}"))
                    self.sent[self.number] = new
                    await session.send(submit=new)
                await asyncio.sleep(0.005)
            self._note(session)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return

    def _note(self, session: Session) -> None:
        for commit in session.commits:
            if commit.person_id == self.name:
                self._acknowledge(commit.client_seq, commit.revision)
        for own in session.of("outcome"):
            self._acknowledge(own.outcome.client_seq, own.outcome.revision)
        assert not session.of("refused")

    def _acknowledge(self, number: int, revision: int) -> None:
        assert self.acknowledged.setdefault(number, revision) == revision
        self.sent.pop(number, None)


async def test_a_service_killed_in_the_middle_of_work_loses_and_doubles_nothing(tmp_path: Path) -> None:
    chance = random.Random(5)
    writers = [Writer(f"writer {number}") for number in range(4)]
    with tempfile.TemporaryDirectory(prefix="rushes-") as folder:
        async with media_server(f"{folder}/media.sock", Media()):
            for _ in range(KILLS):
                before = sum(len(writer.acknowledged) for writer in writers)
                async with child(tmp_path, folder) as process:
                    place = Place(Server(tmp_path, folder, "", AnnotationConfig(), People()), Media())
                    writing = [asyncio.create_task(writer.write(place)) for writer in writers]
                    more = chance.randint(5, 60)
                    await until(lambda: sum(len(w.acknowledged) for w in writers) >= before + more)  # noqa: B023
                    process.send_signal(signal.SIGKILL)
                    await process.wait()
                    await asyncio.gather(*writing)
                    await place.close()
            async with child(tmp_path, folder) as process:
                place = Place(Server(tmp_path, folder, "", AnnotationConfig(), People()), Media())
                commits = await commits_of(place)
                await place.close()
                process.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(process.wait(), 20) == 0
    assert [commit.revision for commit in commits] == list(range(1, len(commits) + 1))
    landed = {(commit.person_id, commit.client_seq): commit.revision for commit in commits}
    assert len(landed) == len(commits)
    for writer in writers:
        for number, revision in writer.acknowledged.items():
            assert landed[writer.name, number] == revision
    await history_equals_the_log(tmp_path)


async def history_equals_the_log(data: Path, video: int = 1) -> None:
    """Folding the log anew gives what history says."""
    document = Document(video, 1)
    for record in await logged(data, video):
        apply(document, record)
    with sqlite3.connect(data / "annotation" / "history.sqlite") as connection:
        found = connection.execute(
            'SELECT ordinal, revision, "commit" FROM records WHERE video_id = ? ORDER BY ordinal', (video,)
        ).fetchall()
        states = connection.execute(
            "SELECT annotation_id, state FROM changes WHERE video_id = ? ORDER BY revision", (video,)
        ).fetchall()
    connection.close()
    assert [row[0] for row in found] == list(range(document.ordinal))
    assert max((row[1] for row in found), default=0) == document.revision
    assert dict(states) == {each.annotation.id: each.SerializeToString() for each in document.annotations}


class SlowHistory:
    """History that fails, or stops, as the test says."""

    def __init__(self, service: AnnotationService) -> None:
        self.inner = service._shared.history
        self.fail_in: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.writes = 0
        service._shared.videos.projector._history = self  # type: ignore[assignment]

    async def write(self, positions: Mapping[int, int], rows: Sequence[HistoryRow]) -> None:
        """As the store's."""
        await self.gate.wait()
        self.writes += 1
        if self.writes in self.fail_in:
            raise OSError("this write fails")
        await self.inner.write(positions, rows)


async def write_some(place: Place, start: int, count: int, person: str = "ann") -> None:
    for number in range(start, start + count):
        operations = [create(f"{person} {number}", audience=INTERNAL, text="some")]
        if number % 3 == 0:
            operations.append(move(f"{person} {number}", number, number, 0))
        if number % 5 == 0:
            operations.append(publish(f"{person} {number}"))
        await place.submit(person, batch(number, 0, *operations))


async def test_history_is_the_same_wherever_the_projector_was_stopped(tmp_path: Path) -> None:
    expected: list[tuple[object, ...]] = []
    for name, failing in (("whole", []), ("failing", [1, 2, 4]), ("stopped", None)):
        data = tmp_path / name
        for start in (1, 11, 21):
            slow: list[SlowHistory] = []
            async with serving(data, wrap=lambda service: slow.append(SlowHistory(service))) as place:  # noqa: B023
                if failing is None:
                    await write_some(place, start, 5)
                    slow[0].gate.clear()
                    await write_some(place, start + 5, 5)
                    await place.server.service._shared.log.close()
                    await place.server.service._shared.videos.give_up()
                else:
                    slow[0].fail_in = failing
                    await write_some(place, start, 10)
        async with serving(data) as place:
            assert len(await commits_of(place)) == 30
        rows = [row[:10] + row[11:] for row in rows_of(data)]  # but for the time
        rows = [tuple(each for each in row if not isinstance(each, bytes)) for row in rows]
        expected = expected or rows
        assert rows == expected
        await history_equals_the_log(data)


async def test_a_partition_that_is_taken_away_leaves_nobody_waiting_for_its_rows(tmp_path: Path) -> None:
    slow: list[SlowHistory] = []
    async with serving(tmp_path, wrap=lambda service: slow.append(SlowHistory(service))) as place:
        shared = place.server.service._shared
        videos = shared.videos
        await write_some(place, 1, 5)
        await until(lambda: not videos.projector._waiting)  # type: ignore[union-attr]
        slow[0].gate.clear()
        await write_some(place, 6, 5)
        video = videos._slots[1].video
        assert video is not None
        reading = asyncio.create_task(past.projected(shared, video, video.document.revision))
        videos._save(video)
        waiter = video.wait("ann", b"c" * 16, 1)
        await asyncio.sleep(0)
        videos.leave(partition_of(1))
        with pytest.raises(Unavailable):
            await waiter
        slow[0].gate.set()
        await until(lambda: not videos._saving)
        with pytest.raises(Unavailable):
            await reading
        await videos.follow(partition_of(1))
        assert len(await commits_of(place)) == 10
    await history_equals_the_log(tmp_path)


async def test_a_video_is_put_away_and_opened_again_as_it_was(tmp_path: Path) -> None:
    async with serving(tmp_path, AnnotationConfig(idle_s=0.0)) as place:
        videos = place.server.service._shared.videos
        await write_some(place, 1, 20)
        before = await commits_of(place)
        await until(lambda: 1 not in videos._slots)
        assert list((tmp_path / "annotation" / "snapshots" / "t" / "1").iterdir())
        assert await commits_of(place) == before
        await place.submit("ann", batch(20, 0, create("ann 20", audience=INTERNAL, text="some"), publish("ann 20")))
        await write_some(place, 21, 3)
        assert len(await commits_of(place)) == 23
    await history_equals_the_log(tmp_path)


async def test_a_damaged_snapshot_costs_time_and_nothing_else(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        await write_some(place, 1, 10)
    folder = tmp_path / "annotation" / "snapshots" / "t" / "1"
    for snapshot in folder.iterdir():
        snapshot.write_bytes(snapshot.read_bytes()[:-1])
    async with serving(tmp_path) as place:
        await write_some(place, 11, 1)
        assert len(await commits_of(place)) == 11
    await history_equals_the_log(tmp_path)


async def test_a_full_disk_is_said_reading_goes_on_and_what_was_sent_lands_afterwards(tmp_path: Path) -> None:
    full = False

    def wrap(service: AnnotationService) -> None:
        log = service._shared.log
        inner = log.append_all

        async def append(partition: int, key: int, payloads: Sequence[bytes]) -> int:
            if full:
                raise LogFull("the log's disk is full")
            return await inner(partition, key, payloads)

        log.append_all = lambda *records: asyncio.create_task(append(*records))  # type: ignore[method-assign]

    async with serving(tmp_path, wrap=wrap) as place:
        ann, bob = await place.session("ann"), await place.session("bob")
        await ann.submit(create("before"))
        await ann.landed()
        full = True
        sent = [await ann.submit(create(f"during {number}"), base=1) for number in range(3)]
        await until(lambda: ann.of("trouble"))
        assert ann.of("trouble")[0].code == grpc.StatusCode.UNAVAILABLE.value[0]
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await place.submit("cyd", batch(1, 0, create("cyd")))
        assert failure.value.code() == grpc.StatusCode.UNAVAILABLE
        assert reason(failure.value) == "LOG_READ_ONLY"
        await until(lambda: ann.of("resend"))
        late = await place.session("late")
        await until(lambda: late.of("snapshot_part"))
        full = False
        asked = 0
        while ann.revision < 4:
            if len(ann.of("resend")) > asked:
                asked = len(ann.of("resend"))
                for each in sent:
                    await ann.send(submit=each)
            await asyncio.sleep(0.01)
        await until(lambda: [each.code for each in ann.of("trouble")][-1] == 0)
        await until(lambda: bob.revision == 4)
        assert not ann.of("refused")


async def test_a_log_that_is_shorter_than_history_is_another_epoch(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        await write_some(place, 1, 5)
    for segment in (tmp_path / "annotation" / "log").iterdir():
        segment.unlink()
    async with serving(tmp_path) as place:
        ann = await place.session("ann", resume_revision=5, epoch=1)
        assert ann.opened.epoch == 2
        assert ann.opened.revision == 5
        assert ann.of("reset")[0].reason == service.RESET_REASON_EPOCH
        with pytest.raises(grpc.aio.AioRpcError):
            await place.submit("bob", batch(1, 5, create("stale")), epoch=1)
        await place.submit("bob", batch(1, 5, create("fresh")), epoch=2)
        await write_some(place, 6, 3)
        assert len(await commits_of(place)) == 9
    async with serving(tmp_path) as place:
        assert len(await commits_of(place)) == 9
        assert (await place.session("ann")).opened.epoch == 2


async def test_a_video_whose_fold_fails_is_quarantined_and_the_others_go_on(tmp_path: Path) -> None:
    config = AnnotationConfig(rules=99)
    async with serving(tmp_path) as place:
        await write_some(place, 1, 2)
    async with serving(tmp_path, config) as place:
        neighbour = 1 + 32
        shared = place.server.service._shared
        watcher = await place.session("bob")
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await place.submit("ann", batch(3, 0, create("of the future")))
        assert reason(failure.value) == "VIDEO_QUARANTINED"
        await until(lambda: watcher.error)
        assert watcher.code == grpc.StatusCode.UNAVAILABLE
        object.__setattr__(shared.config, "rules", 1)
        assert (await place.submit("ann", batch(1, 0, create("x")), video=neighbour)).revision == 1
        with pytest.raises(grpc.aio.AioRpcError):
            await commits_of(place)
    async with serving(tmp_path) as place:
        with pytest.raises(grpc.aio.AioRpcError):
            await commits_of(place)
        assert len(await commits_of(place, neighbour)) == 1
        assert (await place.submit("ann", batch(2, 1, create("y")), video=neighbour)).revision == 2
    await history_equals_the_log(tmp_path, neighbour)


async def test_a_slow_disk_delays_the_answer_and_never_comes_after_it(tmp_path: Path) -> None:
    synced: list[int] = []
    gate = asyncio.Event()

    def wrap(service: AnnotationService) -> None:
        log = service._shared.log
        inner = log.append_all

        async def append(partition: int, key: int, payloads: Sequence[bytes]) -> int:
            await gate.wait()
            offset = await inner(partition, key, payloads)
            synced.append(offset)
            return offset

        log.append_all = lambda *records: asyncio.create_task(append(*records))  # type: ignore[method-assign]

    async with serving(tmp_path, wrap=wrap) as place:
        ann = await place.session("ann")
        await ann.submit(create("slow"))
        waiting = asyncio.create_task(place.submit("bob", batch(1, 0, create("bob"))))
        await ann.send(ping_ms=1)
        await until(lambda: ann.of("pong"))
        assert not ann.commits
        assert not waiting.done()
        gate.set()
        await ann.landed()
        await waiting
        await until(lambda: len(synced) == 2)


async def test_a_reader_that_never_reads_is_cut_with_where_to_resume(tmp_path: Path) -> None:
    config = AnnotationConfig(unacked_revisions=50, unacked_s=0.5)
    async with serving(tmp_path, config) as place:
        lazy = await place.session("lazy", acks=False)
        eager = await place.session("eager")
        people = itertools.cycle([f"writer {number}" for number in range(10)])
        numbers: dict[str, int] = {}
        for _ in range(120):
            person = next(people)
            numbers[person] = numbers.get(person, 0) + 1
            await place.submit(person, batch(numbers[person], 0, create(f"{person} {numbers[person]}")))
        await until(lambda: eager.revision == 120)
        await until(lambda: lazy.error)
        assert reason(lazy.error) == "SLOW_READER"
        assert lazy.code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert len(lazy.commits) < 120
        again = await place.session("lazy", resume_revision=lazy.revision, epoch=1)
        await until(lambda: again.revision == 120)
        assert [c.revision for c in lazy.commits + again.commits] == list(range(1, 121))


async def test_pages_of_a_document_are_of_one_revision_whatever_lands_meanwhile(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        people = [f"writer {number}" for number in range(10)]
        for person in people:
            for number in range(1, 39):
                notes = [create(f"{person} {number} {each}", text="x" * 700) for each in range(5)]
                await place.submit(person, batch(number, 0, *notes))
        request = service.GetDocumentRequest(video_id=1)
        page = await place.stub.GetDocument(request, metadata=place.as_person("ann"))
        assert page.next_page_token
        assert page.ByteSize() <= 1024 * 1024
        got = [state.annotation.id for state in page.annotations]
        await place.submit("late", batch(1, 0, create("late")))
        while page.next_page_token:
            request.page_token = page.next_page_token
            page = await place.stub.GetDocument(request, metadata=place.as_person("ann"))
            assert page.revision == 380
            got += [state.annotation.id for state in page.annotations]
        assert len(got) == len(set(got)) == 1_900
        assert identity_of("late") not in got
        listed: list[bytes] = []
        asked = service.ListAnnotationsRequest(video_id=1, page_size=1_000)
        while True:
            answer = await place.stub.ListAnnotations(asked, metadata=place.as_person("ann"))
            listed += [annotation.id for annotation in answer.annotations]
            if not answer.next_page_token:
                break
            asked.page_token = answer.next_page_token
        assert len(listed) == len(set(listed)) == 1_901
        asked.author_id = "late"
        asked.page_token = "bm90aGluZw"
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await place.stub.ListAnnotations(asked, metadata=place.as_person("ann"))
        assert reason(failure.value) == "INVALID_PAGE_TOKEN"
