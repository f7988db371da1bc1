"""The arguments that ffmpeg is given: pure, so that they can be read and tested.

Inputs are opened with one demuxer and as files only; nothing in a media file can make ffmpeg open another.
"""

from fractions import Fraction
from typing import Final

from svc_media.core.facts import VideoFacts
from svc_media.core.plan import HDR_TRANSFERS, MAX_VIDEO_PIXELS, ReviewPlan
from svc_media.core.waveform import CHANNELS, SAMPLE_HZ

_TURNS: Final = {90: ("transpose=clock",), 180: ("hflip", "vflip"), 270: ("transpose=cclock",)}
_TONE_MAP: Final = (
    "zscale=t=linear:npl=100",
    "format=gbrpf32le",
    "zscale=p=bt709",
    "tonemap=hable:desat=0",
    "zscale=t=bt709:m=bt709:r=tv",
)
_WEB_MATRICES: Final = {"bt709": "bt709", "smpte170m": "smpte170m", "bt470bg": "bt470", "bt2020nc": "bt2020"}
"""Matrices that browsers know, by their names as tags, with the names that the scaler has for them."""

_SOUND_HZ: Final = 48_000
_LINE_COLOR: Final = "0xf5a524"


def proxy_arguments(source: str, output: str, facts: VideoFacts, plan: ReviewPlan, *, tone_map: bool) -> list[str]:
    """Makes the review file: each frame once, at its own time, the first at 0; few frames from key to key.

    `tone_map`: this ffmpeg has the filters that bring high dynamic range down to what H.264 with 8 bits shows.
    """
    toned = tone_map and facts.color.transfer in HDR_TRANSFERS
    tick = Fraction(plan.frame_ticks or 1, plan.timescale)
    return [
        *_input(source, facts, "-copyts"),
        *("-filter_complex", ";".join([_picture_graph(facts, plan, tick, toned=toned), *_sound_graph(facts)])),
        *("-map", "[picture]"),
        *(("-map", "[sound]", "-c:a", "aac", "-b:a", "192k", "-ac", "2") if facts.has_sound else ()),
        *_coding(plan, tick),
        *(("-force_key_frames", "expr:gte(t,n_forced*0.5)") if facts.variable_rate else ()),
        *_color_tags(facts, toned=toned),
        *_muxing(output, plan),
    ]


def sequence_arguments(pattern: str, output: str, facts: VideoFacts, plan: ReviewPlan) -> list[str]:
    """Makes the review file of numbered pictures, such as "frame%08d.png" from 0 on."""
    tick = Fraction(plan.frame_ticks, plan.timescale)
    filters = [
        "sidedata=mode=delete:type=DISPLAYMATRIX",
        *_upright(facts),
        f"settb={tick.numerator}/{tick.denominator},setpts=N",
        _scale(facts, plan, toned=False),
        "format=yuv420p",
        "setsar=1",
    ]
    return [
        *_general("-noautorotate"),
        *("-f", "image2", "-framerate", str(facts.rate), "-start_number", "0", "-i", f"file:{pattern}"),
        *("-map", "0:v:0", "-vf", ",".join(filters)),
        *_coding(plan, tick),
        *_color_tags(facts, toned=False),
        *_muxing(output, plan),
    ]


def sound_arguments(source: str, picture: str, output: str, facts: VideoFacts, plan: ReviewPlan) -> list[str]:
    """Makes the review file of a sound: over its waveform goes a line, from the first frame to the last."""
    tick = Fraction(plan.frame_ticks, plan.timescale)
    line = f"color=c={_LINE_COLOR}:s=2x{plan.height}:r={facts.rate}[line]"
    moved = f"[picture][line]overlay=x='(W-w)*n/{max(1, facts.frame_count - 1)}':eval=frame"
    timed = f"trim=end_frame={facts.frame_count},settb={tick.numerator}/{tick.denominator},setpts=N"
    shown = f"scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,setsar=1,{timed}[shown]"
    still = f"[1:v]format=yuv444p[picture];{line};{moved},{shown}"
    return [
        *_input(source, facts),
        *("-f", "image2", "-loop", "1", "-framerate", str(facts.rate), "-i", f"file:{picture}"),
        *("-filter_complex", ";".join((still, *_sound_graph(facts)))),
        *("-map", "[shown]", "-map", "[sound]", "-c:a", "aac", "-b:a", "192k", "-ac", "2"),
        *_coding(plan, tick),
        *("-colorspace", "bt709", "-color_range", "tv", "-color_primaries", "bt709", "-color_trc", "bt709"),
        *_muxing(output, plan),
    ]


def _coding(plan: ReviewPlan, tick: Fraction) -> list[str]:
    return [
        *("-fps_mode", "passthrough", "-enc_time_base", f"{tick.numerator}:{tick.denominator}"),
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-profile:v", "high", "-pix_fmt", "yuv420p"),
        # No frame refers to one that is shown later: nothing is reordered, no edit list is needed, seeks are exact.
        *("-bf", "0", "-g", str(plan.key_frames), "-keyint_min", str(plan.key_frames), "-sc_threshold", "0"),
    ]


def _muxing(output: str, plan: ReviewPlan) -> list[str]:
    return [
        *("-video_track_timescale", str(plan.timescale), "-movie_timescale", str(plan.timescale)),
        *("-map_metadata", "-1", "-map_chapters", "-1", "-max_muxing_queue_size", "4096"),
        *("-movflags", "+faststart", "-f", "mp4", f"file:{output}"),
    ]


def picture_arguments(source: str, output: str, facts: VideoFacts, plan: ReviewPlan) -> list[str]:
    """Makes a picture that browsers show: upright, with 8 bits.

    Of moving pictures ffmpeg itself turns what a matrix in the container turns; EXIF only some of its versions know.
    """
    jpeg = plan.content_type == "image/jpeg"
    pixels = "yuvj420p" if jpeg else "rgba" if facts.alpha else "rgb24"
    filters = [
        "sidedata=mode=delete:type=DISPLAYMATRIX",
        *_upright(facts),
        f"scale=w={plan.width}:h={plan.height}:flags=lanczos",
        f"format={pixels}",
        "setsar=1",
    ]
    return [
        *_input(source, facts, "-noautorotate"),
        *("-map", f"0:{facts.stream}", "-vf", ",".join(filters), "-frames:v", "1", "-map_metadata", "-1"),
        *(("-c:v", "mjpeg", "-q:v", "2") if jpeg else ("-c:v", "png", "-pred", "mixed")),
        *("-f", "image2", "-update", "1", f"file:{output}"),
    ]


def samples_arguments(source: str, facts: VideoFacts) -> list[str]:
    """Writes the sound to the standard output as unsigned bytes, from the first frame to the end of the last."""
    graph = _sound_graph(facts, SAMPLE_HZ)
    return [
        *_input(source, facts, "-copyts", progress=False),
        *("-filter_complex", ";".join(graph), "-map", "[sound]"),
        *("-ac", str(CHANNELS), "-c:a", "pcm_u8", "-f", "u8", "pipe:1"),
    ]


def _input(source: str, facts: VideoFacts, *more: str, progress: bool = True) -> list[str]:
    # Of what changes its size on the way, as recordings of calls do, the graph goes on: a new one would count from 0.
    return [*_general(*more, progress=progress), "-reinit_filter", "0", "-f", facts.container, "-i", f"file:{source}"]


def _general(*more: str, progress: bool = True) -> list[str]:
    return [
        *("-hide_banner", "-nostdin", "-v", "error", "-y", "-nostats", *more),
        *(("-progress", "pipe:1") if progress else ()),
        *("-protocol_whitelist", "file", "-max_pixels", str(max(MAX_VIDEO_PIXELS, 150_000_000))),
    ]


def _picture_graph(facts: VideoFacts, plan: ReviewPlan, tick: Fraction, *, toned: bool) -> str:
    times = f"settb={tick.numerator}/{tick.denominator}"
    filters = [
        *((times, "setpts=N") if not facts.timed else ("setpts=PTS-STARTPTS", times)),
        # Two frames at one time cannot both be shown; encoders refuse them.
        "select='if(n,gt(pts,prev_selected_pts),1)'",
        *(("bwdif=mode=send_frame:deint=interlaced",) if facts.interlaced else ()),
        *(_TONE_MAP if toned else ()),
        _scale(facts, plan, toned=toned),
        "format=yuv420p",
        "setsar=1",
    ]
    return f"[0:{facts.stream}]{','.join(filters)}[picture]"


def _upright(facts: VideoFacts) -> list[str]:
    return [*(("hflip",) if facts.mirrored else ()), *_TURNS.get(facts.rotation, ())]


def _matrix(facts: VideoFacts, *, toned: bool) -> str:
    """The matrix of the review file: the source's own if browsers know it, for converting costs more than coding."""
    if not toned and facts.color.matrix in _WEB_MATRICES:
        return facts.color.matrix
    if toned or facts.color.matrix or facts.pixel_format.startswith(("gbr", "rgb", "bgr", "pal8")):
        return "bt709"
    # Browsers read an untagged picture by its height: standard definition up to 576 lines.
    return "bt709" if facts.coded_height > 576 else "smpte170m"


def _scale(facts: VideoFacts, plan: ReviewPlan, *, toned: bool) -> str:
    matrix = _WEB_MATRICES[_matrix(facts, toned=toned)]
    given = "" if facts.color.matrix and not toned else f":in_color_matrix={matrix}"
    return f"scale=w={plan.width}:h={plan.height}:flags=bicubic{given}:out_color_matrix={matrix}:out_range=tv"


def _color_tags(facts: VideoFacts, *, toned: bool) -> list[str]:
    matrix = _matrix(facts, toned=toned)
    other = "smpte170m" if matrix == "smpte170m" else "bt709"
    primaries, transfer = (other, other) if toned else (facts.color.primaries or other, facts.color.transfer or other)
    return [
        *("-colorspace", matrix, "-color_range", "tv"),
        *("-color_primaries", primaries, "-color_trc", transfer),
    ]


def _sound_graph(facts: VideoFacts, rate_hz: int = _SOUND_HZ) -> list[str]:
    """Sound that starts with the first frame and ends with the last; two single channels are left and right."""
    if not facts.sounds:
        return []
    pair = len(facts.sounds) > 1 and all(sound.channels == 1 for sound in facts.sounds[:2])
    source = "[0:a:0][0:a:1]amerge=inputs=2," if pair else "[0:a:0]"
    first, end = facts.first_s, facts.end_s
    shifted = f"asetpts=PTS-({first.numerator}/{first.denominator})/TB" if facts.timed else "asetpts=PTS-STARTPTS"
    return [f"{source}{shifted},aresample={rate_hz}:async=1:first_pts=0,atrim=end={float(end):.6f}[sound]"]
