"""One worker: a socket, the transports on it, and the rooms that they are in."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiortc.rtcdtlstransport import RTCCertificate

from rushes.errors import FailedPrecondition, NotFound, ResourceExhausted
from svc_sfu.core import fragment, sdp, viewer
from svc_sfu.core.forwarder import Forwarder
from svc_sfu.core.ice import CONSENT_S, Address, Agent
from svc_sfu.core.publisher import Publisher
from svc_sfu.core.rtp import is_rtcp
from svc_sfu.core.subscriber import Slot, Subscriber
from svc_sfu.envelope import FIRST_BYTE
from svc_sfu.relays import Relays, RoomNotHere
from svc_sfu.room import FEEDBACK_S, Room
from svc_sfu.socket import MediaSocket
from svc_sfu.tap import Tap
from svc_sfu.transport import Transport

MAX_ROOMS: Final = 500
MAX_PEOPLE: Final = 1_000
MAX_SLOTS: Final = 64

_logger = logging.getLogger(__name__)


class ParticipantUnknown(NotFound):
    """A participant who publishes nothing, or is shown nothing, there."""

    reason = "PARTICIPANT_UNKNOWN"


class RoomFull(ResourceExhausted):
    """This worker takes no more."""

    reason = "ROOM_FULL"


class TransportOver(NotFound):
    """A transport that is over, or that another took the place of."""

    reason = "TRANSPORT_OVER"


class IceOutdated(FailedPrecondition):
    """Something about an ICE session that another took the place of."""

    reason = "ICE_OUTDATED"


class NothingOffered(FailedPrecondition):
    """An answer without an offer before it."""

    reason = "NOTHING_OFFERED"


@dataclass(frozen=True, slots=True)
class Show:
    """What a slot shall show."""

    mid: str
    track_id: str
    """Empty: nothing."""
    layer: str = "h"
    priority: int = 5


class Engine:
    """See the module. `changed` is called with a room whose tracks, transports or layers changed."""

    def __init__(
        self, host: str, port: int, addresses: Sequence[str], changed: Callable[[Room], None], *, inner: str = ""
    ) -> None:
        self.rooms: dict[str, Room] = {}
        self._changed = changed
        self._agent = Agent()
        self._socket = MediaSocket(host, port, self._datagram, self._received)
        self._addresses = [(address, self._socket.port) for address in addresses]
        self._inner = inner or addresses[0]
        self._relays = Relays(self._socket.send)
        self._certificate = RTCCertificate.generateCertificate()
        self._fingerprint = next(
            each.value for each in self._certificate.getFingerprints() if each.algorithm == "sha-256"
        )
        self._transports: dict[int, tuple[Room, Transport]] = {}
        self._came: dict[Room, None] = {}
        """Rooms that packets came for."""
        self._taps: dict[str, list[Tap]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._ticker: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to receive."""
        self._socket.start()
        self._ticker = asyncio.create_task(self._tick_for_ever())

    @property
    def dropped(self) -> int:
        """Datagrams that the kernel had no room for."""
        return self._socket.dropped

    async def close(self) -> None:
        """Ends every transport."""
        if self._ticker is not None:
            self._ticker.cancel()
        for room in list(self.rooms.values()):
            self.end(room.room_id)
        await asyncio.gather(*self._closing, return_exceptions=True)
        self._socket.close()

    # -- what signalling asks for ----------------------------------------------------------------------------

    def publish(self, room_id: str, participant: str, offer: str) -> tuple[str, Transport]:
        """Answers a publisher's offer, in the place of an earlier one of it. Raises DescriptionInvalid, RoomFull."""
        described = sdp.parse(offer)
        accepted = [sdp.accept(section, mixed=described.mixed) for section in described.sections]
        taken = [each for each in accepted if each is not None]
        if not taken:
            raise sdp.DescriptionInvalid("nothing of what is offered can be taken: Opus, VP8, H.264, VP9 and AV1 can")
        room = self._room(room_id)
        publisher = Publisher(taken, f"{participant}.{secrets.token_hex(4)}")
        transport = self._transport(room, participant, publisher=publisher)
        transport.session.remote_ufrag = described.ufrag
        self._replace(room, room.publishers, transport)
        answer = sdp.answer(described, accepted, self._local(transport))
        transport.begin(described.fingerprints, client=described.setup == "passive", then=self._agreed)
        self._changed(room)
        return answer, transport

    def watch(self, room_id: str, participant: str, offer: str) -> tuple[str, Transport]:
        """Answers the offer of whoever only watches: its sections are slots. Raises DescriptionInvalid, RoomFull."""
        described = sdp.parse(offer)
        wishes = viewer.wanted(described)
        slots = [_slot(each.section.mid, each.section.kind, each.formats) for each in wishes if each is not None]
        room = self._room(room_id)
        transport = self._transport(room, participant, subscriber=_closed(slots))
        assert transport.subscriber is not None
        transport.subscriber.agreed()
        transport.session.remote_ufrag = described.ufrag
        self._replace(room, room.subscribers, transport)
        offers = [sdp.SlotOffer(slot.mid, slot.kind, slot.ssrc, slot.repair_ssrc) for slot in slots]
        answer = viewer.answer(described, wishes, offers, self._local(transport))
        transport.begin(described.fingerprints, client=described.setup == "passive", then=self._agreed)
        self._changed(room)
        return answer, transport

    def update_ice(self, room_id: str, participant: str, transport_id: str, text: str, etag: str) -> tuple[str, str]:
        """A fragment about a transport's ICE session `etag`, or with "*" of a new one.

        Gives the fragment to answer with, empty where there is nothing to say, and the ICE session that it is now.
        Raises DescriptionInvalid, TransportOver, IceOutdated.
        """
        told = fragment.parse(text)
        transport = self._by_id(room_id, participant, transport_id)
        session = transport.session
        if etag not in ("*", session.ufrag):
            raise IceOutdated("this ICE session is not the present one")
        if told.ufrag == session.remote_ufrag:
            return "", session.ufrag
        if etag != "*":
            raise IceOutdated("ICE is begun anew with If-Match: *")
        self._agent.renew(session, secrets.token_hex(4), secrets.token_hex(16), told.ufrag)
        mids = [*transport.subscriber.slots] if transport.subscriber is not None else []
        mids += [track.mid for track in transport.publisher.tracks.values()] if transport.publisher is not None else []
        return fragment.written(mids, self._local(transport)), session.ufrag

    def subscribe(self, room_id: str, participant: str, *, audio: int, video: int) -> str:
        """Offers slots, in the place of earlier ones. Raises RoomFull."""
        if not 0 < audio + video <= MAX_SLOTS:
            raise RoomFull(f"a participant has 1 to {MAX_SLOTS} slots")
        room = self._room(room_id)
        mids = [*(f"a{n}" for n in range(audio)), *(f"v{n}" for n in range(video))]
        slots = {mid: _slot(mid, *_KINDS[mid[0]]) for mid in mids}
        transport = self._transport(room, participant, subscriber=_closed(slots.values()))
        self._replace(room, room.subscribers, transport)
        offers = [sdp.SlotOffer(slot.mid, slot.kind, slot.ssrc, slot.repair_ssrc) for slot in slots.values()]
        return sdp.offer(offers, self._local(transport))

    def accept(self, room_id: str, participant: str, answer: str) -> None:
        """A subscriber's answer. Raises DescriptionInvalid, ParticipantUnknown, NothingOffered."""
        described = sdp.parse(answer)
        transport = self._subscriber(room_id, participant)
        if transport.session.remote_ufrag:
            raise NothingOffered("this offer is answered already")
        transport.session.remote_ufrag = described.ufrag
        assert transport.subscriber is not None
        for section in described.sections:
            slot = transport.subscriber.slots.get(section.mid)
            if slot is not None:
                slot.formats = _agreed_formats(slot, section, described.mixed)
        transport.subscriber.agreed()
        transport.begin(described.fingerprints, client=described.setup == "passive", then=self._agreed)

    def show(self, room_id: str, participant: str, shows: Sequence[Show]) -> None:
        """What slots shall show. A track that is not there (any more) is nothing."""
        transport = self._subscriber(room_id, participant)
        room = self.rooms[room_id]
        assert transport.subscriber is not None
        for each in shows:
            slot = transport.subscriber.slots.get(each.mid)
            if slot is not None:
                track = room.find(each.track_id) if each.track_id else None
                fits = track if track is not None and track.kind == slot.kind else None
                room.show(transport, slot, fits, each.layer, max(0, min(10, each.priority)))
                slot.awaited = each.track_id if track is None else ""

    def mute(self, room_id: str, participant: str, kinds: Mapping[str, bool]) -> None:
        """Whether what a participant publishes of a kind ("audio", "video") is forwarded at all."""
        room = self.rooms.get(room_id)
        if room is None or participant not in room.publishers:
            raise ParticipantUnknown("this participant publishes nothing here")
        for whose, track in room.tracks():
            if whose == participant and track.kind in kinds:
                track.muted = kinds[track.kind]
        now_s = time.monotonic()
        for transport in room.subscribers.values():
            assert transport.subscriber is not None
            transport.subscriber.choose(now_s)
        self._changed(room)

    def leave(self, room_id: str, participant: str, transport_id: str = "") -> bool:
        """Ends both transports of a participant, or the one of that id; False: there was nothing to end."""
        room = self.rooms.get(room_id)
        if room is None:
            return False
        removed = False
        for table in (room.publishers, room.subscribers):
            transport = table.get(participant)
            if transport is not None and transport_id in ("", transport.transport_id):
                del table[participant]
                self._end(room, transport)
                removed = True
        self._tidy(room)
        self._changed(room)
        return removed

    def end(self, room_id: str) -> None:
        """Ends a room."""
        room = self.rooms.get(room_id)
        if room is not None:
            for participant in {*room.publishers, *room.subscribers}:
                self.leave(room_id, participant)

    def open_relay(
        self, room_id: str, relay: int, peer: str, keys: tuple[bytes, bytes], address: Address | None
    ) -> Address:
        """Links a room with a worker that has people of it too; gives where that one reaches this one.

        Raises RoomNotHere, RelayInvalid, TooManyRelays.
        """
        room = self.rooms.get(room_id)
        if room is None:
            raise RoomNotHere("nobody of this room is here")
        self._relays.open(room, relay, peer, keys, address)
        return self._inner, self._socket.port

    def close_relay(self, room_id: str, peer: str) -> None:
        """That worker has nobody of the room any more; a link that is gone is no error."""
        room = self.rooms.get(room_id)
        if room is not None:
            self._relays.close(room, peer)

    def tap(self, room_id: str, tap: Tap) -> None:
        """All that is published in a room, now or later, goes there too."""
        self._taps.setdefault(room_id, []).append(tap)
        room = self.rooms.get(room_id)
        if room is not None:
            room.taps = self._taps[room_id]
            room.show_taps()

    def untap(self, room_id: str, tap: Tap) -> None:
        """Nothing goes there any more."""
        taps = self._taps[room_id]
        taps.remove(tap)
        room = self.rooms.get(room_id)
        if room is not None:
            room.untap(tap)
        if not taps:
            del self._taps[room_id]

    def request_keyframes(self, room_id: str) -> None:
        """What is tapped begins anew soon."""
        for tap in self._taps.get(room_id, ()):
            tap.ask_keyframes()

    # -- parts -----------------------------------------------------------------------------------------------

    def _room(self, room_id: str) -> Room:
        room = self.rooms.get(room_id)
        if room is None:
            if len(self.rooms) >= MAX_ROOMS:
                raise RoomFull("this worker has as many rooms as it takes")
            room = self.rooms[room_id] = Room(room_id, self._changed, _later, self._socket)
            room.taps = self._taps.get(room_id, room.taps)
        if len(room.publishers) + len(room.subscribers) >= 2 * MAX_PEOPLE:
            raise RoomFull("this room has as many people as it takes")
        return room

    def _tidy(self, room: Room) -> None:
        if room.empty:
            self._relays.close_all(room)
            self.rooms.pop(room.room_id, None)

    def _subscriber(self, room_id: str, participant: str) -> Transport:
        room = self.rooms.get(room_id)
        transport = room.subscribers.get(participant) if room is not None else None
        if transport is None:
            raise ParticipantUnknown("this participant is shown nothing here")
        return transport

    def _by_id(self, room_id: str, participant: str, transport_id: str) -> Transport:
        room = self.rooms.get(room_id)
        for table in (room.publishers, room.subscribers) if room is not None else ():
            transport = table.get(participant)
            if transport is not None and transport.transport_id == transport_id:
                return transport
        raise TransportOver("this transport is over")

    def _transport(
        self,
        room: Room,
        participant: str,
        *,
        publisher: Publisher | None = None,
        subscriber: Subscriber | None = None,
    ) -> Transport:
        transport = Transport(participant, self._certificate, self._socket, publisher=publisher, subscriber=subscriber)
        self._agent.add(transport.session)
        self._transports[id(transport.session)] = (room, transport)
        return transport

    def _replace(self, room: Room, table: dict[str, Transport], transport: Transport) -> None:
        earlier = table.get(transport.participant)
        if earlier is not None:
            self._end(room, earlier)
        table[transport.participant] = transport

    def _end(self, room: Room, transport: Transport) -> None:
        room.remove(transport)
        self._agent.remove(transport.session)
        self._transports.pop(id(transport.session), None)
        task = asyncio.create_task(transport.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _local(self, transport: Transport) -> sdp.Local:
        return sdp.Local(transport.session.ufrag, transport.session.password, self._fingerprint, self._addresses)

    def _agreed(self, transport: Transport, agreed: bool) -> None:
        known = self._transports.get(id(transport.session))
        if known is None:
            return
        room, _ = known
        if agreed:
            _logger.info("transport_ready", extra={"room": room.room_id, "participant": transport.participant})
            room.opened(transport, time.monotonic())
            self._changed(room)
        else:
            _logger.warning("transport_failed", extra={"room": room.room_id, "participant": transport.participant})
            self._drop(room, transport)

    def _drop(self, room: Room, transport: Transport) -> None:
        table = room.publishers if transport.publisher is not None else room.subscribers
        if table.get(transport.participant) is transport:
            del table[transport.participant]
        self._end(room, transport)
        self._tidy(room)
        self._changed(room)

    # -- datagrams -------------------------------------------------------------------------------------------

    def _datagram(self, data: bytes, address: Address) -> None:
        """Tells protocols apart by their first byte (RFC 7983). From a stranger only a valid check is taken."""
        first = data[0]
        now_s = time.monotonic()
        if first < 4:
            self._check(data, address, now_s)
            return
        if first == FIRST_BYTE:
            linked = self._relays.datagram(data, address, now_s)
            if linked is not None:
                self._came[linked] = None
            return
        session = self._agent.of(address)
        if session is None:
            return
        room, transport = self._transports[id(session)]
        if 20 <= first < 64:
            transport.wire.handshake_bytes(data)
        elif 128 <= first < 192:
            plain = transport.wire.open(data)
            if plain is None:
                return
            if is_rtcp(data):
                room.reports(transport, plain, now_s)
            else:
                room.media(transport, plain, now_s)
                self._came[room] = None

    def _received(self) -> None:
        """All that came together goes on together."""
        came, self._came = self._came, {}
        for room in came:
            try:
                room.forward(time.monotonic())
            except Exception:
                # One room's trouble is not the others'.
                _logger.exception("forward_failed", extra={"room": room.room_id})

    def _check(self, data: bytes, address: Address, now_s: float) -> None:
        reply = self._agent.receive(data, address, now_s)
        if reply is None:
            return
        self._socket.send(reply.data, reply.address)
        if reply.session is not None:
            self._transports[id(reply.session)][1].checked()

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(FEEDBACK_S)
            now_s = time.monotonic()
            for room in list(self.rooms.values()):
                try:
                    room.tick(now_s)
                except Exception:
                    # One room's trouble is not the others'.
                    _logger.exception("tick_failed", extra={"room": room.room_id})
            for room, transport in list(self._transports.values()):
                if now_s - transport.session.heard_s > CONSENT_S or transport.wire.closed:
                    self._drop(room, transport)


_KINDS: Final = {"a": ("audio", viewer.OURS_SOUND), "v": ("video", viewer.OURS)}


def _later(seconds: float, then: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, then)


def _agreed_formats(slot: Slot, section: sdp.Section, mixed: bool) -> viewer.Formats:
    """How a slot's packets are numbered, by the answer to it."""
    if slot.kind == "audio":
        return viewer.OURS_RED if section.codecs.get(sdp.RED_TYPE) == sdp.RED else slot.formats
    found = {sdp.codec_of(section, number, name) for number, name in section.codecs.items()}
    wide = section.extensions.get(sdp.TRANSPORT_WIDE_NUMBER) == sdp.TRANSPORT_WIDE
    described = mixed and section.extensions.get(sdp.DEPENDENCY_NUMBER) == sdp.DEPENDENCY
    return viewer.ours(frozenset(codec for codec in found if codec is not None), wide, described)


def _closed(slots: Iterable[Slot]) -> Subscriber:
    """Whom nothing reaches until there are keys."""
    return Subscriber({slot.mid: slot for slot in slots}, open=False)


def _slot(mid: str, kind: str, formats: viewer.Formats) -> Slot:
    first = Forwarder(secrets.randbits(15), secrets.randbits(31), secrets.randbits(14))
    return Slot(mid, kind, secrets.randbits(31) + 1, secrets.randbits(31) + 1, first, formats=formats)
