"""What svc_version asks for: whole documents of any moment, and batches of a person whose work goes on without them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from heapq import merge
from itertools import islice
from typing import Final

from mesh.auth import Caller
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import history_service_pb2 as history
from rushes.document.wire import PART_BYTES
from svc_annotation import query
from svc_annotation.core.landed import Landed
from svc_annotation.core.past import facts_of
from svc_annotation.past import AT_ONCE, moment_of, states_at
from svc_annotation.shared import Shared, resource
from svc_annotation.stores import Moment, Place, StateAt
from svc_annotation.video import Video

_ENTRY_BYTES: Final = 40


async def read_states(shared: Shared, request: history.ReadStatesRequest) -> AsyncIterator[history.ReadStatesResponse]:
    """The states of a moment, whatever their audience: who asks decides who may read them."""
    await shared.facts.get(request.video_id, request.tenant_id)
    async with shared.videos.use(request.video_id, request.tenant_id) as video:
        document = video.document
        now = request.WhichOneof("at") is None or request.revision == document.revision
        known = _landed_since(video, request.since_revision) if now else None
        if known is None:
            moment = await moment_of(
                shared,
                video,
                revision=request.revision if request.HasField("revision") else None,
                time_ms=request.time_ms if request.HasField("time_ms") else None,
            )
        else:
            moment = Moment(document.revision, document.time_ms)
    answer = history.ReadStatesResponse(epoch=shared.videos.epoch, revision=moment.revision, time_ms=moment.time_ms)
    size_bytes = 0
    if known is None:
        states = states_at(shared, request.video_id, moment.revision, since=request.since_revision)
    else:
        states = newest_states(known)
    async for found in states:
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


def _landed_since(video: Video, revision: int) -> Sequence[Landed] | None:
    """What has landed after a revision and up to now, out of memory; None: that is not all there any more.

    What was just written is saved so, without waiting until history has it.
    """
    if revision >= video.recent.head:
        return ()
    return tuple(video.recent.since(revision)) if video.recent.holds(revision) else None


async def newest_states(since: Sequence[Landed]) -> AsyncIterator[Sequence[StateAt]]:
    """What these have left behind them, in drawing order. It may be as much as history is behind in a rush: so some at
    a time, and others get their turn between.
    """
    newest: dict[bytes, tuple[int, bytes]] = {}
    for start in range(0, len(since), AT_ONCE):
        for landed in since[start : start + AT_ONCE]:
            for annotation_id, state in landed.states:
                newest[annotation_id] = (landed.revision, state)
        await asyncio.sleep(0)
    runs: list[list[StateAt]] = []
    changes = iter(newest.items())
    while changed := tuple(islice(changes, AT_ONCE)):
        runs.append(sorted(_state_at(annotation_id, *last) for annotation_id, last in changed))
        await asyncio.sleep(0)
    in_order = merge(*runs)
    while found := tuple(islice(in_order, AT_ONCE)):
        yield found
        await asyncio.sleep(0)


def _state_at(annotation_id: bytes, revision: int, state: bytes) -> StateAt:
    facts = facts_of(state)
    place = Place(facts.order_revision, facts.order_index)
    return StateAt(place, annotation_id, revision, facts.internal, state)


async def append_batch(shared: Shared, asking: str, request: history.AppendBatchRequest) -> history.AppendBatchResponse:
    """Appends a batch in a person's name, by the rights that the person has now."""
    person = Caller(asking, request.person_id, request.session_id, request.tenant_id)
    mask = await shared.identity.permissions(person, resource(request.video_id))
    batch = service.CreateBatchAnnotationsRequest(
        video_id=request.video_id, client_id=request.client_id, batch=request.batch
    )
    answer = await query.create_batch(shared, person, mask, batch)
    return history.AppendBatchResponse(epoch=answer.epoch, outcome=answer.outcome)
