"""What can be asked and sent without a stream."""

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Iterable
from typing import Final

from mesh.auth import Caller
from rushes.annotation.v1 import annotation_pb2, operation_pb2
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.document import Duplicate, Ignored, visible, visible_annotations
from rushes.errors import InvalidArgument, ResourceExhausted
from svc_annotation.append import begin_append, finish_append, submit
from svc_annotation.core.landed import Landed
from svc_annotation.core.part import PAGED_S, Page, Paged
from svc_annotation.core.submission import Submission
from svc_annotation.errors import AlreadyUsed, ClientInvalid, TooFast, TooManyInFlight, of_ignored
from svc_annotation.opening import CLIENT_ID_BYTES
from svc_annotation.shared import Shared, audience_of, is_service
from svc_annotation.video import Video

PAGE: Final = 100
MAX_PAGE: Final = 1_000
PAGE_BYTES: Final = 1024 * 1024
AT_ONCE: Final = 5_000
"""Annotations that are looked through before others get their turn."""

Key = tuple[int, int, int]


class TokenInvalid(InvalidArgument):
    """A page_token that was not given for this request."""

    reason = "INVALID_PAGE_TOKEN"


def page_size(asked: int) -> int:
    """How many a page holds."""
    if asked < 0:
        raise InvalidArgument("a page_size is not negative")
    return min(asked or PAGE, MAX_PAGE)


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
        submitted = submit(
            shared,
            video,
            facts,
            person_id=caller.person_id,
            permissions=mask,
            client_id=request.client_id,
            epoch=request.epoch,
            batch=request.batch,
            service=is_service(caller),
        )
        outcome = await _land(shared, video, caller, request.client_id, submitted)
        return service.CreateBatchAnnotationsResponse(epoch=video.document.epoch, outcome=outcome)


async def _land(
    shared: Shared, video: Video, caller: Caller, client_id: bytes, submitted: Submission
) -> operation_pb2.Outcome:
    number = submitted.client_seq
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
    if isinstance(result, Duplicate) and result.outcome.hash != submitted.hash:
        raise AlreadyUsed("this number was used for another batch", revision=str(result.outcome.revision))
    return result.outcome


# Reading


async def get_document(
    shared: Shared, caller: Caller, mask: int, request: service.GetDocumentRequest
) -> tuple[int, Page]:
    """A page of the document, and the epoch."""
    audience = audience_of(mask, request.audience)
    now = asyncio.get_running_loop().time()
    await shared.facts.get(request.video_id, caller.tenant_id)
    shared.pages.expire(now)
    if request.page_token:
        page = shared.pages.next(request.page_token, request.video_id, caller.person_id, audience, now)
        return shared.videos.epoch, page
    async with shared.videos.use(request.video_id, caller.tenant_id) as video:
        document = video.document
        states = visible_annotations(document, audience)
        paged = Paged(request.video_id, caller.person_id, audience, document.revision, states, now + PAGED_S)
    return shared.videos.epoch, shared.pages.first(paged)


async def list_operations(
    shared: Shared, caller: Caller, mask: int, request: service.ListOperationsRequest
) -> service.ListOperationsResponse:
    """Commits after a revision, as an audience reads them."""
    audience = audience_of(mask, request.audience)
    size = page_size(request.page_size)
    after = request.after_revision
    if request.page_token:
        after = max(after, int(_unpack("o", request.page_token)[0]))
    await shared.facts.get(request.video_id, caller.tenant_id)
    async with shared.videos.use(request.video_id, caller.tenant_id) as video:
        response = service.ListOperationsResponse(epoch=video.document.epoch, revision=max(after, 0))
        batches = await _landed(shared, video, max(after, 0), size)
        size_bytes = 0
        for landed in batches:
            commit = landed.commit_for(audience)
            size_bytes += len(commit)
            if size_bytes > PAGE_BYTES and response.commits:
                break
            if commit:
                response.commits.append(operation_pb2.Commit.FromString(commit))
            response.revision = landed.revision
        if response.revision < video.document.revision:
            response.next_page_token = _pack("o", response.revision)
    return response


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
    size = page_size(request.page_size)
    after = _after(request)
    await shared.facts.get(request.video_id, caller.tenant_id)
    async with shared.videos.use(request.video_id, caller.tenant_id) as video:
        response = service.ListAnnotationsResponse(revision=video.document.revision)
        states = video.document.annotations
    found: list[tuple[Key, annotation_pb2.Annotation]] = []
    for index, state in enumerate(states, 1):
        annotation = state.annotation
        key = (annotation.first_frame, state.order_revision, state.order_index)
        if (after is None or key > after) and _matches(annotation, request) and visible(state, audience):
            found.append((key, annotation))
        if index % AT_ONCE == 0:
            await asyncio.sleep(0)
    found.sort(key=lambda each: each[0])
    size_bytes = 0
    for count, (_, annotation) in enumerate(found):
        size_bytes += annotation.ByteSize()
        if count == size or (size_bytes > PAGE_BYTES and count):
            response.next_page_token = _pack("a", *found[count - 1][0], _filter(request))
            break
        response.annotations.append(annotation)
    return response


def _matches(annotation: annotation_pb2.Annotation, request: service.ListAnnotationsRequest) -> bool:
    if annotation.deleted and not request.show_deleted:
        return False
    if request.HasField("frames") and (
        annotation.last_frame < request.frames.first or annotation.first_frame > request.frames.last
    ):
        return False
    if request.author_id and annotation.author_id != request.author_id:
        return False
    if request.kinds and annotation.kind not in request.kinds:
        return False
    return not request.HasField("resolved") or annotation.resolved == request.resolved


def _after(request: service.ListAnnotationsRequest) -> Key | None:
    """Where the page before ended; None: this is the first."""
    if not request.page_token:
        return None
    frame, revision, index, asked = _unpack("a", request.page_token)
    if asked != _filter(request):
        raise TokenInvalid("this page_token was given for another request")
    return int(frame), int(revision), int(index)


def _filter(request: service.ListAnnotationsRequest) -> str:
    """What the request asks for, whatever the page."""
    asked = service.ListAnnotationsRequest()
    asked.CopyFrom(request)
    asked.ClearField("page_token")
    asked.ClearField("page_size")
    return hashlib.blake2b(asked.SerializeToString(deterministic=True), digest_size=8).hexdigest()


_FIELDS: Final = {"o": 1, "a": 4}


def _pack(kind: str, *values: object) -> str:
    text = ".".join((kind, *map(str, values)))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _unpack(kind: str, token: str) -> list[str]:
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise TokenInvalid("this is no page_token") from error
    named, *values = text.split(".")
    numbers = values[:3]
    if named != kind or len(values) != _FIELDS[kind] or not all(_is_number(value) for value in numbers):
        raise TokenInvalid("this is no page_token of this method")
    return values


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 19
