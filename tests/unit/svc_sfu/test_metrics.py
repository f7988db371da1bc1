"""What an operator reads of a forwarder."""

from dataclasses import dataclass, field

from prometheus_client import REGISTRY

from svc_sfu import metrics


@dataclass
class Room:
    """A room as it is measured."""

    publishers: dict[str, int] = field(default_factory=dict)
    subscribers: dict[str, int] = field(default_factory=dict)


@dataclass
class Worker:
    """A worker as it is measured."""

    rooms: dict[str, Room]
    dropped: int = 0


def test_people_are_counted_once_in_each_room_whether_they_publish_or_watch() -> None:
    worker = Worker({"r": Room({"ann": 1, "bob": 1}, {"bob": 1, "eve": 1}), "s": Room({}, {"ann": 1})})
    metrics.watch(worker)
    assert REGISTRY.get_sample_value("rushes_sfu_people") == 4
    assert REGISTRY.get_sample_value("rushes_sfu_rooms") == 2
    del worker.rooms["r"]
    worker.dropped = 7
    assert REGISTRY.get_sample_value("rushes_sfu_people") == 1
    assert REGISTRY.get_sample_value("rushes_sfu_dropped_datagrams") == 7
