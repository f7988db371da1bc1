"""The layers within one stream, as it arrives: what each packet's frame is, and what each decode target takes.

By the dependency descriptor where it is sent; of VP8 without it, by its payload descriptor (RFC 7741).
"""

from typing import Final

from svc_sfu.core import dependency
from svc_sfu.core.codec import PICTURES, Codec, Numbers
from svc_sfu.core.dependency import Descriptor, DescriptorInvalid, Indication, Structure, Template
from svc_sfu.core.rtp import newer

RATE_S: Final = 1.0
LESS: Final = 0.95
"""What takes hardly less than more pictures, or larger ones, is no step."""
_NONE, _SWITCH = Indication.NOT_PRESENT, Indication.SWITCH
_TEMPORAL: Final = 3
_TARGETS: Final = tuple(tuple(_SWITCH if own <= target else _NONE for target in range(_TEMPORAL)) for own in range(3))
_PLAIN: Final = tuple(Template(0, own, _TARGETS[own], ()) for own in range(_TEMPORAL))
VP8_STRUCTURE: Final = Structure(0, _PLAIN, tuple((0, own) for own in range(_TEMPORAL)), 0, (), keyed=False)
"""Up to three temporal layers."""


class Layering:
    """See the module. `spatial` and `temporal` are the largest layers that are sent; None: it has none."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._structure: Structure | None = None
        self._active = 0
        self._last: list[int | None] = [None] * _TEMPORAL
        """Of VP8, the newest picture of each temporal layer."""
        self._bytes: dict[tuple[int, ...], int] = {}
        """What came lately, by what it is for each decode target."""
        self._since_s: float | None = None
        self._rates: list[float] = []

    @property
    def span(self) -> int:
        """Where frame numbers go round."""
        return PICTURES if self._codec is Codec.VP8 else dependency.FRAMES

    def read(self, data: bytes | None, payload: bytes, marker: bool, numbers: Numbers) -> Descriptor | None:
        """What a packet's frame is, by its descriptor `data` or its payload; None: it does not say."""
        if data:
            try:
                frame = dependency.parse(data, self._structure)
            except DescriptorInvalid:
                return None
        elif self._codec is Codec.VP8:
            found = self._vp8(payload, marker, numbers)
            if found is None:
                return None
            frame = found
        else:
            return None
        self._structure = frame.structure
        if frame.active is not None:
            self._active = frame.active
        return frame

    def _vp8(self, payload: bytes, marker: bool, numbers: Numbers) -> Descriptor | None:
        """Each frame is taken to need the newest of every layer up to its own, unless it says that it does not."""
        if numbers.picture_at < 0 or numbers.tl0_at < 0 or not payload[1] & 0x20 or len(payload) <= numbers.tl0_at + 1:
            return None
        told, number = payload[numbers.tl0_at + 1], numbers.picture
        temporal, alone = min(told >> 6, _TEMPORAL - 1), bool(told & 0x20)
        first = bool(payload[0] & 0x10) and not payload[0] & 0x07
        key = first and temporal == 0 and len(payload) > numbers.tl0_at + 2 and not payload[numbers.tl0_at + 2] & 1
        template = _PLAIN[temporal]
        if temporal and not alone:
            needs = [(number - each) % PICTURES for each in self._last[1 : temporal + 1] if each is not None]
            near = tuple(each for each in needs if 0 < each < 256)
            template = Template(0, temporal, template.targets, near)
        last = self._last[temporal]
        if first and (last is None or newer(number, last, PICTURES)):
            self._last[temporal] = number
        if key:
            self._last = [number] * _TEMPORAL
        active = (1 << _TEMPORAL) - 1 if key or self._structure is None else None
        return Descriptor(first, marker, number, template, VP8_STRUCTURE, key, active)

    def count(self, frame: Descriptor, size_bytes: int, now_s: float) -> None:
        """A packet came."""
        targets = frame.template.targets
        self._bytes[targets] = self._bytes.get(targets, 0) + size_bytes
        if self._since_s is None:
            self._since_s = now_s
        elif now_s - self._since_s >= RATE_S:
            self._measure(frame.structure, now_s - self._since_s)
            self._since_s = now_s

    def _measure(self, structure: Structure, passed_s: float) -> None:
        count = len(structure.layers)
        rates = [0.0] * count
        for targets, size in self._bytes.items():
            for target, indication in enumerate(targets[:count]):
                if indication != _NONE:
                    rates[target] += 8 * size / passed_s
        self._bytes.clear()
        if len(self._rates) == count:
            rates = [0.5 * (old + new) for old, new in zip(self._rates, rates, strict=True)]
        self._rates = rates

    def ladder(self, smaller: int) -> list[tuple[tuple[int, int], float]]:
        """What a receiver can be sent, the most first: largest layers, spatial and temporal, and bits a second.

        `smaller` sizes less than the largest. Sizes go down before there are fewer pictures. Empty: it has no layers,
        or they were not measured yet.
        """
        structure = self._structure
        if structure is None or len(self._rates) != len(structure.layers):
            return []
        active = {layer: rate for layer, rate in self._sent(structure) if rate > 0}
        if len(active) < 2:
            return []
        sizes = sorted({spatial for spatial, _ in active})
        sizes = sizes[: max(1, len(sizes) - smaller)]
        most = [max(layer for layer in active if layer[0] == size) for size in reversed(sizes)]
        fewer = sorted((layer for layer in active if layer[0] == sizes[0] and layer < most[-1]), reverse=True)
        steps = [(layer, active[layer]) for layer in (*most, *fewer)]
        return [step for at, step in enumerate(steps) if at == 0 or step[1] < LESS * steps[at - 1][1]]

    @property
    def sizes(self) -> int:
        """Sizes that pictures come in."""
        return 1 + max((spatial for spatial, _ in self._structure.layers), default=0) if self._structure else 1

    def _sent(self, structure: Structure) -> list[tuple[tuple[int, int], float]]:
        found = enumerate(zip(structure.layers, self._rates, strict=True))
        return [each for target, each in found if self._active >> target & 1]
