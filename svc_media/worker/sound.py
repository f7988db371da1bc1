"""Sounds: how long they are, and a review file with exact frames over a picture of the waveform."""

from fractions import Fraction
from math import ceil
from pathlib import Path

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError

from svc_media.core import command
from svc_media.core.container import Container, Kind
from svc_media.core.error import CodecUnsupported, MediaBroken, MediaTooLong, NoPicture
from svc_media.core.facts import Color, Sound, VideoFacts
from svc_media.core.plan import MAX_FRAMES, SOUND_SIZE, ReviewPlan
from svc_media.core.wavepicture import wave_picture
from svc_media.worker.media import is_decodable
from svc_media.worker.waveform import read_waveform


def sound_facts(media: InputContainer, container: Container, rate: Fraction) -> VideoFacts:
    """The facts of a file with sound alone, on a grid of frames. Raises NoPicture when it has not even that."""
    stream = _stream(media)
    duration_s = _duration_s(media, stream, container)
    count = max(1, ceil(duration_s * rate))
    if count > MAX_FRAMES:
        raise MediaTooLong(f"The sound is too long: it has more than {MAX_FRAMES:,} frames.")
    context = stream.codec_context
    width, height = SOUND_SIZE
    return VideoFacts(
        kind=Kind.SOUND,
        container=container.demuxer,
        brand=media.metadata.get("major_brand", "").strip(),
        stream=stream.index,
        codec=context.name,
        profile=context.profile or "",
        pixel_format="",
        bit_depth=8,
        alpha=False,
        coded_width=width,
        coded_height=height,
        width=width,
        height=height,
        sample_aspect=Fraction(1),
        rotation=0,
        mirrored=False,
        interlaced=False,
        rate=rate,
        frame_count=count,
        time_base=1 / rate,
        frame_ticks=(),
        first_s=Fraction(0),
        duration_us=round(count / rate * 1_000_000),
        key_interval_s=0.0,
        keyed_from_start=True,
        trimmed_frames=0,
        front_index=False,
        timed=False,
        start_timecode=None,
        color=Color(),
        sounds=(Sound(0, context.name, context.sample_rate, context.channels),),
    )


def _stream(media: InputContainer) -> AudioStream:
    if not media.streams.audio:
        raise NoPicture("The file has neither picture nor sound: there is nothing to review in it.")
    stream = media.streams.audio[0]
    if not is_decodable(stream):
        raise CodecUnsupported("The sound is stored in a way that cannot be decoded here.")
    return stream


def _duration_s(media: InputContainer, stream: AudioStream, container: Container) -> Fraction:
    """From the first sample to the last. Raises MediaBroken when nothing can be decoded."""
    first: int | None = None
    end = 0
    decoded = False
    for packet in media.demux(stream):
        if not decoded:
            try:
                decoded = bool(packet.decode())
            except FFmpegError:
                decoded = False
        time = packet.pts if packet.pts is not None else packet.dts
        if time is not None and packet.size:
            first = time if first is None else min(first, time)
            end = max(end, time + (packet.duration or 0))
    if not decoded or first is None:
        raise MediaBroken(f"The {container.name} file is damaged: no sound of it can be decoded.")
    return (end - first) * (stream.time_base or Fraction(1, 1000))


def make_sound_review(source: Path, made: Path, facts: VideoFacts, plan: ReviewPlan, folder: Path) -> list[str]:
    """The arguments that make the review file, once its picture is drawn."""
    picture = folder / "wave.pgm"
    picture.write_bytes(wave_picture(read_waveform(source, facts, folder), plan.width, plan.height))
    return command.sound_arguments(str(source), str(picture), str(made), facts, plan)
