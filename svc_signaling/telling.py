"""What happened in a room on its way to everybody in it: encoded once, and together where much happens at a time."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from rushes.errors import RushesError
from rushes.signaling.v1 import room_service_pb2 as pb
from svc_signaling.core.participant import JOINED, WAITING
from svc_signaling.core.room import Live

QUICK_S: Final = 30e-6
"""A write to one listener takes about as long: what follows sooner than all are written to goes with the next."""
SLOW_S: Final = 200e-6
"""People who come, go and change are told of at most so often, for each who is told."""


@dataclass(frozen=True, slots=True)
class News:
    """Some events, as SignalResponses encoded once, whoever hears of them."""

    events: tuple[pb.Event, ...]
    single: tuple[bytes, ...]
    """One by one."""
    together: bytes
    """All in one."""
    people: frozenset[str]
    """Participants whom they are about."""
    ended: bool
    """The room is over."""

    def kept(self, keep: Callable[[pb.Event], bool]) -> "News | None":
        """Those of them; None: there are none."""
        left = [each for each in self.events if keep(each)]
        return self if len(left) == len(self.events) else news(left) if left else None

    def after(self, ordinal: int) -> "News | None":
        """Those after that one; None: there are none."""
        return self if self.events[0].ordinal > ordinal else self.kept(lambda event: event.ordinal > ordinal)


def news(events: Sequence[pb.Event]) -> News:
    """These, encoded."""
    single = tuple(pb.SignalResponse(event=event).SerializeToString() for event in events)
    together = single[0] if len(single) == 1 else pb.SignalResponse(events=pb.Events(events=events)).SerializeToString()
    people = frozenset(each.participant.participant_id for each in events if each.HasField("participant"))
    return News(tuple(events), single, together, people, any(each.ended for each in events))


class Listener(Protocol):
    """A stream of somebody in a room."""

    def happened(self, news: News) -> None:
        """Something happened in the room."""

    def tracks_changed(self) -> None:
        """Tracks are not what they were."""

    def end(self, error: RushesError) -> None:
        """The stream is over."""


class Telling:
    """See the module. Of one room. A listener may be told of an event twice, and knows by its ordinal."""

    def __init__(self, live: Live) -> None:
        self.listeners: dict[str, Listener] = {}
        self._live = live
        self._waiting: list[pb.Event] = []
        self._quick = False
        self._told_at_s = float("-inf")
        self._due: asyncio.TimerHandle | None = None

    def before(self, events: Iterable[pb.Event]) -> list[pb.Event]:
        """These are about to be applied: who saw the room and will not is told of all that they saw.

        Gives those that move somebody who listens, who is told of them at once.
        """
        moving = [event for event in events if event.HasField("participant") and self._moves(event.participant)]
        for event in moving:
            if self._waiting and sees(self._live.people[event.participant.participant_id]):
                self.listeners[event.participant.participant_id].happened(news(self._waiting))
        return moving

    def _moves(self, participant: pb.Participant) -> bool:
        """Whether somebody who listens is let in, or goes. Whoever comes is told by what opens their stream."""
        now = self._live.people.get(participant.participant_id)
        listens = participant.participant_id in self.listeners
        return listens and now is not None and now.state in (WAITING, JOINED) and now.state != participant.state

    def happened(self, events: Sequence[pb.Event], moving: Iterable[pb.Event] = ()) -> None:
        """These were applied. They are told now, or in a moment where others were told of just now."""
        for event in moving:
            self.listeners[event.participant.participant_id].happened(news([event]))
        self._waiting += events
        self._quick = self._quick or any(
            not event.HasField("participant") or event.participant.hand for event in events
        )
        due_s = self._told_at_s + len(self.listeners) * (QUICK_S if self._quick else SLOW_S)
        loop = asyncio.get_running_loop()
        if due_s <= loop.time():
            self.tell()
        elif self._due is None or due_s < self._due.when():
            self._stop_waiting()
            self._due = loop.call_at(due_s, self.tell)

    def tell(self) -> None:
        """Tells what waits."""
        self._stop_waiting()
        if not self._waiting:
            return
        waiting, self._waiting, self._quick = news(self._waiting), [], False
        self._told_at_s = asyncio.get_running_loop().time()
        for participant_id, listener in list(self.listeners.items()):
            if sees(self._live.people.get(participant_id)):
                listener.happened(waiting)
            elif waiting.ended or participant_id in waiting.people:
                about = waiting.kept(partial(_is_of, participant_id))
                if about is not None:
                    listener.happened(about)

    def _stop_waiting(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None


def sees(participant: pb.Participant | None) -> bool:
    """Whether somebody is told of what others do."""
    return participant is not None and participant.state == JOINED


def _is_of(participant_id: str, event: pb.Event) -> bool:
    return event.ended or event.participant.participant_id == participant_id
