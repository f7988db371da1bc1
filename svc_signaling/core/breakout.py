"""A room that is split: its people are in breakouts for a while, each a room whose parent it is.

The split is a state that the parent decides. Its breakouts are told of each state, as an event of their own records.
"""

from collections.abc import Collection, Sequence
from typing import Final, Literal

from rushes.errors import FailedPrecondition, InvalidArgument, PermissionDenied
from rushes.signaling.v1 import room_service_pb2 as pb
from rushes.type.v1.access_pb2 import PERMISSION_MODERATE
from svc_signaling.core.life import RoomEnded
from svc_signaling.core.participant import GONE, moved
from svc_signaling.core.participant import may as may_be
from svc_signaling.core.role import changed
from svc_signaling.core.room import MAX_CHAT, Live, NotModerator, WasRemoved, may
from svc_signaling.core.settings import MAX_TITLE
from svc_signaling.core.standing import Standing, muted

MOST: Final = 50
LINES: Final = 20
MAX_SECONDS: Final = 86_400

LIFE: Final[dict[tuple[bool, Literal["split", "regroup", "unite"]], bool]] = {
    (False, "split"): True,
    (True, "regroup"): True,
    (True, "unite"): False,
}
"""Whether a room is split after something; every other pair is an error."""


class BreakoutInvalid(InvalidArgument):
    """A split of a room that cannot be made."""

    reason = "INVALID_BREAKOUT"


class NotSplit(FailedPrecondition):
    """The room is not split, or is split already."""

    reason = "NOT_SPLIT"


class NotAssigned(PermissionDenied):
    """Only whoever belongs to a breakout, or moderates, comes into it."""

    reason = "NOT_ASSIGNED"


def is_due(live: Live, now_ms: int) -> bool:
    """Whether everybody is to be called back by now."""
    return live.is_split and live.breakouts is not None and 0 < live.breakouts.end_time_ms <= now_ms


def split(
    live: Live, participant_id: str, wanted: pb.Split, room_ids: Sequence[str], mask: int, now_ms: int
) -> list[pb.Event]:
    """The room is split into rooms of these ids, the first of which names the split.

    Raises NotSplit, BreakoutInvalid, NotModerator.
    """
    live.here(participant_id)
    _moderates(mask)
    _step(live, "split")
    if live.room.parent_room_id:
        raise NotSplit("a breakout is not split again")
    if not 1 <= len(wanted.rooms) <= MOST or len(room_ids) != len(wanted.rooms):
        raise BreakoutInvalid(f"a room is split into 1 to {MOST} breakouts")
    made = pb.Breakouts(
        split_id=room_ids[0],
        parent_room_id=live.room.room_id,
        end_time_ms=_end(wanted.seconds, now_ms),
        version=live.breakouts.version if live.breakouts is not None else 0,
    )
    for room_id, each in zip(room_ids, wanted.rooms, strict=True):
        title = each.title.strip()
        if not 0 < len(title) <= MAX_TITLE or each.asset_id < 0:
            raise BreakoutInvalid(f"a breakout has a title of 1 to {MAX_TITLE} characters, and an asset or none")
        made.rooms.add(room_id=room_id, title=title, asset_id=each.asset_id, person_ids=each.person_ids)
    everybody = [person_id for each in made.rooms for person_id in each.person_ids]
    if len(set(everybody)) < len(everybody) or not live.admitted.issuperset(everybody):
        raise BreakoutInvalid("a person who was let into the room belongs into one breakout")
    return _next(made)


def regroup(live: Live, name: str, wanted: pb.Regroup, mask: int, now_ms: int) -> list[pb.Event]:
    """The split changes, as somebody of that name asks. Raises NotSplit, BreakoutInvalid, NotModerator."""
    _moderates(mask)
    kind = wanted.WhichOneof("what")
    if kind == "unite":
        return unite(live)
    _step(live, "regroup")
    made = pb.Breakouts()
    made.CopyFrom(live.breakouts or pb.Breakouts())
    if kind == "assign":
        _assign(made, wanted.assign, live.admitted)
    elif kind == "seconds":
        made.end_time_ms = _end(wanted.seconds, now_ms)
    elif kind == "say":
        _say(made, name, wanted.say, now_ms)
    else:
        raise BreakoutInvalid("this says nothing about a split")
    return _next(made) if made != live.breakouts else []


def unite(live: Live) -> list[pb.Event]:
    """Everybody is called back. Raises NotSplit."""
    _step(live, "unite")
    return live.call_back()


def told(live: Live, state: pb.Breakouts) -> list[pb.Event]:
    """A breakout is told how its room is split now; however often, it happens once."""
    known = live.breakouts.version if live.breakouts is not None else 0
    events = [pb.Event(breakouts=state)] if known < state.version and not live.ended else []
    return [*events, *live.end()] if state.over else events


def carried(parent: Live, room_id: str, person_id: str, mask: int) -> Standing | None:
    """What was decided of somebody in the room holds in its breakout, where they come in; None: the room never had
    them, so that the breakout alone knows what was decided.

    Raises WasRemoved, NotAssigned, RoomEnded.
    """
    now = parent.breakouts
    home = next((each for each in now.rooms if each.room_id == room_id), None) if now is not None else None
    if home is None or not parent.is_split or parent.ended:
        raise RoomEnded("everybody was called back from this breakout")
    if parent.sent_away(person_id):
        raise WasRemoved("you were sent away from this room")
    if not may(mask, PERMISSION_MODERATE) and person_id not in home.person_ids:
        raise NotAssigned("you do not belong to this breakout")
    stands = parent.standing(person_id)
    known = stands != Standing() or any(each.person_id == person_id for each in parent.people.values())
    return stands if known else None


def decided(parent: Live, person_id: str, wanted: pb.Moderate) -> list[pb.Event]:
    """What is decided of somebody in a breakout holds in its room: being sent away, a role, and being muted."""
    theirs = [each for each in parent.people.values() if person_id and each.person_id == person_id]
    # Each place that is kept says it again when it changes; where none is, the last one keeps it for who comes back.
    present = [each for each in theirs if each.state not in GONE] or theirs[-1:]
    kind = wanted.WhichOneof("what")
    if kind == "role":
        return changed(present, person_id, wanted.role, parent.presenter)
    if kind in ("mute_audio", "mute_video"):
        return muted(present, wanted)
    if kind != "remove":
        return []
    return parent.without([pb.Event(participant=moved(each, "remove")) for each in theirs if may_be(each, "remove")])


def _moderates(mask: int) -> None:
    if not may(mask, PERMISSION_MODERATE):
        raise NotModerator("only who may moderate can do this")


def _step(live: Live, step: Literal["split", "regroup", "unite"]) -> None:
    if (live.is_split, step) not in LIFE:
        raise NotSplit("this room is split already" if step == "split" else "this room is not split")


def _next(made: pb.Breakouts) -> list[pb.Event]:
    made.version += 1
    return [pb.Event(breakouts=made)]


def _end(seconds: int, now_ms: int) -> int:
    if seconds > MAX_SECONDS:
        raise BreakoutInvalid("everybody is called back within a day")
    return now_ms + seconds * 1000 if seconds else 0


def _assign(made: pb.Breakouts, wanted: pb.Assignment, admitted: Collection[str]) -> None:
    if wanted.person_id not in admitted or wanted.room_id not in ("", *(each.room_id for each in made.rooms)):
        raise BreakoutInvalid("this is nobody who was let into the room, or none of its breakouts")
    for each in made.rooms:
        belongs = each.room_id == wanted.room_id
        if belongs and wanted.person_id not in each.person_ids:
            each.person_ids.append(wanted.person_id)
        elif not belongs and wanted.person_id in each.person_ids:
            each.person_ids.remove(wanted.person_id)


def _say(made: pb.Breakouts, name: str, text: str, now_ms: int) -> None:
    text = text.strip()
    if not 0 < len(text) <= MAX_CHAT:
        raise BreakoutInvalid(f"a line to all has 1 to {MAX_CHAT} characters")
    number = made.lines[-1].number + 1 if made.lines else 1
    made.lines.add(number=number, name=name, text=text, time_ms=now_ms)
    del made.lines[: max(0, len(made.lines) - LINES)]
