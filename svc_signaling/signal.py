"""One person's stream: requests in, answers and events out, in order."""

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import grpc

from mesh.auth import Caller, Identity, claims_of, permissions_of, renew
from mesh.clock import Clock
from mesh.ids import new_id
from mesh.rpc import to_error, to_status
from rushes.errors import RushesError, Unauthenticated
from rushes.signaling.v1 import room_service_pb2 as pb
from rushes.type.v1.access_pb2 import PERMISSION_VIEW, RESOURCE_KIND_PROJECT, Resource
from svc_signaling.breakouts import Breakouts
from svc_signaling.core.answer import Answers
from svc_signaling.core.participant import GONE, JOINED
from svc_signaling.core.room import Live, SignalInvalid, may
from svc_signaling.errors import RoomMoved, RoomUnknown, SlowListener
from svc_signaling.media import Media
from svc_signaling.rooms import Desk, Rooms
from svc_signaling.telling import News

MAX_WAITING: Final = 2_000
"""Answers that wait for somebody who does not read."""
REQUESTS_S: Final = 20
BURST: Final = 40
"""Requests of one stream: so many at once, then so many a second."""
CHECK_S: Final = 1.0
NEED_RIGHTS: Final = frozenset(("present", "moderate", "record", "poll", "close_poll", "settings", "split", "regroup"))
"""Acts for which it is asked what the person may do at that moment."""
TRACKS_S: Final = 0.1
"""Tracks change often, as levels do: they are told at most this often, of many people to each of them less so."""
CALM_PEOPLE: Final = 100

_logger = logging.getLogger(__name__)

Write = Callable[[bytes], Awaitable[None]]


class Stream:
    """See the module. A listener of its room."""

    def __init__(
        self,
        rooms: Rooms,
        breakouts: Breakouts,
        media: Media,
        identity: Identity,
        clock: Clock,
        caller: Caller,
        write: Write,
    ) -> None:
        self._rooms = rooms
        self._breakouts = breakouts
        self._media = media
        self._identity = identity
        self._clock = clock
        self._caller = caller
        self._write = write
        self._waiting: asyncio.Queue[tuple[bytes, bool]] = asyncio.Queue(MAX_WAITING)
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tracks_due = False
        self._waits = False
        self._together = False
        self._heard = 0
        """The last event that was told, or is in what opened the stream."""
        self._project_id = 0
        self._participant_id = ""
        self._done_in_parent = 0
        """Of a breakout, the last number that the room which is split has done: it changes the split there."""
        self._desk: Desk | None = None

    # -- what the room says ----------------------------------------------------------------------------------

    def happened(self, news: News) -> None:
        """See `Listener`."""
        new = news.after(self._heard)
        if new is None:
            return
        self._heard = new.events[-1].ordinal
        if self._together:
            self._put_encoded(new.together, last=any(map(self._is_last, new.events)) if self._is_of(new) else False)
        else:
            for event, encoded in zip(new.events, new.single, strict=True):
                self._put_encoded(encoded, last=self._is_last(event))
        if self._participant_id in new.people:
            self._changed([each.participant for each in new.events if self._is_mine(each)][-1])

    def _is_of(self, news: News) -> bool:
        return news.ended or self._participant_id in news.people

    def _is_mine(self, event: pb.Event) -> bool:
        return event.participant.participant_id == self._participant_id

    def _changed(self, me: pb.Participant) -> None:
        """One is not what one was."""
        if me.state != JOINED:
            return
        if self._waits and self._desk is not None:
            # Let in: what went on meanwhile was not told to who waited.
            self._put(pb.SignalResponse(opened=self._opened(self._desk.live)))
        self._waits = False
        self.tracks_changed()

    def tracks_changed(self) -> None:
        """See `Listener`."""
        if not self._tracks_due:
            self._tracks_due = True
            many = len(self._desk.listeners) / CALM_PEOPLE if self._desk is not None else 1.0
            asyncio.get_running_loop().call_later(TRACKS_S * max(1.0, many), self._put_tracks)

    def _put_tracks(self) -> None:
        self._tracks_due = False
        desk = self._desk
        if desk is None or self._over.done():
            return
        participant = desk.live.people.get(self._participant_id)
        if participant is not None and participant.state == JOINED:
            tracks = self._media.tracks(desk.live.room.room_id, self._participant_id)
            self._put(pb.SignalResponse(tracks=tracks))

    def end(self, error: RushesError) -> None:
        """See `Listener`."""
        if not self._over.done():
            self._over.set_exception(error)

    def _put(self, response: pb.SignalResponse) -> None:
        self._put_encoded(response.SerializeToString())

    def _put_encoded(self, encoded: bytes, *, last: bool = False) -> None:
        try:
            self._waiting.put_nowait((encoded, last))
        except asyncio.QueueFull:
            self.end(SlowListener("you read too slowly: come back"))

    # -- the stream ------------------------------------------------------------------------------------------

    async def run(self, requests: AsyncIterator[pb.SignalRequest]) -> None:
        """Serves it until one side ends it."""
        first = await anext(requests, None)
        if first is None or first.WhichOneof("what") != "open":
            raise SignalInvalid("the first message is open")
        opening = first.open
        self._project_id, self._together = opening.project_id, opening.together
        desk = self._desk = await self._rooms.desk(self._caller.tenant_id, opening.project_id, opening.room_id)
        await self._come_in(desk, opening)
        tasks = [
            asyncio.create_task(self._listen(desk, requests)),
            asyncio.create_task(self._write_for_ever()),
            asyncio.create_task(self._check_for_ever()),
        ]
        try:
            done, _ = await asyncio.wait({self._over, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if not self._over.cancel():
                self._over.exception()
            await self._rooms.unlisten(desk, self._participant_id, self)

    async def _come_in(self, desk: Desk, opening: pb.SignalOpen) -> None:
        person_id = self._caller.person_id
        mask = await self._mask()
        name = await self._identity.name(self._caller)
        carried = await self._breakouts.carried(desk, person_id, mask)
        done_in_parent = await self._breakouts.done(desk, opening.participant_id)
        returning = desk.live.returns(opening.participant_id, person_id) if opening.participant_id else None
        if returning is not None:
            self._participant_id, self._done_in_parent = opening.participant_id, done_in_parent
            if not opening.after:  # a page that was loaded again: what it asks is new, whatever its number
                desk.answers.pop(self._participant_id, None)
        else:
            self._participant_id = new_id()
        # Listening begins with the act that lets one in, so nothing between the two is missed or told twice.
        self._rooms.listen(desk, self._participant_id, self)
        me = self._participant_id

        def decide(live: Live) -> list[pb.Event]:
            if returning is not None:
                return live.returns(me, person_id) or []
            return live.join(me, person_id, name, mask, carried)

        try:
            await self._rooms.act(desk, person_id, decide)
        except BaseException:
            await self._rooms.unlisten(desk, me, self)
            raise
        while not self._waiting.empty():
            self._waiting.get_nowait()  # it is in what follows
        self._put(pb.SignalResponse(opened=self._opened(desk.live)))
        self.tracks_changed()

    def _opened(self, live: Live) -> pb.SignalOpened:
        me = live.people[self._participant_id]
        self._waits = me.state != JOINED
        self._heard = live.ordinal
        opened = pb.SignalOpened(
            participant_id=self._participant_id,
            room=live.room,
            ordinal=live.ordinal,
            time_ms=self._clock.now_ms(),
            done=max(live.done.get(self._participant_id, 0), self._done_in_parent),
        )
        if self._waits:  # sees nobody
            opened.participants.append(me)
            return opened
        opened.participants.extend(live.present_people())
        opened.presenter.CopyFrom(live.presenter)
        if live.playback is not None:
            opened.playback.CopyFrom(live.playback)
        if live.recording is not None:
            opened.recording.CopyFrom(live.recording)
        opened.chats.extend(live.chats)
        opened.polls.extend(live.polls.values())
        if live.breakouts is not None:
            opened.breakouts.CopyFrom(live.breakouts)
        return opened

    async def _write_for_ever(self) -> None:
        while True:
            encoded, last = await self._waiting.get()
            await self._write(encoded)
            if last:
                return

    def _is_last(self, event: pb.Event) -> bool:
        return (self._is_mine(event) and event.participant.state in GONE) or event.WhichOneof("what") == "ended"

    async def _check_for_ever(self) -> None:
        """Token, session and rights hold on."""
        while True:
            await asyncio.sleep(CHECK_S)
            if self._caller.expires_ms and self._clock.now_ms() > self._caller.expires_ms:
                raise Unauthenticated("the access token has expired")
            if self._identity.ended(self._caller.session_id):
                raise Unauthenticated("the session has ended")
            if not may(await self._mask(), PERMISSION_VIEW):
                raise RoomUnknown("there is no such room in this project")

    async def _mask(self) -> int:
        resource = Resource(kind=RESOURCE_KIND_PROJECT, id=str(self._project_id))
        return await permissions_of(self._identity, self._caller, (resource,))

    # -- requests --------------------------------------------------------------------------------------------

    async def _listen(self, desk: Desk, requests: AsyncIterator[pb.SignalRequest]) -> None:
        loop, spent_until = asyncio.get_running_loop(), 0.0
        async for request in requests:
            # Whoever asks faster is read more slowly (GCRA, ITU-T I.371): each act is a write to the store.
            spent_until = max(loop.time(), spent_until) + 1 / REQUESTS_S
            await asyncio.sleep(max(0.0, spent_until - loop.time() - BURST / REQUESTS_S))
            kind = request.WhichOneof("what")
            if kind == "ping_ms":
                pong = pb.SignalPong(ping_ms=request.ping_ms, time_ms=self._clock.now_ms())
                self._put(pb.SignalResponse(pong=pong))
            elif kind == "authenticate_token":
                await self._renew(request.authenticate_token)
            else:
                await self._do(desk, request, kind or "")

    async def _renew(self, token: str) -> None:
        claims = await claims_of(self._identity, token)
        if (claims.person_id, claims.tenant_id) != (self._caller.person_id, self._caller.tenant_id):
            raise Unauthenticated("this token is another person's")
        self._caller = dataclasses.replace(
            self._caller, session_id=claims.session_id, expires_ms=claims.expires_ms, token=token
        )
        renew(self._caller)

    async def _do(self, desk: Desk, request: pb.SignalRequest, kind: str) -> None:
        """Does a request and says so; what cannot be done is said too, and ends nothing."""
        done = pb.SignalDone(number=request.number)
        try:
            if request.number <= 0:
                raise SignalInvalid("a request has a number, counted from 1")
            if kind in ("publish", "subscribe", "slots_answer", "show"):
                return await self._transport(desk, request, kind)
            await self._act(desk, request, kind)
        except RoomMoved:
            raise  # it was not decided: whoever asks sends it again to whoever owns the room
        except RushesError as error:
            done.error.CopyFrom(to_status(error, ""))
        except grpc.aio.AioRpcError as error:
            done.error.CopyFrom(to_status(to_error(error), ""))
        self._put(pb.SignalResponse(done=done))

    async def _transport(self, desk: Desk, request: pb.SignalRequest, kind: str) -> None:
        """What is sent again is answered again: done twice it would break what it made."""
        desk.live.here(self._participant_id)
        answers = desk.answers.setdefault(self._participant_id, Answers())
        said = answers.of(request)
        if said is None:
            told = await self._negotiate(desk, request, kind)
            done = pb.SignalResponse(done=pb.SignalDone(number=request.number))
            said = [each.SerializeToString() for each in (*told, done)]
            answers.keep(request, said)
        for each in said:
            self._put_encoded(each)

    async def _negotiate(self, desk: Desk, request: pb.SignalRequest, kind: str) -> list[pb.SignalResponse]:
        room_id, me = desk.live.room.room_id, self._participant_id
        if kind == "publish":
            answer = await self._media.publish(room_id, me, request.publish.offer)
            await self._media.mute(room_id, desk.live.here(me))
            return [pb.SignalResponse(published=answer)]
        if kind == "subscribe":
            return [pb.SignalResponse(slots=await self._media.subscribe(room_id, me, request.subscribe))]
        if kind == "slots_answer":
            await self._media.accept(room_id, me, request.slots_answer)
        else:
            await self._media.show(room_id, me, request.show)
        return []

    async def _act(self, desk: Desk, request: pb.SignalRequest, kind: str) -> None:
        me, person_id = self._participant_id, self._caller.person_id
        now_ms, recording_id = self._clock.now_ms(), new_id()
        mask = await self._mask() if kind in NEED_RIGHTS else 0
        decide: dict[str, Callable[[Live], list[pb.Event]]] = {
            "playback": lambda live: live.play(me, request.playback, now_ms),
            "present": lambda live: live.present(me, request.present, mask),
            "chat": lambda live: live.say(me, request.chat),
            "hand": lambda live: live.hand(me, request.hand),
            "reaction": lambda live: live.react(me, request.reaction),
            "moderate": lambda live: live.moderate(me, request.moderate, mask),
            "mark": lambda live: live.mark(me, request.mark),
            "record": lambda live: live.record(me, request.record, recording_id, mask),
            "devices": lambda live: live.devices(me, request.devices),
            "leave": lambda live: live.leave(me),
            "poll": lambda live: live.ask(me, request.poll, new_id(), mask),
            "vote": lambda live: live.choose(me, request.vote),
            "close_poll": lambda live: live.close_poll(me, request.close_poll, mask),
            "settings": lambda live: live.change(me, request.settings, mask),
        }
        if kind == "moderate":
            await self._breakouts.decide(desk, person_id, me, request.number, request.moderate, mask)
        if kind == "split":
            await self._breakouts.split(desk, person_id, me, request.number, request.split, mask)
        elif kind == "regroup":
            await self._breakouts.regroup(desk, person_id, me, request.number, request.regroup, mask)
        elif kind not in decide:
            raise SignalInvalid("this request says nothing that is known")
        else:
            await self._rooms.act(desk, person_id, decide[kind], me, request.number)
