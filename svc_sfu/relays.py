"""The relays of a worker: of each datagram that another forwarder sends, which room's link it is of."""

from collections.abc import Callable
from typing import Final

from rushes.errors import InvalidArgument, NotFound, ResourceExhausted
from svc_sfu.core.ice import Address
from svc_sfu.envelope import KEY_BYTES, Envelope, relay_of
from svc_sfu.link import Link
from svc_sfu.room import Room

MAX_LINKS: Final = 32
"""Of one room: forwarders that have people of it."""


class RelayInvalid(InvalidArgument):
    """A relay whose keys or address cannot be used."""

    reason = "INVALID_RELAY"


class RoomNotHere(NotFound):
    """A room that this worker has nobody of (any more)."""

    reason = "ROOM_NOT_HERE"


class TooManyRelays(ResourceExhausted):
    """A room that is on more workers than one can be linked to."""

    reason = "TOO_MANY_RELAYS"


class Relays:
    """See the module."""

    def __init__(self, send: Callable[[bytes, Address], None]) -> None:
        self._links: dict[int, tuple[Room, Link]] = {}
        self._send = send

    def open(
        self, room: Room, relay: int, peer: str, keys: tuple[bytes, bytes], address: Address | None = None
    ) -> None:
        """Links a room with a worker. `keys`: for what is sent, for what comes. Sent twice, it is the same link."""
        if any(len(key) != KEY_BYTES for key in keys) or not relay or not peer:
            raise RelayInvalid(f"a relay has a number, a name, and two keys of {KEY_BYTES} bytes")
        before = room.links.get(peer)
        if before is not None and before.relay == relay:
            return
        if len(room.links) >= MAX_LINKS:
            raise TooManyRelays("this room is on too many workers")
        link = Link(relay, peer, Envelope(relay, *keys), self._send)
        link.address = address
        self.close(room, peer)
        self._links[relay] = (room, link)
        room.connect(link)

    def close(self, room: Room, peer: str) -> None:
        """A room is not linked with a worker any more."""
        link = room.links.get(peer)
        if link is not None:
            self._links.pop(link.relay, None)
            room.disconnect(peer)

    def close_all(self, room: Room) -> None:
        """A room is over here."""
        for peer in list(room.links):
            self.close(room, peer)

    def datagram(self, data: bytes, address: Address, now_s: float) -> Room | None:
        """One that says that it is of a relay; the room that something came for."""
        relay = relay_of(data)
        known = self._links.get(relay) if relay is not None else None
        if known is None:
            return None
        room, link = known
        plain = link.opened(data, address, now_s)
        if not plain:
            return None
        room.relayed(link, plain, now_s)
        return room
