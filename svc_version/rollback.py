"""Going back, undoing that, and carrying notes to another cut: what is asked, planned and begun."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import Message

from mesh.auth import has
from mesh.clock import Clock
from mesh.sql import AlreadyUsed
from rushes.annotation.v1.operation_pb2 import Batch
from rushes.type.v1.access_pb2 import PERMISSION_EDIT_OTHERS, PERMISSION_SEE_INTERNAL
from rushes.version.v1.version_service_pb2 import CarryNotesRequest, RollbackScope, RollbackVersionRequest
from svc_version.commit import REQUEST_ID_CHARACTERS, Commits, Who, check_message
from svc_version.core.carry import Carrying, carry
from svc_version.core.content import Entry
from svc_version.core.model import Kind, State, Work
from svc_version.core.plan import MAX_FRAMES, Plan, Scope, batches, plan, touched_by
from svc_version.documents import Documents
from svc_version.errors import (
    MayNotRollBack,
    NothingToUndo,
    RequestIdMissing,
    RollbackUnknown,
    VersionRequestInvalid,
)
from svc_version.ids import Ids
from svc_version.notes import Notes
from svc_version.stores import Store
from svc_version.writing import Writing

ANSWER_S: Final = 5.0
"""Time after which the answer comes though it is not done yet."""

MAX_OFFSET: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Ground:
    """What a plan is made from: notes that may differ, of one revision, and how each was."""

    now: list[Entry]
    base_revision: int
    then: Callable[[bytes], Entry | None]
    target_revision: int
    says: str


class Rollbacks:
    """See the module."""

    def __init__(
        self,
        store: Store,
        commits: Commits,
        documents: Documents,
        notes: Notes,
        ids: Ids,
        clock: Clock,
        writing: Writing,
    ) -> None:
        self._store = store
        self._commits = commits
        self._documents = documents
        self._notes = notes
        self._ids = ids
        self._clock = clock
        self._writing = writing

    async def roll_back(self, who: Who, request: RollbackVersionRequest) -> Work:
        """Plans it and, unless it is a dry run, begins; returns when it is done, or after a few seconds."""
        check_message(request.message)
        if not request.dry_run:
            asked = await self._asked(who, request, request.request_id)
            if asked is not None:
                return await self._go_on(asked)
        scope = _scope(who, request.scope)
        ground, scope = await self._ground(who, request, scope)
        planned = await asyncio.to_thread(plan, ground.now, ground.then, ground.base_revision, scope)
        work = self._work(who, request.video_id, request, Kind.ROLLBACK, request.message or ground.says, planned)
        work = work.with_(target_revision=ground.target_revision)
        if request.dry_run:
            return work.with_(work_id=0, state=State.PLANNED)
        made = batches(planned.operations, planned.late_edits, planned.base_revision)
        return await self._begin(work, made)

    async def carry(self, who: Who, from_mask: int, request: CarryNotesRequest) -> Work:
        """Notes of one cut as the caller's own on another."""
        asked = await self._asked(who, request, request.request_id)
        if asked is not None:
            return await self._go_on(asked)
        if abs(request.frame_offset) > MAX_OFFSET or request.from_video_id == request.to_video_id:
            raise VersionRequestInvalid("notes are carried from one video to another, by fewer frames than that")
        frame_count = await self._notes.frame_count(request.to_video_id)
        source = await self._notes.read(who.tenant_id, request.from_video_id)
        target = await self._notes.read(who.tenant_id, request.to_video_id, since=1 << 53)
        carrying = Carrying(
            key=_client_id(who, request.to_video_id, request.request_id),
            from_video_id=request.from_video_id,
            frame_offset=request.frame_offset,
            frame_count=frame_count,
            see_internal=has(from_mask & who.mask, PERMISSION_SEE_INTERNAL),
            open_only=request.open_only,
        )
        carried = await asyncio.to_thread(carry, source.entries, carrying)
        planned = Plan(target.revision, carried.operations, carried.late_edits, kept=carried.kept)
        planned.annotations = {each.create.annotation.id for each in carried.operations if each.HasField("create")}
        planned.frames = carried.frames
        says = f"{len(planned.annotations)} notes from video {request.from_video_id}"
        work = self._work(who, request.to_video_id, request, Kind.CARRY, says, planned)
        return await self._begin(work, batches(planned.operations, planned.late_edits, target.revision))

    async def get(self, tenant_id: str, video_id: int, work_id: int) -> Work:
        """How it stands. Raises RollbackUnknown."""
        found = await self._store.work(tenant_id, video_id, work_id)
        if found is None:
            raise RollbackUnknown("there is no such roll-back of this video")
        return found

    async def _asked(self, who: Who, request: Message, request_id: str) -> Work | None:
        if not request_id or len(request_id) > REQUEST_ID_CHARACTERS or "\0" in request_id:
            raise RequestIdMissing(f"a request_id of 1 to {REQUEST_ID_CHARACTERS} characters, none 0, is needed")
        asked = await self._store.asked(who.tenant_id, who.person_id, request_id)
        if asked is not None and asked.request_hash != _hash(request):
            raise AlreadyUsed("This request_id was used for another request; take a new one.", request_id=request_id)
        return asked

    async def _go_on(self, asked: Work) -> Work:
        """Whoever asks again gets it done, also if the instance that began has gone."""
        await self._writing.adopt()
        return await self._writing.wait(asked, ANSWER_S)

    async def _begin(self, work: Work, made: list[Batch]) -> Work:
        payloads = [batch.SerializeToString() for batch in made]
        begun = work.with_(
            work_id=await self._ids.next(),
            batch_count=len(made),
            state=State.RUNNING if made else State.DONE,
            last_revision=0 if made else work.from_revision,
        )
        stored = await self._store.begin_work(begun, payloads)
        self._writing.start(stored)
        return await self._writing.wait(stored, ANSWER_S)

    def _work(self, who: Who, video_id: int, request: Message, kind: Kind, message: str, planned: Plan) -> Work:
        request_id: str = request.request_id  # type: ignore[attr-defined]
        return Work(
            work_id=0,
            tenant_id=who.tenant_id,
            video_id=video_id,
            person_id=who.person_id,
            session_id=who.session_id,
            request_id=request_id,
            request_hash=_hash(request),
            client_id=_client_id(who, video_id, request_id),
            kind=kind,
            state=State.RUNNING,
            message=message,
            from_revision=planned.base_revision,
            target_revision=0,
            annotation_count=len(planned.annotations),
            operation_count=len(planned.operations) + sum(len(edits) for _, edits in planned.late_edits),
            batch_count=0,
            created_ms=self._clock.now_ms(),
            kept_count=planned.kept,
            frames=tuple(sorted(planned.frames)[:MAX_FRAMES]),
        )

    # Where to

    async def _ground(self, who: Who, request: RollbackVersionRequest, scope: Scope) -> tuple[Ground, Scope]:
        target = request.target
        which = target.WhichOneof("target")
        if which == "version_id":
            return await self._to_version(who, request.video_id, target.version_id), scope
        if which == "rollback_id":
            return await self._to_undo(who, request.video_id, target.rollback_id, scope)
        if which is None:
            raise VersionRequestInvalid("target is needed: a version, a revision, a time or a roll-back")
        then = await self._notes.read(
            who.tenant_id,
            request.video_id,
            revision=target.revision if which == "revision" else None,
            time_ms=target.time_ms if which == "time_ms" else None,
        )
        now = await self._notes.read(who.tenant_id, request.video_id, since=then.revision)
        says = f"Back to revision {then.revision}"
        return Ground(now.entries, now.revision, then.content().get, then.revision, says), scope

    async def _to_version(self, who: Who, video_id: int, version_id: int) -> Ground:
        version = await self._commits.get(who.tenant_id, video_id, version_id)
        content = await self._documents.read(version)
        # What it has and the live notes never had cannot go back; only what is there is set.
        now = await self._notes.read(who.tenant_id, video_id, since=version.revision if version.live else 0)
        return Ground(now.entries, now.revision, content.get, version.revision, f"Back to {version.number}")

    async def _to_undo(self, who: Who, video_id: int, work_id: int, scope: Scope) -> tuple[Ground, Scope]:
        work = await self.get(who.tenant_id, video_id, work_id)
        if work.state is State.RUNNING or not work.done_count:
            raise NothingToUndo("it has written nothing, or still does")
        written = (await self._store.batches(work.work_id))[: work.done_count]
        # Not as it was planned: what others did until it was written is theirs, and stays.
        start = work.first_revision - 1 if work.first_revision else work.from_revision
        after = await self._notes.read(who.tenant_id, video_id, revision=work.last_revision, since=start)
        before = await self._notes.read(who.tenant_id, video_id, revision=start)
        made = [Batch.FromString(payload) for payload in written]
        touched = touched_by(made, after.content().get, work.person_id)
        says = f"Undo of: {work.message}"
        ground = Ground(after.entries, work.last_revision, before.content().get, start, says)
        return ground, Scope(scope.see_internal, scope.frames, scope.author_id, touched)


def _scope(who: Who, asked: RollbackScope) -> Scope:
    """Raises MayNotRollBack for others' notes, unless who asks may edit them."""
    frames = (asked.frames.first, asked.frames.last) if asked.HasField("frames") else None
    if frames is not None and frames[0] > frames[1]:
        raise VersionRequestInvalid("the last frame is before the first")
    if not has(who.mask, PERMISSION_EDIT_OTHERS) and asked.author_id != who.person_id:
        raise MayNotRollBack("you may bring back your own notes alone")
    return Scope(has(who.mask, PERMISSION_SEE_INTERNAL), frames, asked.author_id)


def _hash(request: Message) -> bytes:
    return hashlib.sha256(request.SerializeToString(deterministic=True)).digest()


def _client_id(who: Who, video_id: int, request_id: str) -> bytes:
    """The writer of a request: the same however often it is sent."""
    named = "\0".join((who.tenant_id, who.person_id, str(video_id), request_id))
    return hashlib.blake2b(named.encode(), digest_size=16, person=b"rushes rollback").digest()
