"""ICE-lite (RFC 8445, 2.5) for many sessions on one socket: answers checks, and knows from whom packets may come.

It never sends a check and reads no candidate of a client, so nobody can aim it at anybody. An address belongs to a
session once a check with the session's password came from it; everything else from an unknown address is dropped.
"""

from dataclasses import dataclass, field
from typing import Final

from aioice import stun

Address = tuple[str, int]
CONSENT_S: Final = 30.0
"""Without a valid check for so long, the other side is gone (RFC 7675)."""
MAX_ADDRESSES: Final = 8
"""Most addresses of one session at a time: the oldest is let go of."""


@dataclass(slots=True)
class Session:
    """One transport's credentials and what is known of its other side."""

    ufrag: str
    password: str
    addresses: dict[Address, float] = field(default_factory=dict)
    """When each was checked last."""
    nominated: Address | None = None
    """Where packets are sent."""
    heard_s: float = 0.0
    remote_ufrag: str = ""
    """The other side's, once its description is known: checks of another generation are not answered."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back, and what changed: `session` is now reached at `address` for the first time."""

    data: bytes
    address: Address
    session: Session | None = None


class Agent:
    """See the module."""

    def __init__(self) -> None:
        self._by_ufrag: dict[str, Session] = {}
        self._by_address: dict[Address, Session] = {}

    def add(self, session: Session) -> None:
        """A session is expected."""
        self._by_ufrag[session.ufrag] = session

    def renew(self, session: Session, ufrag: str, password: str, remote_ufrag: str) -> None:
        """ICE begins anew (RFC 8445, 9): packets take the way they took until another was checked."""
        self._by_ufrag.pop(session.ufrag, None)
        session.ufrag, session.password, session.remote_ufrag = ufrag, password, remote_ufrag
        self._by_ufrag[ufrag] = session

    def remove(self, session: Session) -> None:
        """A session is over."""
        self._by_ufrag.pop(session.ufrag, None)
        for address in session.addresses:
            if self._by_address.get(address) is session:
                del self._by_address[address]

    def of(self, address: Address) -> Session | None:
        """Whose packets come from there."""
        return self._by_address.get(address)

    def receive(self, data: bytes, address: Address, now_s: float) -> Reply | None:
        """A STUN datagram. None: it is not answered."""
        try:
            message = stun.parse_message(data)
        except Exception:
            # The codec raises whatever its attributes raise; to a stranger's bytes there is nothing to say.
            return None
        if message.message_class is not stun.Class.REQUEST or message.message_method is not stun.Method.BINDING:
            return None
        local, _, remote = str(message.attributes.get("USERNAME", "")).partition(":")
        session = self._by_ufrag.get(local)
        if session is None or not message.check_message_integrity(session.password.encode()):
            return None
        if session.remote_ufrag and remote != session.remote_ufrag:
            return None
        first = session.nominated is None
        self._seen(session, address, now_s)
        if first or "USE-CANDIDATE" in message.attributes:
            session.nominated = address
        answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=message.transaction_id)
        answer.attributes["XOR-MAPPED-ADDRESS"] = address
        answer.add_message_integrity(session.password.encode())
        return Reply(bytes(answer), address, session if first else None)

    def _seen(self, session: Session, address: Address, now_s: float) -> None:
        other = self._by_address.get(address)
        if other is not None and other is not session:
            other.addresses.pop(address, None)
        session.addresses.pop(address, None)
        session.addresses[address] = session.heard_s = now_s
        self._by_address[address] = session
        while len(session.addresses) > MAX_ADDRESSES:
            oldest = next(each for each in session.addresses if each != session.nominated)
            del session.addresses[oldest]
            self._by_address.pop(oldest, None)
