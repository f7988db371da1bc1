"""The layers within one stream, as it arrives: what each packet's frame is, and what each decode target takes.

By the dependency descriptor where it is sent; of VP8 and VP9 without it, by the payload's.
"""

from typing import Final

from svc_sfu.core import dependency, payload_layers
from svc_sfu.core.codec import Codec, Numbers
from svc_sfu.core.dependency import Descriptor, DescriptorInvalid, Indication, Structure
from svc_sfu.core.numbering import Since

RATE_S: Final = 1.0
LESS: Final = 0.95
"""What takes hardly less than more pictures, or larger ones, is no step."""


class Layering:
    """See the module. `spatial` and `temporal` are the largest layers that are sent; None: it has none."""

    def __init__(self, codec: Codec) -> None:
        self._payloads = payload_layers.reader(codec)
        self.span = self._payloads.span if self._payloads is not None else dependency.FRAMES
        """Where frame numbers go round."""
        self._structure: Structure | None = None
        self._before: Structure | None = None
        """What frames of before the structure have."""
        self._active = 0
        self._structure_since, self._active_since = Since(), Since()
        self._bytes: dict[tuple[int, ...], int] = {}
        """What came lately, by what it is for each decode target."""
        self._since_s: float | None = None
        self._rates: list[float] = []

    def read(self, data: bytes | None, payload: bytes, marker: bool, numbers: Numbers) -> Descriptor | None:
        """What a packet's frame is, by its descriptor `data` or its payload; None: it does not say."""
        frame: Descriptor | None
        if data:
            try:
                late = self._structure_since.is_after(int.from_bytes(data[1:3], "big"), dependency.FRAMES)
                frame = dependency.parse(data, self._before if late else self._structure)
            except DescriptorInvalid:
                return None
            self.span, self._payloads = dependency.FRAMES, None
        else:
            frame = self._payloads.read(payload, marker, numbers) if self._payloads is not None else None
        if frame is None:
            return None
        self._keep(frame)
        return frame

    def _keep(self, frame: Descriptor) -> None:
        """What a frame says of those after it holds, unless a newer one said something else."""
        number = frame.number
        if self._structure_since.is_after(number, self.span):
            self._before = frame.structure
        elif frame.structure is not self._structure:
            if number != self._structure_since.number:  # its first packet may come twice
                self._before = self._structure
            self._structure = frame.structure
            self._structure_since.begin(number)
        if frame.active is not None and not self._active_since.is_after(number, self.span):
            self._active = frame.active
            self._active_since.begin(number)

    def begin_anew(self) -> None:
        """It did not come for a while: nothing is late."""
        self._structure_since.begin(None)
        self._active_since.begin(None)

    def count(self, frame: Descriptor, size_bytes: int, now_s: float) -> None:
        """A packet came."""
        targets = frame.template.targets
        self._bytes[targets] = self._bytes.get(targets, 0) + size_bytes
        if self._since_s is None:
            self._since_s = now_s
        elif now_s - self._since_s >= RATE_S:
            self._measure(now_s - self._since_s)
            self._since_s = now_s

    def _measure(self, passed_s: float) -> None:
        count = len(self._structure.layers) if self._structure is not None else 0
        rates = [0.0] * count
        for targets, size in self._bytes.items():
            for target, indication in enumerate(targets[:count]):
                if indication != Indication.NOT_PRESENT:
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
