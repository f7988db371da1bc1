"""The picture of a waveform: what a sound looks like while it is reviewed. Pure."""

from typing import Final

from svc_media.core.waveform import SILENCE, Waveform

_BACKGROUND: Final = 24
_MIDDLE: Final = 60
_WAVE: Final = 190


def wave_picture(wave: Waveform, width: int, height: int) -> bytes:
    """A grey picture (PGM) of the whole sound, from left to right."""
    count = len(wave.fine) // 2
    columns = []
    for x in range(width):
        begin = x * count // width
        end = max(begin + 1, (x + 1) * count // width)
        part = wave.fine[2 * begin : 2 * end]
        low, high = (min(part[::2]), max(part[1::2])) if part else (SILENCE, SILENCE)
        columns.append(_column(low, high, height))
    rows = b"".join(bytes(column[y] for column in columns) for y in range(height))
    return b"P5 %d %d 255\n" % (width, height) + rows


def _column(low: int, high: int, height: int) -> bytes:
    """One column from the top down; silence is a thin line in the middle."""
    top, bottom = (255 - high) * height // 256, (255 - low) * height // 256
    column = bytearray(bytes([_BACKGROUND]) * height)
    column[height // 2] = _MIDDLE
    if high > SILENCE + 1 or low < SILENCE - 1:
        column[top : bottom + 1] = bytes([_WAVE]) * (bottom + 1 - top)
    return bytes(column[:height])
