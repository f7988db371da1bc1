"""Opening a media file with PyAV: one demuxer, files only, and its failures as errors that people understand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.error import DecoderNotFoundError, FFmpegError
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from svc_media.core.container import BY_DEMUXER
from svc_media.core.error import CodecUnsupported, MediaBroken, NoPicture
from svc_media.core.picture import ReadAt

OnProgress = Callable[[float], None]


@contextmanager
def open_media(source: Path, demuxer: str) -> Iterator[InputContainer]:
    """A file opened with that demuxer alone; errors of the libraries inside the block become MediaBroken."""
    name = BY_DEMUXER[demuxer].name
    try:
        with av.open(
            f"file:{source}",
            format=demuxer,
            options={"protocol_whitelist": "file"},
            metadata_errors="replace",
        ) as media:
            yield media
    except DecoderNotFoundError as error:
        raise CodecUnsupported(f"The picture in this {name} file is stored in a way that cannot be decoded.") from error
    except FFmpegError as error:
        raise MediaBroken(
            f"The file begins as {name}, but what follows is damaged or incomplete.", detail=str(error.strerror)
        ) from error


def picture_stream(media: InputContainer) -> VideoStream:
    """The stream of pictures that is reviewed: the largest, and no cover art; raises NoPicture, CodecUnsupported."""
    streams = pictures(media)
    decoded = [stream for stream in streams if is_decodable(stream)]
    if not streams:
        raise NoPicture("The file has no picture: there is nothing to see in it.")
    if not decoded:
        raise CodecUnsupported("The picture is stored in a way that cannot be decoded here.")
    return max(decoded, key=lambda stream: stream.codec_context.width * stream.codec_context.height)


def pictures(media: InputContainer) -> list[VideoStream]:
    """The streams of pictures, without cover art."""
    return [stream for stream in media.streams.video if not stream.disposition & Disposition.attached_pic]


def is_decodable(stream: Stream) -> bool:
    """Whether there is a decoder; PyAV leaves the context of a stream without one empty, though its types say no."""
    return getattr(stream, "codec_context", None) is not None


@contextmanager
def reader(source: Path) -> Iterator[ReadAt]:
    """Reads of a file at any place."""
    with source.open("rb") as file:

        def read(offset: int, size: int) -> bytes:
            file.seek(offset)
            return file.read(size)

        yield read
