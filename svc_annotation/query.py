"""What can be asked and sent without a stream."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterable
from dataclasses import dataclass
from typing import Final

from mesh.auth import Caller
from rushes.annotation.v1 import annotation_pb2, operation_pb2
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.document import Duplicate, Ignored, visible
from rushes.document.table import Table
from rushes.errors import ResourceExhausted
from svc_annotation.append import begin_append, head_of
from svc_annotation.appending import finish_append
from svc_annotation.core.encoded import Parts
from svc_annotation.core.landed import Landed
from svc_annotation.core.part import PAGED_S, Paged
from svc_annotation.core.search import Query, parse
from svc_annotation.core.submission import Submission, submission
from svc_annotation.core.token import asked_for, pack, page_size, unpack
from svc_annotation.errors import AlreadyUsed, ClientInvalid, TooFast, TooManyInFlight, of_ignored
from svc_annotation.opening import CLIENT_ID_BYTES
from svc_annotation.past import (
    DocumentPage,
    DocumentPart,
    document_at,
    find_operations,
    frames_of,
    is_search,
    moment_asked,
    parts_at,
    shows_on,
)
from svc_annotation.past import list_changes as changes_between
from svc_annotation.shared import Shared, audience_of, is_service
from svc_annotation.stores import Frames, Moment
from svc_annotation.video import Video

PAGE_BYTES: Final = 1024 * 1024
AT_ONCE: Final = 5_000
"""Annotations that are looked through before others get their turn."""
UNPACKED_AT_ONCE: Final = 1_000
"""The same of those that are held as bytes: to look into one takes several times as long."""

# Writing


async def create_batch(
    shared: Shared, caller: Caller, mask: int, request: service.CreateBatchAnnotationsRequest
) -> service.CreateBatchAnnotationsResponse:
    """Appends one batch and waits until it came back from the log."""
    if len(request.client_id) != CLIENT_ID_BYTES:
        raise ClientInvalid("a client_id has 16 bytes")
    if not is_service(caller):
        wait_s = shared.rates.take(caller.person_id, asyncio.get_running_loop().time())
        if wait_s:
            raise _later(TooFast("more batches a second than a person may send"), wait_s)
        return await _create_batch(shared, caller, mask, request)
    if not shared.in_flight.enter(caller.service):
        raise _later(TooManyInFlight("more batches are in flight than a service may have"), 0.1)
    try:
        return await _create_batch(shared, caller, mask, request)
    finally:
        shared.in_flight.leave(caller.service)


def _later(error: ResourceExhausted, wait_s: float) -> ResourceExhausted:
    error.retry_after_s = wait_s
    return error


async def _create_batch(
    shared: Shared, caller: Caller, mask: int, request: service.CreateBatchAnnotationsRequest
) -> service.CreateBatchAnnotationsResponse:
    facts = await shared.facts.get_ready(request.video_id, caller.tenant_id)
    async with shared.videos.use(request.video_id, caller.tenant_id) as video:
        head = head_of(
            shared,
            video.video_id,
            facts,
            person_id=caller.person_id,
            permissions=mask,
            client_id=request.client_id,
            epoch=request.epoch,
        )
        submitted = submission(head, request.batch, time_ms=shared.clock.now_ms(), service=is_service(caller))
        outcome = await _land(shared, video, caller, request.client_id, submitted)
        return service.CreateBatchAnnotationsResponse(epoch=video.document.epoch, outcome=outcome)


async def _land(
    shared: Shared, video: Video, caller: Caller, client_id: bytes, submitted: Submission
) -> operation_pb2.Outcome:
    number = submitted.record.client_seq
    waiter = video.wait(caller.person_id, client_id, number)
    try:
        appending = begin_append(shared, video.video_id, submitted)
        await asyncio.wait((appending,))
        finish_append(appending)
        result = await waiter
    finally:
        video.forget(caller.person_id, client_id, number, waiter)
    if isinstance(result, Ignored):
        raise of_ignored(result.refusal)
    if isinstance(result, Duplicate) and result.outcome.hash != submitted.record.hash:
        raise AlreadyUsed("this number was used for another batch", revision=str(result.outcome.revision))
    return result.outcome


# Reading


async def get_document(shared: Shared, caller: Caller, mask: int, request: service.GetDocumentRequest) -> DocumentPage:
    """A page of the document."""
    audience = audience_of(mask, request.audience)
    now = asyncio.get_running_loop().time()
    await shared.facts.get(request.video_id, caller.tenant_id)
    shared.pages.expire(now)
    async with shared.videos.use(request.video_id, caller.tenant_id) as video:
        document = video.document
        # Paging goes on as it began, though the document has moved on since.
        begun_now = request.revision == document.revision or "." in request.page_token
        if request.WhichOneof("at") is not None and not begun_now:
            return await document_at(shared, video, audience, request)
        moment = Moment(document.revision, document.time_ms)
        if request.page_token:
            page = shared.pages.next(request.page_token, request.video_id, caller.person_id, audience, now)
            return DocumentPage(Moment(page.revision, moment.time_ms), document.revision, page.states, page.next_token)
        states, frames = video.encodings.read(audience), frames_of(request)
        if frames is not None:
            states = [state for state in states if shows_on(state, frames)]
        paged = Paged(request.video_id, caller.person_id, audience, document.revision, states, now + PAGED_S)
    first = shared.pages.first(paged)
    return DocumentPage(moment, moment.revision, first.states, first.next_token)


async def read_document(
    shared: Shared, caller: Caller, mask: int, request: service.ReadDocumentRequest
) -> AsyncGenerator[DocumentPart, None]:
    """The document in parts, all of one revision."""
    audience, frames = audience_of(mask, request.audience), frames_of(request)
    await shared.facts.get(request.video_id, caller.tenant_id)
    now: Iterable[bytes] | None = None
    async with shared.videos.use(request.video_id, caller.tenant_id) as video:
        head = video.document.revision
        if request.WhichOneof("at") is not None and request.revision != head:
            moment = await moment_asked(shared, video, request)
        else:
            moment, encodings = Moment(head, video.document.time_ms), video.encodings
            if frames is None:
                now = encodings.parts(audience)
            else:
                now = Parts(state for state in encodings.read(audience) if shows_on(state, frames))
    if now is not None:
        for part in now:
            yield DocumentPart(moment, head, part)
        return
    count = 0
    async for part in parts_at(shared, request.video_id, moment.revision, audience, frames):
        count += 1
        yield DocumentPart(moment, head, part)
    if not count:
        yield DocumentPart(moment, head, b"")


async def list_operations(
    shared: Shared, caller: Caller, mask: int, request: service.ListOperationsRequest
) -> service.ListOperationsResponse:
    """Commits after a revision, or by what they are, as an audience reads them."""
    audience = audience_of(mask, request.audience)
    size = page_size(request.page_size)
    await shared.facts.get(request.video_id, caller.tenant_id)
    async with shared.videos.use(request.video_id, caller.tenant_id) as video:
        if is_search(request):
            return await find_operations(shared, video, audience, request)
        after = max(request.after_revision, 0)
        if request.page_token:
            after = max(after, *unpack("o", 1, request.page_token))
        response = service.ListOperationsResponse(epoch=video.document.epoch, revision=after)
        size_bytes = 0
        for landed in await _landed(shared, video, after, size):
            commit = landed.commit_for(audience)
            size_bytes += len(commit)
            if size_bytes > PAGE_BYTES and response.commits:
                break
            if commit:
                response.commits.append(operation_pb2.Commit.FromString(commit))
            response.revision = landed.revision
        if response.revision < video.document.revision:
            response.next_page_token = pack("o", response.revision)
    return response


async def list_changes(
    shared: Shared, caller: Caller, mask: int, request: service.ListChangesRequest
) -> service.ListChangesResponse:
    """What differs between two revisions."""
    audience = audience_of(mask, request.audience)
    await shared.facts.get(request.video_id, caller.tenant_id)
    async with shared.videos.use(request.video_id, caller.tenant_id) as video:
        return await changes_between(shared, video, audience, request)


async def _landed(shared: Shared, video: Video, after: int, limit: int) -> Iterable[Landed]:
    if after >= video.recent.head:
        return []
    if video.recent.holds(after):
        return [landed for landed, _ in zip(video.recent.since(after), range(limit), strict=False)]
    commits = await shared.history.commits(video.video_id, after, limit)
    return [Landed(each.revision, each.commit, each.client_commit, ()) for each in commits]


async def list_annotations(
    shared: Shared, caller: Caller, mask: int, request: service.ListAnnotationsRequest
) -> service.ListAnnotationsResponse:
    """Notes by what they are, by first frame and drawing order."""
    audience = audience_of(mask, request.audience)
    size, asked, query = page_size(request.page_size), asked_for(request), parse(request.query)
    after = unpack("a", 3, request.page_token, asked) if request.page_token else None
    await shared.facts.get(request.video_id, caller.tenant_id)
    async with shared.videos.use(request.video_id, caller.tenant_id) as video:
        await unpacked(video.document)
        response = service.ListAnnotationsResponse(revision=video.document.revision)
        states = video.document.annotations
    authors = await _authors(shared, caller, query, states)
    wanted = _Wanted.of(request)
    found: list[tuple[list[int], annotation_pb2.Annotation]] = []
    for index, state in enumerate(states, 1):
        annotation = state.annotation
        if visible(state, audience) and wanted.has(annotation) and query.matches(annotation, authors):
            key = [annotation.first_frame, state.order_revision, state.order_index]
            if after is None or key > after:
                found.append((key, annotation))
        if index % AT_ONCE == 0:
            await asyncio.sleep(0)
    found.sort(key=lambda each: each[0])
    size_bytes = 0
    for count, (_, annotation) in enumerate(found):
        size_bytes += annotation.ByteSize()
        if count == size or (size_bytes > PAGE_BYTES and count):
            response.next_page_token = pack("a", *found[count - 1][0], asked=asked)
            break
        response.annotations.append(annotation)
    return response


async def unpacked(table: Table) -> None:
    """Looks into what is held as bytes: after a rush of new notes that is nearly all of them."""
    while True:
        if not table.unpack(UNPACKED_AT_ONCE):
            return
        await asyncio.sleep(0)


async def _authors(
    shared: Shared, caller: Caller, query: Query, states: Iterable[annotation_pb2.AnnotationState]
) -> set[str]:
    """Ids of the authors whom a query means by a part of their name."""
    if not query.authors:
        return set()
    people = {state.annotation.author_id for state in states}
    names = {each: await shared.identity.name(Caller("", each, tenant_id=caller.tenant_id)) for each in people}
    return {each for each, name in names.items() if query.means_author(each, name)}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a request asks for beside its query, read once: a look at each of many notes costs."""

    deleted: bool
    frames: Frames | None
    author_id: str
    kinds: Collection[int]
    resolved: bool | None

    @classmethod
    def of(cls, request: service.ListAnnotationsRequest) -> "_Wanted":
        return cls(
            request.show_deleted,
            frames_of(request),
            request.author_id,
            frozenset(request.kinds),
            request.resolved if request.HasField("resolved") else None,
        )

    def has(self, annotation: annotation_pb2.Annotation) -> bool:
        return (
            (self.deleted or not annotation.deleted)
            and (self.frames is None or shows_on(annotation, self.frames))
            and (not self.author_id or annotation.author_id == self.author_id)
            and (not self.kinds or annotation.kind in self.kinds)
            and (self.resolved is None or annotation.resolved == self.resolved)
        )
