"""The stream of a video's versions, and commits the other way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

from mesh.auth import Caller, Identity, caller, has
from mesh.auth.identity import SessionEnded, TokenExpired
from mesh.clock import Clock
from mesh.rpc import to_status
from rushes.errors import NotFound, PermissionDenied, RushesError
from rushes.type.v1.access_pb2 import PERMISSION_ANNOTATE, PERMISSION_VIEW, RESOURCE_KIND_VIDEO, Resource
from rushes.version.v1 import version_service_pb2 as service
from svc_version.bulletin import Bulletin
from svc_version.commit import Commits, Who
from svc_version.errors import VersionRequestInvalid
from svc_version.message import version_message
from svc_version.stores import Store

AT_ONCE: Final = 200
LOOK_S: Final = 1.0
"""So often it is looked for what other instances have done, and whether one still may."""
WAITING: Final = 64


class MayNotCommit(PermissionDenied):
    """Versions are committed by who may annotate."""

    reason = "MAY_NOT_COMMIT"


class Sync:
    """See the module."""

    def __init__(self, store: Store, commits: Commits, bulletin: Bulletin, identity: Identity, clock: Clock) -> None:
        self._store = store
        self._commits = commits
        self._identity = identity
        self._clock = clock
        self.bulletin = bulletin

    async def serve(
        self, who: Who, requests: AsyncIterator[service.SyncVersionsRequest]
    ) -> AsyncIterator[service.SyncVersionsResponse]:
        """Answers until the client ends it. Who reads slowly is told of the newest state of each version."""
        first = await anext(requests, None)
        if first is None or first.WhichOneof("message") != "open":
            raise VersionRequestInvalid("the first message is open")
        video_id, after = first.open.video_id, first.open.after_change
        asking = caller()
        head = await self._store.head(who.tenant_id, video_id)
        yield service.SyncVersionsResponse(
            opened=service.SyncVersionsOpened(change=head.change, head_version_id=head.version_id)
        )
        answers: asyncio.Queue[service.SyncVersionsCommitted] = asyncio.Queue(WAITING)
        with self.bulletin.listening(video_id) as news:
            reading = asyncio.create_task(self._read(who, asking, video_id, requests, answers, news))
            try:
                while not reading.done() or not answers.empty():
                    news.clear()
                    await self._mask(asking, video_id)
                    while not answers.empty():
                        yield service.SyncVersionsResponse(committed=answers.get_nowait())
                    while found := await self._store.changed(who.tenant_id, video_id, after, AT_ONCE):
                        for version in found:
                            after = version.change
                            yield service.SyncVersionsResponse(version=version_message(version))
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_S):
                            await news.wait()
                await reading
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def _read(
        self,
        who: Who,
        asking: Caller,
        video_id: int,
        requests: AsyncIterator[service.SyncVersionsRequest],
        answers: "asyncio.Queue[service.SyncVersionsCommitted]",
        news: asyncio.Event,
    ) -> None:
        try:
            async for request in requests:
                if request.WhichOneof("message") != "commit":
                    raise VersionRequestInvalid("after open come commits alone")
                mask = await self._mask(asking, video_id)
                await answers.put(await self._commit(replace(who, mask=mask), video_id, request.commit))
                news.set()
        finally:
            news.set()

    async def _mask(self, asking: Caller, video_id: int) -> int:
        """What who asks may do now. Raises what ends the stream: rights hold on open streams too."""
        if asking.expires_ms <= self._clock.now_ms():
            raise TokenExpired("The token has expired: open again with a newer one.")
        if self._identity.ended(asking.session_id):
            raise SessionEnded("The session has ended; sign in again.")
        resource = Resource(kind=RESOURCE_KIND_VIDEO, id=str(video_id))
        known = self._identity.cached(asking, resource)
        mask = await self._identity.permissions(asking, resource) if known is None else known
        if not has(mask, PERMISSION_VIEW):
            raise NotFound("There is no such thing, or it is not yours to see.")
        return mask

    async def _commit(
        self, who: Who, video_id: int, request: service.CommitVersionRequest
    ) -> service.SyncVersionsCommitted:
        answer = service.SyncVersionsCommitted(request_id=request.request_id)
        try:
            if request.video_id != video_id:
                raise VersionRequestInvalid("a commit on this stream is of its video")
            if not has(who.mask, PERMISSION_ANNOTATE):
                raise MayNotCommit("you may not save versions here")
            answer.version.CopyFrom(version_message(await self._commits.commit(who, request)))
        except RushesError as error:
            answer.status.CopyFrom(to_status(error, ""))
        return answer
