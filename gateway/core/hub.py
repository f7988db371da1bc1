"""The hub of one video: many viewers on one Relay stream. Decides who gets which bytes when; its driver moves them.

A viewer that keeps up is LIVE on a lane: a broadcast goes to all of them at once. One whose socket is full is BEHIND:
it holds only a place in the lane's cache, so that a slow reader costs no memory, and is cut when the cache has moved
past it.
"""

from collections.abc import Callable, Iterable

from gateway.core.choice import Choice
from gateway.core.ending import away, ending
from gateway.core.lane import Lane, LaneKey
from gateway.core.socket import message_frame
from gateway.core.viewer import AUTO, FULL, MERGED, Action, End, Send, State, Upstream, Viewer
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import relay_service_pb2 as relay

CATCH_UP_BYTES = 256 * 1024
LOW_BYTES = 64 * 1024
RESUME_SLACK = 500
UNACKED_REVISIONS = 20_000
SLOW_S = 30.0
LANE_IDLE_S = 30.0
AWAY_S = 15.0
"""So long viewers are held while nobody serves the video: longer than an instance takes to start, or to be missed."""


class Hub:
    """See the module. Every method returns the actions to carry out, in order."""

    def __init__(self, video_id: int, *, merge_bytes_s: int = 256 * 1024, slow_s: float = SLOW_S) -> None:
        self.video_id = video_id
        self.epoch = 0
        self.connected = False
        self.viewers: dict[int, Viewer] = {}
        self.crowd = relay.RelayCrowd()
        """Who is on the video, all gateways together, as far as that was told."""
        self._choice = Choice(merge_bytes_s)
        self._slow_s = slow_s
        self._lanes: dict[LaneKey, Lane] = {}
        self._live: dict[LaneKey, dict[int, Viewer]] = {}
        self._lane_used: dict[LaneKey, float] = {}
        self._behind: dict[int, Viewer] = {}
        self._ahead: dict[int, Viewer] = {}
        """Who came back with more than this gateway has heard of yet."""
        self._holders: dict[int, Viewer] = {}
        """For whom something is held until they have a revision: few, so that the others are not looked at."""
        self._lost_at = 0.0
        """Since when nobody serves the video, if nobody does."""
        self._next_session = 0
        self._last_tick: float | None = None
        self._merging = False
        self._numbers = False
        """Whoever serves the video has lanes that say numbers for authors."""
        self._handlers: dict[str, Callable[[relay.RelayResponse, float], list[Action]]] = {
            "opened": lambda m, now: self._opened(m.opened, now),
            "attached": lambda m, now: self._attached(m.attached, now),
            "broadcast": lambda m, now: self._broadcast(m.broadcast, now),
            "snapshot": lambda m, now: self._snapshot(m.snapshot),
            "addressed": lambda m, now: self._addressed(m.addressed),
            "ended": lambda m, now: self._ended(m.ended),
            "reset": lambda m, now: self._reset(m.reset),
            "crowd": lambda m, now: self._crowded(m.crowd),
            "batch": lambda m, now: [action for each in m.batch.responses for action in self.receive(each, now)],
        }

    # -- viewers ---------------------------------------------------------------------------------------------

    def join(self, opening: service.CollaborateOpen, token: str, now: float) -> tuple[Viewer, list[Action]]:
        """A viewer's first message."""
        self._next_session += 1
        viewer = Viewer(self._next_session, token, opening, now)
        self.viewers[viewer.session] = viewer
        return viewer, self._attach(viewer) if self.connected else []

    def leave(self, session: int) -> list[Action]:
        """A viewer is gone."""
        if not self._forget(session) or not self.connected:
            return []
        return [Upstream(relay.RelayRequest(detach_session=session))]

    def ack(self, session: int, revision: int, now: float) -> None:
        """A viewer says what it has received."""
        viewer = self.viewers.get(session)
        if viewer is not None and revision >= viewer.acked:
            viewer.acked, viewer.acked_at = revision, now

    def token(self, session: int, token: str) -> list[Action]:
        """A viewer's token was renewed."""
        viewer = self.viewers.get(session)
        if viewer is None:
            return []
        viewer.token = token
        if not self.connected:
            return []
        return [Upstream(relay.RelayRequest(token=relay.RelayToken(session=session, token=token)))]

    def congested(self, session: int, now: float) -> None:
        """A viewer's socket takes no more for now."""
        viewer = self.viewers.get(session)
        if viewer is None or viewer.state is not State.LIVE or viewer.lane is None:
            return
        self._live[viewer.lane.key].pop(session, None)
        viewer.state = State.BEHIND
        viewer.cursor = max(viewer.cursor, viewer.lane.head or 0)
        viewer.behind_since = now
        viewer.left_bytes = 0
        self._behind[session] = viewer

    def left(self, session: int, left_bytes: int, now: float) -> list[Action]:
        """So much a viewer's socket has not taken yet; once that is little, the next piece of what it lacks."""
        viewer = self._behind.get(session)
        if viewer is None or viewer.lane is None:
            return []
        if left_bytes < viewer.left_bytes:
            viewer.behind_since = now  # slow, but it reads
        viewer.left_bytes = left_bytes
        if left_bytes >= LOW_BYTES:
            return []
        if not viewer.lane.resumes(viewer.cursor):
            return self._cut(viewer)
        return self._catch_up(viewer)

    def behind(self) -> Iterable[int]:
        """Sessions that wait for their socket."""
        return list(self._behind)

    def _catch_up(self, viewer: Viewer) -> list[Action]:
        assert viewer.lane is not None
        actions = self._introduce([viewer], viewer.lane)
        size = 0
        for entry in viewer.lane.since(viewer.cursor):
            if size >= CATCH_UP_BYTES:
                return actions
            actions.append(Send((viewer.session,), entry.frame))
            size += len(entry.frame)
            viewer.left_bytes += len(entry.frame)
            viewer.cursor = entry.to_revision
        if viewer.lane.before(viewer.cursor):
            self._behind.pop(viewer.session, None)
            self._ahead[viewer.session], viewer.edition = viewer, 0  # it is not sent what names others until then
            return actions
        self._go_live(viewer)
        return actions + self._release(viewer)

    def _introduce(self, viewers: Iterable[Viewer], lane: Lane) -> list[Action]:
        """Whom their lane says numbers for, to those who have not heard that: it is large, so one frame is for all."""
        new = [viewer for viewer in viewers if viewer.edition != lane.edition]
        for viewer in new:
            viewer.edition = lane.edition
        frame = lane.authors.frame() if new else b""
        return [Send(tuple(viewer.session for viewer in new), frame)] if frame else []

    def _go_live(self, viewer: Viewer) -> None:
        assert viewer.lane is not None
        self._behind.pop(viewer.session, None)
        viewer.state = State.LIVE
        self._live.setdefault(viewer.lane.key, {})[viewer.session] = viewer

    def _forget(self, session: int) -> bool:
        viewer = self.viewers.pop(session, None)
        if viewer is None:
            return False
        self._behind.pop(session, None)
        self._ahead.pop(session, None)
        self._holders.pop(session, None)
        for live in self._live.values():
            live.pop(session, None)
        return True

    def _cut(self, viewer: Viewer) -> list[Action]:
        status = ending("SLOW_READER", resume_revision=str(viewer.acked))
        return [End(viewer.session, status), *self.leave(viewer.session)]

    # -- upstream --------------------------------------------------------------------------------------------

    def opening(self) -> relay.RelayRequest:
        """The first request of a Relay stream."""
        return relay.RelayRequest(open=relay.RelayOpen(video_id=self.video_id, epoch=self.epoch))

    def lost(self, now: float) -> list[Action]:
        """The stream broke. Browsers stay; another stream will be opened, and goes on from where this one was."""
        if self.connected:
            self._lost_at = now
        self.connected = False
        self.crowd = relay.RelayCrowd()
        for lane in self._lanes.values():
            lane.snapshot_asked = False
        for viewer in self.viewers.values():
            viewer.switching, viewer.next_lane = False, None
        return []

    def receive(self, message: relay.RelayResponse, now: float) -> list[Action]:
        """A message of the stream."""
        kind = message.WhichOneof("message")
        return self._handlers[kind](message, now) if kind else []

    def _opened(self, message: relay.RelayOpened, now: float) -> list[Action]:
        if self.epoch not in (0, message.epoch):
            self._begin_anew()
        self.epoch = message.epoch
        self.connected, self._numbers = True, message.numbers_authors
        self._lanes = {key: lane for key, lane in self._lanes.items() if self._numbers or not key.numbered}
        actions: list[Action] = [Upstream(lane.want(lane.head)) for lane in self._lanes.values()]
        for viewer in self.viewers.values():
            self._hold(viewer)
            if viewer.lane is not None and viewer.lane.key not in self._lanes:
                actions += self._spell_out(viewer, now)
            actions += self._attach(viewer)
        return actions

    def _spell_out(self, viewer: Viewer, now: float) -> list[Action]:
        """Who serves the video now is of a release that knows no numbers: it goes on where it is, on another lane."""
        if viewer.state is State.BEHIND:
            viewer.state, viewer.resume = State.JOINING, viewer.cursor
        lane, actions = self._lane(self._key(viewer, FULL), viewer.resume, now)
        viewer.board(lane)
        return actions

    def _hold(self, viewer: Viewer) -> None:
        """What it may read has to be heard anew: until then it gets nothing, and keeps its place."""
        viewer.known = False
        if viewer.state is State.LIVE and viewer.lane is not None:
            self._live[viewer.lane.key].pop(viewer.session, None)
            viewer.state, viewer.cursor, viewer.left_bytes = State.BEHIND, viewer.reached, 0
        self._behind.pop(viewer.session, None)
        self._ahead.pop(viewer.session, None)

    def _crowded(self, message: relay.RelayCrowd) -> list[Action]:
        self.crowd = message
        return []

    def _begin_anew(self) -> None:
        """Another incarnation of the log: nothing cached is worth anything."""
        for lane in self._lanes.values():
            lane.clear()
        self._behind.clear()
        self._ahead.clear()
        self._live.clear()
        for viewer in self.viewers.values():
            viewer.state, viewer.resume, viewer.cursor, viewer.acked = State.ATTACHING, None, 0, 0
            viewer.held.clear()

    def _attach(self, viewer: Viewer) -> list[Action]:
        attach = relay.RelayAttach(session=viewer.session, token=viewer.token, open=viewer.open)
        actions: list[Action] = [Upstream(relay.RelayRequest(attach=attach))]
        if viewer.serving == MERGED:
            actions.append(self._serve(viewer, MERGED))
        return actions

    def _serve(self, viewer: Viewer, delivery: "service.Delivery.ValueType") -> Upstream:
        return Upstream(relay.RelayRequest(serve=relay.RelayServe(session=viewer.session, delivery=delivery)))

    def _attached(self, message: relay.RelayAttached, now: float) -> list[Action]:
        viewer = self.viewers.get(message.session)
        if viewer is None:
            return []
        if not message.opened:
            viewer.switching = viewer.next_lane is not None
            return []
        viewer.known = True
        if viewer.lane is not None and viewer.lane.key.audience != message.audience:
            # What it has and what its lane brings is not what it may read: it opens anew, and holds nothing.
            return [End(viewer.session, ending("AUDIENCE_CHANGED")), *self.leave(viewer.session)]
        if not viewer.greeted:
            viewer.greeted, viewer.audience = True, message.audience
            if viewer.open.epoch != self.epoch:
                viewer.resume = None
            viewer.state = State.JOINING
            return [Send((viewer.session,), message_frame(message.opened)), *self._join_lane(viewer, now)]
        if viewer.state is State.ATTACHING:
            viewer.state = State.JOINING
            reset = service.Reset(reason=service.RESET_REASON_EPOCH, epoch=self.epoch)
            again = self._say(viewer, service.CollaborateResponse(reset=reset))
            return [self._rights(viewer, message.opened), again, *self._join_lane(viewer, now)]
        resend = self._say(viewer, service.CollaborateResponse(resend=service.Resend()))
        return [self._rights(viewer, message.opened), resend, *self._go_on(viewer, now)]

    def _go_on(self, viewer: Viewer, now: float) -> list[Action]:
        """From where it was when the stream broke."""
        if viewer.state is State.JOINING:
            return self._serve_join(viewer)
        self._behind[viewer.session] = viewer
        viewer.behind_since = now
        return self.left(viewer.session, viewer.left_bytes, now)

    def _rights(self, viewer: Viewer, opened: bytes) -> Send:
        """What it may do now, which may have changed while nobody served the video."""
        permissions = service.CollaborateResponse.FromString(opened).opened.permissions
        return self._say(viewer, service.CollaborateResponse(rights=service.Rights(permissions=permissions)))

    def _say(self, viewer: Viewer, response: service.CollaborateResponse) -> Send:
        return Send((viewer.session,), message_frame(response.SerializeToString()))

    def _key(self, viewer: Viewer, delivery: "service.Delivery.ValueType") -> LaneKey:
        numbered = delivery == FULL and self._numbers and viewer.open.numbers_authors
        return LaneKey(viewer.audience, delivery, numbered)

    def _lane(self, key: LaneKey, resume: int | None, now: float) -> tuple[Lane, list[Action]]:
        self._lane_used[key] = now
        lane = self._lanes.get(key)
        if lane is not None:
            return lane, []
        lane = self._lanes[key] = Lane(key)
        if resume is None:
            return lane, [Upstream(lane.want(None))]
        since = max(0, resume - RESUME_SLACK)
        lane.begin(since)
        return lane, [Upstream(lane.want(since))]

    def _join_lane(self, viewer: Viewer, now: float) -> list[Action]:
        lane, actions = self._lane(self._key(viewer, viewer.serving), viewer.resume, now)
        viewer.board(lane)
        return actions + self._serve_join(viewer)

    def _serve_join(self, viewer: Viewer) -> list[Action]:
        lane = viewer.lane
        assert lane is not None
        if lane.head is None or not viewer.known:
            return []
        if viewer.resume is not None and lane.resumes(viewer.resume):
            return self._start(viewer, viewer.resume, [])
        snapshot = lane.usable_snapshot()
        if snapshot is None:
            return [] if lane.snapshot_asked or not self.connected else [Upstream(lane.want(None))]
        frames: list[Action] = []
        if viewer.resume is not None:
            reset = service.Reset(reason=service.RESET_REASON_COMPACTED, epoch=self.epoch)
            frames.append(self._say(viewer, service.CollaborateResponse(reset=reset)))
        frames += [Send((viewer.session,), frame) for frame in snapshot.frames]
        return self._start(viewer, snapshot.revision, frames)

    def _start(self, viewer: Viewer, revision: int, actions: list[Action]) -> list[Action]:
        viewer.cursor = revision
        viewer.state = State.BEHIND
        viewer.behind_since = viewer.now
        self._behind[viewer.session] = viewer
        return actions + self._catch_up(viewer)

    def _broadcast(self, message: relay.RelayBroadcast, now: float) -> list[Action]:
        lane = self._lanes.get(LaneKey.of(message.lane))
        if lane is not None and not message.response:
            return self._named(lane, message.authors)
        entry = lane.broadcast(message) if lane is not None else None
        if lane is None or entry is None:
            return []
        live = self._live.setdefault(lane.key, {})
        actions: list[Action] = []
        if lane.key.delivery == MERGED or self._merging:
            actions += self._move(lane, entry.from_revision, now)
        if live:
            actions.append(Send(tuple(live), entry.frame))
        for viewer in [v for v in self._holders.values() if v.session in live]:
            actions += self._release(viewer)
        for viewer in [v for v in self._ahead.values() if v.lane is lane and not lane.before(v.cursor)]:
            self._behind[viewer.session] = self._ahead.pop(viewer.session)
            viewer.behind_since = now
            actions += self._catch_up(viewer)
        return actions

    def _named(self, lane: Lane, authors: bytes) -> list[Action]:
        """Whom a lane says numbers for where it begins. Who is on it already may have heard of others only."""
        return self._introduce(self._live.get(lane.key, {}).values(), lane) if lane.named(authors) else []

    def _move(self, lane: Lane, from_revision: int, now: float) -> list[Action]:
        """Viewers whose change of lane is answered come over, where this frame goes on from what they have."""
        moved: list[Viewer] = []
        for viewer in [v for v in self.viewers.values() if v.switching and v.next_lane is lane]:
            old = viewer.lane
            if viewer.state is not State.LIVE or old is None or (old.head or 0) < from_revision:
                continue
            self._live[old.key].pop(viewer.session, None)
            viewer.board(lane)
            viewer.next_lane, viewer.switching, viewer.serving = None, False, lane.key.delivery
            self._go_live(viewer)
            self._lane_used[lane.key] = now
            moved.append(viewer)
        return self._introduce(moved, lane)

    def _snapshot(self, message: relay.RelaySnapshot) -> list[Action]:
        lane = self._lanes.get(LaneKey.of(message.lane))
        if lane is None or not lane.snapshot_part(message):
            return []
        actions: list[Action] = []
        for viewer in list(self.viewers.values()):
            if viewer.lane is lane and viewer.state is State.JOINING:
                actions += self._serve_join(viewer)
        return actions

    def _addressed(self, message: relay.RelayAddressed) -> list[Action]:
        frame = message_frame(message.response)
        if message.droppable:
            ready = [s for s in message.sessions if (v := self.viewers.get(s)) is not None and v.state is State.LIVE]
            return [Send(ready, frame, droppable=True)] if ready else []
        actions: list[Action] = []
        for session in message.sessions:
            viewer = self.viewers.get(session)
            if viewer is None:
                continue
            if message.after_revision and viewer.reached < message.after_revision:
                viewer.held.append((message.after_revision, frame))
                self._holders[viewer.session] = viewer
            else:
                actions.append(Send((session,), frame))
        return actions

    def _release(self, viewer: Viewer) -> list[Action]:
        actions: list[Action] = [Send((viewer.session,), frame) for frame in viewer.release()]
        if not viewer.held:
            self._holders.pop(viewer.session, None)
        return actions

    def _ended(self, message: relay.RelayEnded) -> list[Action]:
        return [End(message.session, message.status)] if self._forget(message.session) else []

    def _reset(self, message: relay.RelayReset) -> list[Action]:
        """A lane cannot go on from where it was asked to: all on it begin from a snapshot."""
        one = LaneKey.of(message.lane) if message.HasField("lane") else None
        lanes = [lane for key, lane in self._lanes.items() if one in (None, key)]
        actions: list[Action] = []
        for lane in lanes:
            lane.clear()
            for viewer in [v for v in self.viewers.values() if v.lane is lane]:
                self._live.get(lane.key, {}).pop(viewer.session, None)
                self._behind.pop(viewer.session, None)
                self._ahead.pop(viewer.session, None)
                if viewer.state is not State.ATTACHING:
                    viewer.state = State.JOINING
                    viewer.resume = max(viewer.resume or 0, viewer.cursor, viewer.acked)
            actions.append(Upstream(lane.want(None)))
        return actions

    # -- time ------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> list[Action]:
        """Once a second: cuts who does not read, forgets lanes without viewers, changes `auto` viewers' lanes."""
        passed = now - self._last_tick if self._last_tick is not None else 1.0
        self._last_tick = now
        actions: list[Action] = []
        for viewer in list(self.viewers.values()):
            if self._too_slow(viewer, now):
                actions += self._cut(viewer)
        actions += self._choose_delivery(now, passed)
        return actions + self._drop_idle_lanes(now) + self._let_go(now)

    def _let_go(self, now: float) -> list[Action]:
        """Viewers who have waited too long for somebody to serve the video come back later, one after the other."""
        if self.connected:
            return []
        waiting = [v for v in self.viewers.values() if now - max(self._lost_at, v.now) > AWAY_S]
        for viewer in waiting:
            self._forget(viewer.session)
        return [End(v.session, away(len(waiting), at / len(waiting))) for at, v in enumerate(waiting)]

    def _too_slow(self, viewer: Viewer, now: float) -> bool:
        if viewer.session in self._behind and now - viewer.behind_since > self._slow_s:
            return True
        lag = viewer.reached - viewer.acked
        return lag > UNACKED_REVISIONS and now - viewer.acked_at > self._slow_s

    def _choose_delivery(self, now: float, passed: float) -> list[Action]:
        rates = [lane.bytes_in / max(passed, 0.001) for key, lane in self._lanes.items() if key.delivery == FULL]
        for lane in self._lanes.values():
            lane.bytes_in = 0
        wanted = self._choice.wanted(max(rates, default=0.0), passed, saves=self.crowd.merging_saves)
        if wanted is None or not self.connected:
            return []
        self._merging = wanted == MERGED or any(v.serving == MERGED for v in self.viewers.values())
        actions: list[Action] = []
        for viewer in self.viewers.values():
            if viewer.wants == AUTO and viewer.state is State.LIVE and viewer.serving != wanted:
                actions += self._switch(viewer, wanted, now)
        return actions

    def _switch(self, viewer: Viewer, wanted: "service.Delivery.ValueType", now: float) -> list[Action]:
        if viewer.next_lane is not None or viewer.lane is None:
            return []
        lane, actions = self._lane(self._key(viewer, wanted), None, now)
        if actions:
            lane.begin(viewer.lane.head or 0)
            actions = [Upstream(lane.want(lane.head))]
        viewer.next_lane = lane
        return [*actions, self._serve(viewer, wanted)]

    def _drop_idle_lanes(self, now: float) -> list[Action]:
        used = {v.lane.key for v in self.viewers.values() if v.lane} | {
            v.next_lane.key for v in self.viewers.values() if v.next_lane
        }
        used |= {self._key(v, FULL) for v in self.viewers.values() if v.wants == AUTO and v.lane}
        actions: list[Action] = []
        for key in list(self._lanes):
            if key in used:
                self._lane_used[key] = now
            elif now - self._lane_used[key] > LANE_IDLE_S:
                del self._lanes[key]
                self._live.pop(key, None)
                actions.append(Upstream(relay.RelayRequest(unwant=key.said())))
        return actions if self.connected else []
