"""The dependency descriptor: which frames of a stream a frame needs, and for which of its layers it is needed.

An RTP header extension (AV1's RTP specification, appendix A) that encoders of AV1 and VP9 send. A keyframe has the
structure: templates, one of which each later frame names, so that most descriptors are three bytes.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from rushes.errors import InvalidArgument

FRAMES: Final = 1 << 16
"""Frame numbers go round here."""
MANDATORY_BYTES: Final = 3
MAX_BYTES: Final = 255
_TEMPLATES: Final = 64
_NEXT_TEMPORAL, _NEXT_SPATIAL, _NO_MORE = 1, 2, 3


class DescriptorInvalid(InvalidArgument):
    """A dependency descriptor that is cut, or names what its structure has not."""

    reason = "INVALID_DEPENDENCY_DESCRIPTOR"


class Indication(IntEnum):
    """What a frame is for a decode target."""

    NOT_PRESENT = 0
    DISCARDABLE = 1
    """Nothing else of it needs the frame."""
    SWITCH = 2
    """Whoever has this frame can decode all of it that follows."""
    REQUIRED = 3


@dataclass(frozen=True, slots=True)
class Template:
    """What frames have in common."""

    spatial: int
    temporal: int
    targets: tuple[int, ...]
    """Of each decode target, the Indication."""
    needs: tuple[int, ...]
    """So many frames before it those are that it is predicted from."""


@dataclass(frozen=True, slots=True)
class Structure:
    """Templates and decode targets of a stream."""

    offset: int
    """Number of the first template."""
    templates: tuple[Template, ...]
    layers: tuple[tuple[int, int], ...]
    """Of each decode target, its largest spatial and temporal layer."""
    chains: int
    sizes: tuple[tuple[int, int], ...]
    """Width and height of each spatial layer; empty: it does not say."""
    keyed: bool
    """Larger pictures need smaller ones at keyframes alone: in between only one size is sent."""

    def fitting(self, spatial: int, temporal: int, active: int) -> int:
        """The largest decode target that is active and of no larger layers than these; or else the smallest."""
        known = [(layer, target) for target, layer in enumerate(self.layers) if active >> target & 1]
        fit = [each for each in known if each[0][0] <= spatial and each[0][1] <= temporal]
        return max(fit)[1] if fit else min(known, default=((0, 0), 0))[1]


@dataclass(slots=True)
class Descriptor:
    """What a packet says of its frame; never changed. (Frozen ones take several times as long to be made.)"""

    first: bool
    """The frame begins with this packet."""
    last: bool
    number: int
    template: Template
    structure: Structure
    begins: bool
    """The structure comes with it: it is of a keyframe."""
    active: int | None
    """A bit for each decode target that is sent, the first the lowest; None: as before."""
    data: bytes = b""
    """As it was received; empty: it was made of something else."""


class _Bits:
    """Bits, the highest first. Raises DescriptorInvalid past the end."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise DescriptorInvalid("a dependency descriptor is cut")
        return self._number >> self._left & (1 << count) - 1

    def below(self, most: int) -> int:
        """A number less than `most`, which takes a bit less where it is small (AV1's ns(n))."""
        width = most.bit_length()
        short = (1 << width) - most
        value = self.take(width - 1)
        return value if value < short else (value << 1) - short + self.take(1)


def parse(data: bytes, structure: Structure | None) -> Descriptor:
    """Reads a descriptor with the structure that came last. Raises DescriptorInvalid."""
    if not MANDATORY_BYTES <= len(data) <= MAX_BYTES:
        raise DescriptorInvalid("a dependency descriptor has 3 to 255 bytes")
    first, last, template = bool(data[0] & 0x80), bool(data[0] & 0x40), data[0] & 0x3F
    number = data[1] << 8 | data[2]
    if len(data) == MANDATORY_BYTES:
        known, plain = _template(structure, template)
        return Descriptor(first, last, number, plain, known, begins=False, active=None, data=data)
    bits = _Bits(data[MANDATORY_BYTES:])
    begins, told, targets, needs, chains = (bool(bits.take(1)) for _ in range(5))
    active: int | None = None
    if begins:
        structure = _structure(bits)
        active = (1 << len(structure.layers)) - 1
    known, plain = _template(structure, template)
    if told:
        active = _active(bits, len(known.layers))
    own = plain.targets
    if targets:
        own = tuple(bits.take(2) for _ in known.layers)
    diffs = _frame_needs(bits) if needs else plain.needs
    if chains:
        bits.take(8 * known.chains)
    if targets or needs:
        plain = Template(plain.spatial, plain.temporal, own, diffs)
    return Descriptor(first, last, number, plain, known, begins, active, data)


def _template(structure: Structure | None, number: int) -> tuple[Structure, Template]:
    if structure is None:
        raise DescriptorInvalid("no structure came yet")
    index = (number - structure.offset) % _TEMPLATES
    if index >= len(structure.templates):
        raise DescriptorInvalid("a dependency descriptor names a template that is not there")
    return structure, structure.templates[index]


def _active(bits: _Bits, count: int) -> int:
    return bits.take(count)


def _frame_needs(bits: _Bits) -> tuple[int, ...]:
    found: list[int] = []
    while size := bits.take(2):
        found.append(bits.take(4 * size) + 1)
    return tuple(found)


def _structure(bits: _Bits) -> Structure:
    offset, count = bits.take(6), bits.take(5) + 1
    places = _places(bits)
    targets = [tuple(bits.take(2) for _ in range(count)) for _ in places]
    needs = [_template_needs(bits) for _ in places]
    chains = bits.below(count + 1)
    if chains:
        for _ in range(count):
            bits.below(chains)
        bits.take(4 * chains * len(places))
    sizes: list[tuple[int, int]] = []
    if bits.take(1):
        sizes = [(bits.take(16) + 1, bits.take(16) + 1) for _ in range(places[-1][0] + 1)]
    templates = tuple(
        Template(spatial, temporal, own, diffs)
        for (spatial, temporal), own, diffs in zip(places, targets, needs, strict=True)
    )
    layers = tuple(_layer(templates, target) for target in range(count))
    return Structure(offset, templates, layers, chains, tuple(sizes), _keyed(templates, layers))


def _places(bits: _Bits) -> list[tuple[int, int]]:
    """The spatial and temporal layer of each template."""
    spatial = temporal = 0
    found = [(0, 0)]
    while (step := bits.take(2)) != _NO_MORE:
        if step == _NEXT_TEMPORAL:
            temporal += 1
        elif step == _NEXT_SPATIAL:
            spatial, temporal = spatial + 1, 0
        if len(found) >= _TEMPLATES or spatial > 3 or temporal > 7:
            raise DescriptorInvalid("a dependency descriptor has too many templates or layers")
        found.append((spatial, temporal))
    return found


def _template_needs(bits: _Bits) -> tuple[int, ...]:
    found: list[int] = []
    while bits.take(1):
        found.append(bits.take(4) + 1)
    return tuple(found)


def _layer(templates: tuple[Template, ...], target: int) -> tuple[int, int]:
    of = [each for each in templates if each.targets[target] != Indication.NOT_PRESENT]
    return max((each.spatial for each in of), default=0), max((each.temporal for each in of), default=0)


def _keyed(templates: tuple[Template, ...], layers: tuple[tuple[int, int], ...]) -> bool:
    for target, (spatial, temporal) in enumerate(layers):
        for each in templates:
            smaller = each.needs and each.spatial < spatial and each.temporal <= temporal
            if smaller and each.targets[target] == Indication.NOT_PRESENT:
                return True
    return False


def renumbered(data: bytes, number: int) -> bytes:
    """A descriptor with another frame number."""
    return data[:1] + number.to_bytes(2, "big") + data[3:]
