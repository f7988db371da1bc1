"""On which worker somebody of a room is, and which workers are to be linked for it."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from mesh.rendezvous import chosen, ranked

Told = Mapping[str, Mapping[str, int]]
"""Of each worker that has people of a room: its links, by the worker at the other end."""


def place(room_id: str, workers: Sequence[str], here: Mapping[str, int], load: Mapping[str, int], most: int) -> str:
    """The worker for somebody who comes: where most of the room are, while that one has fewer than `most` people.

    `here`: how many of the room each worker has; `load`: how many people of all rooms. Are all full, it is the one
    with the fewest: who comes is not turned away for a bound that an operator chose.
    """
    order = ranked(room_id, workers)
    free = [worker for worker in order if load.get(worker, 0) < most]
    with_room = [worker for worker in free if here.get(worker)]
    if with_room:
        return max(with_room, key=lambda worker: here[worker])
    if free and not any(here.values()):
        return chosen(room_id, free)
    return min(free or order, key=lambda worker: load.get(worker, 0))


@dataclass(slots=True)
class Plan:
    """What has to be done about a room's links."""

    open: list[tuple[str, str]] = field(default_factory=list)
    """Both ends of each."""
    close: list[tuple[str, str]] = field(default_factory=list)
    """A worker, and the other end of its link."""


def plan(room: Set[str], told: Told) -> Plan:
    """Every two workers that have people of the room have one link, which both tell of; no others have any."""
    made = Plan()
    names = sorted(room)
    for at, one in enumerate(names):
        for other in names[at + 1 :]:
            relay = told.get(one, {}).get(other)
            if relay is None or relay != told.get(other, {}).get(one):
                made.open.append((one, other))
    for worker, links in told.items():
        made.close += [(worker, peer) for peer in links if peer not in room or worker not in room]
    return made
