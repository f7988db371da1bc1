"""Versions and what they hold, page by page, as an audience reads them."""

import asyncio
from collections.abc import Sequence
from itertools import islice
from typing import Final

from rushes.errors import InvalidArgument
from rushes.version.v1 import version_service_pb2 as service
from rushes.version.v1.stored_pb2 import EncodedDocument
from svc_version.core.content import Content, Entry
from svc_version.core.merge import fields_that_differ
from svc_version.core.model import Version
from svc_version.documents import Documents
from svc_version.errors import VersionUnknown
from svc_version.stores import Store

PAGE: Final = 100
MAX_PAGE: Final = 1_000
PAGE_BYTES: Final = 1024 * 1024 - 64
LAST: Final = 1 << 62


class PageTokenInvalid(InvalidArgument):
    """A page_token that no page has given."""

    reason = "INVALID_VERSION_PAGE"


def page_size(asked: int) -> int:
    """How many a page holds."""
    if asked < 0:
        raise InvalidArgument("a page_size is not negative")
    return min(asked or PAGE, MAX_PAGE)


def number_of(token: str, otherwise: int) -> int:
    """Where a page begins."""
    if not token:
        return otherwise
    if not token.isascii() or not token.isdecimal() or len(token) > 18:
        raise PageTokenInvalid("this is no page_token of this method")
    return int(token)


class Reading:
    """See the module."""

    def __init__(self, store: Store, documents: Documents) -> None:
        self.store = store
        self._documents = documents

    async def page(self, tenant_id: str, request: service.ListVersionsRequest) -> tuple[Sequence[Version], str]:
        """Versions, the newest first, and the token of the next page."""
        size = page_size(request.page_size)
        before = number_of(request.page_token, LAST)
        found = await self.store.newest(tenant_id, request.video_id, before, size)
        more = len(found) == size and found[-1].number > 1
        return found, str(found[-1].number) if more else ""

    async def document(
        self, tenant_id: str, internal: bool, request: service.GetVersionDocumentRequest
    ) -> EncodedDocument:
        """A page of what a version holds."""
        content = await self._content(tenant_id, request.video_id, request.version_id)
        page = EncodedDocument()
        size_bytes = 0
        first = number_of(request.page_token, 0)
        for index, entry in enumerate(islice(content.values(), first, None), first):
            if entry.internal and not internal:
                continue
            size_bytes += len(entry.state) + 8
            if page.annotations and size_bytes > PAGE_BYTES:
                page.next_page_token = str(index)
                break
            page.annotations.append(entry.state)
        return page

    async def diff(
        self, tenant_id: str, internal: bool, request: service.DiffVersionsRequest
    ) -> service.DiffVersionsResponse:
        """A page of what differs between two versions."""
        size = page_size(request.page_size)
        before = await self._content(tenant_id, request.video_id, request.from_version_id)
        after = await self._content(tenant_id, request.video_id, request.to_version_id)
        differing = await asyncio.to_thread(_differing, before, after)
        response = service.DiffVersionsResponse()
        size_bytes = 0
        for index in range(number_of(request.page_token, 0), len(differing)):
            each = _diff(*differing[index], internal)
            if each is None:
                continue
            size_bytes += each.ByteSize() + 8
            if len(response.diffs) == size or (response.diffs and size_bytes > PAGE_BYTES):
                response.next_page_token = str(index)
                break
            response.diffs.append(each)
        return response

    async def _content(self, tenant_id: str, video_id: int, version_id: int) -> Content:
        version = await self.store.get(tenant_id, video_id, version_id)
        if version is None:
            raise VersionUnknown("there is no such version of this video")
        return await self._documents.read(version)


Pair = tuple[Entry | None, Entry | None]


def _differing(before: Content, after: Content) -> list[Pair]:
    """In drawing order."""
    pairs: list[Pair] = [(before.get(name), entry) for name, entry in after.items() if before.get(name) != entry]
    pairs += [(entry, None) for name, entry in before.items() if name not in after]
    return sorted(pairs, key=lambda pair: (pair[1] or pair[0]).place)  # type: ignore[union-attr]


def _diff(before: Entry | None, after: Entry | None, internal: bool) -> service.AnnotationDiff | None:
    """None: nothing that the audience may read differs."""
    made = service.AnnotationDiff()
    if before is not None and (internal or not before.internal):
        made.before.ParseFromString(before.state)
    if after is not None and (internal or not after.internal):
        made.after.ParseFromString(after.state)
    if made.HasField("before") and made.HasField("after"):
        made.fields.extend(fields_that_differ(made.before, made.after))
        return made if made.fields else None
    return made if made.HasField("before") or made.HasField("after") else None
