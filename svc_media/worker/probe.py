"""Reading the facts of a file: its header first, then the time of every frame, then one frame decoded."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rushes.timecode import InvalidTimecode, Timecode, parse_timecode
from svc_media.core.box import Layout, check_layout
from svc_media.core.color import color_of
from svc_media.core.container import HEAD_BYTES, MP4, Container, Kind, sniff
from svc_media.core.error import MediaBroken, MediaTooLong
from svc_media.core.facts import Sound, Timing, VideoFacts, timing
from svc_media.core.picture import PictureHeader, check_size, read_header
from svc_media.core.plan import DEFAULT_RATE, MAX_FRAMES, MAX_VIDEO_PIXELS
from svc_media.worker.media import OnProgress, is_decodable, open_media, picture_stream, pictures, reader
from svc_media.worker.sequence import sequence_facts
from svc_media.worker.sound import sound_facts

_PACKETS_TO_FIRST_FRAME = 600
_REPORT_PACKETS = 500
_NEVER_S = 1e9
_STILL_RATE = Fraction(24)
_ORIENTATIONS = {1: (0, False), 2: (0, True), 3: (180, False), 4: (180, True)}
_ORIENTATIONS |= {5: (270, True), 6: (90, False), 7: (90, True), 8: (270, False)}


@dataclass(slots=True)
class _Reading:
    """What the packets of a stream say, in ticks of the stream."""

    times: list[int] = field(default_factory=list)
    key_times: list[int] = field(default_factory=list)
    trimmed: int = 0
    untimed: int = 0
    last_time: int = 0
    last_duration: int = 0
    first_frame: VideoFrame | None = None
    first_key: bool = False


def probe(source: Path, on_progress: OnProgress, folder: Path, rate: Fraction = DEFAULT_RATE) -> VideoFacts:
    """The facts of a file; raises the errors of `svc_media.core.error`.

    `rate`: of sequences and sounds, which have none of their own. `folder`: where a picture may be taken out to.
    """
    size_bytes = source.stat().st_size
    with reader(source) as read:
        container = sniff(read(0, HEAD_BYTES), size_bytes)
        header = read_header(container, read)
        layout = check_layout(read, size_bytes) if container is MP4 else Layout(False, False)
    if container.kind is Kind.SEQUENCE:
        return sequence_facts(source, container, rate, folder, lambda first: probe(first, on_progress, folder))
    with open_media(source, container.demuxer) as media:
        if container.kind is Kind.SOUND or (container.kind is Kind.VIDEO and not pictures(media)):
            return sound_facts(media, container, rate)
        stream = picture_stream(media)
        if container.kind is Kind.VIDEO:
            check_size(stream.codec_context.width, stream.codec_context.height, MAX_VIDEO_PIXELS)
        reading = _read(media, stream, container, size_bytes, on_progress)
        return _facts(media, stream, container, header, layout, reading)


def _read(
    media: InputContainer, stream: VideoStream, container: Container, size_bytes: int, on_progress: OnProgress
) -> _Reading:
    """Reads every packet of the stream (of a still the first), and decodes until there is one frame."""
    reading = _Reading()
    stream.codec_context.thread_count = 1
    for number, packet in enumerate(media.demux(stream)):
        if reading.first_frame is None and number < _PACKETS_TO_FIRST_FRAME:
            reading.first_frame = next(_decoded(packet), None)
        if packet.size:
            _note(reading, packet)
        if container.kind is Kind.STILL and reading.first_frame is not None:
            break
        if len(reading.times) > MAX_FRAMES:
            raise MediaTooLong(f"The video is too long: it has more than {MAX_FRAMES:,} frames.")
        if number % _REPORT_PACKETS == 0 and packet.pos and packet.pos > 0:
            on_progress(min(1.0, packet.pos / size_bytes))
    if reading.first_frame is None or not (reading.times or reading.untimed):
        raise MediaBroken(f"The {container.name} file is damaged: not one frame of it can be decoded.")
    return reading


def _decoded(packet: "Packet[VideoStream]") -> Iterator[VideoFrame]:
    """The frames of a packet; a damaged one has none, since a stream may begin in the middle of something."""
    try:
        yield from packet.decode()
    except FFmpegError:
        return


def _note(reading: _Reading, packet: "Packet[VideoStream]") -> None:
    """Counts one packet, which holds one frame."""
    if packet.is_discard:
        reading.trimmed += 1
        return
    time = packet.pts if packet.pts is not None else packet.dts
    if time is None:
        reading.untimed += 1
        return
    if not reading.times:
        reading.first_key = packet.is_keyframe
    reading.times.append(time)
    if packet.is_keyframe:
        reading.key_times.append(time)
    if len(reading.times) == 1 or time >= reading.last_time:
        reading.last_time, reading.last_duration = time, packet.duration or 0


def _facts(
    media: InputContainer,
    stream: VideoStream,
    container: Container,
    header: PictureHeader | None,
    layout: Layout,
    reading: _Reading,
) -> VideoFacts:
    frame, context = reading.first_frame, stream.codec_context
    assert frame is not None  # _read raises otherwise
    still = container.kind is Kind.STILL or (container.demuxer == "gif" and len(reading.times) == 1)
    rotation, mirrored = _orientation(frame, header)
    aspect = _aspect(stream)
    width, height = _shown(frame, aspect, rotation)
    components = frame.format.components
    time_base = stream.time_base or Fraction(1, 1000)
    times = _frame_times(reading, frame)
    found = Timing(_STILL_RATE, (), True) if still else _timing(stream, times, time_base, reading)
    count = 1 if still else len(times) + reading.untimed
    return VideoFacts(
        kind=Kind.STILL if still else Kind.VIDEO,
        container=container.demuxer,
        brand=media.metadata.get("major_brand", "").strip(),
        stream=stream.index,
        codec=context.name,
        profile=context.profile or "",
        pixel_format=frame.format.name,
        bit_depth=max(component.bits for component in components),
        alpha=any(component.is_alpha for component in components),
        coded_width=frame.width,
        coded_height=frame.height,
        width=width,
        height=height,
        sample_aspect=aspect,
        rotation=rotation,
        mirrored=mirrored,
        interlaced=bool(frame.interlaced_frame) or context.field_order in (2, 3, 4, 5),
        rate=found.rate,
        frame_count=count,
        time_base=time_base,
        frame_ticks=found.frame_ticks,
        first_s=Fraction(0) if still or not times else times[0] * time_base,
        duration_us=_duration_us(found, times, time_base, reading, count),
        key_interval_s=_key_interval_s(reading, time_base),
        keyed_from_start=reading.first_key,
        trimmed_frames=reading.trimmed,
        front_index=layout.front_index and not layout.fragmented,
        timed=found.timed,
        start_timecode=None if still else _start_timecode(media, stream, found.rate),
        color=color_of(frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range),
        sounds=() if still else _sounds(media),
    )


def _frame_times(reading: _Reading, frame: VideoFrame) -> list[int]:
    """Sorted times from the first frame that can be decoded; those before it are never seen."""
    times = sorted(reading.times)
    if frame.pts is not None and frame.pts in reading.times:
        times = times[times.index(frame.pts) :]
    return times


def _timing(stream: VideoStream, times: list[int], time_base: Fraction, reading: _Reading) -> Timing:
    declared = [rate for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate) if rate]
    found = timing(times, time_base, declared)
    return Timing(found.rate, (), False) if reading.untimed else found


def _orientation(frame: VideoFrame, header: PictureHeader | None) -> tuple[int, bool]:
    """Degrees clockwise and whether mirrored. PyAV counts counter-clockwise; EXIF is read from the header."""
    if header is not None:
        return _ORIENTATIONS[header.orientation]
    return round(-frame.rotation / 90) * 90 % 360, False


def _aspect(stream: VideoStream) -> Fraction:
    """Width of a stored pixel to its height; nonsense counts as square."""
    aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
    return aspect if aspect and Fraction(1, 10) < aspect < 10 else Fraction(1)


def _shown(frame: VideoFrame, aspect: Fraction, rotation: int) -> tuple[int, int]:
    width, height = max(1, round(frame.width * aspect)), frame.height
    return (height, width) if rotation in (90, 270) else (width, height)


def _duration_us(found: Timing, times: list[int], time_base: Fraction, reading: _Reading, count: int) -> int:
    """From the start of the first frame to the end of the last."""
    if not found.frame_ticks:
        return round(count / found.rate * 1_000_000)
    last = reading.last_duration * time_base or times[-1] * time_base - times[-2] * time_base
    return round(((times[-1] - times[0]) * time_base + last) * 1_000_000)


def _key_interval_s(reading: _Reading, time_base: Fraction) -> float:
    if not reading.key_times:
        return _NEVER_S
    ends = sorted([*reading.key_times, reading.last_time])
    return float(max(b - a for a, b in pairwise(ends)) * time_base)


def _start_timecode(media: InputContainer, stream: VideoStream, rate: Fraction) -> Timecode | None:
    """The first timecode that the picture, the file or a track beside it carries, if it makes sense at this rate."""
    for metadata in (stream.metadata, media.metadata, *(other.metadata for other in media.streams)):
        text = metadata.get("timecode") or metadata.get("TIMECODE")
        if text:
            try:
                return parse_timecode(text, rate)
            except InvalidTimecode:
                continue
    return None


def _sounds(media: InputContainer) -> tuple[Sound, ...]:
    """The streams of sound that can be decoded."""
    return tuple(
        Sound(index, stream.codec_context.name, stream.codec_context.sample_rate, stream.codec_context.channels)
        for index, stream in enumerate(media.streams.audio)
        if is_decodable(stream)
    )
