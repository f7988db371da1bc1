"""gRPC of feeds and their keys."""

from typing import Any

from mesh.auth import caller
from rushes.signaling.v1 import feed_service_pb2 as pb
from rushes.signaling.v1.feed_service_pb2_grpc import FeedServiceServicer
from svc_signaling.feeds import Feeds
from svc_signaling.ice import IceServers


class FeedServicer(FeedServiceServicer):
    """See the proto."""

    def __init__(self, feeds: Feeds, ice: IceServers) -> None:
        self._feeds = feeds
        self._ice = ice

    async def CreateFeedKey(self, request: pb.CreateFeedKeyRequest, context: Any) -> Any:
        who = caller()
        key, secret = await self._feeds.create_key(who.tenant_id, who.person_id, request)
        return pb.CreateFeedKeyResponse(key=key, secret=secret)

    async def ListFeedKeys(self, request: pb.ListFeedKeysRequest, context: Any) -> Any:
        keys = await self._feeds.list_keys(caller().tenant_id, request.project_id, request.room_id)
        return pb.ListFeedKeysResponse(keys=keys)

    async def RevokeFeedKey(self, request: pb.RevokeFeedKeyRequest, context: Any) -> Any:
        who = caller()
        await self._feeds.revoke_key(who.tenant_id, who.person_id, request)
        return pb.RevokeFeedKeyResponse()

    async def StartFeed(self, request: pb.StartFeedRequest, context: Any) -> Any:
        session_id, transport = await self._feeds.start(request)
        helpers = self._ice.of(session_id.partition(".")[0]).ice_servers
        return pb.StartFeedResponse(
            session_id=session_id, answer=transport.answer, etag=transport.etag, ice_servers=helpers
        )

    async def UpdateFeed(self, request: pb.UpdateFeedRequest, context: Any) -> Any:
        fragment, etag = await self._feeds.update(request)
        return pb.UpdateFeedResponse(fragment=fragment, etag=etag)

    async def EndFeed(self, request: pb.EndFeedRequest, context: Any) -> Any:
        await self._feeds.end(request)
        return pb.EndFeedResponse()
