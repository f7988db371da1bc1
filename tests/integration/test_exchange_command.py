"""`rushes export` and `rushes import` against the product: notes leave, and come back once."""

import asyncio
import contextlib
import csv
import json
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

import rushes
from rushes import cli
from rushes.annotation.v1 import annotation_pb2 as pb
from rushes.annotation.v1.annotation_pb2 import Annotation
from rushes.command.account import keep
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL
from tests import clips
from tests.product import Product
from tests.unit.rushes_exchange.schemas import registered


@pytest.fixture
def signed_in(product: Product, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Product:
    """The product, with the administrator signed in at the terminal."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("RUSHES_SERVER", product.address)
    monkeypatch.delenv("RUSHES_EMAIL", raising=False)
    keep(product.address, product.secret)
    return product


@pytest.fixture
def clip(signed_in: Product) -> int:
    """A clip of 29.97 drop-frame that begins at 01:00:51;12, with notes."""
    video_id = signed_in.studio.video(clips.NTSC_DROP.path).video_id
    asyncio.run(_annotate(signed_in, video_id))
    return video_id


def _comment(frame: int, text: str, **more: Any) -> Annotation:
    fields: dict[str, Any] = {
        "kind": pb.ANNOTATION_KIND_COMMENT,
        "first_frame": frame,
        "last_frame": frame,
        "text": text,
    }
    return Annotation(**({"audience": AUDIENCE_CLIENT} | fields | more))


async def _annotate(product: Product, video_id: int) -> None:
    stroke = Annotation(
        kind=pb.ANNOTATION_KIND_STROKE,
        first_frame=40,
        last_frame=60,
        position=pb.Position(x=-1000, y=-2000),
        points=[0, 0, 300, 500, 20, -40],
        pressure=b"\x20\x80\xf0",
        box=pb.Box(right=320, bottom=500),
        style=pb.Style(color=0xE0A24E, opacity=255, width=120),
        mode=pb.STROKE_MODE_DRAW,
        audience=AUDIENCE_CLIENT,
    )
    async with _session(product, video_id) as session:
        root = await session.create(_comment(40, "The edge\nflickers", last_frame=52, tags=["vfx"]))
        await session.create(_comment(40, "fixed in v3", parent_id=root, resolved=True))
        await session.create(_comment(19, "not for them", audience=AUDIENCE_INTERNAL))
        await session.create(stroke)
        await session.delete(await session.create(_comment(7, "a slip")))


@contextlib.asynccontextmanager
async def _session(product: Product, video_id: int) -> AsyncIterator[rushes.Session]:
    async with (
        rushes.connect(product.address, session=product.secret) as connected,
        connected.collaborate(video_id) as session,
    ):
        yield session


def _states(product: Product, video_id: int) -> list[Annotation]:
    async def ask() -> list[Annotation]:
        async with rushes.connect(product.address, session=product.secret) as connected:
            return [state.annotation for state in await connected.document(video_id) if not state.annotation.deleted]

    return asyncio.run(ask())


def _bare(annotation: Annotation, ids: dict[bytes, bytes]) -> Annotation:
    """A note without what differs from video to video; ids become those of where it came from."""
    made = Annotation()
    made.CopyFrom(annotation)
    for name in ("created_ms", "updated_ms", "origin"):
        made.ClearField(name)
    made.id = ids.get(made.id, made.id)
    made.parent_id = ids.get(made.parent_id, made.parent_id)
    return made


def run(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


@pytest.mark.parametrize("name", ["otio", "otio-markers", "json"])
def test_notes_that_left_one_video_come_to_another_as_they_were_and_only_once(
    signed_in: Product, clip: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    file = tmp_path / f"notes.{name.partition('-')[0]}"
    assert run("export", clip, "--format", name, "-o", file) == 0
    assert "3 comments and 1 drawings" in capsys.readouterr().out
    other = signed_in.studio.video(clips.NTSC_DROP.path).video_id

    assert run("import", other, file, "--dry-run") == 0
    assert "4 to add, 0 here already." in capsys.readouterr().out
    assert _states(signed_in, other) == []

    assert run("import", other, file) == 0
    shown = capsys.readouterr().out
    assert "+ frame     40  comment  The edge flickers" in shown
    assert "4 added and saved" in shown
    came = _states(signed_in, other)
    ids = {each.id: each.origin.annotation_id for each in came}
    assert {each.origin.video_id for each in came} == {clip}
    by_id = {each.id: each for each in (_bare(each, ids) for each in came)}
    assert by_id == {each.id: each for each in (_bare(each, {}) for each in _states(signed_in, clip))}

    for video in (other, clip):
        assert run("import", video, file) == 0
        assert "0 to add, 4 here already." in capsys.readouterr().out
    assert len(_states(signed_in, other)) == 4


def test_an_edl_has_the_words_at_the_timecodes_of_the_page_and_a_suites_own_markers_come_in(
    signed_in: Product, clip: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "notes.edl"
    assert run("export", clip, "--format", "edl", "--for-clients", "-o", file) == 0
    assert "1 without words left out" in capsys.readouterr().out
    text = file.read_bytes().decode()
    assert "FCM: DROP FRAME" in text
    name = _author(signed_in)
    # 01:00:51;12 and 40 frames.
    assert f"* LOC: 01:00:52;22 RED     {name}: The edge flickers" in text
    assert "not for them" not in text
    file.write_text(text + "* LOC: 01:00:51;12 BLUE    retime from here\n")
    assert run("import", clip, file, "--internal") == 0
    assert "1 to add, 2 here already." in capsys.readouterr().out
    (added,) = (each for each in _states(signed_in, clip) if each.text == "retime from here")
    assert (added.first_frame, added.last_frame, added.audience) == (0, 0, AUDIENCE_INTERNAL)


def _author(product: Product) -> str:
    async def ask() -> str:
        async with rushes.connect(product.address, session=product.secret) as connected:
            return str((await connected.me()).name)

    return asyncio.run(ask())


_LIBRARY = """
import sys
import opentimelineio as otio
(shown,) = otio.adapters.read_from_file(sys.argv[1]).find_clips()
begins = shown.source_range.start_time
print(otio.opentime.to_timecode(begins, begins.rate, True))
for marker in shown.markers:
    print((marker.marked_range.start_time - begins).to_frames(), marker.marked_range.duration.to_frames())
"""


def test_an_otio_library_without_schemas_of_anybody_finds_the_notes_at_the_frames_of_the_video(
    signed_in: Product, clip: int, tmp_path: Path
) -> None:
    file = tmp_path / "notes.otio"
    assert run("export", clip, "--format", "otio-markers", "-o", file) == 0
    done = subprocess.run([sys.executable, "-c", _LIBRARY, file], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["01:00:51;12", "40 13", "40 1", "19 1"]


def test_an_otio_library_with_openrvs_schemas_finds_the_drawings(signed_in: Product, clip: int, tmp_path: Path) -> None:
    schemas = registered()
    file = tmp_path / "notes.otio"
    assert run("export", clip, "--format", "otio", "-o", file) == 0
    timeline = otio.adapters.read_from_file(str(file))
    (shown,) = timeline.find_clips()
    (effect,) = shown.effects
    (paint,) = effect.layers
    assert isinstance(paint, schemas["Paint.2"])
    assert (paint.layer_range.start_time - shown.source_range.start_time).to_frames() == 40
    assert paint.layer_range.duration.to_frames() == 21


def test_tables_go_to_the_terminal(signed_in: Product, clip: int, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run("export", clip, "--format", "csv") == 0
    rows = list(csv.DictReader(capfdbinary.readouterr().out.decode().splitlines(keepends=True)))
    assert (rows[0]["frame"], rows[0]["timecode"]) == ("19", "01:00:52;01")
    assert run("export", clip) == 0
    assert len(json.loads(capfdbinary.readouterr().out)["annotations"]) == 4


def test_frames_of_variable_rate_leave_at_their_times_and_come_back(signed_in: Product, tmp_path: Path) -> None:
    video_id = signed_in.studio.video(clips.VARIABLE.path).video_id

    async def annotate() -> None:
        async with _session(signed_in, video_id) as session:
            await session.create(_comment(clips.VARIABLE.frames - 1, "the last"))

    asyncio.run(annotate())
    file = tmp_path / "notes.otio"
    assert run("export", video_id, "--format", "otio", "-o", file) == 0
    other = signed_in.studio.video(clips.VARIABLE.path).video_id
    assert run("import", other, file) == 0
    assert [each.first_frame for each in _states(signed_in, other)] == [clips.VARIABLE.frames - 1]


def test_a_large_file_comes_in_whole(signed_in: Product, clip: int, tmp_path: Path) -> None:
    lines = [f"* LOC: 01:00:5{2 + at // 30};{at % 30:02} RED     note {at} {secrets.token_hex(4)}" for at in range(230)]
    file = tmp_path / "many.edl"
    file.write_text("\n".join(("TITLE: many", "FCM: DROP FRAME", *lines)))
    assert run("import", clip, file) == 0
    texts = {each.text for each in _states(signed_in, clip)}
    assert {line.split("RED     ")[1] for line in lines} <= texts


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.otio", b"{}", "no timeline"),
        ("a.edl", b"hello", "This is no EDL"),
        ("a.edl", b"TITLE: x\n* LOC: 10:00:00:00 RED a", "--start"),
        ("a.mov", b"", "is no file of notes that can be read"),
        ("a.json", b'{"format": "other"}', "holds no notes of Rushes"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_and_nothing_is_added(
    signed_in: Product, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, said: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    before = _states(signed_in, signed_in.video_id)
    assert run("import", signed_in.video_id, file) == 1
    assert said in capsys.readouterr().err
    assert _states(signed_in, signed_in.video_id) == before


def test_a_file_that_is_not_there_is_said(signed_in: Product, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("import", signed_in.video_id, "/nowhere/a.otio") == 1
    assert "No such file" in capsys.readouterr().err
