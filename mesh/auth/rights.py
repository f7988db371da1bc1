"""What is known of rights, and for how long it is believed. Does no I/O; time comes in as a function."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from mesh.auth.caller import Caller
from rushes.type.v1 import access_pb2
from rushes.type.v1.access_pb2 import Resource

QUIET_S: Final = 3.0
"""Without a heartbeat for so long nothing new is kept."""

BELIEVED_S: Final = 30.0
"""For so much longer what is kept is believed; then nothing is known."""

MAX_PEOPLE: Final = 20_000
MAX_EACH: Final = 2_000
ENDED_S: Final = 900.0
"""Ended sessions are remembered for so long: longer than any token lasts."""

_Key = tuple[str, str, int, str]
"""Tenant, session, kind and id."""


class Rights:
    """Masks by person and resource, dropped as soon as a change names them."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._heard_s = float("-inf")
        self._masks: dict[str, dict[_Key, int]] = {}
        self._names: dict[str, str] = {}
        self._ended: dict[str, float] = {}
        self.generation = 0
        """Counts changes: what was asked for before one may be wrong after it."""

    @property
    def fresh(self) -> bool:
        """A heartbeat came not long ago."""
        return self._now_s() - self._heard_s <= QUIET_S

    @property
    def lost(self) -> bool:
        """No heartbeat for so long that nothing is believed."""
        return self._now_s() - self._heard_s > QUIET_S + BELIEVED_S

    @property
    def version(self) -> int:
        """While it stays the same and is not negative, what is known and believed still is, and who has not ended."""
        return -1 if self.lost else self.generation

    def get(self, caller: Caller, resource: Resource) -> int | None:
        """The mask, if it is known and believed."""
        masks = self._masks.get(caller.person_id)
        if masks is None or self.lost:
            return None
        return masks.get((caller.tenant_id, caller.session_id, resource.kind, resource.id))

    def put(self, caller: Caller, resource: Resource, mask: int, generation: int) -> None:
        """Keeps a mask that was asked for when `generation` was the present one, if it surely still holds."""
        if generation != self.generation or not self.fresh:
            return
        masks = self._masks.get(caller.person_id)
        if masks is None:
            if len(self._masks) >= MAX_PEOPLE:
                del self._masks[next(iter(self._masks))]
            masks = self._masks[caller.person_id] = {}
        elif len(masks) >= MAX_EACH:
            del masks[next(iter(masks))]
        masks[caller.tenant_id, caller.session_id, resource.kind, resource.id] = mask

    def name(self, person_id: str) -> str | None:
        """A person's name, if it is known."""
        return self._names.get(person_id)

    def put_name(self, person_id: str, name: str) -> None:
        """Keeps a name."""
        if person_id not in self._names and len(self._names) >= MAX_PEOPLE:
            del self._names[next(iter(self._names))]
        self._names[person_id] = name

    def ended(self, session_id: str) -> bool:
        """Whether the session is known to have ended."""
        return session_id in self._ended

    def heard(
        self,
        *,
        people: Iterable[str] = (),
        resources: Sequence[Resource] = (),
        sessions: Iterable[str] = (),
        everything: bool = False,
    ) -> bool:
        """A heartbeat, with what changed. Gives whether anything did."""
        now_s = self._heard_s = self._now_s()
        known = len(self._ended)
        for session_id in sessions:
            self._ended.pop(session_id, None)
            self._ended[session_id] = now_s
        changed = len(self._ended) > known
        while self._ended and self._ended[oldest := next(iter(self._ended))] < now_s - ENDED_S:
            del self._ended[oldest]
        if everything:
            self._masks.clear()
            self._names.clear()
            changed = True
        for person_id in people:
            self._masks.pop(person_id, None)
            self._names.pop(person_id, None)
            changed = True
        if resources:
            self._drop(resources)
            changed = True
        self.generation += changed
        return changed

    def _drop(self, resources: Sequence[Resource]) -> None:
        named = {(one.kind, one.id) for one in resources}
        kinds = {kind for kind, _ in named}
        # What is inside a project or an asset is not known here, so everything that might be is dropped.
        if kinds & {access_pb2.RESOURCE_KIND_PROJECT, access_pb2.RESOURCE_KIND_TENANT}:
            self._masks.clear()
            return
        videos_too = access_pb2.RESOURCE_KIND_ASSET in kinds
        for masks in self._masks.values():
            gone = [
                key
                for key in masks
                if (key[2], key[3]) in named or (videos_too and key[2] == access_pb2.RESOURCE_KIND_VIDEO)
            ]
            for key in gone:
                del masks[key]
