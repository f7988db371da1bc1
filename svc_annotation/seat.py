"""A person's session on a video, whichever way it came: rights at every message, batches into the log, in order."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, Protocol

from mesh.auth import Caller
from mesh.auth.identity import SessionEnded, TokenExpired, UnknownKey
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import operation_pb2
from rushes.document.refusal import refusal
from rushes.errors import RushesError, Unavailable
from svc_annotation import metrics
from svc_annotation.append import head_of
from svc_annotation.appending import Appends
from svc_annotation.core.landed import INTERNAL
from svc_annotation.core.member import MAX_WAITING, RECOVERED, RESEND, Member, Note, Take, refused, trouble
from svc_annotation.core.presence import PresenceInvalid
from svc_annotation.core.submission import Head, submission
from svc_annotation.errors import (
    AccessLost,
    AudienceChanged,
    PersonChanged,
    TooManyInFlight,
    VideoNotReady,
)
from svc_annotation.shared import (
    ANNOTATE,
    SEE_INTERNAL,
    VIEW,
    Moment,
    Shared,
    is_service,
    narrowed,
    resource,
)
from svc_annotation.video import Video

RESEND_S: Final = (0.5, 1.0, 2.0, 4.0)
"""How long after a failed append its sender is asked to send again; longer each time."""

_logger = logging.getLogger(__name__)

NO_VERSION: Final = -2
KEY_TRIES: Final = 12
KEY_WAIT_S: Final = 0.25
"""A token of a key that is not known yet is looked at again so often and so much later: keys are fetched meanwhile."""


class Sink(Protocol):
    """Where a session's own messages go."""

    def note(self, note: Note) -> None:
        """A message for this session."""

    def end(self, error: RushesError) -> None:
        """The session is over. What comes from it later is not taken."""


def _never(now: float) -> float:
    """Services have a limit of their own."""
    return 0.0


class Seat:
    """See the module. Lives from `Video.join` to `leave`."""

    def __init__(self, shared: Shared, video: Video, caller: Caller, member: Member, sink: Sink) -> None:
        self.member = member
        self.video = video
        self._video_id = video.video_id
        self._shared = shared
        self._caller = caller
        self._sink = sink
        self._resource = resource(video.video_id)
        self._service = is_service(caller)
        self._epoch = video.document.epoch
        self._appends: Appends = shared.appends
        self._wait_s = _never if self._service else partial(shared.rates.take, caller.person_id)
        """How long the next batch has to wait by the person's rate; 0: it goes now, and is counted."""
        self._head: Head | None = None
        self._mask: int | None = None
        """Rights as they were seen last."""
        self._version = NO_VERSION
        """They hold as long as this is the version of all rights."""
        self._loop = asyncio.get_running_loop()
        self._paused = False
        self._gone = False
        self._failures = 0
        self.in_trouble = False
        """See `append.Sender`."""
        self._room = asyncio.Event()
        self._room.set()

    # Messages

    def submit(self, batch: operation_pb2.Batch, moment: Moment) -> None:
        """A batch of this session."""
        member = self.member
        if self._gone or not member.client_id:
            return
        if (member.stopped or member.missing is not None) and member.check(batch) is Take.DROP:
            return
        waiting, head = member.waiting, self._head
        known = self._version == moment.rights and member.permissions & ANNOTATE
        if known and head is not None and not (waiting or self._paused or self._wait_s(moment.loop_s)):
            self._append(head, batch, moment)  # nearly always: nothing is to be asked for, and nothing waits before it
            return
        if len(waiting) >= MAX_WAITING:
            self.end(TooManyInFlight("more batches wait than a client may have in flight"))
            return
        waiting.append(batch)
        self._drain(moment)
        if len(waiting) > MAX_WAITING // 4:
            self._room.clear()

    async def room(self) -> None:
        """Returns once few batches wait: a stream of one session is read no faster."""
        await self._room.wait()

    def presence(self, state: service.PresenceState, moment: Moment) -> None:
        """Where this session is. May be dropped."""
        member, video = self.member, self.video
        if self._gone or member.presence.take(moment.loop_s):
            metrics.PRESENCE_DROPPED.labels("rate").inc()
            return
        try:
            video.presence.update(member.key, state, may_draw=member.permissions & ANNOTATE != 0)
        except PresenceInvalid:
            metrics.PRESENCE_DROPPED.labels("invalid").inc()
            return
        if not video.presence_due:
            video.schedule_presence()

    def renew(self, token: str, tries: int = KEY_TRIES) -> None:
        """A newer access token. One signed by a key that is not known yet is looked at again a little later."""
        if self._gone:
            return
        try:
            claims = self._shared.identity.verify(token)
        except UnknownKey as error:
            if tries:
                self._loop.call_later(KEY_WAIT_S, self.renew, token, tries - 1)
            else:
                self.end(error)
            return
        except RushesError as error:
            self.end(error)
            return
        if (claims.person_id, claims.tenant_id) != (self._caller.person_id, self._caller.tenant_id):
            self.end(PersonChanged("this token is another person's"))
            return
        self._version = NO_VERSION
        self._caller = replace(self._caller, session_id=claims.session_id, expires_ms=claims.expires_ms, token=token)

    # Batches into the log

    def _drain(self, moment: Moment, resolved: int | None = None) -> None:
        """Appends what waits, as far as rights and rate are known and allow it. `resolved`: rights just asked for."""
        waiting, shared = self.member.waiting, self._shared
        while waiting and not self._paused and not self._gone:
            if (self._version != moment.rights or self._mask is None) and not self._look(moment.rights, resolved):
                self._pause(self._resolve())
                return
            if self._gone:
                return
            if self._head is None and shared.facts.ready(self.video.video_id) is None:
                self._pause(self._resolve())
                return
            if not self.member.permissions & ANNOTATE:
                self._stop("MAY_NOT_ANNOTATE")
                return
            wait_s = self._wait_s(moment.loop_s)
            if wait_s:
                self._paused = True
                self._loop.call_later(wait_s, self._resume)
                return
            self._append(self._head or self._make_head(), waiting.popleft(), moment)

    def _append(self, head: Head, batch: operation_pb2.Batch, moment: Moment) -> None:
        submitted = submission(head, batch, time_ms=moment.time_ms, service=self._service)
        self._appends.add(self._video_id, submitted, self)

    def _pause(self, work: "asyncio._CoroutineLike[None]") -> None:
        self._paused = True
        self._shared.start(self._loop.create_task(work))

    def _resume(self, resolved: int | None = None) -> None:
        self._paused = False
        self._drain(self._shared.moment(), resolved)
        if len(self.member.waiting) <= MAX_WAITING // 4:
            self._room.set()

    async def _resolve(self) -> None:
        """Rights or facts have to be asked for."""
        mask: int | None = None
        try:
            await self._shared.facts.get_ready(self.video.video_id, self._caller.tenant_id)
            mask = await self._shared.identity.permissions(self._caller, self._resource)
        except VideoNotReady as error:
            self._stop_with(error.reason, error.message)
        except RushesError as error:
            self.end(error)
        except Exception:
            _logger.exception("rights_failed")
            self.end(Unavailable("rights could not be asked for"))
        self._resume(mask)

    def _make_head(self) -> Head:
        """What its records begin with, as long as its permissions are what they are. The video's facts are known."""
        facts = self._shared.facts.ready(self.video.video_id)
        assert facts is not None
        self._head = head_of(
            self._shared,
            self.video.video_id,
            facts,
            person_id=self._caller.person_id,
            permissions=self.member.permissions,
            client_id=self.member.client_id,
            epoch=self._epoch,
        )
        return self._head

    def landed(self) -> None:
        """See `append.Sender`. It may be another one than what is missing."""
        if self.member.missing is None:
            self._recover()

    def took(self, client_seq: int) -> None:
        """See `video.Seat`: a batch that was said to be lost may have landed all the same."""
        if self.member.took(client_seq):
            self._recover()

    def _recover(self) -> None:
        if self.in_trouble:
            self.in_trouble = False
            self._failures = 0
            self._note(Note(RECOVERED))

    def lost(self, client_seq: int, error: BaseException) -> None:
        """See `append.Sender`."""
        if self.video.has_taken(self.member, client_seq):
            return
        if isinstance(error, Unavailable):
            self._append_failed(client_seq, error)
        else:
            _logger.error("append_failed", exc_info=error, extra={"video": self.video.video_id})
            self.end(Unavailable("the batch could not be appended"))

    def _append_failed(self, client_seq: int, error: Unavailable) -> None:
        """It may still land, or not: the sender is told, and asked to send again later."""
        member = self.member
        already = member.missing is not None
        member.lost(client_seq)
        member.waiting.clear()
        self._room.set()
        if already or self._gone:
            return
        self._note(Note(trouble(error.reason, error.message)))
        delay_s = RESEND_S[min(self._failures, len(RESEND_S) - 1)]
        self._failures += 1
        self.in_trouble = True
        self._loop.call_later(delay_s, self._note, Note(RESEND))

    def _stop(self, reason: str) -> None:
        told = refusal(reason)
        self._refuse_waiting(told)

    def _stop_with(self, reason: str, message: str) -> None:
        code = 9  # FAILED_PRECONDITION
        self._refuse_waiting(operation_pb2.Refusal(code=code, reason=reason, message=message))

    def _refuse_waiting(self, told: operation_pb2.Refusal) -> None:
        """The oldest batch is refused without a record, and with it all that this client sends from now on."""
        member = self.member
        member.stopped = True
        if member.waiting:
            at = self.video.document.revision
            metrics.REFUSED.labels(told.reason).inc()
            self._note(Note(refused(member.client_id, member.waiting[0].client_seq, told, at), at))
        member.waiting.clear()
        self._room.set()

    # Rights

    def _look(self, version: int, resolved: int | None = None) -> bool:
        """Sees the rights that are known at this version, or else those just asked for; False: there are none."""
        mask = self._shared.identity.cached(self._caller, self._resource)
        self._version = NO_VERSION if mask is None or version < 0 else version
        mask = resolved if mask is None else mask
        if mask is None:
            return False
        if mask != self._mask:
            self._see(mask)
        return True

    def _see(self, mask: int) -> None:
        """The rights as they are now."""
        member = self.member
        self._mask = mask
        permissions = narrowed(mask, member.audience)
        if permissions == member.permissions:
            return
        if not mask & VIEW:
            self.end(AccessLost("you may not see this video any more"))
            return
        if member.audience == INTERNAL and not mask & SEE_INTERNAL:
            self.end(AudienceChanged("you may not read internal notes any more: open again"))
            return
        member.permissions = permissions
        self._head = None
        message = service.CollaborateResponse(rights=service.Rights(permissions=permissions))
        self._note(Note(message.SerializeToString()))

    def tick(self, now_ms: int) -> None:
        """Once a second: the token, the session, the rights."""
        caller, identity = self._caller, self._shared.identity
        if caller.expires_ms <= now_ms:
            self.end(TokenExpired("the access token has ended"))
            return
        if identity.ended(caller.session_id):  # whatever the version: a batch since then may have seen the present one
            self.end(SessionEnded("the session was signed out"))
            return
        version = identity.version
        if version == self._version and self._mask is not None:
            return
        if not self._look(version) and not self._paused:
            self._pause(self._resolve_rights())

    async def _resolve_rights(self) -> None:
        try:
            self._see(await self._shared.identity.permissions(self._caller, self._resource))
        except RushesError as error:
            self.end(error)
        except Exception:
            _logger.exception("rights_failed")
            self.end(Unavailable("rights could not be asked for"))
        self._resume()

    # The end

    def note(self, note: Note) -> None:
        """See `video.Seat`."""
        self._note(note)

    def _note(self, note: Note) -> None:
        if not self._gone:
            self._sink.note(note)

    def end(self, error: RushesError) -> None:
        """The server ends the session."""
        if self._gone:
            return
        metrics.CUT.labels(error.reason).inc()
        self.leave()
        self._sink.end(error)

    def leave(self) -> None:
        """The session is over, whoever ended it."""
        if not self._gone:
            self._gone = True
            self.member.waiting.clear()
            self._room.set()
            self.video.leave(self)


Build = Callable[[Member], Sink]
