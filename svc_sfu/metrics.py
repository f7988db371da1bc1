"""Metrics of svc_sfu. They are read in a thread of their own, while rooms change."""

from collections.abc import Mapping
from typing import Any, Protocol

from prometheus_client import Gauge

ROOMS = Gauge("rushes_sfu_rooms", "Rooms that have people on this forwarder.")
PEOPLE = Gauge("rushes_sfu_people", "People on this forwarder, of all rooms.")
DROPPED = Gauge("rushes_sfu_dropped_datagrams", "Datagrams that the kernel had no room for, since the start.")


class Measured(Protocol):
    """What is read of a worker."""

    @property
    def rooms(self) -> Mapping[str, Any]:
        """Its rooms, each with whom it publishes for and shows to."""

    @property
    def dropped(self) -> int:
        """Datagrams that were not sent."""


def watch(engine: Measured) -> None:
    """Shows from now on how a worker is."""
    ROOMS.set_function(lambda: len(engine.rooms))
    PEOPLE.set_function(lambda: people_of(engine.rooms))
    DROPPED.set_function(lambda: engine.dropped)


def people_of(rooms: Mapping[str, Any]) -> int:
    """How many people are in rooms. Tables are copied in one step each: they change meanwhile."""
    return sum(len({*list(room.publishers), *list(room.subscribers)}) for room in list(rooms.values()))
