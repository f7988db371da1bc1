"""How a session begins, whichever way it came: who it is, what it reads with, and what it is told first."""

from dataclasses import dataclass
from typing import Final

from mesh.auth import Caller
from rushes.annotation.v1 import annotation_service_pb2 as service
from svc_annotation.core.landed import Audience
from svc_annotation.core.member import Member, new_presence_bucket
from svc_annotation.core.presence import Onlooker
from svc_annotation.errors import OpenInvalid, Superseded
from svc_annotation.seat import Seat, Sink
from svc_annotation.shared import Shared, audience_of, narrowed
from svc_annotation.video import PresenceFeed, Video

CLIENT_ID_BYTES: Final = 16
MAX_BEHIND: Final = 10_000
"""Revisions that a reader may be behind and still get every commit without having asked for it: else a snapshot."""


def message(**kind: object) -> bytes:
    """A serialised CollaborateResponse."""
    return service.CollaborateResponse(**kind).SerializeToString()  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Entrance:
    """Somebody who may come in."""

    caller: Caller
    opening: service.CollaborateOpen
    mask: int
    audience: Audience
    name: str

    @classmethod
    async def make(cls, shared: Shared, caller: Caller, opening: service.CollaborateOpen, mask: int) -> "Entrance":
        """Checks the open and the video. Raises OpenInvalid, VideoUnknown."""
        if len(opening.client_id) not in (0, CLIENT_ID_BYTES):
            raise OpenInvalid("a client_id has 16 bytes")
        if opening.HasField("resume_revision") and opening.resume_revision < 0:
            raise OpenInvalid("a revision is not negative")
        await shared.facts.get(opening.video_id, caller.tenant_id)
        name = await shared.identity.name(caller)
        return cls(caller, opening, mask, audience_of(mask, opening.audience), name)

    def opened(self, shared: Shared, video: Video) -> bytes:
        """The session's first message."""
        now_ms = shared.clock.now_ms()
        client_id = self.opening.client_id
        window = video.document.window(self.caller.person_id, client_id, now_ms) if client_id else None
        opened = service.CollaborateOpened(
            epoch=video.document.epoch,
            revision=video.document.revision,
            outcomes=window.outcomes if window is not None else (),
            known=window is not None,
            closed=window is not None and window.closed,
            person_id=self.caller.person_id,
            permissions=narrowed(self.mask, self.audience),
            audience=self.audience,
            time_ms=now_ms,
        )
        return message(opened=opened)


def enter(shared: Shared, video: Video, entrance: Entrance, sink: Sink, through: PresenceFeed) -> Seat:
    """Takes the seat; an older session of the same client ends."""
    caller, opening = entrance.caller, entrance.opening
    member = Member(
        key=next(shared.keys),
        person_id=caller.person_id,
        tenant_id=caller.tenant_id,
        client_id=opening.client_id,
        audience=entrance.audience,
        permissions=narrowed(entrance.mask, entrance.audience),
        presence=new_presence_bucket(0.0),
    )
    seat = Seat(shared, video, caller, member, sink)
    onlooker = Onlooker(
        key=member.key,
        client_id=opening.client_id,
        person_id=caller.person_id,
        name=entrance.name,
        audience=entrance.audience,
        frame=opening.frame,
        client_sees=video.client_sees,
    )
    older = video.join(seat, onlooker, through)
    if older is not None:
        older.end(Superseded("this client opened another session"))
    return seat


def resumes(opening: service.CollaborateOpen, video: Video) -> bytes | None:
    """The reset that a resume needs; None: it can go on from where it is, or holds nothing."""
    if not opening.HasField("resume_revision"):
        return None
    document = video.document
    if opening.epoch != document.epoch:
        return _reset(service.RESET_REASON_EPOCH, document.epoch)
    behind = document.revision - opening.resume_revision
    if behind < 0 or (behind > MAX_BEHIND and opening.delivery != service.DELIVERY_FULL):
        return _reset(service.RESET_REASON_COMPACTED, document.epoch)
    return None


def _reset(reason: "service.ResetReason.ValueType", epoch: int) -> bytes:
    return message(reset=service.Reset(reason=reason, epoch=epoch))
