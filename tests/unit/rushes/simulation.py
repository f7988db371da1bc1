"""A server of one video and its clients, all in one process and on a virtual clock: every run replays from its seed."""

from random import Random

from rushes.annotation.v1.annotation_pb2 import (
    AnnotationState,
)
from rushes.annotation.v1.annotation_service_pb2 import (
    CollaborateResponse,
    Resend,
)
from rushes.document import (
    visible_annotations,
)
from rushes.document.pending_state import Phase
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL
from tests.unit.rushes.simulated_peer import Peer
from tests.unit.rushes.simulated_server import ALL, GUEST, NOT_OTHERS, Server, Session

FAULTS = {
    "cut": 10,
    "reload": 4,
    "restart": 2,
    "lose": 1,
    "resend": 4,
    "twice": 3,
    "compact": 2,
    "month": 1,
    "lane": 8,
}
"""What breaks, and how often."""


class World:
    """Five people on one video, with all that goes wrong."""

    def __init__(self, seed: int, *, merged: bool = True, faults: bool = True) -> None:
        self.random = Random(seed)
        self.merged = merged
        self.faults = faults
        self.server = Server(self.random)
        self.peers = [
            Peer("ann", ALL, AUDIENCE_INTERNAL, self.random),
            Peer("bob", ALL, AUDIENCE_INTERNAL, self.random),
            Peer("cem", NOT_OTHERS, AUDIENCE_INTERNAL, self.random),
            Peer("dee", ALL, AUDIENCE_INTERNAL, self.random),
            Peer("guest", GUEST, AUDIENCE_CLIENT, self.random),
        ]

    def step(self) -> None:
        """Somebody does something, or a message gets somewhere, or something breaks."""
        random, server = self.random, self.server
        server.now_ms += random.randrange(40)
        peer = random.choice(self.peers)
        peer.now_s += random.choice((0.0, 0.01, 0.06))
        session = peer.session
        choice = random.random()
        if choice < 0.2:
            peer.act(server)
        elif choice < 0.4:
            peer.send()
        elif session is None:
            if random.random() < 0.3:
                peer.connect(server)
        elif choice < 0.55 and session.up:
            server.take(session, session.up.pop(0))
        elif choice < 0.6:
            server.fold()
        elif choice < 0.7:
            server.pump(session)
        elif choice < 0.97:
            peer.receive(server)
        elif self.faults:
            self.break_something(peer, session)

    def break_something(self, peer: Peer, session: Session) -> None:
        """A cut, a reload, a restart, a change of lane, a message sent twice."""
        fault = self.random.choices(list(FAULTS), list(FAULTS.values()))[0]
        if fault == "cut":
            peer.cut(self.server)
        elif fault == "reload":
            peer.reload(self.server)
        elif fault == "resend":
            session.down.append(CollaborateResponse(resend=Resend()))
        elif fault == "twice" and session.up:
            session.up.append(session.up[0])
        elif fault == "lane" and self.merged:
            self.server.pump(session)
            session.merged = not session.merged
        else:
            self.break_server(fault)

    def break_server(self, fault: str) -> None:
        """A restart, a restore, a log that forgets, a month in which nobody is there."""
        server = self.server
        if fault in ("restart", "lose"):
            server.restart()
            if fault == "lose":
                server.lose_tail(max(0, server.document.revision - self.random.randrange(6)))
            for each in self.peers:
                each.cut(server)
        elif fault == "compact":
            server.first_kept = server.document.revision
        elif fault == "month":
            server.now_ms += 31 * 24 * 3600 * 1000

    def settle(self) -> None:
        """Everybody comes back, and all that is on its way arrives."""
        for _ in range(10_000):
            for peer in self.peers:
                self.come_back(peer)
            self.server.fold()
            for peer in self.peers:
                if peer.session is not None:
                    self.server.pump(peer.session)
                while peer.session is not None and peer.session.down:
                    peer.receive(self.server)
            if all(self.quiet(peer) for peer in self.peers):
                return
        raise AssertionError("it never ends")

    def come_back(self, peer: Peer) -> None:
        """Somebody is connected, decides about what is in doubt, and sends all that may be sent."""
        peer.now_s += 0.06
        if peer.session is None:
            peer.connect(self.server)
        if peer.client.doubt and self.random.random() < 0.5:
            peer.client.discard_doubt()
        elif peer.client.doubt:
            peer.heed(peer.client.resend_doubt(peer.now_s), self.server)
        peer.send()
        session = peer.session
        while session is not None and session is peer.session and session.up:
            self.server.take(session, session.up.pop(0))

    def quiet(self, peer: Peer) -> bool:
        """Whether nothing more happens to somebody."""
        client = peer.client
        return (
            client.phase is Phase.OPEN
            and not client.pending_count
            and not client.in_flight
            and client.confirmed.revision == self.server.document.revision
        )

    def check(self) -> None:
        """Everybody has the same document, and sees it."""
        for peer in self.peers:
            want = [state.SerializeToString(deterministic=True) for state in self.wanted(peer)]
            have = [state.SerializeToString(deterministic=True) for state in peer.client.confirmed.annotations]
            assert have == want, peer.person_id
            shown = [state.SerializeToString(deterministic=True) for state in peer.client.screen.annotations]
            assert shown == have, peer.person_id

    def wanted(self, peer: Peer) -> list[AnnotationState]:
        """What the server would show this person."""
        return visible_annotations(self.server.document, peer.audience)
