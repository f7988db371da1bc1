"""Videos that svc_project purged, for services that have something of them: each removes it, in its own time."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import grpc

from mesh.rpc import Channels, to_error
from rushes.project.v1 import project_service_pb2 as pb
from rushes.project.v1.project_service_pb2_grpc import ProjectServiceStub

DAY_MS: Final = 86_400_000


class PurgedVideos(Protocol):
    """Who knows what was purged."""

    async def after(self, number: int) -> Sequence[pb.PurgedVideo]:
        """Those after that one, in order; not all at once. Raises RushesError."""
        ...


class ProjectPurged:
    """svc_project does."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels

    async def after(self, number: int) -> Sequence[pb.PurgedVideo]:
        """See PurgedVideos."""
        stub = self._channels.stub(ProjectServiceStub, "svc_project", as_person=False)
        try:
            return (await stub.ListPurgedVideos(pb.ListPurgedVideosRequest(after=number))).videos
        except grpc.aio.AioRpcError as error:
            raise to_error(error) from error


class Place(Protocol):
    """Keeps how far a service is."""

    async def removed_to(self) -> int:
        """The number of the last purged video that was removed; 0: none was."""
        ...

    async def set_removed_to(self, number: int) -> None:
        """Says so."""
        ...


async def follow(
    purged: PurgedVideos,
    place: Place,
    remove: Callable[[pb.PurgedVideo], Awaitable[bool]],
    before_ms: int | None = None,
    *,
    passing: bool = False,
) -> None:
    """Removes what was purged, up to a time, in order. What a crash cuts off is done again, so `remove` bears that; if
    it says False, this video and those after it wait for the next time. `passing`: it alone waits, and those after it
    are removed now, and once more with it. Raises RushesError.
    """
    number, waits = await place.removed_to(), False
    while found := await purged.after(number):
        for each in found:
            if before_ms is not None and each.time_ms > before_ms:
                return
            removed = await remove(each)
            if not removed and not passing:
                return
            number, waits = each.number, waits or not removed
            if not waits:
                await place.set_removed_to(number)
