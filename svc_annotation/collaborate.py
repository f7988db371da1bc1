"""One client's stream of its own: `Collaborate` for programs, and `Follow` for readers that cannot write.

The reader pulls what it lacks from what all readers share, so that one who does not read holds nothing up.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from mesh.auth import Caller
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.errors import RushesError
from svc_annotation import metrics
from svc_annotation.core.encoded import Encoded
from svc_annotation.core.landed import Audience, Landed
from svc_annotation.core.lane import Frame, full_frames
from svc_annotation.core.member import Note
from svc_annotation.core.part import nearest_first, snapshot_parts
from svc_annotation.core.reader import MERGED, Reader, SlowReader, Want
from svc_annotation.errors import MessageInvalid
from svc_annotation.opening import Entrance, enter, message, resumes
from svc_annotation.seat import Seat
from svc_annotation.shared import Shared
from svc_annotation.video import Video

PULL: Final = 2_000
"""Revisions that one pull takes at most, so that a reader far behind costs little memory."""
LARGE: Final = 2_000
"""Annotations past which sorting them is not done in the event loop."""

Write = Callable[[bytes], Awaitable[None]]


async def sorted_near(states: Sequence[Encoded], frame: int) -> list[Encoded]:
    """The states by how near their frames are."""
    if len(states) < LARGE:
        return nearest_first(states, frame)
    return await asyncio.to_thread(nearest_first, states, frame)


class Direct:
    """One stream: the sink of its seat, a follower of its video, and what presence is sent through."""

    def __init__(self, shared: Shared, video: Video, reader: Reader, write: Write) -> None:
        self._shared = shared
        self._video = video
        self._reader = reader
        self._write_out = write
        self._more = asyncio.Event()
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._writing_since: float | None = None
        self.seat: Seat | None = None

    # What the video and the seat say

    @property
    def merged(self) -> bool:
        """See `video.Follower`."""
        return self._reader.merged

    def wake(self) -> None:
        """See `video.Follower`."""
        self._more.set()

    def choose(self, merging: bool) -> None:
        """See `video.Follower`. Once a second, so it is also when a reader that does not move is found."""
        try:
            self._reader.check(asyncio.get_running_loop().time(), self._writing_since)
        except SlowReader as error:
            self._cut(error)
            return
        if self._reader.choose(merging, self._video.recent.head):
            if self.seat is not None:
                self.seat.member.outcomes = merging
            self.wake()

    def note(self, note: Note) -> None:
        """See `seat.Sink`."""
        try:
            self._reader.note(note)
        except SlowReader as error:
            self._cut(error)
        self.wake()

    def show(self, keys: list[int], payload: bytes) -> None:
        """See `video.PresenceFeed`."""
        self._reader.presence(payload)
        self.wake()

    def end(self, error: RushesError) -> None:
        """See `seat.Sink`."""
        if not self._ended.done():
            self._ended.set_exception(error)

    def _cut(self, error: SlowReader) -> None:
        metrics.CUT.labels(error.reason).inc()
        self.end(error)

    # The stream

    async def run(
        self, start: Callable[[], Awaitable[None]], requests: AsyncIterator[service.CollaborateRequest]
    ) -> None:
        """Serves the stream until one side ends it. Raises why, if it was the server."""
        tasks = [asyncio.create_task(self._write_for_ever(start)), asyncio.create_task(self._listen(requests))]
        waiting: set[asyncio.Future[None]] = {self._ended, *tasks}
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for each in done:
                    each.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if not self._ended.cancel():
                self._ended.exception()

    async def _listen(self, requests: AsyncIterator[service.CollaborateRequest]) -> None:
        """Takes messages until the client half-closes; it may read on then."""
        seat = self.seat
        assert seat is not None
        async for request in requests:
            kind = request.WhichOneof("message")
            if kind == "submit":
                await seat.room()
                seat.submit(request.submit, self._shared.moment())
            elif kind == "presence":
                seat.presence(request.presence, self._shared.moment())
            elif kind == "ack_revision":
                self._reader.ack(request.ack_revision, asyncio.get_running_loop().time())
                self.wake()
            elif kind == "ping_ms":
                pong = service.Pong(ping_ms=request.ping_ms, time_ms=self._shared.clock.now_ms())
                self.note(Note(message(pong=pong)))
            elif kind == "authenticate_token":
                seat.renew(request.authenticate_token)
            elif kind == "open":
                raise MessageInvalid("a stream is opened once")

    async def write(self, payload: bytes) -> None:
        """Writes one message; a reader that does not take it is found by its age."""
        self._writing_since = asyncio.get_running_loop().time()
        await self._write_out(payload)
        self._writing_since = None

    async def _write_for_ever(self, start: Callable[[], Awaitable[None]]) -> None:
        self._video.followers.add(self)  # so that one who does not read even the beginning is found
        try:
            await start()
            self._video.flush(all_lanes=True)
            while True:
                self._more.clear()
                if not await self._turn():
                    await self._more.wait()
        finally:
            self._video.followers.discard(self)

    async def _turn(self) -> bool:
        """Sends what is due: notes, then frames, then presence. False: nothing was."""
        notes = self._reader.take_notes()
        want = self._reader.want(self._video.heads[self._reader.merged])
        # Nothing is awaited in between: an outcome that belongs before a merged frame is among the notes.
        frames = self._frames(want) if want is not None else []
        for payload in notes:
            await self.write(payload)
        if want is not None and frames is None:
            frames = await self._old_frames(want)
        for frame in frames or ():
            await self.write(frame.payload)
            self._reader.sent(frame, asyncio.get_running_loop().time())
            if self._reader.blocked:
                break
        presence = self._reader.take_presence()
        if presence is not None:
            await self.write(presence)
        return bool(notes or frames or presence)

    def _frames(self, want: Want) -> list[Frame] | None:
        """What is wanted, if it is in memory."""
        if not self._video.recent.holds(want.after):
            return None
        to = min(want.to, want.after + PULL)
        return self._video.lanes.frames(self._reader.audience, want.merged, want.after, to)

    async def _old_frames(self, want: Want) -> list[Frame]:
        """What is wanted, from history: every commit, whatever the lane, for that is what history has."""
        limit = min(PULL, want.to - want.after)
        return await old_frames(self._shared, self._video, self._reader.audience, want.after, limit)

    def greeting(self, entrance: Entrance) -> Callable[[], Awaitable[None]]:
        """What is said first. All of it is looked up now: opened, its outcomes and the snapshot are of one revision."""
        opening, video = entrance.opening, self._video
        opened = entrance.opened(self._shared, video)
        reset = resumes(opening, video)
        revision = video.document.revision
        whole = reset is not None or not opening.HasField("resume_revision")
        states = video.encodings.read(entrance.audience) if whole else ()

        async def start() -> None:
            await self.write(opened)
            if reset is not None:
                await self.write(reset)
            if whole:
                await self.send_snapshot(states, revision, opening.frame)
            else:
                self._reader.begin(opening.resume_revision)

        return start

    async def send_snapshot(self, states: Sequence[Encoded], revision: int, frame: int) -> None:
        """The document in parts, nearest first; the reader goes on from there."""
        for _, _, payload in snapshot_parts(revision, await sorted_near(states, frame)):
            await self.write(payload)
        self._reader.begin(revision)


async def old_frames(shared: Shared, video: Video, audience: Audience, after: int, limit: int) -> list[Frame]:
    """Frames of commits after a revision, from history."""
    commits = await shared.history.commits(video.video_id, after, limit)
    return full_frames(after, (Landed(c.revision, c.commit, c.client_commit, ()) for c in commits), audience)


async def collaborate(
    shared: Shared,
    caller: Caller,
    opening: service.CollaborateOpen,
    requests: AsyncIterator[service.CollaborateRequest],
    write: Write,
    mask: int,
    *,
    acks: bool,
) -> None:
    """Serves one stream."""
    entrance = await Entrance.make(shared, caller, opening, mask)
    way = metrics.SESSIONS.labels("direct" if acks else "follow")
    async with shared.videos.use(opening.video_id, caller.tenant_id) as video:
        now = asyncio.get_running_loop().time()
        reader = Reader(entrance.audience, opening.delivery, shared.limits, acks=acks, now=now)
        direct = Direct(shared, video, reader, write)
        seat = direct.seat = enter(shared, video, entrance, direct, direct)
        way.inc()
        try:
            seat.member.outcomes = opening.delivery == MERGED
            await direct.run(direct.greeting(entrance), requests)
        finally:
            way.dec()
            seat.leave()
