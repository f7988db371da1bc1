"""Small pictures out of a review file: the poster, and the filmstrip under the timeline."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Final, Self

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from svc_media.core.container import Kind
from svc_media.core.error import MediaBroken
from svc_media.core.facts import VideoFacts
from svc_media.core.plan import even_down, fit, plan_filmstrip
from svc_media.worker.media import OnProgress, open_media
from svc_media.worker.request import Result

POSTER_SIDE: Final = 640
STILL_SIDE: Final = 960
_DARK: Final = 24
"""Mean brightness below which a frame says little about a video."""
_DECODE_ALL: Final = 3000
"""Up to so many frames each tile shows exactly its frame; of longer videos the key frame before it."""
_PLACES: Final = (Fraction(1, 10), Fraction(1, 3), Fraction(1, 2))


def make_poster(source: Path, output: Path, facts: VideoFacts, folder: Path) -> Result:
    """A JPEG of a frame that is not dark, if there is one among three."""
    width, height = fit(facts.width, facts.height, POSTER_SIDE, even=True)
    with open_media(source, facts.container) as media:
        stream = _stream(media, facts)
        best: VideoFrame | None = None
        most = -1
        for place in (Fraction(0),) if facts.kind is Kind.STILL else _PLACES:
            frame = _frame_near(media, stream, facts, int(place * facts.frame_count))
            small = _jpeg_picture(frame, width, height) if frame is not None else None
            brightness = _brightness(small) if small is not None else -1
            if brightness > most:
                best, most = small, brightness
            if most >= _DARK:
                break
        if best is None:
            raise MediaBroken("No poster can be made: not one frame can be decoded.")
        return _written(_encode(best, 4), output, folder, facts, width, height)


def make_filmstrip(source: Path, output: Path, facts: VideoFacts, folder: Path, on_progress: OnProgress) -> Result:
    """A JPEG of many small stills, evenly spread over the video."""
    strip = plan_filmstrip(facts.width, facts.height, facts.frame_count)
    targets = [strip.frame_of(tile, facts.frame_count) for tile in range(strip.tiles)]
    sheet = VideoFrame(strip.columns * strip.tile_width, strip.rows * strip.tile_height, "yuvj420p")
    for plane, value in zip(sheet.planes, (0, 128, 128), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    canvas = [bytearray(plane) for plane in sheet.planes]
    strides = [plane.line_size for plane in sheet.planes]
    with open_media(source, facts.container) as media:
        for tile, frame in enumerate(_frames(media, _stream(media, facts), facts, targets)):
            small = _jpeg_picture(frame, strip.tile_width, strip.tile_height)
            row, column = divmod(tile, strip.columns)
            _paste(small, canvas, strides, column * strip.tile_width, row * strip.tile_height)
            on_progress((tile + 1) / strip.tiles)
    for plane, content in zip(sheet.planes, canvas, strict=True):
        plane.update(bytes(content))
    done = _written(_encode(sheet, 5), output, folder, facts, sheet.width, sheet.height)
    return Result(facts, None, done.content_type, done.size_bytes, done.width, done.height, strip)


class Stills:
    """Frames of a review file one by one, as JPEG, exactly those that are asked for."""

    def __init__(self, source: Path, facts: VideoFacts) -> None:
        self._facts = facts
        self._opened = ExitStack()
        self._media = self._opened.enter_context(open_media(source, facts.container))
        self._picture = _stream(self._media, facts)
        self._size = fit(facts.width, facts.height, STILL_SIDE, even=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.close()

    def jpeg(self, index: int) -> bytes | None:
        """A frame; None if it cannot be decoded."""
        frame = _frame_near(self._media, self._picture, self._facts, min(index, self._facts.frame_count - 1))
        return _encode(_jpeg_picture(frame, *self._size), 4) if frame is not None else None


def _stream(media: InputContainer, facts: VideoFacts) -> VideoStream:
    stream = media.streams[facts.stream]
    if not isinstance(stream, VideoStream):
        raise MediaBroken("The file is not the one that its facts describe.")
    stream.thread_type = "AUTO"
    return stream


def _frames(media: InputContainer, stream: VideoStream, facts: VideoFacts, targets: list[int]) -> Iterator[VideoFrame]:
    """A frame for each target, in order; the last decoded one stands in for what cannot be decoded."""
    if facts.frame_count > _DECODE_ALL:
        last = None
        for target in targets:
            last = _frame_near(media, stream, facts, target, exact=False) or last
            if last is not None:
                yield last
        return
    wanted = set(targets)
    yield from (frame for index, frame in enumerate(_decoded(media, stream)) if index in wanted)


def _frame_near(
    media: InputContainer, stream: VideoStream, facts: VideoFacts, index: int, *, exact: bool = True
) -> VideoFrame | None:
    """The frame, or (not exact) the key frame at or before it; None if nothing can be decoded there."""
    if facts.kind is Kind.STILL:
        return next(_decoded(media, stream), None)
    time_base = stream.time_base or Fraction(1, 1000)
    target = round((facts.first_s + facts.middle_of(index)) / time_base)
    media.seek(target, stream=stream, backward=True)
    best = None
    for frame in _decoded(media, stream):
        if best is not None and frame.pts is not None and frame.pts > target:
            break
        best = frame
        if not exact:
            break
    return best


def _decoded(media: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Decoded frames from where the file stands; damaged packets have none."""
    for packet in media.demux(stream):
        try:
            frames = packet.decode()
        except FFmpegError:
            continue
        yield from frames


def _jpeg_picture(frame: VideoFrame, width: int, height: int) -> VideoFrame:
    """A frame at a size, in the colours of JPEG."""
    return frame.reformat(
        width, height, "yuvj420p", dst_colorspace="ITU601", interpolation="AREA", dst_color_range="JPEG"
    )


def _brightness(frame: VideoFrame) -> int:
    luma = bytes(frame.planes[0])
    return sum(luma) // len(luma)


def _paste(small: VideoFrame, canvas: list[bytearray], strides: list[int], left: int, top: int) -> None:
    """Copies a small picture into the sheet, plane by plane, row by row."""
    for number, plane in enumerate(small.planes):
        shift = 1 if number else 0
        source, stride, target = bytes(plane), plane.line_size, strides[number]
        width = small.width >> shift
        for row in range(small.height >> shift):
            start = ((top >> shift) + row) * target + (left >> shift)
            canvas[number][start : start + width] = source[row * stride : row * stride + width]


def _encode(frame: VideoFrame, quantizer: int) -> bytes:
    """A JPEG; a lower quantizer (2-31) is a better picture."""
    context = av.CodecContext.create("mjpeg", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = even_down(frame.width), even_down(frame.height), "yuvj420p"
    context.time_base = Fraction(1, 25)
    context.qmin = context.qmax = quantizer
    frame.pts, frame.time_base = 0, Fraction(1, 25)
    packets = [*context.encode(frame), *context.encode(None)]
    return b"".join(bytes(packet) for packet in packets)


def _written(content: bytes, output: Path, folder: Path, facts: VideoFacts, width: int, height: int) -> Result:
    made = folder / "picture.jpg"
    made.write_bytes(content)
    os.replace(made, output)
    return Result(facts, None, "image/jpeg", len(content), width, height)
