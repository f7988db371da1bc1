"""Purged videos are removed in order, each once, and one that cannot be is waited for."""

from collections.abc import Sequence

from mesh.purged import follow
from rushes.project.v1.project_service_pb2 import PurgedVideo


class Service:
    """Has something of videos; svc_project tells it two at a time."""

    def __init__(self) -> None:
        self.purged = [PurgedVideo(number=10 * n, video_id=n, time_ms=100 * n) for n in range(1, 6)]
        self.number = 0
        self.removed: list[int] = []
        self.busy = 0

    async def after(self, number: int) -> Sequence[PurgedVideo]:
        return [each for each in self.purged if each.number > number][:2]

    async def removed_to(self) -> int:
        return self.number

    async def set_removed_to(self, number: int) -> None:
        self.number = number

    async def remove(self, purged: PurgedVideo) -> bool:
        if purged.video_id == self.busy:
            return False
        self.removed.append(purged.video_id)
        return True


async def test_all_are_removed_in_order_and_none_twice() -> None:
    service = Service()
    for _ in range(2):
        await follow(service, service, service.remove)
    assert service.removed == [1, 2, 3, 4, 5]
    assert service.number == 50


async def test_what_was_purged_later_than_a_time_waits() -> None:
    service = Service()
    await follow(service, service, service.remove, before_ms=300)
    assert service.removed == [1, 2, 3]
    await follow(service, service, service.remove, before_ms=400)
    assert service.removed == [1, 2, 3, 4]


async def test_one_that_is_in_use_holds_up_those_after_it() -> None:
    service = Service()
    service.busy = 3
    await follow(service, service, service.remove)
    assert (service.removed, service.number) == ([1, 2], 20)
    service.busy = 0
    await follow(service, service, service.remove)
    assert service.removed == [1, 2, 3, 4, 5]


async def test_one_that_waits_alone_is_tried_again_with_those_after_it() -> None:
    service = Service()
    service.busy = 3
    await follow(service, service, service.remove, passing=True)
    assert (service.removed, service.number) == ([1, 2, 4, 5], 20)
    service.busy = 0
    await follow(service, service, service.remove, passing=True)
    assert (service.removed, service.number) == ([1, 2, 4, 5, 3, 4, 5], 50)
