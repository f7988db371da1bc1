"""Who else is here: cursors, strokes being drawn, playheads. May be dropped; one tick for all, one choice a group.

A group is everybody who looks at the same frame with the same eyes and follows the same person: they get the same
bytes. Who looks at a frame alone belongs to the group of no frame, so that a hundred people who play do not make a
hundred groups.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Final, TypeAlias

from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.errors import InvalidArgument
from svc_annotation.core import frame as frames
from svc_annotation.core.landed import CLIENT, INTERNAL, Audience

MAX_PEOPLE: Final = 30
MAX_BYTES: Final = 256 * 1024
MAX_STATE_BYTES: Final = 48 * 1024
MAX_TRANSIENTS: Final = 8
SMALL_BYTES: Final = 2 * MAX_TRANSIENTS
"""With no more than so many bytes no list is too long: an element takes two, a number one."""
MAX_POINTS: Final = 2_000
MAX_LASER_NUMBERS: Final = 128
MAX_MOVING: Final = 64
MAX_TOOL_CHARACTERS: Final = 16
TICK_S: Final = 0.050
CALM_PEOPLE: Final = 50
MAX_STRETCH: Final = 4.0

Group: TypeAlias = "tuple[Audience, int | None, bytes]"


class PresenceInvalid(InvalidArgument):
    """A presence that is larger than it may be."""

    reason = "INVALID_PRESENCE"


@dataclass(slots=True, eq=False)
class Onlooker:
    """A session as presence sees it. Without a client_id it looks on, but is not shown."""

    key: int
    client_id: bytes
    person_id: str
    name: str
    audience: Audience
    frame: int
    following: bytes = b""
    state: service.PresenceState = field(default_factory=service.PresenceState, repr=False)
    client_sees: Callable[[bytes], bool] = field(default=lambda _: False, repr=False)
    """Whether the client audience sees an annotation."""
    encoded: dict[Audience, bytes] = field(default_factory=dict, repr=False)
    """As each audience is shown it; empty until somebody is: of many people few are chosen, and a tick is rare."""
    received: bytes = field(default=b"", repr=False)


def check(state: service.PresenceState) -> bytes:
    """Raises PresenceInvalid when it is larger than it may be. Gives whom it follows."""
    size_bytes = state.ByteSize()
    following = state.following
    if (
        (size_bytes > SMALL_BYTES and not _fits(state, size_bytes))
        or len(state.tool) > MAX_TOOL_CHARACTERS
        or (following and len(following) != 16)
    ):
        raise PresenceInvalid("this presence holds more than it may")
    return following


def _fits(state: service.PresenceState, size_bytes: int) -> bool:
    """Whether its lists are no longer than they may be."""
    drawn = state.transient
    return (
        size_bytes <= MAX_STATE_BYTES
        and len(drawn) <= MAX_TRANSIENTS
        and sum([len(annotation.points) for annotation in drawn]) <= 2 * MAX_POINTS
        and len(state.laser) <= MAX_LASER_NUMBERS
        and len(state.moving) <= MAX_MOVING
    )


def _without_internal(state: service.PresenceState, client_sees: Callable[[bytes], bool]) -> service.PresenceState:
    """What of it the client audience may see: nothing of what is drawn as internal, nor where the hand is meanwhile."""
    shown = service.PresenceState()
    shown.CopyFrom(state)
    hidden = state.audience != CLIENT and (state.transient or state.laser or state.moving)
    if hidden:
        for name in ("transient", "laser", "moving", "cursor", "tool"):
            shown.ClearField(name)
        return shown
    if any(annotation.audience == INTERNAL for annotation in state.transient):
        shown.ClearField("transient")
        shown.ClearField("cursor")
    if any(not client_sees(move.id) for move in state.moving):
        shown.ClearField("moving")
        shown.ClearField("cursor")
    return shown


def _encode(onlooker: Onlooker, audience: Audience) -> bytes:
    state = onlooker.state
    if audience == CLIENT and (state.transient or state.laser or state.moving):
        state = _without_internal(state, onlooker.client_sees)
    shown = service.PresentPerson(
        client_id=onlooker.client_id, person_id=onlooker.person_id, name=onlooker.name, state=state
    )
    encoded = onlooker.encoded[audience] = shown.SerializeToString()
    return encoded


class Presence:
    """The people of one video."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._onlookers: dict[int, Onlooker] = {}
        self._by_client: dict[bytes, Onlooker] = {}
        self.dirty = False

    def __len__(self) -> int:
        return len(self._onlookers)

    def tick_s(self) -> float:
        """From one tick to the next: the more people, the longer."""
        return TICK_S * min(MAX_STRETCH, max(1.0, len(self._by_client) / CALM_PEOPLE))

    def join(self, onlooker: Onlooker) -> None:
        """A session begins."""
        self._onlookers[onlooker.key] = onlooker
        if onlooker.client_id:
            self._by_client[onlooker.client_id] = onlooker
            onlooker.state.frame = onlooker.frame
        self.dirty = True

    def leave(self, key: int) -> None:
        """A session is over."""
        onlooker = self._onlookers.pop(key, None)
        if onlooker is None:
            return
        if self._by_client.get(onlooker.client_id) is onlooker:
            del self._by_client[onlooker.client_id]
        self.dirty = True

    def update(self, key: int, state: service.PresenceState, *, may_draw: bool) -> None:
        """The latest of a session, which is not changed any more. Raises PresenceInvalid."""
        onlooker = self._onlookers.get(key)
        if onlooker is None:
            return
        onlooker.following = check(state)
        onlooker.frame = state.frame
        self.dirty = True
        if not onlooker.client_id:
            return
        if not may_draw:
            state.ClearField("transient")
            state.ClearField("moving")
        if onlooker.audience == CLIENT:
            state.audience = CLIENT
        onlooker.state = state
        if onlooker.encoded:
            onlooker.encoded.clear()

    def tick(self) -> list[tuple[list[int], bytes]]:
        """Who gets which message: only those for whom something changed."""
        self.dirty = False
        people_on = Counter(onlooker.frame for onlooker in self._by_client.values())
        groups: dict[Group, list[Onlooker]] = {}
        for onlooker in self._onlookers.values():
            others = people_on[onlooker.frame] - bool(onlooker.client_id)
            place = onlooker.frame if others else None
            groups.setdefault((onlooker.audience, place, onlooker.following), []).append(onlooker)
        by_frame: dict[int | None, list[Onlooker]] = {}
        for onlooker in self._by_client.values():
            by_frame.setdefault(onlooker.frame, []).append(onlooker)
        presenters = self._presenters()
        out: list[tuple[list[int], bytes]] = []
        for group, members in groups.items():
            message = self._message(group, chain(presenters, by_frame.get(group[1], ())))
            changed = [member for member in members if member.received != message]
            for member in changed:
                member.received = message
            if changed:
                out.append(([member.key for member in changed], message))
        return out

    def _presenters(self) -> list[Onlooker]:
        """Whom most follow: everybody sees that one."""
        followed = Counter(o.following for o in self._by_client.values() if o.following in self._by_client)
        return [self._by_client[client_id] for client_id, _ in followed.most_common(1)]

    def _message(self, group: Group, first: Iterable[Onlooker]) -> bytes:
        audience, _, following = group
        followed = self._by_client.get(following)
        order = chain((followed,) if followed else (), first, self._by_client.values())
        chosen: list[bytes] = []
        size_bytes = 0
        for onlooker in islice(_unique(order), MAX_PEOPLE):
            encoded = onlooker.encoded.get(audience) or _encode(onlooker, audience)
            size_bytes += len(encoded)
            if size_bytes > self._max_bytes and chosen:
                break
            chosen.append(encoded)
        return frames.presence(chosen, len(self._by_client) - len(chosen))


def _unique(onlookers: Iterable[Onlooker]) -> Iterator[Onlooker]:
    seen: set[int] = set()
    for onlooker in onlookers:
        if onlooker.key not in seen:
            seen.add(onlooker.key)
            yield onlooker
