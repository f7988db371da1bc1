"""The record of a room that is over, sealed as one blob: a ListEventsResponse with every event."""

from typing import Final

from mesh.blobs import Blobs
from rushes.signaling.v1 import room_service_pb2 as pb
from svc_signaling.stores import Store

READ_EVENTS: Final = 1_000


def record_key(tenant_id: str, room_id: str) -> str:
    """Where it is."""
    return f"{tenant_id}/{room_id}/record.binpb"


class SealedRecords:
    """See the module. What was sealed once is not written again."""

    def __init__(self, store: Store, blobs: Blobs) -> None:
        self._store = store
        self._blobs = blobs

    async def seal(self, tenant_id: str, room_id: str) -> None:
        """See `rooms.Record`."""
        record = pb.ListEventsResponse()
        after = 0
        while kept := await self._store.events(room_id, after, READ_EVENTS):
            record.events.extend(each.event for each in kept)
            after = kept[-1].event.ordinal
        await self._blobs.put_new(record_key(tenant_id, room_id), record.SerializeToString(deterministic=True))
