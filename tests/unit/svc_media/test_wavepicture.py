"""The picture of a waveform."""

from svc_media.core.waveform import waveform
from svc_media.core.wavepicture import wave_picture


def columns(picture: bytes, width: int, height: int) -> list[bytes]:
    """The pixels of each column, from the top down."""
    head = b"P5 %d %d 255\n" % (width, height)
    assert picture.startswith(head)
    pixels = picture[len(head) :]
    assert len(pixels) == width * height
    return [pixels[x::width] for x in range(width)]


def test_what_is_loud_is_high_and_silence_is_a_line() -> None:
    wave = waveform(bytes((128, 128)) * 50 + bytes((0, 255)) * 50, 100)
    quiet, loud = columns(wave_picture(wave, 2, 40), 2, 40)
    assert len(set(quiet)) == 2
    assert quiet[20] != quiet[0]
    assert len(set(loud)) == 1


def test_a_sound_shorter_than_the_picture_is_wide_fills_it() -> None:
    assert len(columns(wave_picture(waveform(bytes((100, 150)), 1), 64, 32), 64, 32)) == 64
