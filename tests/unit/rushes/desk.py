"""Two people at one simulated server, moved by hand."""

from random import Random

from rushes.annotation.v1.annotation_service_pb2 import CollaborateResponse
from rushes.annotation.v1.operation_pb2 import Batch, Operation
from rushes.document.pending import PendingClient
from rushes.document.pending_event import Event
from rushes.type.v1.access_pb2 import AUDIENCE_INTERNAL
from tests.unit.rushes.simulated_peer import Peer
from tests.unit.rushes.simulated_server import ALL, Server


class Desk:
    """One's own page and somebody else's, both connected."""

    def __init__(self) -> None:
        random = Random(1)
        self.server = Server(random)
        self.me = Peer("ann", ALL, AUDIENCE_INTERNAL, random)
        self.other = Peer("bob", ALL, AUDIENCE_INTERNAL, random)
        self.events: list[Event] = []
        for peer in (self.me, self.other):
            peer.connect(self.server)
        self.settle()

    @property
    def client(self) -> PendingClient:
        """One's own client."""
        return self.me.client

    def do(self, *operations: Operation, who: Peer | None = None) -> None:
        """Somebody (oneself) does one action."""
        peer = who or self.me
        peer.heed(peer.client.submit(operations, peer.now_s), self.server)

    def edit(self, annotation_id: bytes, text: str, who: Peer | None = None) -> None:
        """Somebody (oneself) makes a text another one."""
        peer = who or self.me
        peer.heed(peer.client.edit_text(annotation_id, text, peer.now_s), self.server)

    def undo(self) -> None:
        """One undoes."""
        self.me.heed(self.client.undo(self.me.now_s), self.server)

    def redo(self) -> None:
        """One redoes."""
        self.me.heed(self.client.redo(self.me.now_s), self.server)

    def sent(self, after_s: float = 0.06) -> list[Batch]:
        """What one's client sends a while later; it goes on its way."""
        self.me.now_s += after_s
        requests = self.client.poll(self.me.now_s)
        if self.me.session is not None:
            self.me.session.up.extend(requests)
        return [request.submit for request in requests if request.HasField("submit")]

    def deliver(self) -> None:
        """All that is on its way arrives, and what comes of it; nobody sends more."""
        for peer in (self.me, self.other):
            while peer.session is not None and peer.session.up:
                self.server.take(peer.session, peer.session.up.pop(0))
        self.server.fold()
        for peer in (self.other, self.me):
            if peer.session is not None:
                self.server.pump(peer.session)
            while peer.session is not None and peer.session.down:
                peer.receive(self.server)

    def settle(self) -> None:
        """Everybody sends until nobody has anything to send."""
        for _ in range(100):
            for peer in (self.me, self.other):
                peer.now_s += 0.06
                peer.send()
            self.deliver()
            if all(not peer.client.pending_count and not peer.client.in_flight for peer in (self.me, self.other)):
                return
        raise AssertionError("it never ends")

    def tell(self, response: CollaborateResponse) -> list[Event]:
        """The server says something to one's client."""
        return self.client.receive(response, self.me.now_s)

    def text(self, annotation_id: bytes) -> str:
        """A text on one's screen."""
        state = self.client.screen.get(annotation_id)
        return state.annotation.text if state is not None else ""

    def place(self, annotation_id: bytes) -> tuple[int, int]:
        """A place on one's screen."""
        state = self.client.screen.get(annotation_id)
        assert state is not None
        return state.annotation.position.x, state.annotation.position.y
