"""A live session on one video: the document as it is, work that is saved or said not to be, presence. Survives cuts."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Self

import grpc

from rushes.annotation.v1 import annotation_pb2, annotation_service_pb2, operation_pb2
from rushes.annotation.v1.annotation_service_pb2 import CollaborateRequest, CollaborateResponse, PresenceState
from rushes.annotation.v1.annotation_service_pb2_grpc import AnnotationServiceStub
from rushes.client.connection import RENEW_BEFORE_S, Connection, error_of
from rushes.document.pending import PendingClient
from rushes.document.pending_event import (
    Changed,
    Dropped,
    Event,
    InDoubt,
    NotSaved,
    PresenceReceived,
    Reconnect,
)
from rushes.errors import Conflict, RushesError, Unavailable
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_UNSPECIFIED, Audience

log = logging.getLogger(__name__)

MAX_EVENTS = 10_000
WAITS_S = (0.1, 0.3, 1.0, 2.0, 5.0)
_GO_ON = frozenset(("TOKEN_EXPIRED", "SLOW_READER", "TOO_FAST", "AUDIENCE_CHANGED"))


class Refused(Conflict):
    """Work was refused and is not saved; the message says why."""

    reason = "REFUSED"


class Session:
    """One client of one video's notes."""

    def __init__(self, connection: Connection, video_id: int, frame: int) -> None:
        self.video_id = video_id
        self.frame = frame
        self._connection = connection
        self._pending = PendingClient(
            video_id,
            secrets.token_bytes,
            audience=AUDIENCE_UNSPECIFIED,
            delivery=annotation_service_pb2.DELIVERY_FULL,
        )
        self._events: asyncio.Queue[Event | None] = asyncio.Queue(MAX_EVENTS)
        self._wake = asyncio.Event()
        self._progress = asyncio.Condition()
        self._presence: PresenceState | None = None
        self._refused: Refused | None = None
        self._failure: Exception | None = None
        self._opened = asyncio.Event()
        """The document is here."""
        self._task: asyncio.Task[None] | None = None
        self.people: list[annotation_service_pb2.PresentPerson] = []
        """Who else is here."""

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        opened = asyncio.create_task(self._opened.wait())
        try:
            await asyncio.wait((self._task, opened), return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            self._task.cancel()
            raise
        finally:
            opened.cancel()
        if self._failure is not None:
            raise self._failure
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._failure is None:
            await self.saved()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # -- reading -------------------------------------------------------------------------------------------------

    @property
    def annotations(self) -> list[annotation_pb2.AnnotationState]:
        """The document as it stands here, with one's own pending work, in drawing order."""
        return list(self._pending.screen.annotations)

    def get(self, annotation_id: bytes) -> annotation_pb2.AnnotationState | None:
        """One annotation as it stands here."""
        return self._pending.screen.get(annotation_id)

    @property
    def revision(self) -> int:
        """The last revision received."""
        return self._pending.confirmed.revision

    @property
    def pending_count(self) -> int:
        """Operations that are not saved yet."""
        return self._pending.pending_count

    async def changes(self) -> AsyncIterator[Event]:
        """What happens (rushes.document.pending_event); a reader too slow is told Changed(None): look at all.

        Raises what ended the session.
        """
        while self._failure is None or not self._events.empty():
            event = await self._events.get()
            if event is not None:
                yield event
        raise self._failure

    # -- writing -------------------------------------------------------------------------------------------------

    async def submit(self, operations: Iterable[operation_pb2.Operation]) -> None:
        """Does something, and waits until it is saved. Raises Refused, or InvalidArgument at once."""
        self._take(self._pending.submit(operations, time.monotonic()))
        self._wake.set()
        await self.saved()

    async def create(self, annotation: annotation_pb2.Annotation) -> bytes:
        """Makes an annotation and waits until it is saved; gives its id (made here when it has none)."""
        made = annotation_pb2.Annotation()
        made.CopyFrom(annotation)
        made.id = annotation.id or secrets.token_bytes(16)
        create = operation_pb2.CreateOperation(annotation=made)
        await self.submit([operation_pb2.Operation(create=create)])
        return made.id

    async def comment(
        self,
        frame: int,
        text: str,
        *,
        last_frame: int | None = None,
        parent_id: bytes = b"",
        audience: "Audience.ValueType" = AUDIENCE_CLIENT,
    ) -> bytes:
        """Writes a comment on a frame, or a reply; gives its id."""
        return await self.create(
            annotation_pb2.Annotation(
                kind=annotation_pb2.ANNOTATION_KIND_COMMENT,
                first_frame=frame,
                last_frame=frame if last_frame is None else last_frame,
                text=text,
                parent_id=parent_id,
                audience=audience,
            )
        )

    async def move(self, annotation_id: bytes, x: int, y: int) -> None:
        """Moves an annotation."""
        to = annotation_pb2.Position(x=x, y=y)
        move = operation_pb2.MoveOperation(id=annotation_id, to=to, seen_revision=self.revision)
        await self.submit([operation_pb2.Operation(move=move)])

    async def edit_text(self, annotation_id: bytes, text: str) -> None:
        """Makes the text of an annotation so; what others type at once is kept."""
        self._take(self._pending.edit_text(annotation_id, text, time.monotonic()))
        self._wake.set()
        await self.saved()

    async def resolve(self, annotation_id: bytes, resolved: bool = True) -> None:
        """Settles a note, or opens it again."""
        value = operation_pb2.FieldValue(field="resolved", flag=resolved)
        fields = operation_pb2.SetFieldsOperation(id=annotation_id, fields=[value])
        await self.submit([operation_pb2.Operation(set_fields=fields)])

    async def delete(self, annotation_id: bytes, deleted: bool = True) -> None:
        """Deletes an annotation, or brings it back."""
        change = operation_pb2.SetDeletedOperation(id=annotation_id, deleted=deleted)
        await self.submit([operation_pb2.Operation(set_deleted=change)])

    async def undo(self) -> None:
        """Undoes one's own last batch."""
        self._take(self._pending.undo(time.monotonic()))
        self._wake.set()
        await self.saved()

    async def redo(self) -> None:
        """Undoes the undo."""
        self._take(self._pending.redo(time.monotonic()))
        self._wake.set()
        await self.saved()

    def show(self, presence: PresenceState) -> None:
        """Tells the others where one is. The latest counts; it is not kept."""
        self._presence = presence
        self._wake.set()

    async def saved(self) -> None:
        """Waits until nothing is pending. Raises Refused for what was refused, and whatever ended the session."""
        async with self._progress:
            await self._progress.wait_for(
                lambda: self._refused or self._failure or not (self._pending.pending_count or self._pending.waiting)
            )
        refused, self._refused = self._refused, None
        if refused is not None:
            raise refused
        if self._failure is not None:
            raise self._failure

    # -- driving -------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        attempt = 0
        while True:
            before, left = self.revision, False
            try:
                left = await self._stream()
            except asyncio.InvalidStateError:
                log.info("stream_gone")  # gRPC's word for writing to one that has ended
            except Exception as error:
                known = error_of(error) if isinstance(error, grpc.aio.AioRpcError) else error
                if not self._goes_on(known):
                    await self._fail(known)
                    return
            self._pending.disconnected()
            # A stream that is left on purpose, as after a refusal, has not failed.
            attempt = 0 if left or self.revision > before else attempt + 1
            await asyncio.sleep(WAITS_S[min(attempt, len(WAITS_S) - 1)])

    def _goes_on(self, error: Exception) -> bool:
        """Whether the session may be opened again after what ended its stream."""
        reason = error.reason if isinstance(error, RushesError) else ""
        if reason == "TOKEN_EXPIRED":
            self._connection.expire()
        elif reason == "AUDIENCE_CHANGED":
            # Not all of what was received may be seen any more: begin with a snapshot.
            self._pending.confirmed.epoch = 0
        return isinstance(error, Unavailable) or reason in _GO_ON

    async def _fail(self, error: Exception) -> None:
        self._failure = error
        self._put(None)
        async with self._progress:
            self._progress.notify_all()

    async def _stream(self) -> bool:
        """True: it was left, to be opened anew."""
        stub = AnnotationServiceStub(self._connection.channel)
        call = stub.Collaborate(metadata=await self._connection.metadata())
        await call.write(self._pending.connect(self.frame))
        writer = asyncio.create_task(self._write(call))
        writer.add_done_callback(lambda _: call.cancel())
        renewer = asyncio.create_task(self._renew(call))
        try:
            async for response in call:
                if await self._received(response):
                    return True
            return False
        except asyncio.CancelledError:
            if writer.done() and not writer.cancelled():
                writer.result()
            raise
        finally:
            call.cancel()
            for task in (writer, renewer):
                task.cancel()
            await asyncio.gather(writer, renewer, return_exceptions=True)

    async def _received(self, response: CollaborateResponse) -> bool:
        """True: the stream is to be opened anew."""
        events = self._pending.receive(response, time.monotonic())
        self._take(events)
        if self._pending.confirmed.epoch:
            self._opened.set()
        self._wake.set()
        async with self._progress:
            self._progress.notify_all()
        return any(isinstance(event, Reconnect) for event in events)

    def _take(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, Dropped):
                self._refused = Refused(event.message, refused_reason=event.reason)
            elif isinstance(event, NotSaved):
                self._refused = Refused("You may not write here any more; the last work is not saved.")
            elif isinstance(event, InDoubt):
                self._refused = Refused("Nobody can say whether the last work was saved; look before you repeat it.")
            elif isinstance(event, PresenceReceived):
                self.people = list(event.presence.people)
            self._put(event)

    def _put(self, event: Event | None) -> None:
        if self._events.full():
            while not self._events.empty():
                self._events.get_nowait()
            self._events.put_nowait(Changed(None))
        self._events.put_nowait(event)

    async def _write(self, call: "grpc.aio.StreamStreamCall[CollaborateRequest, CollaborateResponse]") -> None:
        while True:
            now_s = time.monotonic()
            for request in self._pending.poll(now_s):
                await call.write(request)
            if self._presence is not None and self._opened.is_set():
                presence, self._presence = self._presence, None
                await call.write(CollaborateRequest(presence=presence))
            due_s = self._pending.wake_at(time.monotonic())
            timeout_s = None if due_s is None else max(0.0, due_s - time.monotonic())
            with contextlib.suppress(TimeoutError):
                # Not wait_for: it loses a cancellation that comes together with the wake-up.
                async with asyncio.timeout(timeout_s):
                    await self._wake.wait()
            self._wake.clear()

    async def _renew(self, call: "grpc.aio.StreamStreamCall[CollaborateRequest, CollaborateResponse]") -> None:
        sent = await self._connection.token()
        while True:
            await asyncio.sleep(RENEW_BEFORE_S / 4)
            token = await self._connection.token()
            if token != sent:
                sent = token
                await call.write(CollaborateRequest(authenticate_token=token))
