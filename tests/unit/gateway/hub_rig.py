"""A hub, with what its viewers and the service are told of it."""

from collections.abc import Sequence

from google.rpc import status_pb2

from gateway.core.hub import Hub
from gateway.core.socket import message_frame
from gateway.core.viewer import FULL, Action, End, Send, Upstream, Viewer
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import relay_service_pb2 as relay
from rushes.annotation.v1.operation_pb2 import Commit
from rushes.type.v1 import access_pb2

INTERNAL = access_pb2.AUDIENCE_INTERNAL
CLIENT = access_pb2.AUDIENCE_CLIENT
NUMBERED = relay.Lane(audience=INTERNAL, delivery=FULL, numbers_authors=True)
OPENED = service.CollaborateResponse(opened=service.CollaborateOpened(permissions=5)).SerializeToString()


class Rig:
    """A hub with what it said, and short words for what its upstream says."""

    def __init__(self, *, merge_bytes_s: int = 10**9) -> None:
        self.hub = Hub(7, merge_bytes_s=merge_bytes_s)
        self.now = 0.0
        self.sent: dict[int, list[bytes]] = {}
        self.droppable: list[bytes] = []
        """Of what was sent, what may be left out where something waits."""
        self.ends: dict[int, status_pb2.Status] = {}
        self.upstream: list[relay.RelayRequest] = []

    def do(self, actions: Sequence[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                if action.droppable:
                    self.droppable.append(action.frame)
                for session in action.sessions:
                    self.sent.setdefault(session, []).append(action.frame)
            elif isinstance(action, End):
                self.ends[action.session] = action.status
            elif isinstance(action, Upstream):
                self.upstream.append(action.request)

    def say(self, **message: object) -> None:
        self.do(self.hub.receive(relay.RelayResponse(**message), self.now))  # type: ignore[arg-type]

    def opened(self, epoch: int = 1, revision: int = 0, *, numbers: bool = True) -> None:
        self.say(opened=relay.RelayOpened(epoch=epoch, revision=revision, numbers_authors=numbers))

    def join(
        self,
        resume: int | None = None,
        delivery: "service.Delivery.ValueType" = FULL,
        epoch: int = 1,
        *,
        numbers: bool = False,
    ) -> Viewer:
        opening = service.CollaborateOpen(video_id=7, delivery=delivery, epoch=epoch, numbers_authors=numbers)
        if resume is not None:
            opening.resume_revision = resume
        viewer, actions = self.hub.join(opening, "token", self.now)
        self.do(actions)
        return viewer

    def attached(
        self, viewer: Viewer, audience: "access_pb2.Audience.ValueType" = INTERNAL, opened: bytes = OPENED
    ) -> None:
        self.say(attached=relay.RelayAttached(session=viewer.session, audience=audience, opened=opened))

    def commit(
        self, revision: int, size: int = 1, delivery: "service.Delivery.ValueType" = FULL, since: int | None = None
    ) -> bytes:
        response = f"{delivery}:{revision}".encode() + b"." * size
        lane = relay.Lane(audience=INTERNAL, delivery=delivery)
        before = revision - 1 if since is None else since
        self.say(
            broadcast=relay.RelayBroadcast(lane=lane, from_revision=before, to_revision=revision, response=response)
        )
        return message_frame(response)

    def numbered(self, revision: int, *names: int) -> bytes:
        """A frame of the numbered lane, which names these authors."""
        committed = service.Committed(authors=list(map(author, names)), commits=[Commit(revision=revision)])
        response = service.CollaborateResponse(committed=committed).SerializeToString()
        self.say(
            broadcast=relay.RelayBroadcast(
                lane=NUMBERED,
                from_revision=revision - 1,
                to_revision=revision,
                response=response,
                authors=named(*names),
            )
        )
        return message_frame(response)

    def names(self, revision: int, *names: int) -> None:
        """The numbered lane begins here, and says numbers for these authors."""
        self.say(
            broadcast=relay.RelayBroadcast(
                lane=NUMBERED, from_revision=revision, to_revision=revision, authors=named(*names)
            )
        )

    def snapshot(
        self, revision: int, parts: int = 2, delivery: "service.Delivery.ValueType" = FULL, *, numbered: bool = False
    ) -> list[bytes]:
        lane = relay.Lane(audience=INTERNAL, delivery=delivery, numbers_authors=numbered)
        frames = []
        for index in range(parts):
            response = f"snapshot {revision} {index}".encode()
            frames.append(message_frame(response))
            self.say(
                snapshot=relay.RelaySnapshot(
                    lane=lane, revision=revision, index=index, last=index == parts - 1, response=response
                )
            )
        return frames

    def live(
        self, revision: int = 0, delivery: "service.Delivery.ValueType" = FULL, *, numbers: bool = False
    ) -> Viewer:
        """A viewer that has everything up to a revision."""
        viewer = self.join(resume=revision, delivery=delivery, numbers=numbers)
        self.attached(viewer)
        self.sent[viewer.session].clear()
        return viewer

    def asked(self) -> list[str]:
        kinds = [str(request.WhichOneof("message")) for request in self.upstream]
        self.upstream.clear()
        return kinds


def author(number: int) -> service.Author:
    return service.Author(number=number, person_id=f"{number:026}", client_id=number.to_bytes(16, "big"))


def named(*numbers: int) -> bytes:
    return service.Committed(authors=list(map(author, numbers))).SerializeToString()


def said(frame: bytes) -> service.CollaborateResponse:
    head = {126: 4, 127: 10}.get(frame[1], 2)
    return service.CollaborateResponse.FromString(frame[head + 5 :])
