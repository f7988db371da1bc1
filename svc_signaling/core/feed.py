"""Encoders and monitors in a room: acts like those of `core/room.py`, and what a monitor is shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rushes.signaling.v1 import room_service_pb2 as pb
from svc_signaling.core import life
from svc_signaling.core.participant import JOINED, NEW, REMOVED, after
from svc_signaling.core.room import FEED_KINDS, Live, RoomIsFull, WasRemoved

PROGRAMME, MONITOR = pb.PARTICIPANT_KIND_PROGRAMME, pb.PARTICIPANT_KIND_MONITOR
LOUDER: Final = 40
"""A step of levels, which go to 127."""
GONE_MS: Final = 10_000
"""A feed that the forwarder does not know is gone after so long: it may have been started again."""


def come(live: Live, participant_id: str, name: str, kind: "pb.ParticipantKind.ValueType") -> list[pb.Event]:
    """A feed comes in, or comes again. Nobody has to let it in. Raises RoomEnded, RoomIsFull, WasRemoved."""
    life.after(live.room.state, "come")
    before = live.people.get(participant_id)
    if before is not None and before.state == REMOVED:
        raise WasRemoved("this feed was sent away from this room")
    if before is not None and before.state == JOINED:
        return []
    if len(live.present_people()) >= live.room.capacity:
        raise RoomIsFull("this room is full")
    publishes, state = kind == PROGRAMME, after(before.state if before is not None else NEW, "come")
    joined = pb.Participant(
        participant_id=participant_id, name=name, state=state, kind=kind, microphone=publishes, camera=publishes
    )
    return [pb.Event(participant=joined)]


def go(live: Live, participant_id: str) -> list[pb.Event]:
    """A feed goes; one that is gone is no error."""
    present = any(each.participant_id == participant_id for each in feeds(live))
    return live.leave(participant_id) if present else []


def feeds(live: Live) -> list[pb.Participant]:
    """The feeds that are in; in a room that is over nobody is."""
    if live.ended:
        return []
    return [each for each in live.people.values() if each.kind in FEED_KINDS and each.state == JOINED]


@dataclass(slots=True)
class Missing:
    """Feeds that the forwarder does not know, and since when."""

    since_ms: dict[str, int]

    def late(self, live: Live, known: Iterable[str], now_ms: int) -> list[str]:
        """Who is gone by now."""
        there = set(known)
        missing = [each.participant_id for each in feeds(live) if each.participant_id not in there]
        self.since_ms = {name: self.since_ms.get(name, now_ms) for name in missing}
        return [name for name, since in self.since_ms.items() if now_ms - since > GONE_MS]


@dataclass(frozen=True, slots=True)
class SlotNow:
    """A slot of a monitor: what it can show, and what it shows."""

    mid: str
    audio: bool
    track_id: str


def watched(live: Live, tracks: Sequence[pb.Track], slots: Sequence[SlotNow]) -> dict[str, str]:
    """What slots of a monitor shall show instead: mid -> track; a slot that is right already is not in it.

    The programme comes first, then who presents, then whoever is clearly louder: one after the other into the slots.
    """
    levels = {each.participant_id: each.level for each in tracks if each.audio}
    changed: dict[str, str] = {}
    for audio in (True, False):
        mine = [slot for slot in slots if slot.audio == audio]
        shown = {slot.track_id for slot in mine}
        there = [each for each in tracks if each.audio == audio and _heard_or_seen(live, each)]
        there.sort(key=lambda each: _rank(live, each, levels, each.track_id in shown))
        chosen = [each.track_id for each in there[: len(mine)]]
        kept = shown.intersection(chosen)
        rest = iter([track_id for track_id in chosen if track_id not in kept])
        for slot in mine:
            if slot.track_id not in kept:
                track_id = next(rest, "")
                if track_id != slot.track_id:
                    changed[slot.mid] = track_id
    return changed


def _rank(live: Live, track: pb.Track, levels: Mapping[str, int], shown: bool) -> tuple[int, int, str]:
    """Who is shown already gives way to somebody louder only by a whole step."""
    who = track.participant_id
    participant = live.people[who]
    place = 0 if participant.kind == PROGRAMME else 1 if who == live.presenter.participant_id else 2
    return place, -(levels.get(who, 0) // LOUDER + shown), track.track_id


def _heard_or_seen(live: Live, track: pb.Track) -> bool:
    participant = live.people.get(track.participant_id)
    if participant is None or participant.state != JOINED:
        return False
    return not participant.audio_muted if track.audio else bool(track.layers) and not participant.video_muted
