"""The live notes, as svc_annotation has them, and how many frames a video has, as svc_media knows."""

from dataclasses import dataclass

import grpc

from mesh.rpc import Channels, to_error
from rushes.annotation.v1 import history_service_pb2 as history
from rushes.annotation.v1.history_service_pb2_grpc import HistoryServiceStub
from rushes.annotation.v1.operation_pb2 import Batch, Outcome
from rushes.media.v1 import media_service_pb2
from rushes.media.v1.media_service_pb2_grpc import MediaServiceStub
from svc_version.core.content import Content, Entry
from svc_version.core.model import Work

READ_S = 60.0
APPEND_S = 20.0


@dataclass(frozen=True, slots=True)
class Live:
    """Notes at a moment, in drawing order: all, or those that changed since another one."""

    revision: int
    time_ms: int
    entries: list[Entry]

    def content(self) -> Content:
        """By their ids."""
        return {entry.annotation_id: entry for entry in self.entries}


class Notes:
    """See the module. Raises what the other service says."""

    def __init__(self, channels: Channels) -> None:
        self._history = channels.stub(HistoryServiceStub, "svc_annotation", as_person=False)
        self._media = channels.stub(MediaServiceStub, "svc_media", as_person=False)

    async def read(
        self, tenant_id: str, video_id: int, *, revision: int | None = None, time_ms: int | None = None, since: int = 0
    ) -> Live:
        """The notes at a revision or a time, or now; of these what changed after `since`."""
        request = history.ReadStatesRequest(video_id=video_id, tenant_id=tenant_id, since_revision=since)
        if revision is not None:
            request.revision = revision
        if time_ms is not None:
            request.time_ms = time_ms
        entries: list[Entry] = []
        answer = history.ReadStatesResponse()
        try:
            async for answer in self._history.ReadStates(request, timeout=READ_S):
                entries += [
                    Entry(each.annotation_id, each.state, each.order_revision, each.order_index, each.internal)
                    for each in answer.states
                ]
        except grpc.aio.AioRpcError as error:
            raise to_error(error) from error
        return Live(answer.revision, answer.time_ms, entries)

    async def append(self, work: Work, batch: Batch) -> Outcome:
        """Writes a batch for a person. Sent twice, it has one outcome."""
        request = history.AppendBatchRequest(
            video_id=work.video_id,
            tenant_id=work.tenant_id,
            person_id=work.person_id,
            session_id=work.session_id,
            client_id=work.client_id,
            batch=batch,
        )
        try:
            return (await self._history.AppendBatch(request, timeout=APPEND_S)).outcome
        except grpc.aio.AioRpcError as error:
            raise to_error(error) from error

    async def frame_count(self, video_id: int) -> int:
        """How many frames a video has."""
        try:
            answer = await self._media.LookUpVideo(media_service_pb2.LookUpVideoRequest(video_id=video_id))
        except grpc.aio.AioRpcError as error:
            raise to_error(error) from error
        return answer.video.frame_count
