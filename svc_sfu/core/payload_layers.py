"""What the payload descriptors of VP8 (RFC 7741) and VP9 (RFC 9628) say of a frame's layers, as dependency descriptors.

They say less: where they do not tell what a frame needs, it is the newest of each layer that it may need.
"""

from functools import cache, lru_cache
from typing import Final, Protocol

from svc_sfu.core.codec import PICTURES, Codec, Numbers
from svc_sfu.core.dependency import Descriptor, Indication, Structure, Template
from svc_sfu.core.rtp import newer

_TEMPORAL: Final = 3
_SPATIAL: Final = 8
"""Frames of one picture of VP9 that are told apart."""
_NEAR: Final = 256
_MAX_DIFFS: Final = 3


class Reader(Protocol):
    """Reads packets of one stream, in the order in which they come. `span`: frame numbers go round there."""

    span: int

    def read(self, payload: bytes, marker: bool, numbers: Numbers) -> Descriptor | None:
        """What a packet's frame is; None: it does not say."""


def reader(codec: Codec) -> Reader | None:
    """That of a codec; None: its payload does not tell of layers."""
    if codec is Codec.VP8:
        return _Vp8()
    return _Vp9() if codec is Codec.VP9 else None


@cache
def structure(spatial: int, temporal: int) -> Structure:
    """Of a stream whose largest layers are these; its decode targets have all that is smaller with them."""
    layers = tuple((s, t) for s in range(spatial + 1) for t in range(temporal + 1))
    return Structure(0, (), layers, 0, (), keyed=False)


@lru_cache(maxsize=1_024)
def _vp8_template(temporal: int, key: bool, needs: tuple[int, ...]) -> Template:
    return Template(0, temporal, _targets(structure(0, _TEMPORAL - 1), 0, temporal, key, opens=True), needs)


@cache
def _targets(of: Structure, spatial: int, temporal: int, key: bool, opens: bool) -> tuple[int, ...]:
    found = []
    for largest, most in of.layers:
        if spatial > largest or temporal > most:
            found.append(Indication.NOT_PRESENT)
        else:
            begins = key or (spatial == largest and opens)
            found.append(Indication.SWITCH if begins else Indication.REQUIRED)
    return tuple(found)


class _Vp8:
    """Each frame is taken to need the newest of every layer up to its own, unless it says that it does not."""

    span = PICTURES

    def __init__(self) -> None:
        self._last: list[int | None] = [None] * _TEMPORAL
        """The newest picture of each temporal layer."""
        self._began = False
        self._structure = structure(0, _TEMPORAL - 1)

    def read(self, payload: bytes, marker: bool, numbers: Numbers) -> Descriptor | None:
        if numbers.picture_at < 0 or numbers.tl0_at < 0 or not payload[1] & 0x20 or len(payload) <= numbers.tl0_at + 1:
            return None
        told, number = payload[numbers.tl0_at + 1], numbers.picture
        temporal, alone = min(told >> 6, _TEMPORAL - 1), bool(told & 0x20)
        first = bool(payload[0] & 0x10) and not payload[0] & 0x07
        key = first and temporal == 0 and len(payload) > numbers.tl0_at + 2 and not payload[numbers.tl0_at + 2] & 1
        needs: tuple[int, ...] = ()
        if temporal and not alone:
            ago = [(number - each) % PICTURES for each in self._last[1 : temporal + 1] if each is not None]
            needs = tuple(each for each in ago if 0 < each < _NEAR)
        last = self._last[temporal]
        if first and (last is None or newer(number, last, PICTURES)):
            self._last[temporal] = number
        if key:
            self._last = [number] * _TEMPORAL
        known = self._structure
        template = _vp8_template(temporal, key, needs)
        active = (1 << _TEMPORAL) - 1 if key or not self._began else None
        self._began = True
        return Descriptor(first, marker, number, template, known, key, active)


class _Vp9:
    """Smaller sizes are all taken to be needed by larger ones: whether they are, the larger one says too late."""

    span = _SPATIAL * PICTURES

    def __init__(self) -> None:
        self._most = (0, 0)
        self._told = (-1, -1)
        self._last: dict[tuple[int, int], int] = {}
        """The newest frame of each spatial and temporal layer."""

    def read(self, payload: bytes, marker: bool, numbers: Numbers) -> Descriptor | None:
        at = numbers.picture_at + 2
        if numbers.picture_at < 0 or not payload[0] & 0x20 or len(payload) <= at:
            return None
        flags, layer = payload[0], payload[at]
        temporal, opens, spatial, between = layer >> 5, bool(layer & 0x10), layer >> 1 & 7, bool(layer & 1)
        key = not flags & 0x40 and spatial == 0
        number = numbers.picture * _SPATIAL + spatial
        needs: tuple[int, ...] = (1,) if between and spatial else ()
        if flags & 0x40:
            needs += self._flexible(payload, at + 1) if flags & 0x10 else self._before(number, spatial, temporal)
        if flags & 0x08:
            self._last[spatial, temporal] = number
        self._most = (max(self._most[0], spatial), max(self._most[1], temporal))
        known = structure(*self._most)
        targets = _targets(known, spatial, temporal, key, opens or temporal == 0)
        active = (1 << len(known.layers)) - 1 if key or self._told != self._most else None
        self._told = self._most
        template = Template(spatial, temporal, targets, needs)
        return Descriptor(bool(flags & 0x08), bool(flags & 0x04), number, template, known, key, active)

    @staticmethod
    def _flexible(payload: bytes, at: int) -> tuple[int, ...]:
        found: list[int] = []
        while at < len(payload) and len(found) < _MAX_DIFFS:
            found.append((payload[at] >> 1) * _SPATIAL)
            if not payload[at] & 1:
                break
            at += 1
        return tuple(each for each in found if each)

    def _before(self, number: int, spatial: int, temporal: int) -> tuple[int, ...]:
        lasts = (self._last.get((spatial, each)) for each in range(temporal + 1))
        ago = ((number - each) % self.span for each in lasts if each is not None)
        return tuple(each for each in ago if 0 < each < _NEAR * _SPATIAL)
