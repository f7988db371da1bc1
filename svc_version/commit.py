"""Commits and merges: what a new version holds, beside what it is built on."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import Message

from mesh.clock import Clock
from rushes.annotation.v1.annotation_pb2 import AnnotationState
from rushes.annotation.v1.operation_pb2 import Batch
from rushes.annotation.v1.record_pb2 import DocumentState, Record
from rushes.document import Applied, Document, Refused, apply, check_batch
from rushes.version.v1.version_service_pb2 import CommitVersionRequest, MergeVersionsRequest
from svc_version import metrics
from svc_version.bulletin import Bulletin
from svc_version.core.content import MAX_DEPTH, SNAPSHOT_EVERY, Delta, chained, difference, entry_of, pack
from svc_version.core.merge import Conflict, merge
from svc_version.core.model import Draft, Kind, Once, Version
from svc_version.core.tree import common_ancestor
from svc_version.documents import Documents, give_way
from svc_version.errors import DeltaRefused, HeadMoved, VersionRequestInvalid, VersionUnknown
from svc_version.ids import Ids
from svc_version.notes import Notes
from svc_version.stores import Store

MESSAGE_BYTES: Final = 1_024
REQUEST_ID_CHARACTERS: Final = 128
TRIES: Final = 50
"""Each that fails is a version of somebody else's."""

NO_HASH: Final = bytes(32)
CLIENT_ID: Final = bytes(16)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Who:
    """Who asks, and what they may do on the video."""

    tenant_id: str
    person_id: str
    session_id: str
    mask: int


def check_message(message: str) -> None:
    """Refuses a message that is too long, or that no store keeps."""
    if len(message.encode()) > MESSAGE_BYTES or "\0" in message:
        raise VersionRequestInvalid(f"a message has {MESSAGE_BYTES} bytes at most, and none of them is 0")


def once_of(who: Who, method: str, request: Message) -> Once:
    """What makes a request happen once. Raises VersionRequestInvalid."""
    request_id: str = request.request_id  # type: ignore[attr-defined]
    if len(request_id) > REQUEST_ID_CHARACTERS or "\0" in request_id:
        raise VersionRequestInvalid(f"a request_id has {REQUEST_ID_CHARACTERS} characters at most, and none is 0")
    asked = request.SerializeToString(deterministic=True)
    return Once(who.tenant_id, who.person_id, method, request_id, asked)


class Commits:
    """See the module."""

    def __init__(
        self, store: Store, documents: Documents, notes: Notes, ids: Ids, clock: Clock, bulletin: Bulletin
    ) -> None:
        self._store = store
        self._documents = documents
        self._notes = notes
        self._ids = ids
        self._clock = clock
        self._bulletin = bulletin
        self._snapshots: dict[int, asyncio.Task[None]] = {}

    async def commit(self, who: Who, request: CommitVersionRequest) -> Version:
        """A version as a person asks for it."""
        check_message(request.message)
        once = once_of(who, "CommitVersion", request)
        done = await self._store.done(once)
        if done is not None:
            return done
        if request.WhichOneof("content") == "operations":
            return await self._commit_operations(who, request, once)
        return await self.commit_live(
            who,
            request.video_id,
            revision=request.revision if request.HasField("revision") else None,
            kind=Kind.COMMIT,
            message=request.message,
            once=once,
            base_id=request.base_version_id,
            expected_head=request.expected_head_version_id if request.HasField("expected_head_version_id") else None,
        )

    async def commit_live(
        self,
        who: Who,
        video_id: int,
        *,
        revision: int | None,
        kind: Kind,
        message: str,
        once: Once,
        base_id: int = 0,
        expected_head: int | None = None,
    ) -> Version:
        """The live notes at a revision, or now, as a version. `base_id` 0: on the head, whichever it is."""

        async def attempt() -> Version:
            base = await self._base(who, video_id, base_id, expected_head)
            delta, at = await self._live_delta(who, video_id, base, revision)
            head = expected_head if base_id else _id(base)
            return await self._store_version(who, video_id, base, delta, at, kind, message, once, head)

        return await _following(attempt, again=not base_id and expected_head is None)

    async def get(self, tenant_id: str, video_id: int, version_id: int) -> Version:
        """A version. Raises VersionUnknown."""
        found = await self._store.get(tenant_id, video_id, version_id)
        if found is None:
            raise VersionUnknown("there is no such version of this video")
        return found

    async def merge(self, who: Who, request: MergeVersionsRequest) -> tuple[Version, list[Conflict]]:
        """Two versions as one, on top of the second."""
        check_message(request.message)
        once = once_of(who, "MergeVersions", request)
        from_ = await self.get(who.tenant_id, request.video_id, request.from_version_id)
        into = await self.get(who.tenant_id, request.video_id, request.into_version_id)
        parents = await self._store.parents(who.tenant_id, request.video_id)
        common = common_ancestor(parents, from_.version_id, into.version_id)
        before = await self._documents.read(await self.get(who.tenant_id, request.video_id, common)) if common else {}
        ours = await self._documents.read(into)
        merged = await asyncio.to_thread(merge, before, await self._documents.read(from_), ours)
        version = await self._store_version(
            who,
            request.video_id,
            into,
            difference(ours, merged.content),
            0,
            Kind.MERGE,
            request.message or f"{from_.number} into {into.number}",
            once,
            None,
            merged_id=from_.version_id,
        )
        return version, merged.conflicts

    async def stop(self) -> None:
        """Leaves snapshots that are being made: they are made at another time."""
        for task in list(self._snapshots.values()):
            task.cancel()
        await asyncio.gather(*self._snapshots.values(), return_exceptions=True)

    async def _base(self, who: Who, video_id: int, base_id: int, expected_head: int | None) -> Version | None:
        head = await self._store.head(who.tenant_id, video_id)
        if expected_head is not None and expected_head != head.version_id:
            raise HeadMoved("the head is another version by now", head_version_id=str(head.version_id))
        wanted = base_id or head.version_id
        return await self.get(who.tenant_id, video_id, wanted) if wanted else None

    async def _live_delta(
        self, who: Who, video_id: int, base: Version | None, revision: int | None
    ) -> tuple[Delta, int]:
        """What differs between the base and the live notes. Of a base that was live itself, and earlier, only what
        has changed since is asked for.
        """
        tenant_id = who.tenant_id
        if base is None:
            live = await self._notes.read(tenant_id, video_id, revision=revision)
            return Delta(live.entries), live.revision
        if base.live and (revision is None or revision >= base.revision):
            live = await self._notes.read(tenant_id, video_id, revision=revision, since=base.revision)
            return Delta(live.entries), live.revision
        live = await self._notes.read(tenant_id, video_id, revision=revision)
        return difference(await self._documents.read(base), live.content()), live.revision

    async def _commit_operations(self, who: Who, request: CommitVersionRequest, once: Once) -> Version:
        video_id = request.video_id
        expected_head = request.expected_head_version_id if request.HasField("expected_head_version_id") else None
        base_id = request.base_version_id
        frame_count = await self._notes.frame_count(video_id)

        async def attempt() -> Version:
            base = await self._base(who, video_id, base_id, expected_head)
            content = {} if base is None else await self._documents.read(base)
            states = [AnnotationState.FromString(entry.state) for entry in content.values()]
            record = Record(
                rules=1,
                video_id=video_id,
                tenant_id=who.tenant_id,
                person_id=who.person_id,
                permissions=who.mask,
                client_id=CLIENT_ID,
                time_ms=self._clock.now_ms(),
                frame_count=frame_count,
                batch=Batch(client_seq=1, operations=request.operations.operations),
            )
            delta = await asyncio.to_thread(_applied, states, record)
            head = expected_head if base_id else _id(base)
            return await self._store_version(who, video_id, base, delta, 0, Kind.COMMIT, request.message, once, head)

        return await _following(attempt, again=not base_id and expected_head is None)

    async def _store_version(
        self,
        who: Who,
        video_id: int,
        base: Version | None,
        delta: Delta,
        revision: int,
        kind: Kind,
        message: str,
        once: Once,
        expected_head: int | None,
        *,
        merged_id: int = 0,
    ) -> Version:
        depth = await self._depth(base)
        if base is not None and depth > MAX_DEPTH:
            await asyncio.shield(self._begin_snapshot(base))
            depth = await self._depth(base)
        packed = pack(delta) if len(delta.entries) < 500 else await asyncio.to_thread(pack, delta, give_way)
        version = await self._store.commit(
            Draft(
                version_id=await self._ids.next(),
                tenant_id=who.tenant_id,
                video_id=video_id,
                base_id=base.version_id if base is not None else 0,
                merged_id=merged_id,
                revision=revision,
                kind=kind,
                message=message,
                person_id=who.person_id,
                created_ms=self._clock.now_ms(),
                hash=chained(base.hash if base is not None else NO_HASH, packed.sha256),
                delta=packed,
                depth=depth,
            ),
            expected_head,
            once,
        )
        metrics.COMMITTED.labels(kind.name.lower()).inc()
        self._bulletin.tell(video_id)
        if version.depth >= SNAPSHOT_EVERY and version.depth % SNAPSHOT_EVERY == 0:
            # In its own time: whoever commits does not wait for it.
            self._begin_snapshot(version)
        return version

    async def _depth(self, base: Version | None) -> int:
        """Differences that a version on a base is read by, after the last snapshot. The base may say more than there
        are: those it is on were given snapshots since.
        """
        if base is None:
            return 0
        if base.depth < SNAPSHOT_EVERY:
            return base.depth + 1
        return len(await self._store.chain(base.video_id, base.version_id))

    def _begin_snapshot(self, version: Version) -> asyncio.Task[None]:
        task = self._snapshots.get(version.version_id)
        if task is None:
            task = self._snapshots[version.version_id] = asyncio.create_task(self._try_snapshot(version))
            task.add_done_callback(lambda _: self._snapshots.pop(version.version_id, None))
        return task

    async def _try_snapshot(self, version: Version) -> None:
        try:
            await self._documents.snapshot(version)
        except Exception:
            log.exception("version_snapshot_failed", extra={"version": version.version_id})


async def _following(attempt: Callable[[], Awaitable[Version]], *, again: bool) -> Version:
    """A version on the head; again when another was committed on that meanwhile: then it follows the other."""
    for _ in range(TRIES if again else 0):
        with contextlib.suppress(HeadMoved):
            return await attempt()
    return await attempt()


def _id(version: Version | None) -> int:
    return version.version_id if version is not None else 0


def _applied(states: list[AnnotationState], record: Record) -> Delta:
    """What operations do to a version, by the rules of live notes. Raises DeltaRefused."""
    made = DocumentState(video_id=record.video_id, revision=max((s.order_revision for s in states), default=0))
    for state in states:
        made.revision = max(made.revision, *(stamp.revision for stamp in state.stamps), 0)
    document = Document.from_state(made, epoch=1)
    document.put(states)
    record.batch.base_revision = document.revision
    refusal = check_batch(record.batch, frame_count=record.frame_count, service=True)
    result = apply(document, record) if refusal is None else None
    if isinstance(result, Applied):
        return Delta([entry_of(state) for state in result.after.values()])
    if isinstance(result, Refused):
        refusal = result.refusal
    if refusal is None:
        raise DeltaRefused("the operations do not apply to this version")
    index = str(refusal.index) if refusal.HasField("index") else ""
    raise DeltaRefused(refusal.message, refusal=refusal.reason, index=index)
