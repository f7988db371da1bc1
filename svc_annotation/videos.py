"""The videos in memory: opened when a record or a person comes, put away when nobody is there any more."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from mesh.clock import Clock
from rushes.document import Document
from rushes.document.submitted import Submitted
from rushes.errors import RushesError, Unavailable
from svc_annotation import metrics
from svc_annotation.config import ALL, SESSIONS, AnnotationConfig
from svc_annotation.core.policy import SnapshotPolicy
from svc_annotation.core.replay import Replay
from svc_annotation.core.state import encode_state
from svc_annotation.core.submission import Underway
from svc_annotation.errors import VideoQuarantined
from svc_annotation.partition import Partition
from svc_annotation.progress import Progress
from svc_annotation.projector import Projected, Projector
from svc_annotation.stores import PARTITIONS, History, HistoryUnavailable, Log, LogDamaged, Snapshots, partition_of
from svc_annotation.video import Video

READ_ROWS: Final = 1_000
FOLD_AT_ONCE: Final = 200
MAX_HELD_BYTES: Final = 64 * 1024 * 1024
ROW_BYTES: Final = 400
"""What a row of history takes beside what landed."""
HELD_BYTES: Final = 400
"""What a record takes beside its batch."""
STOP_S: Final = 6.0
LOAD_TRIES: Final = 3
AGAIN_S: Final = 0.2
RECHECK_S: Final = 0.05

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Entry:
    """A record that waits for its video to be opened."""

    partition: Partition
    offset: int
    record: Submitted
    size_bytes: int


@dataclass(slots=True)
class Slot:
    """A video's place: being opened, open, or in quarantine."""

    tenant_id: str
    opening: asyncio.Task[None] | None = None
    video: Video | None = None
    failed: RushesError | None = None
    held: deque[Entry] = field(default_factory=deque)
    users: int = 0


class Videos:
    """See the module."""

    def __init__(
        self,
        config: AnnotationConfig,
        log: Log,
        history: History,
        snapshots: Snapshots,
        clock: Clock,
    ) -> None:
        self._config = config
        self._clock = clock
        self._log = log
        self._history = history
        self._snapshots = snapshots
        self.underway = Underway()
        self._slots: dict[int, Slot] = {}
        self._held_bytes = 0
        self._room = asyncio.Event()
        self._room.set()
        self._partitions: dict[int, Partition] = {}
        self._following: dict[int, asyncio.Task[None]] = {}
        self._needed: dict[int, float] = {}
        """When somebody last used a video of a partition."""
        self._follow_turn = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._saving: dict[int, asyncio.Task[None]] = {}
        self._save_turn = asyncio.Semaphore(2)
        self._projects = config.role != SESSIONS
        self.projector: Projector | Progress = (
            Projector(history, self, rests=config.role == ALL) if self._projects else Progress(history, self)
        )
        self._recheck_at: asyncio.TimerHandle | None = None
        self._given_up = False
        self.epoch = 0

    def positions(self, written: Mapping[int, Collection[int]]) -> dict[int, int]:
        """See `projector.Origin`."""
        return {number: each.position(written.get(number, ())) for number, each in self._partitions.items()}

    async def keep(self, positions: Mapping[int, int]) -> None:
        """Tells history how far it is, whoever wrote its rows; it never goes back."""
        await self._history.write(positions, ())

    # Life

    async def start(self) -> None:
        """Finds where history ends. Alone, it follows all of the log from there; else what comes to be needed."""
        positions = await self._history.positions()
        self.epoch = await self._history.epoch()
        ends = {number: await self._log.end(number) for number in range(PARTITIONS)}
        lost = {number: ends[number] for number, position in positions.items() if position > ends[number]}
        if lost:
            self.epoch = await self._history.begin_epoch(lost)
            positions |= lost
            _logger.critical("epoch_raised", extra={"epoch": self.epoch, "partitions": sorted(lost)})
        self._tasks = [asyncio.create_task(self.projector.run()), asyncio.create_task(self._tick_for_ever())]
        if self._config.role != ALL:
            return
        for number in range(PARTITIONS):
            self._follow(number, positions.get(number, 0))
        for number, partition in self._partitions.items():
            await partition.reached(ends[number])

    def _follow(self, number: int, position: int) -> None:
        partition = self._partitions[number] = Partition(number, self._log, position, self, self.projector)
        self._following[number] = asyncio.create_task(partition.run())
        metrics.PARTITIONS.set(len(self._partitions))

    async def follow(self, number: int) -> Partition:
        """The partition, followed from now on. Raises LogDamaged if the log ends before history."""
        async with self._follow_turn:
            self._needed[number] = asyncio.get_running_loop().time()
            if number not in self._partitions:
                position = (await self._history.positions()).get(number, 0)
                end = await self._log.end(number)
                if position > end:
                    raise LogDamaged(f"partition {number} ends at {end}, but history goes to {position}: start anew")
                self._follow(number, position)
            return self._partitions[number]

    async def serve(self, numbers: Collection[int]) -> None:
        """Follows these partitions and no others."""
        for number in self._partitions.keys() - set(numbers):
            self.leave(number)
        for number in numbers:
            await self.follow(number)

    async def lags(self) -> dict[int, int]:
        """By partition that is followed, how many records history does not have yet."""
        return {
            number: await self._log.end(number) - partition.position(())
            for number, partition in self._partitions.items()
        }

    def leave(self, number: int) -> None:
        """Follows a partition no more, and forgets its videos: all of it is in the log."""
        self._following.pop(number).cancel()
        del self._partitions[number]
        metrics.PARTITIONS.set(len(self._partitions))
        self.projector.forget(number)
        for video_id in [video_id for video_id in self._slots if partition_of(video_id) == number]:
            self._forget(video_id)

    def _forget(self, video_id: int) -> None:
        slot = self._slots.pop(video_id)
        if slot.opening is not None:
            slot.opening.cancel()
        for entry in slot.held:
            self._release(entry)
        if slot.video is not None:
            slot.video.fail(Unavailable("this instance does not serve the video any more: open it again"))
            slot.video.close()
            metrics.VIDEOS.dec()

    async def stop(self) -> None:
        """Finishes what was begun, once the log is closed: history, and snapshots of what changed."""
        if not self._given_up:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await self._finish()
        await self.give_up()

    async def _finish(self) -> None:
        await asyncio.gather(*self._following.values())
        for slot in list(self._slots.values()):
            if slot.opening is not None:
                await asyncio.wait([slot.opening])
        self.projector.finish()
        await self.projector.flushed()
        for slot in self._slots.values():
            if self._projects and slot.video is not None and slot.video.policy.behind and slot.failed is None:
                self._save(slot.video)
        await asyncio.gather(*self._saving.values())

    async def give_up(self) -> None:
        """Stops at once: what is not in history is read from the log again."""
        self._given_up = True
        if self._recheck_at is not None:
            self._recheck_at.cancel()
        tasks = [*self._tasks, *self._following.values(), *self._saving.values()]
        for slot in self._slots.values():
            if slot.opening is not None:
                tasks.append(slot.opening)
            if slot.video is not None:
                slot.video.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Whoever needs a video

    def holds(self, video_id: int) -> bool:
        """Whether a video is in memory, and not only for it is in quarantine."""
        slot = self._slots.get(video_id)
        return slot is not None and (slot.failed is None or slot.users > 0)

    def free(self, video_id: int) -> int:
        """See `Partition`."""
        partition = self._partitions.get(partition_of(video_id))
        return partition.free(video_id) if partition is not None else -1

    @contextlib.asynccontextmanager
    async def use(self, video_id: int, tenant_id: str) -> AsyncIterator[Video]:
        """The video as the log has it now, kept in memory meanwhile. Raises VideoQuarantined."""
        partition = self._partitions.get(partition_of(video_id)) or await self.follow(partition_of(video_id))
        slot = self._slot(video_id, tenant_id)
        slot.users += 1
        try:
            await partition.reached(await self._log.end(partition.number))
            while slot.opening is not None:
                await asyncio.wait([slot.opening])
            if slot.failed is not None or slot.video is None:
                raise slot.failed or Unavailable("the video could not be opened")
            slot.video.users += 1
            try:
                yield slot.video
            finally:
                slot.video.users -= 1
                slot.video.used = asyncio.get_running_loop().time()
        finally:
            slot.users -= 1

    def _slot(self, video_id: int, tenant_id: str) -> Slot:
        slot = self._slots.get(video_id)
        if slot is None:
            slot = self._slots[video_id] = Slot(tenant_id)
            slot.opening = asyncio.create_task(self._open(video_id, slot))
        return slot

    # Records

    def take(self, partition: Partition, offset: int, record: Submitted) -> None:
        """See `partition.Taker`."""
        sender = record.sender
        slot = self._slots.get(sender.video_id) or self._slot(sender.video_id, sender.tenant_id)
        video = slot.video
        if slot.failed is not None:
            partition.stick(sender.video_id, offset)
        elif video is None or slot.opening is not None:
            entry = Entry(partition, offset, record, len(record.data) + HELD_BYTES)
            slot.held.append(entry)
            self._held_bytes += entry.size_bytes
            if self._held_bytes > MAX_HELD_BYTES:
                self._room.clear()
        else:
            self._fold(slot, video, partition, offset, record)

    async def room(self) -> None:
        """See `partition.Taker`."""
        await self._room.wait()

    def _fold(self, slot: Slot, video: Video, partition: Partition, offset: int, record: Submitted) -> None:
        if offset <= video.offset:
            partition.done(offset)
            return
        try:
            folded = video.fold(record, offset)
        except Exception:
            _logger.critical("fold_failed", exc_info=True, extra={"video": video.video_id, "offset": offset})
            partition.stick(video.video_id, offset)
            self._quarantine(video.video_id, slot)
            return
        if folded.row is None:
            partition.done(offset)
        else:
            landed = folded.landed
            self.projector.put(folded.row, ROW_BYTES + (landed.size_bytes if landed is not None else 0))
        try:
            video.publish(folded)
        except Exception:
            _logger.exception("publish_failed", extra={"video": video.video_id})

    def written(self, rows: Sequence[Projected]) -> None:
        """See `projector.Origin`."""
        last: dict[int, Projected] = {}
        revisions: dict[int, int] = {}
        for row in rows:
            video_id, at_revision = row.video_id, row.at_revision
            partition = self._partitions.get(partition_of(video_id))
            if partition is not None:
                partition.done(row.offset)
            last[video_id] = row
            if at_revision > revisions.get(video_id, -1):
                revisions[video_id] = at_revision
        for video_id, row in last.items():
            slot = self._slots.get(video_id)
            if slot is not None and slot.video is not None:
                slot.video.projected(row.ordinal, revisions[video_id])

    def diverged(self, video_id: int, offset: int) -> None:
        """See `projector.Origin`."""
        partition = self._partitions.get(partition_of(video_id))
        if partition is not None:
            partition.stick(video_id, offset)
        slot = self._slots.get(video_id)
        if slot is not None:
            self._quarantine(video_id, slot)

    def _quarantine(self, video_id: int, slot: Slot) -> None:
        if slot.failed is not None:
            return
        slot.failed = VideoQuarantined("this video cannot be served; an operator has to look at it")
        metrics.QUARANTINED.inc()
        if slot.video is not None:
            slot.video.fail(slot.failed)
        while slot.held:
            entry = slot.held.popleft()
            self._release(entry)
            entry.partition.stick(video_id, entry.offset)

    def _release(self, entry: Entry) -> None:
        self._held_bytes -= entry.size_bytes
        if self._held_bytes <= MAX_HELD_BYTES:
            self._room.set()

    # Opening

    async def _open(self, video_id: int, slot: Slot) -> None:
        try:
            video = slot.video = await self._load_with_patience(video_id, slot.tenant_id)
            metrics.VIDEOS.inc()
            while slot.held and slot.failed is None:
                for _ in range(min(FOLD_AT_ONCE, len(slot.held))):
                    entry = slot.held.popleft()
                    self._release(entry)
                    self._fold(slot, video, entry.partition, entry.offset, entry.record)
                    if slot.failed is not None:
                        break
                await self.projector.room()
        except Exception:
            _logger.critical("open_failed", exc_info=True, extra={"video": video_id})
            self._quarantine(video_id, slot)
        finally:
            slot.opening = None

    async def _load_with_patience(self, video_id: int, tenant_id: str) -> Video:
        tries = 0
        while True:
            tries += 1
            try:
                return await self._load(video_id, tenant_id)
            except Exception as error:
                # An engine that is away says nothing of this video: it is waited for.
                if tries >= LOAD_TRIES and not isinstance(error, HistoryUnavailable):
                    raise
                _logger.warning("load_failed", extra={"video": video_id, "tries": tries, "error": str(error)})
                await asyncio.sleep(AGAIN_S * min(tries, 10))

    async def _load(self, video_id: int, tenant_id: str) -> Video:
        """Cold open: the newest snapshot, then what history has after it. The log's tail follows by itself."""
        now = asyncio.get_running_loop().time()
        head = await self._history.head(video_id)
        offset = head.offset if head is not None and head.epoch == self.epoch else -1
        if head is None:
            document, snapshot_ordinal = Document(video_id, self.epoch), 0
        else:
            snapshot = await self._snapshots.newest(tenant_id, video_id, head.ordinal + 1)
            replay = await asyncio.to_thread(Replay, video_id, snapshot.state if snapshot is not None else b"")
            snapshot_ordinal = replay.ordinal
            while replay.ordinal <= head.ordinal:
                replay.add(await self._history.rows(video_id, replay.ordinal, READ_ROWS))
            document = replay.document(self.epoch)
        await self._history.epoch()  # raises HistoryLost if what was read is not, or not all, what was to be read
        policy = SnapshotPolicy(snapshot_ordinal, document.ordinal, now)
        return Video(video_id, tenant_id, document, offset, policy, self._config.merge_bytes_s)

    # Time

    async def _tick_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1.0)
            try:
                self._tick(loop.time())
            except Exception:
                _logger.exception("tick_failed")

    def _tick(self, now: float) -> None:
        idle: list[tuple[float, int]] = []
        now_ms = self._clock.now_ms()
        for video_id, slot in self._slots.items():
            video = slot.video
            if video is None or slot.opening is not None or slot.failed is not None:
                continue
            video.tick(now, now_ms)
            if self._projects and video.policy.due(video.document.ordinal, now):
                self._save(video)
            if video.idle and not slot.users and video_id not in self._saving:
                idle.append((video.used, video_id))
        idle.sort()
        too_many = len(idle) - self._config.max_idle_videos
        for index, (used, video_id) in enumerate(idle):
            if index < too_many or now - used > self._config.idle_s:
                self._put_away(video_id, now)
        if self._config.role == SESSIONS:
            self._leave_unneeded(now)

    def _leave_unneeded(self, now: float) -> None:
        """A partition whose videos nobody has used for a while is another instance's to serve."""
        for video_id, slot in self._slots.items():
            if slot.users:
                self._needed[partition_of(video_id)] = now
        for number in list(self._partitions):
            if now - self._needed.get(number, now) > self._config.idle_s and not self._follow_turn.locked():
                self.leave(number)

    def _put_away(self, video_id: int, now: float) -> None:
        video = self._slots[video_id].video
        assert video is not None
        if self._projects and video.policy.behind and video.document.ordinal:
            self._save(video)  # and is put away at a later tick
            return
        video.close()
        del self._slots[video_id]
        metrics.VIDEOS.dec()

    def recheck(self) -> None:
        """Rights may have changed: everybody's are looked at soon."""
        if self._recheck_at is None:
            self._recheck_at = asyncio.get_running_loop().call_later(RECHECK_S, self._recheck)

    def _recheck(self) -> None:
        self._recheck_at = None
        now_ms = self._clock.now_ms()
        for slot in list(self._slots.values()):
            if slot.video is not None:
                slot.video.tick_seats(now_ms)

    def hand_over(self, error: RushesError) -> None:
        """This instance stops: see Video."""
        for slot in self._slots.values():
            if slot.video is not None:
                slot.video.hand_over(error)

    # Snapshots

    def _save(self, video: Video) -> None:
        if video.video_id in self._saving:
            return
        video.policy.taken(video.document.ordinal, asyncio.get_running_loop().time())
        task = asyncio.create_task(self._save_state(video))
        self._saving[video.video_id] = task
        task.add_done_callback(lambda _: self._saving.pop(video.video_id, None))

    async def _save_state(self, video: Video) -> None:
        """Stores the state as it is now, once history holds all that made it: a snapshot is never ahead of history."""
        ordinal = video.document.ordinal
        pieces = encode_state(video.document)
        try:
            async with self._save_turn:
                state = []
                for piece in pieces:
                    state.append(piece)
                    await asyncio.sleep(0)
                while video.projected_ordinal < ordinal and video.failed is None:
                    await self.projector.wrote(urgent=False)
                if video.failed is not None:
                    return
                await self._snapshots.put(video.tenant_id, video.video_id, ordinal, state)
        except Exception:
            metrics.SNAPSHOT_FAILED.inc()
            _logger.exception("snapshot_failed", extra={"video": video.video_id})
        else:
            metrics.SNAPSHOTS.inc()
