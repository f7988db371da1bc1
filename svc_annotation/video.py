"""One video in memory: its document, and everybody who reads or writes it. Nothing here waits.

Records come in by `fold`, in the order of the log; what they make goes out by `flush`, in as few frames as the load
asks for. An author's own answers go out at the fold, so before any merged frame that holds the batch.
"""

import asyncio
import time
from typing import Protocol

from rushes.document import Applied, Document, Ignored, Refused, visible
from rushes.document.submitted import Submitted
from rushes.errors import RushesError
from svc_annotation import metrics
from svc_annotation.core.authors import Authors
from svc_annotation.core.encoded import Encodings
from svc_annotation.core.fold import Folded, Result, fold
from svc_annotation.core.landed import CLIENT, Recent
from svc_annotation.core.lane import Frame, LaneKey, Lanes, full_frames
from svc_annotation.core.member import Member, Note
from svc_annotation.core.policy import SnapshotPolicy
from svc_annotation.core.presence import Onlooker, Presence
from svc_annotation.core.window import Budget, MergedTick, Window

_FOLDED = metrics.FOLDED.counts

Writer = tuple[str, bytes]


class Seat(Protocol):
    """A session on the video, as the video speaks to it."""

    member: Member

    def note(self, note: Note) -> None:
        """A message for this session."""

    def took(self, client_seq: int) -> None:
        """The document has taken a batch, though one of this session was lost."""

    def end(self, error: RushesError) -> None:
        """The session is over."""

    def tick(self, now_ms: int) -> None:
        """Once a second: looks whether it may go on."""


class Follower(Protocol):
    """A reader that pulls: it is woken when there is more."""

    @property
    def merged(self) -> bool:
        """Whether it reads merged frames now."""

    def wake(self) -> None:
        """There is more."""

    def choose(self, merging: bool) -> None:
        """A reader that leaves it to us: from now on merged, or every commit."""


class Feed(Protocol):
    """A reader that lanes are pushed to: a gateway's stream."""

    def broadcast(self, lane: LaneKey, frame: Frame) -> None:
        """A frame of a lane."""


class Stream(Protocol):
    """A stream as a whole, whoever is on it."""

    def end(self, error: RushesError) -> None:
        """It is over."""

    def crowd(self, viewers: int, gateways: int, merging_saves: bool) -> None:
        """How many are on the video, on all streams, and whether merged states are worth it (see `window.Budget`)."""


class PresenceFeed(Protocol):
    """Whom presence is sent through: a gateway's stream with its sessions, or one session by itself."""

    def show(self, keys: list[int], payload: bytes) -> None:
        """Who else is here, for these sessions."""


class Video:
    """See the module."""

    def __init__(
        self, video_id: int, tenant_id: str, document: Document, offset: int, policy: SnapshotPolicy, merge_bytes_s: int
    ) -> None:
        self.video_id = video_id
        self.tenant_id = tenant_id
        self.document = document
        self.encodings = Encodings(document)
        self.offset = offset
        self.policy = policy
        self.recent = Recent(document.revision)
        self.lanes = Lanes(self.recent)
        self.presence = Presence()
        self.projected_ordinal = document.ordinal
        self.projected_revision = document.revision
        self.failed: RushesError | None = None
        self.seats: dict[int, Seat] = {}
        self.followers: set[Follower] = set()
        self.gateways: set[Stream] = set()
        self.heads = {False: document.revision, True: document.revision}
        self.users = 0
        self._writers: dict[Writer, Seat] = {}
        self._feeds: dict[LaneKey, set[Feed]] = {}
        self._lane_heads: dict[LaneKey, int] = {}
        self._authors: dict[LaneKey, Authors] = {}
        """Of the numbered lanes."""
        self._presence_feeds: dict[int, PresenceFeed] = {}
        self._waiters: dict[tuple[str, bytes, int], list[asyncio.Future[Result]]] = {}
        self._loop = asyncio.get_running_loop()
        self._window = Window()
        self._merged_tick = MergedTick()
        self._budget = Budget(merge_bytes_s)
        self._flush_at: asyncio.TimerHandle | None = None
        self._presence_at: asyncio.TimerHandle | None = None
        self._presence_not_before = 0.0
        self.presence_due = False
        """A tick is to come that tells of it."""
        self.used = self._loop.time()

    # Records

    def fold(self, record: Submitted, offset: int) -> Folded:
        """The next record. What raises here quarantines the video. To be followed by `publish`."""
        folded = fold(self.document, record, offset)
        self.offset = offset
        landed = folded.landed
        if landed is not None:
            self.recent.add(landed)
            if self.encodings.begun:
                self.encodings.touch(landed.states)
            self._budget.add(len(landed.commit), landed.states)
        if folded.row is not None and not self.policy.behind:
            self.policy.changed(self._loop.time())
        return folded

    def publish(self, folded: Folded) -> None:
        """Tells who waits for the record, and its readers soon."""
        record, result = folded.record, folded.result
        _FOLDED[type(result).__name__] += 1
        applied = isinstance(result, Applied)
        if not applied and isinstance(result, (Refused, Ignored)) and result.refusal is not None:
            metrics.REFUSED.labels(result.refusal.reason).inc()
        sender = record.sender
        seat = self._writers.get((sender.person_id, sender.client_id))
        if seat is not None:
            member = seat.member
            if member.missing is not None and not isinstance(result, Ignored):
                seat.took(record.client_seq)
            if member.outcomes or not applied:
                note = member.told(result, record.client_seq)
                if note is not None:
                    seat.note(note)
        if self._waiters:
            for waiter in self._waiters.pop((sender.person_id, sender.client_id, record.client_seq), ()):
                if not waiter.done():
                    waiter.set_result(result)
        if applied and self._flush_at is None:
            self._schedule_flush()

    def has_taken(self, member: Member, client_seq: int) -> bool:
        """Whether the document has a batch of a session."""
        document = self.document
        window = document.find_window(member.person_id, member.client_id, document.time_ms)
        return window is not None and client_seq <= window.last_seq

    def wait(self, person_id: str, client_id: bytes, client_seq: int) -> asyncio.Future[Result]:
        """What becomes of the next record with this number."""
        waiter: asyncio.Future[Result] = self._loop.create_future()
        self._waiters.setdefault((person_id, client_id, client_seq), []).append(waiter)
        return waiter

    def forget(self, person_id: str, client_id: bytes, client_seq: int, waiter: asyncio.Future[Result]) -> None:
        """Nobody waits any more."""
        waiters = self._waiters.get((person_id, client_id, client_seq), [])
        if waiter in waiters:
            waiters.remove(waiter)
            if not waiters:
                del self._waiters[person_id, client_id, client_seq]

    def projected(self, ordinal: int, revision: int) -> None:
        """History holds all up to here."""
        self.projected_ordinal = ordinal + 1
        self.projected_revision = max(self.projected_revision, revision)
        self._keep()

    def fail(self, error: RushesError) -> None:
        """The video is in quarantine, or served elsewhere: everybody who is on it or waits for it is told."""
        self.failed = error
        self.end_all(error)
        for waiters in self._waiters.values():
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_exception(error)
        self._waiters.clear()

    def end_all(self, error: RushesError) -> None:
        """Everybody's session is over."""
        for seat in list(self.seats.values()):
            seat.end(error)
        for gateway in list(self.gateways):
            gateway.end(error)

    def hand_over(self, error: RushesError) -> None:
        """This instance stops. Sessions of their own are over; gateways hold theirs until another serves the video."""
        held: set[object] = set(self.gateways)
        for gateway in list(self.gateways):
            gateway.end(error)
        for key, seat in list(self.seats.items()):
            if self._presence_feeds[key] not in held:
                seat.end(error)

    @property
    def idle(self) -> bool:
        """Nobody is here, and history holds everything."""
        return not self.users and not self._waiters and self.projected_ordinal >= self.document.ordinal

    # Sessions

    def join(self, seat: Seat, onlooker: Onlooker, through: PresenceFeed) -> Seat | None:
        """A session begins; returns the one that it supersedes, which is to be ended."""
        member = seat.member
        older = None
        if member.client_id:
            older = self._writers.get((member.person_id, member.client_id))
            self._writers[member.person_id, member.client_id] = seat
        self.seats[member.key] = seat
        self._presence_feeds[member.key] = through
        self.presence.join(onlooker)
        self.schedule_presence()
        return older

    def leave(self, seat: Seat) -> None:
        """A session is over."""
        member = seat.member
        if self.seats.pop(member.key, None) is None:
            return
        if self._writers.get((member.person_id, member.client_id)) is seat:
            del self._writers[member.person_id, member.client_id]
        self._presence_feeds.pop(member.key, None)
        self.presence.leave(member.key)
        self.schedule_presence()
        self.used = self._loop.time()

    def client_sees(self, annotation_id: bytes) -> bool:
        """Whether the client audience sees an annotation; one that is not there is seen by nobody."""
        state = self.document.get(annotation_id)
        return state is not None and visible(state, CLIENT)

    def tick(self, now: float, now_ms: int) -> None:
        """Once a second."""
        self.tick_seats(now_ms)
        merging = self._budget.tick(now)
        for follower in self.followers:
            follower.choose(merging)
        for gateway in self.gateways:
            gateway.crowd(len(self.seats), len(self.gateways), self._budget.saves)

    def tick_seats(self, now_ms: int) -> None:
        """Everybody's token and rights are looked at."""
        for seat in list(self.seats.values()):
            seat.tick(now_ms)

    # Lanes

    def subscribe(self, lane: LaneKey, feed: Feed) -> int:
        """A gateway reads a lane from its present head on, which is returned."""
        feeds = self._feeds.get(lane)
        if feeds is None:
            feeds = self._feeds[lane] = set()
            self._lane_heads[lane] = self.recent.head
            if lane.numbered:
                self._authors[lane] = Authors()
            metrics.LANES.inc()
        feeds.add(feed)
        return self._lane_heads[lane]

    def lane_head(self, lane: LaneKey) -> int:
        """The last revision that a lane has sent; of one that is not asked for, the document's."""
        return self._lane_heads.get(lane, self.recent.head)

    def named(self, lane: LaneKey) -> bytes:
        """Whom a lane says numbers for now (see `Authors`); empty: nobody."""
        authors = self._authors.get(lane)
        return authors.all() if authors is not None else b""

    def unsubscribe(self, lane: LaneKey, feed: Feed) -> None:
        """A gateway does not read a lane any more; one that nobody reads is not produced."""
        feeds = self._feeds.get(lane)
        if feeds is None:
            return
        feeds.discard(feed)
        if not feeds:
            del self._feeds[lane], self._lane_heads[lane]
            self._authors.pop(lane, None)
            metrics.LANES.dec()

    def _schedule_flush(self) -> None:
        now = self._loop.time()
        self._flush_at = self._loop.call_at(self._window.due(now), self.flush)

    def flush(self, *, all_lanes: bool = False) -> None:
        """Sends what has landed: the full lanes first, merged ones when it is their time (`all_lanes`: now)."""
        if self._flush_at is not None:
            self._flush_at.cancel()
            self._flush_at = None
        began = time.perf_counter()
        now = self._loop.time()
        operations = self.recent.head - self.heads[False]
        streams = self._flush_kind(False)
        if all_lanes or self._merged_tick.due(now) <= now:
            streams += self._flush_kind(True)
        elif self.heads[True] < self.recent.head and self._has_merged():
            self._flush_at = self._loop.call_at(self._merged_tick.due(now), self.flush)
        spent_s = time.perf_counter() - began
        self._window.flushed(self._loop.time(), spent_s, streams, len(self.seats), len(self.gateways), operations)
        metrics.FLUSH_S.observe(spent_s)
        self._keep()

    def _has_merged(self) -> bool:
        return any(lane.merged for lane in self._feeds) or any(follower.merged for follower in self.followers)

    def _flush_kind(self, merged: bool) -> int:
        """Sends all lanes of a kind; returns to how many streams."""
        head = self.recent.head
        streams = size_bytes = 0
        for lane, feeds in self._feeds.items():
            if lane.merged != merged:
                continue
            frames = self._new_frames(lane)
            self._lane_heads[lane] = head
            for feed in list(feeds):
                for frame in frames:
                    feed.broadcast(lane, frame)
            streams += len(feeds)
            size_bytes += sum(len(frame.payload) for frame in frames)
        if self.heads[merged] < head:
            self.heads[merged] = head
            woken = [follower for follower in self.followers if follower.merged == merged]
            for follower in woken:
                follower.wake()
            streams += len(woken)
            if merged:
                self._merged_tick.flushed(self._loop.time(), size_bytes, saves=self._budget.saves)
        return streams

    def _new_frames(self, lane: LaneKey) -> list[Frame]:
        """What has landed since a lane was flushed."""
        head = self._lane_heads[lane]
        authors = self._authors.get(lane)
        if authors is None:
            return self.lanes.frames(lane.audience, lane.merged, head, self.recent.head)
        return full_frames(head, self.recent.since(head), lane.audience, authors)

    def _keep(self) -> None:
        self.recent.need(min(self.projected_revision, *self._lane_heads.values(), *self.heads.values()))

    # Presence

    def schedule_presence(self) -> None:
        """Somebody moved, came or went."""
        if not self.presence_due and self.presence.dirty:
            at = max(self._loop.time(), self._presence_not_before)
            self.presence_due, self._presence_at = True, self._loop.call_at(at, self._send_presence)

    def _send_presence(self) -> None:
        self.presence_due, self._presence_at = False, None
        self._presence_not_before = self._loop.time() + self.presence.tick_s()
        for keys, payload in self.presence.tick():
            by_feed: dict[PresenceFeed, list[int]] = {}
            for key in keys:
                by_feed.setdefault(self._presence_feeds[key], []).append(key)
            for feed, members in by_feed.items():
                feed.show(members, payload)

    def close(self) -> None:
        """Stops all timers."""
        for handle in (self._flush_at, self._presence_at):
            if handle is not None:
                handle.cancel()
