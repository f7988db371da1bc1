"""What svc_version asks for: whole documents of any moment, and batches of a person whose work goes on without them."""

from collections.abc import AsyncIterator
from typing import Final

from mesh.auth import Caller
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import history_service_pb2 as history
from svc_annotation import query
from svc_annotation.core.part import PART_BYTES
from svc_annotation.past import moment_of, projected, states_at
from svc_annotation.shared import Shared, resource

_ENTRY_BYTES: Final = 40


async def read_states(shared: Shared, request: history.ReadStatesRequest) -> AsyncIterator[history.ReadStatesResponse]:
    """The states of a moment, whatever their audience: who asks decides who may read them."""
    await shared.facts.get(request.video_id, request.tenant_id)
    async with shared.videos.use(request.video_id, request.tenant_id) as video:
        moment = await moment_of(
            shared,
            video,
            revision=request.revision if request.HasField("revision") else None,
            time_ms=request.time_ms if request.HasField("time_ms") else None,
        )
        await projected(shared, video, moment.revision)
    answer = history.ReadStatesResponse(epoch=shared.videos.epoch, revision=moment.revision, time_ms=moment.time_ms)
    size_bytes = 0
    async for found in states_at(shared, request.video_id, moment.revision, since=request.since_revision):
        for each in found:
            entry_bytes = len(each.state) + _ENTRY_BYTES
            if size_bytes + entry_bytes > PART_BYTES and answer.states:
                yield answer
                del answer.states[:]
                size_bytes = 0
            answer.states.add(
                annotation_id=each.annotation_id,
                state=each.state,
                order_revision=each.place.order_revision,
                order_index=each.place.order_index,
                internal=each.internal,
            )
            size_bytes += entry_bytes
    yield answer


async def append_batch(shared: Shared, asking: str, request: history.AppendBatchRequest) -> history.AppendBatchResponse:
    """Appends a batch in a person's name, by the rights that the person has now."""
    person = Caller(asking, request.person_id, request.session_id, request.tenant_id)
    mask = await shared.identity.permissions(person, resource(request.video_id))
    batch = service.CreateBatchAnnotationsRequest(
        video_id=request.video_id, client_id=request.client_id, batch=request.batch
    )
    answer = await query.create_batch(shared, person, mask, batch)
    return history.AppendBatchResponse(epoch=answer.epoch, outcome=answer.outcome)
