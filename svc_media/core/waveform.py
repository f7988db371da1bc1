"""The waveform of a sound as a compact file: how loud it is, looked at closely and from afar. Pure.

Little-endian. A header of 20 bytes: "RWV1"; then as 32-bit numbers the fine pairs a second, how many fine pairs there
are, how many of them one coarse pair stands for, how many coarse pairs there are. Then the coarse pairs, then the fine
ones. A pair is two bytes, the lowest and the highest value of all channels; 128 is silence, 0 and 255 are as loud as
can be. Fine pair n is of the time from n / rate on, counted from the first frame.

The coarse level comes first so that ten hours (72 KB of it) are seen with one request of the file's beginning.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from svc_media.core.error import MediaBroken

MAGIC: Final = b"RWV1"
CONTENT_TYPE: Final = "application/vnd.rushes.waveform"
RATE: Final = 100
"""Fine pairs a second."""
FACTOR: Final = 100
"""Fine pairs in a coarse one."""
SAMPLE_HZ: Final = 16_000
CHANNELS: Final = 2
SILENCE: Final = 128
_HEADER: Final = struct.Struct("<4sIIII")
_WINDOW_BYTES: Final = SAMPLE_HZ // RATE * CHANNELS


@dataclass(frozen=True, slots=True)
class Waveform:
    """Both levels, as bytes of pairs."""

    rate: int
    factor: int
    coarse: bytes
    fine: bytes

    def to_bytes(self) -> bytes:
        """As the file."""
        header = _HEADER.pack(MAGIC, self.rate, len(self.fine) // 2, self.factor, len(self.coarse) // 2)
        return header + self.coarse + self.fine

    @classmethod
    def from_bytes(cls, data: bytes) -> "Waveform":
        """What `to_bytes` wrote. Raises MediaBroken."""
        if len(data) < _HEADER.size:
            raise MediaBroken("The waveform is damaged: it ends within its header.")
        magic, rate, fine, factor, coarse = _HEADER.unpack_from(data)
        if magic != MAGIC or len(data) != _HEADER.size + 2 * (fine + coarse):
            raise MediaBroken("The waveform is damaged: its length is not what its header says.")
        begin = _HEADER.size + 2 * coarse
        return cls(rate, factor, data[_HEADER.size : begin], data[begin:])


def pairs(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The fine pairs of unsigned 8-bit samples, SAMPLE_HZ a second and CHANNELS side by side, in bytes as they come."""
    rest = b""
    for chunk in chunks:
        data = rest + chunk
        end = len(data) - len(data) % _WINDOW_BYTES
        for begin in range(0, end, _WINDOW_BYTES):
            window = data[begin : begin + _WINDOW_BYTES]
            yield bytes((min(window), max(window)))
        rest = data[end:]
    if rest:
        yield bytes((min(rest), max(rest)))


def waveform(fine: bytes, count: int) -> Waveform:
    """The file of fine pairs, exactly `count` of them: sound that ends early is silent from there on."""
    fine = fine[: 2 * count]
    fine += bytes((SILENCE,)) * (2 * count - len(fine))
    step = 2 * FACTOR
    coarse = bytearray()
    for begin in range(0, len(fine), step):
        coarse += bytes((min(fine[begin : begin + step : 2]), max(fine[begin + 1 : begin + step : 2])))
    return Waveform(RATE, FACTOR, bytes(coarse), fine)
