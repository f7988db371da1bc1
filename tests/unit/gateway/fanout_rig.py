"""Sockets for the fan-out that note what they are given."""

from dataclasses import dataclass, field

from google.rpc import status_pb2
from prometheus_client import REGISTRY

from gateway.core.message import Message
from gateway.core.socket import binary_frame


@dataclass
class Viewer:
    """A socket that notes what is queued; with `waiting` bytes nothing goes to its descriptor."""

    descriptor: int = -1
    waiting: int = 0
    queued: list[bytes] = field(default_factory=list)
    left: list[bytes] = field(default_factory=list)

    def direct(self, message: Message, head: bytes = b"") -> bytes | None:
        """See Socket and Out."""
        return None if self.waiting else message.plain[head]

    def rest(self, left: bytes) -> None:
        """See Socket."""
        self.left.append(left)

    def write(self, frame: bytes) -> None:
        """See Socket."""
        self.queued.append(frame)

    def buffered(self) -> int:
        """See Socket."""
        return self.waiting

    def end(self, status: status_pb2.Status) -> None:
        """See Socket."""


def congested(session: int, now: float) -> None:
    """Is told of nobody here."""
    raise AssertionError(session)


def counted(kind: str) -> float:
    """Frames, so far."""
    return REGISTRY.get_sample_value(f"rushes_gateway_frames_{kind}_total") or 0.0


def frames(*messages: bytes) -> list[bytes]:
    """Each as a frame."""
    return list(map(binary_frame, messages))
