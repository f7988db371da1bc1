"""A gateway's stream for one video: lanes that all its viewers share, and each viewer's own messages between them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from google.protobuf.message import DecodeError

from mesh.auth import Caller, claims_of
from mesh.rpc import to_status
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import relay_service_pb2 as relay
from rushes.document.wire import varint
from rushes.errors import RushesError, Unavailable
from svc_annotation import metrics
from svc_annotation.collaborate import LARGE, PULL, old_frames
from svc_annotation.core import relaying
from svc_annotation.core.landed import CLIENT, INTERNAL
from svc_annotation.core.lane import Frame, LaneKey
from svc_annotation.core.member import Note
from svc_annotation.core.part import by_frame, snapshot_parts
from svc_annotation.errors import MessageInvalid, OpenInvalid, SlowGateway, TooManyInFlight, VideoUnknown
from svc_annotation.opening import MAX_BEHIND, Entrance, enter
from svc_annotation.seat import Seat
from svc_annotation.shared import GATEWAY, VIEW, Moment, Shared, resource
from svc_annotation.video import Video

MAX_EARLY_FRAMES: Final = 64
BEGIN_REVISIONS: Final = 50
"""What a full lane begins with goes in frames of so many: whoever comes back to a gateway that is new is sent whole
frames, from the first one that has anything for it."""

Write = Callable[[bytes], Awaitable[None]]

_REQUEST: Final = service.CollaborateRequest.FromString

_logger = logging.getLogger(__name__)


async def relay_stream(
    shared: Shared, requests: AsyncIterator[relay.RelayRequest], write: Write, request_id: str
) -> None:
    """Serves one gateway's stream."""
    first = await anext(requests, None)
    if first is None or first.WhichOneof("message") != "open" or first.open.video_id <= 0:
        raise OpenInvalid("the first message of a stream is open, with a video")
    opening = first.open
    facts = await shared.facts.find(opening.video_id)
    if facts is None:
        await _turn_away(shared, requests, write, request_id)
        return
    async with shared.videos.use(opening.video_id, facts.tenant_id) as video:
        gateway = Gateway(shared, video, write, request_id)
        await gateway.run(opening, requests)


async def _turn_away(
    shared: Shared, requests: AsyncIterator[relay.RelayRequest], write: Write, request_id: str
) -> None:
    """There is no such video: everybody who wants to see it is told so."""
    opened = relay.RelayOpened(epoch=shared.videos.epoch)
    await write(relay.RelayResponse(opened=opened).SerializeToString())
    status = to_status(VideoUnknown("there is no such video"), request_id)
    async for request in requests:
        if request.WhichOneof("message") == "attach":
            await write(relaying.ended(request.attach.session, status))


class Viewer:
    """A viewer's session on the stream: the sink of its seat."""

    def __init__(self, gateway: "Gateway", session: int) -> None:
        self.session = session
        self.seat: Seat | None = None
        self.merged = False
        self.early: list[bytes] | None = []
        """Messages that came before the session was in."""
        self.token = ""
        self._gateway = gateway

    def note(self, note: Note) -> None:
        """See `seat.Sink`."""
        told = relaying.addressed(varint(self.session), note.payload, after_revision=note.after_revision)
        self._gateway.put(told)

    def end(self, error: RushesError) -> None:
        """See `seat.Sink`."""
        self._gateway.viewer_ended(self, error)


class Gateway:
    """See the module. A feed of its video's lanes, and what presence of its viewers is sent through."""

    def __init__(self, shared: Shared, video: Video, write: Write, request_id: str) -> None:
        self._shared = shared
        self._video = video
        self._write = write
        self._request_id = request_id
        self._outbox = relaying.Outbox()
        self._more = asyncio.Event()
        self._less = asyncio.Event()
        self._viewers: dict[int, Viewer] = {}
        self._by_key: dict[int, bytes] = {}
        """Each seat's session, as it is named in what goes to many."""
        self._wants: dict[LaneKey, asyncio.Task[None]] = {}
        self._lanes: set[LaneKey] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._epoch = video.document.epoch
        self._crowd = (0, 0, False)
        self._handlers: dict[str, Callable[[relay.RelayRequest], None]] = {
            "want": lambda request: self._want(request.want),
            "unwant": lambda request: self._unwant(self._lane(request.unwant)),
            "attach": lambda request: self._attach(request.attach),
            "token": lambda request: self._token(request.token),
            "serve": lambda request: self._serve(request.serve),
            "detach_session": lambda request: self._detach(request.detach_session),
            "frames": lambda request: self._frames(request.frames),
        }

    # What the video says

    def broadcast(self, lane: LaneKey, frame: Frame) -> None:
        """See `video.Feed`."""
        self.put(relaying.broadcast(lane, frame))

    def show(self, keys: list[int], payload: bytes) -> None:
        """See `video.PresenceFeed`."""
        if self._outbox.crowded:
            metrics.PRESENCE_DROPPED.labels("crowded").inc()
            return
        by_key = self._by_key
        sessions = b"".join([by_key[key] for key in keys if key in by_key])
        self.put(relaying.addressed(sessions, payload, droppable=True))

    def crowd(self, viewers: int, gateways: int, merging_saves: bool) -> None:
        """See `video.Stream`."""
        if (viewers, gateways, merging_saves) != self._crowd:
            self._crowd = (viewers, gateways, merging_saves)
            self.put(relaying.crowd(viewers, gateways, merging_saves))

    def put(self, response: bytes) -> None:
        """Adds a serialised RelayResponse to what is sent."""
        if not self._outbox.put(response):
            self.end(SlowGateway("the gateway does not read its stream"))
        self._more.set()

    def end(self, error: RushesError) -> None:
        """The whole stream is over."""
        if not self._ended.done():
            self._ended.set_exception(error)

    def viewer_ended(self, viewer: Viewer, error: RushesError) -> None:
        """The server ended one viewer's session."""
        if self._viewers.get(viewer.session) is viewer:
            del self._viewers[viewer.session]
            self._forget(viewer)
            self.put(relaying.ended(viewer.session, to_status(error, self._request_id)))

    def _forget(self, viewer: Viewer) -> None:
        metrics.SESSIONS.labels("relay").dec()
        if viewer.seat is not None:
            self._by_key.pop(viewer.seat.member.key, None)
            viewer.seat.leave()

    # The stream

    async def run(self, opening: relay.RelayOpen, requests: AsyncIterator[relay.RelayRequest]) -> None:
        """Serves it until one side ends it."""
        opened = relay.RelayOpened(epoch=self._epoch, revision=self._video.document.revision, numbers_authors=True)
        self.put(relay.RelayResponse(opened=opened).SerializeToString())
        if opening.epoch not in (0, self._epoch):
            self._reset(None, service.RESET_REASON_EPOCH)
        listening = asyncio.create_task(self._listen(requests))
        tasks = [listening, asyncio.create_task(self._write_for_ever())]
        self._video.gateways.add(self)
        try:
            done, _ = await asyncio.wait({self._ended, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()
        finally:
            self._video.gateways.discard(self)
            for task in (*tasks, *self._tasks, *self._wants.values()):
                task.cancel()
            for lane in self._lanes:
                self._video.unsubscribe(lane, self)
            for viewer in self._viewers.values():
                self._forget(viewer)
            await asyncio.gather(*tasks, *self._tasks, *self._wants.values(), return_exceptions=True)
            if not self._ended.cancel():
                self._ended.exception()

    async def _listen(self, requests: AsyncIterator[relay.RelayRequest]) -> None:
        async for request in requests:
            kind = request.WhichOneof("message")
            handler = self._handlers.get(kind or "")
            if handler is None:
                raise MessageInvalid("a gateway's message is of no known kind, or opens twice")
            handler(request)

    async def _write_for_ever(self) -> None:
        while True:
            message = self._outbox.take()
            if message is not None:
                await self._write(message)
                if not self._outbox.crowded:
                    self._less.set()
                continue
            self._more.clear()
            await self._more.wait()

    # Lanes

    @staticmethod
    def _lane(lane: relay.Lane) -> LaneKey:
        if lane.audience not in (INTERNAL, CLIENT) or lane.delivery not in (
            service.DELIVERY_FULL,
            service.DELIVERY_MERGED,
        ):
            raise MessageInvalid("a lane is internal or client, full or merged")
        merged = lane.delivery == service.DELIVERY_MERGED
        if merged and lane.numbers_authors:
            raise MessageInvalid("a merged lane has nothing to say numbers in")
        return LaneKey(lane.audience, merged, lane.numbers_authors)

    def _want(self, want: relay.RelayWant) -> None:
        lane = self._lane(want.lane)
        before = self._wants.get(lane)
        since = want.since_revision if want.WhichOneof("start") == "since_revision" else None
        task = asyncio.create_task(self._begin(lane, since, before))
        self._wants[lane] = task
        task.add_done_callback(lambda done: self._began(lane, done))

    def _began(self, lane: LaneKey, task: asyncio.Task[None]) -> None:
        if self._wants.get(lane) is task:
            del self._wants[lane]
        if task.cancelled() or task.exception() is None:
            return
        error = task.exception()
        if isinstance(error, RushesError):
            self.end(error)
        else:
            _logger.error("lane_failed", exc_info=error, extra={"video": self._video.video_id})
            self.end(Unavailable("the lane could not be begun"))

    async def _begin(self, lane: LaneKey, since: int | None, before: asyncio.Task[None] | None) -> None:
        """Brings the gateway to where the lane is, then lets it follow."""
        if before is not None:
            await asyncio.wait([before])
        if since is None:
            since = await self._send_snapshot(lane)
            if lane in self._lanes:
                return
        elif lane in self._lanes:
            return
        elif not 0 <= self._video.document.revision - since <= MAX_BEHIND:
            self._reset(lane, service.RESET_REASON_COMPACTED)
            return
        while not self._video.recent.holds(since):
            for frame in await old_frames(self._shared, self._video, lane.audience, since, PULL):
                self.broadcast(lane, frame)
                since = frame.to_revision
            await self._uncrowded()
        self._follow(lane, since)

    def _follow(self, lane: LaneKey, since: int) -> None:
        """Nothing is awaited in here: what was caught up with, with all names written out, leads on to what follows."""
        self._lanes.add(lane)
        head = self._video.subscribe(lane, self)
        step = max(1, head - since) if lane.merged else BEGIN_REVISIONS
        for after in range(since, head, step):
            for frame in self._video.lanes.frames(lane.audience, lane.merged, after, min(after + step, head)):
                self.broadcast(lane, frame)
        named = self._video.named(lane)
        if named:
            self.put(relaying.authors(lane, head, named))

    async def _send_snapshot(self, lane: LaneKey) -> int:
        self._video.flush(all_lanes=True)
        revision = self._video.document.revision
        states = self._video.encodings.read(lane.audience)
        if len(states) < LARGE:
            states = by_frame(states)
        else:
            states = await asyncio.to_thread(by_frame, states)
        for part in snapshot_parts(revision, states):
            self.put(relaying.snapshot(lane, revision, part))
            await self._uncrowded()
        return revision

    async def _uncrowded(self) -> None:
        """Gives way to others; waits while the gateway has too much to read."""
        await asyncio.sleep(0)
        while self._outbox.crowded:
            self._less.clear()
            await self._less.wait()

    def _unwant(self, lane: LaneKey) -> None:
        task = self._wants.pop(lane, None)
        if task is not None:
            task.cancel()
        self._lanes.discard(lane)
        self._video.unsubscribe(lane, self)

    def _reset(self, lane: LaneKey | None, reason: "service.ResetReason.ValueType") -> None:
        reset = relay.RelayReset(reset=service.Reset(reason=reason, epoch=self._epoch))
        if lane is not None:
            delivery = service.DELIVERY_MERGED if lane.merged else service.DELIVERY_FULL
            reset.lane.CopyFrom(relay.Lane(audience=lane.audience, delivery=delivery, numbers_authors=lane.numbered))
        self.put(relay.RelayResponse(reset=reset).SerializeToString())

    # Viewers

    def _attach(self, attach: relay.RelayAttach) -> None:
        if attach.session in self._viewers:
            raise MessageInvalid("this session's number is in use")
        viewer = Viewer(self, attach.session)
        viewer.token = attach.token
        self._viewers[attach.session] = viewer
        metrics.SESSIONS.labels("relay").inc()
        task = asyncio.create_task(self._let_in(viewer, attach))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _let_in(self, viewer: Viewer, attach: relay.RelayAttach) -> None:
        try:
            entrance = await self._entrance(attach)
        except RushesError as error:
            self.viewer_ended(viewer, error)
            return
        except Exception:
            _logger.exception("attach_failed", extra={"video": self._video.video_id})
            self.viewer_ended(viewer, Unavailable("the session could not begin"))
            return
        if self._viewers.get(viewer.session) is not viewer:
            return
        seat = viewer.seat = enter(self._shared, self._video, entrance, viewer, self)
        self._by_key[seat.member.key] = varint(viewer.session)
        opened = entrance.opened(self._shared, self._video)
        self.put(relaying.attached(viewer.session, entrance.audience, opened))
        if viewer.token != attach.token:
            seat.renew(viewer.token)
        if viewer.merged:
            self._change_lane(viewer)
        early, viewer.early = viewer.early or [], None
        for request in early:
            _take(viewer, request, self._shared.moment())

    async def _entrance(self, attach: relay.RelayAttach) -> Entrance:
        """Verifies the person itself: a gateway cannot invent one."""
        if attach.open.video_id != self._video.video_id:
            raise OpenInvalid("the session is for another video than the stream")
        identity = self._shared.identity
        claims = await claims_of(identity, attach.token)
        caller = Caller(
            service=GATEWAY,
            person_id=claims.person_id,
            session_id=claims.session_id,
            tenant_id=claims.tenant_id,
            expires_ms=claims.expires_ms,
            token=attach.token,
        )
        mask = await identity.permissions(caller, resource(self._video.video_id))
        if not mask & VIEW:
            raise VideoUnknown("there is no such video")
        return await Entrance.make(self._shared, caller, attach.open, mask)

    def _token(self, renewed: relay.RelayToken) -> None:
        viewer = self._viewers.get(renewed.session)
        if viewer is None:
            return
        viewer.token = renewed.token
        if viewer.seat is not None:
            viewer.seat.renew(renewed.token)

    def _serve(self, serve: relay.RelayServe) -> None:
        viewer = self._viewers.get(serve.session)
        if viewer is None:
            return
        viewer.merged = serve.delivery == service.DELIVERY_MERGED
        if viewer.seat is not None:
            self._change_lane(viewer)

    def _change_lane(self, viewer: Viewer) -> None:
        """What was folded so far goes out on every lane before the answer; what is folded later comes with outcomes."""
        assert viewer.seat is not None
        self._video.flush(all_lanes=True)
        viewer.seat.member.outcomes = viewer.merged
        self.put(relaying.attached(viewer.session, viewer.seat.member.audience, b""))

    def _detach(self, session: int) -> None:
        viewer = self._viewers.pop(session, None)
        if viewer is not None:
            self._forget(viewer)

    def _frames(self, frames: relay.RelayFrames) -> None:
        viewers, moment = self._viewers, self._shared.moment()
        for frame in frames.frames:
            viewer = viewers.get(frame.session)
            if viewer is None:
                continue
            if viewer.early is None:
                _take(viewer, frame.request, moment)
            elif len(viewer.early) < MAX_EARLY_FRAMES:
                viewer.early.append(frame.request)
            else:
                self.viewer_ended(viewer, TooManyInFlight("too many messages before the session was open"))


def _take(viewer: Viewer, serialised: bytes, moment: Moment) -> None:
    """A viewer's own message: a bad one ends this viewer's session and nobody else's."""
    seat = viewer.seat
    assert seat is not None
    try:
        request = _REQUEST(serialised)
    except DecodeError:
        seat.end(MessageInvalid("this is no message"))
        return
    kind = request.WhichOneof("message")
    if kind == "submit":
        seat.submit(request.submit, moment)
    elif kind == "presence":
        seat.presence(request.presence, moment)
    elif kind == "authenticate_token":
        seat.renew(request.authenticate_token)
