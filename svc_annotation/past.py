"""What a document was, at any moment, and how it came to be what it is: reads of the past, as an audience sees it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from rushes.annotation.v1 import annotation_pb2, operation_pb2
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.document.wire import PART_BYTES, cut, delimited, repeated_delimited
from rushes.errors import OutOfRange
from svc_annotation.core.encoded import STATES, Encoded
from svc_annotation.core.landed import CLIENT, Audience
from svc_annotation.core.token import asked_for, pack, page_size, unpack
from svc_annotation.shared import Shared
from svc_annotation.stores import START, Criteria, Frames, LandedCommit, Moment, Place, StateAt
from svc_annotation.video import Video

AT_ONCE: Final = 1_000
SPARE: Final = 16
MAX_LOOKED_AT: Final = 5_000
"""Commits that one page looks at: of what is rare a page may be short, and not the last."""

AnnotationState = annotation_pb2.AnnotationState


class RevisionUnknown(OutOfRange):
    """The document has not had this revision yet, or never will."""

    reason = "REVISION_UNKNOWN"


@dataclass(frozen=True, slots=True)
class DocumentPart:
    """A part of a document at a moment."""

    moment: Moment
    head: int
    states: bytes
    """Fields of the answer."""


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """A page of a document at a moment."""

    moment: Moment
    head: int
    states: Sequence[bytes]
    """Delimited."""
    next_token: str


async def moment_asked(
    shared: Shared, video: Video, request: service.GetDocumentRequest | service.ReadDocumentRequest
) -> Moment:
    """The moment that a request names."""
    return await moment_of(
        shared,
        video,
        revision=request.revision if request.HasField("revision") else None,
        time_ms=request.time_ms if request.HasField("time_ms") else None,
    )


_Framed: TypeAlias = (
    service.GetDocumentRequest
    | service.ListAnnotationsRequest
    | service.ListChangesRequest
    | service.ListOperationsRequest
    | service.ReadDocumentRequest
)


def frames_of(message: _Framed) -> Frames | None:
    """The frames that a request asks for; None: any."""
    return Frames(message.frames.first, message.frames.last) if message.HasField("frames") else None


def shows_on(annotation: annotation_pb2.Annotation | Encoded, frames: Frames | None) -> bool:
    """Whether an annotation shows on one of these frames."""
    return frames is None or (annotation.first_frame <= frames.last and annotation.last_frame >= frames.first)


async def projected(shared: Shared, video: Video, revision: int) -> None:
    """Returns once history holds a revision. Raises RevisionUnknown, VideoQuarantined."""
    if not 0 <= revision <= video.document.revision:
        raise RevisionUnknown("the document has no such revision", revision=str(video.document.revision))
    while video.projected_revision < revision:
        if video.failed is not None:
            raise video.failed
        await shared.videos.projector.wrote()


async def moment_of(shared: Shared, video: Video, *, revision: int | None, time_ms: int | None) -> Moment:
    """The moment that is asked for; without either, now."""
    head = video.document.revision
    wanted = head if revision is None else revision
    await projected(shared, video, wanted)
    if time_ms is not None:
        return await shared.past.moment_at(video.video_id, time_ms)
    return await shared.past.moment(video.video_id, wanted)


async def states_at(
    shared: Shared,
    video_id: int,
    revision: int,
    *,
    after: Place = START,
    since: int = 0,
    frames: Frames | None = None,
    at_once: int = AT_ONCE,
) -> AsyncIterator[Sequence[StateAt]]:
    """All states, some at a time."""
    while found := await shared.past.states(video_id, revision, after=after, limit=at_once, since=since, frames=frames):
        yield found
        after = found[-1].place


async def document_at(
    shared: Shared, video: Video, audience: Audience, request: service.GetDocumentRequest
) -> DocumentPage:
    """A page of the document at the moment that the request names. What is internal then, a client does not get."""
    frames, asked, after = frames_of(request), asked_for(request), START
    if request.page_token:
        revision, *place = unpack("g", 3, request.page_token, asked)
        after = Place(*place)
        moment = await moment_of(shared, video, revision=revision, time_ms=None)
    else:
        moment = await moment_asked(shared, video, request)
    states: list[bytes] = []
    size_bytes = 0
    limit = AT_ONCE
    while found := await shared.past.states(
        video.video_id, moment.revision, after=after, limit=limit, since=0, frames=frames
    ):
        for each in found:
            if (audience == CLIENT and each.internal) or not _shows(each.state, frames):
                after = each.place
                continue
            size_bytes += len(each.state) + 5
            if states and size_bytes > PART_BYTES:
                token = pack("g", moment.revision, *after, asked=asked)
                return DocumentPage(moment, video.document.revision, states, token)
            states.append(delimited(each.state))
            after = each.place
        limit = _room_for(size_bytes, len(states))
    return DocumentPage(moment, video.document.revision, states, "")


async def parts_at(
    shared: Shared, video_id: int, revision: int, audience: Audience, frames: Frames | None
) -> AsyncIterator[bytes]:
    """The document at a moment in parts, as fields; while one is on its way the next one is read."""
    async for found in _ahead(states_at(shared, video_id, revision, frames=frames)):
        shown = [each.state for each in found if not (audience == CLIENT and each.internal)]
        for part in cut(delimited(state) for state in shown if _shows(state, frames)):
            yield repeated_delimited(STATES, part)


async def _ahead(chunks: AsyncIterator[Sequence[StateAt]]) -> AsyncIterator[Sequence[StateAt]]:
    async def following() -> Sequence[StateAt]:
        try:
            return await anext(chunks)
        except StopAsyncIteration:
            return ()

    reading = asyncio.create_task(following())
    try:
        while found := await reading:
            reading = asyncio.create_task(following())
            yield found
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


def _room_for(size_bytes: int, count: int) -> int:
    """How many more states a page most likely holds, if they are as large as those in it: more are read in vain."""
    left = (PART_BYTES - size_bytes) * count // max(size_bytes, 1) + SPARE
    return min(left, AT_ONCE) if count else AT_ONCE


def _shows(state: bytes, frames: Frames | None) -> bool:
    return frames is None or shows_on(AnnotationState.FromString(state).annotation, frames)


# Operations


def is_search(request: service.ListOperationsRequest) -> bool:
    """Whether more is asked for than what came after a revision."""
    return bool(
        request.HasField("frames")
        or request.author_id
        or request.from_ms
        or request.to_ms
        or request.kinds
        or request.newest_first
    )


async def find_operations(
    shared: Shared, video: Video, audience: Audience, request: service.ListOperationsRequest
) -> service.ListOperationsResponse:
    """Commits that are what the request asks for, as an audience reads them."""
    size, asked = page_size(request.page_size), asked_for(request)
    criteria = await _criteria(shared, video, audience, request, asked)
    response = service.ListOperationsResponse(epoch=video.document.epoch)
    newest_first, at = request.newest_first, criteria.to if request.newest_first else criteria.after
    kinds = {service.OperationKind.Name(kind).removeprefix("OPERATION_KIND_").lower() for kind in request.kinds}
    looked_at = size_bytes = 0
    while found := await shared.past.find(video.video_id, _from(criteria, at), size):
        for landed in found:
            commit = _read(landed, audience, kinds)
            size_bytes += commit.ByteSize() if commit is not None else 0
            full = len(response.commits) == size or (response.commits and size_bytes > PART_BYTES)
            if looked_at == MAX_LOOKED_AT or full:
                response.next_page_token = pack("f", criteria.to, at, asked=asked)
                response.revision = at
                return response
            looked_at += 1
            at = landed.revision - 1 if newest_first else landed.revision
            if commit is not None:
                response.commits.append(commit)
    response.revision = criteria.after if newest_first else criteria.to
    return response


def _from(criteria: Criteria, at: int) -> Criteria:
    after, to = (criteria.after, at) if criteria.newest_first else (at, criteria.to)
    return Criteria(after, to, criteria.client, criteria.frames, criteria.person_id, criteria.newest_first)


async def _criteria(
    shared: Shared, video: Video, audience: Audience, request: service.ListOperationsRequest, asked: str
) -> Criteria:
    """Times become revisions; the page's token says where the one before ended, and what the newest was then."""
    head = video.document.revision
    await projected(shared, video, head)
    after, to = max(request.after_revision, 0), head
    if request.from_ms:
        after = max(after, (await shared.past.moment_at(video.video_id, request.from_ms - 1)).revision)
    if request.to_ms:
        to = min(to, (await shared.past.moment_at(video.video_id, request.to_ms - 1)).revision)
    if request.page_token:
        to, at = unpack("f", 2, request.page_token, asked)
        after, to = (after, at) if request.newest_first else (at, to)
    return Criteria(after, to, audience == CLIENT, frames_of(request), request.author_id, request.newest_first)


def _read(landed: LandedCommit, audience: Audience, kinds: set[str]) -> operation_pb2.Commit | None:
    """The commit as an audience reads it; None: nothing of it, or not of these kinds."""
    data = landed.commit
    if audience == CLIENT and landed.client_commit is not None:
        data = landed.client_commit
    if not data:
        return None
    commit = operation_pb2.Commit.FromString(data)
    if kinds and not any(operation.WhichOneof("kind") in kinds for operation in commit.operations):
        return None
    return commit


# Changes


async def list_changes(
    shared: Shared, video: Video, audience: Audience, request: service.ListChangesRequest
) -> service.ListChangesResponse:
    """What differs between two revisions, as an audience might read it at each."""
    size, asked = page_size(request.page_size), asked_for(request)
    to, after = request.to_revision or video.document.revision, START
    if request.page_token:
        to, *place = unpack("c", 3, request.page_token, asked)
        after = Place(*place)
    await projected(shared, video, to)
    if not 0 <= request.from_revision <= to:
        raise RevisionUnknown("from_revision is not after to_revision", revision=str(to))
    response = service.ListChangesResponse(to_revision=to)
    size_bytes = 0
    states = states_at(
        shared, video.video_id, to, after=after, since=request.from_revision, frames=frames_of(request), at_once=size
    )
    async for found in states:
        before = await _states_before(shared, video.video_id, request.from_revision, found)
        for each in found:
            change = _change(before.get(each.annotation_id), each, audience)
            size_bytes += change.ByteSize() if change is not None else 0
            if len(response.changes) == size or (response.changes and size_bytes > PART_BYTES):
                response.next_page_token = pack("c", to, *after, asked=asked)
                return response
            after = each.place
            if change is not None:
                response.changes.append(change)
    return response


async def _states_before(
    shared: Shared, video_id: int, revision: int, later: Sequence[StateAt]
) -> dict[bytes, StateAt]:
    ids = [each.annotation_id for each in later if each.place.order_revision <= revision]
    if not ids:
        return {}
    before: dict[bytes, StateAt] = {}
    after = START
    while found := await shared.past.states(video_id, revision, after=after, limit=len(ids), annotation_ids=ids):
        before |= {each.annotation_id: each for each in found}
        after = found[-1].place
    return before


def _change(before: StateAt | None, after: StateAt, audience: Audience) -> service.AnnotationChange | None:
    """None: the audience may read neither, or they are the same."""
    if audience == CLIENT and after.internal:
        return None
    change = service.AnnotationChange(after=AnnotationState.FromString(after.state))
    if before is not None and not (audience == CLIENT and before.internal):
        change.before.ParseFromString(before.state)
        if _same(change.before.annotation, change.after.annotation):
            return None
    return change


def _same(before: annotation_pb2.Annotation, after: annotation_pb2.Annotation) -> bool:
    """Whether a person sees no difference. A place of 0, 0 may be said or left out."""
    shown = []
    for annotation in (before, after):
        copy = annotation_pb2.Annotation()
        copy.CopyFrom(annotation)
        copy.updated_ms = 0
        for part in (copy.position, copy.box, copy.style):
            part.SetInParent()
        shown.append(copy)
    return shown[0] == shown[1]
