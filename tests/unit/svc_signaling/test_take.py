"""Frames into takes and segments."""

from svc_signaling.core.name import SegmentName, read_name
from svc_signaling.core.payload import Codec, Frame
from svc_signaling.core.take import GATHER_US, SILENT_US, Begin, End, Step, Takes, Write

START_US = 1_700_000_000_000_000


def sound(number: int, late_us: int = 0) -> Frame:
    """20 ms of sound, the first of them at START_US."""
    return Frame(Codec.OPUS, number * 960, START_US + number * 20_000 + late_us, b"s", key=True)


def picture(number: int, *, key: bool = False, codec: Codec = Codec.VP8) -> Frame:
    """One of 25 pictures a second."""
    return Frame(codec, number * 3_600, START_US + number * 40_000, b"k" if key else b"p", key=key)


def fed(takes: Takes, frames: list[Frame]) -> list[Step]:
    steps: list[Step] = []
    for frame in sorted(frames, key=lambda frame: frame.arrival_us):
        steps += takes.tick(frame.arrival_us)
        steps += takes.take(frame)
    return steps


def begins(steps: list[Step]) -> list[tuple[int, int, tuple[Codec, ...]]]:
    return [
        (step.start_ms - START_US // 1000, step.offset_ms, step.codecs) for step in steps if isinstance(step, Begin)
    ]


def ends(steps: list[Step]) -> int:
    return sum(isinstance(step, End) for step in steps)


def test_sound_and_pictures_begin_in_one_file() -> None:
    takes = Takes(60_000_000)
    steps = fed(takes, [*(sound(n) for n in range(100)), *(picture(n, key=n == 5) for n in range(5, 50))])
    assert begins(steps) == [(0, 0, (Codec.OPUS, Codec.VP8))]
    assert ends([*steps, *takes.end()]) == 1
    times = [step.at_us for step in steps if isinstance(step, Write) and step.codec is Codec.VP8]
    assert times[:3] == [200_000, 240_000, 280_000]


def test_a_camera_that_begins_small_is_recorded_from_its_largest_keyframe_on() -> None:
    small, large = (b"\x00\x00\x00\x9d\x01\x2a" + bytes((width, 0, 90, 0)) for width in (160, 240))
    sent = [picture(0, key=True), picture(1), picture(2, key=True), picture(3), picture(4, key=True)]
    sent[0].data, sent[2].data, sent[4].data = small, large, large
    takes = Takes(60_000_000)
    steps = fed(takes, sent) + takes.end()
    assert [step.first_key for step in steps if isinstance(step, Begin)] == [large]
    assert [step.data for step in steps if isinstance(step, Write)] == [large, b"p", large]


def test_the_packet_that_was_quickest_says_when_it_was() -> None:
    takes = Takes(60_000_000)
    steps = fed(takes, [sound(n, late_us=90_000 if n < 10 else 0) for n in range(50)])
    assert begins(steps) == [(0, 0, (Codec.OPUS,))]


def test_a_segment_begins_with_a_keyframe_that_is_asked_for() -> None:
    takes = Takes(1_000_000)
    steps = fed(takes, [picture(n, key=n == 0) for n in range(40)])
    assert len(begins(steps)) == 1
    assert takes.wants_key
    steps = fed(takes, [picture(n, key=n == 40) for n in range(40, 60)])
    assert begins(steps) == [(0, 1_600, (Codec.VP8,))]
    assert not takes.wants_key
    assert [step.at_us for step in steps if isinstance(step, Write)][:2] == [0, 40_000]


def test_a_camera_that_is_turned_on_begins_another_take_at_its_keyframe() -> None:
    takes = Takes(60_000_000)
    steps = fed(takes, [*(sound(n) for n in range(200)), *(picture(n, key=n == 50) for n in range(50, 100))])
    assert begins(steps) == [(0, 0, (Codec.OPUS,)), (2_000, 0, (Codec.OPUS, Codec.VP8))]
    assert ends(steps) == 1


def test_a_microphone_that_is_turned_on_loses_no_picture_before_the_keyframe() -> None:
    takes = Takes(60_000_000)
    frames = [picture(n, key=n in (0, 60)) for n in range(100)] + [sound(n) for n in range(100, 200)]
    steps = fed(takes, frames)
    assert begins(steps) == [(0, 0, (Codec.VP8,)), (2_400, 0, (Codec.OPUS, Codec.VP8))]
    written = sum(isinstance(step, Write) and step.codec is Codec.VP8 for step in [*steps, *takes.end()])
    assert written == 100


def test_a_camera_that_is_turned_off_ends_the_take_and_sound_goes_on_in_another() -> None:
    takes = Takes(60_000_000)
    silent = SILENT_US // 20_000
    steps = fed(takes, [*(picture(n, key=n == 0) for n in range(50)), *(sound(n) for n in range(100 + silent + 100))])
    codecs = [codecs for _, _, codecs in begins(steps)]
    assert codecs == [(Codec.OPUS, Codec.VP8), (Codec.OPUS,)]


def test_pictures_go_on_while_a_microphone_is_off() -> None:
    takes = Takes(60_000_000)
    steps = fed(takes, [*(picture(n, key=n == 0) for n in range(300)), sound(0), sound(1), sound(590)])
    assert len(begins(steps)) == 1
    assert ends(steps) == 0


def test_what_is_coded_otherwise_is_another_take() -> None:
    takes = Takes(60_000_000)
    frames = [picture(n, key=n == 0) for n in range(50)]
    frames += [picture(n, key=n == 50, codec=Codec.H264) for n in range(50, 100)]
    assert [codecs for _, _, codecs in begins(fed(takes, frames))] == [(Codec.VP8,), (Codec.H264,)]


def test_what_was_gathered_for_less_than_a_moment_is_a_take_too() -> None:
    takes = Takes(60_000_000)
    assert takes.take(sound(0)) == []
    assert takes.tick(START_US + GATHER_US - 1) == []
    assert [type(step) for step in takes.end()] == [Begin, Write, End]
    assert takes.end() == []


def test_a_name_says_what_a_file_is() -> None:
    name = SegmentName(1_700_000_000_000, "abc", 600_040, "webm")
    assert str(name) == "1700000000000-abc-000600040.webm"
    assert read_name(f"{name}.part") == read_name(str(name)) == name
    assert read_name("../1-a-2.webm") is None
    assert read_name("1-a-2.mkv") is None
