"""One video of several: what is asked of ffmpeg."""

from dataclasses import replace

import pytest

from svc_media.core.compose import Composition, CompositionInvalid, Input, Label, compose_arguments, demuxer_of


def part(number: int, tile: int, start_ms: int = 0, *, video: bool = True, audio: bool = True) -> Input:
    return Input(f"/takes/{number}", "matroska", start_ms, 5_000, tile, video, audio)


def graph_of(*parts: Input) -> str:
    arguments = compose_arguments(Composition(parts, 9_000), "/made.mp4")
    return arguments[arguments.index("-filter_complex") + 1]


def test_takes_of_one_person_are_shown_at_one_place_one_after_the_other() -> None:
    graph = graph_of(part(0, 0), part(1, 1, 500), part(2, 0, 6_000))
    assert "[g0][v0]overlay" in graph
    assert "[o0][v2]overlay" in graph
    assert "setpts=PTS+6000/1000/TB[v2]" in graph
    assert "xstack=inputs=2:layout=0_0|640_0" in graph
    assert "adelay=delays=500:all=1[a1]" in graph
    assert "amix=inputs=3" in graph


def test_five_people_are_in_two_rows_of_three() -> None:
    graph = graph_of(*(part(number, number) for number in range(5)))
    assert "layout=0_0|416_0|832_0|0_234|416_234" in graph


def test_a_tile_has_the_name_of_its_first_part_as_one_short_line() -> None:
    parts = (replace(part(0, 0), name="Ada\n  'L':\x00"), replace(part(1, 0), name="Other"), part(2, 1))
    whole = Composition((*parts, replace(part(3, 2, video=False), name="Heard alone")), 9_000)
    assert whole.names() == {0: "Ada 'L':"}
    labels = {0: Label("name-0", "font")}
    arguments = compose_arguments(whole, "/made.mp4", labels)
    graph = arguments[arguments.index("-filter_complex") + 1]
    assert "[u0]drawtext=fontfile=font:textfile=name-0:expansion=none" in graph
    assert "[u1]null[t1]" in graph


def test_one_alone_fills_the_picture_and_who_is_only_heard_has_no_place() -> None:
    graph = graph_of(part(0, 0), part(1, 1, video=False))
    assert "xstack" not in graph
    assert "s=1280x720" in graph
    arguments = compose_arguments(Composition((part(0, 0, video=False),), 9_000), "/made.mp4")
    assert "[picture]" not in arguments
    arguments = compose_arguments(Composition((part(0, 0, audio=False),), 9_000), "/made.mp4")
    assert "[sound]" not in arguments


@pytest.mark.parametrize(
    "composition",
    [
        Composition((), 1_000),
        Composition((part(0, 0),) * 65, 1_000),
        Composition((part(0, 0),), 0),
        Composition((part(0, 0, -1),), 1_000),
        Composition((part(0, 0, video=False, audio=False),), 1_000),
    ],
)
def test_what_cannot_be_composed_is_refused(composition: Composition) -> None:
    with pytest.raises(CompositionInvalid):
        composition.check()


def test_a_composition_is_kept_as_text() -> None:
    composition = Composition((part(0, 0), part(1, 1)), 9_000)
    assert Composition.from_json(composition.to_json()) == composition
    assert (demuxer_of("a.b.webm"), demuxer_of("x.MP4"), demuxer_of("x"), demuxer_of("x.mov")) == (
        "matroska",
        "mov",
        "",
        "",
    )
