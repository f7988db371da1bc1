"""Whatever bytes come in, a reader reads them or says what is wrong, and what it read can be planned."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.errors import InvalidArgument
from rushes.exchange import arrival, format, otio_reader
from rushes.exchange.error import InvalidNotesFile
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT
from tests.unit.rushes_exchange.sample import FILM, NTSC, all_notes, comment, key, notes, video


def takes(data: bytes, name: str) -> None:
    facts = video(NTSC, "01:00:00;00")
    try:
        found = format.read(data, name, facts)
    except InvalidArgument:
        return
    ids = itertools.count()
    plan = arrival.plan(found, [], [], frame_count=250, audience=AUDIENCE_CLIENT, new_id=lambda: key(next(ids)))
    for item in plan.items:
        assert item.annotation.last_frame < 250


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(("json", "otio", "edl")))
def test_any_bytes(data: bytes, name: str) -> None:
    takes(data, name)


_EDL = """TITLE: x
FCM: DROP FRAME
FCM:
001  AX V C 01:00:00:00 01:00:01:00 01:00:00:00 01:00:01:00
002 A V D 024 01:00:00;00 01:00:01;00 02:00:00;00 02:00:01;00
* LOC: 01:00:00:01 RED a
* LOC: 01;00;00;01
* LOC: 99:00:00:00 RED
* LOC:
* FROM CLIP NAME: sh010.mov
x |C:ResolveColorRed |M:n |D:0
1 |C:"""
_edl = st.sampled_from(_EDL.splitlines())


@settings(max_examples=25, deadline=None)
@given(st.lists(_edl | st.text(max_size=8), max_size=8))
def test_any_lines_of_an_edl(lines: list[str]) -> None:
    takes("\n".join(lines).encode("utf-8", "replace"), "edl")


_strange = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.fixed_dictionaries({"value": st.just(1), "rate": st.just(24)}),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for name, each in inner for place in _places(each, (*at, name)))]


@settings(max_examples=25, deadline=None)
@given(all_notes(), st.sampled_from(("json", "otio", "otio-markers")), st.data())
def test_a_file_with_anything_at_any_place(written: Any, name: str, data: st.DataObject) -> None:
    document = json.loads(format.write(written, name))
    for _ in range(data.draw(st.integers(1, 3))):
        *path, last = data.draw(st.sampled_from(_places(document)[1:]))
        owner = document
        for step in path:
            owner = owner[step]
        owner[last] = data.draw(_strange)
    takes(json.dumps(document).encode(), name)


def timeline(change: Callable[[Any], None]) -> bytes:
    """A timeline of ours after a change to its clip."""
    document = json.loads(format.write(notes(video(), comment(1, 3, "x")), "otio"))
    change(document["tracks"]["children"][0]["children"][0])
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{}", "no timeline, track or clip"),
        (b"TITLE: x", "it is not JSON"),
        (timeline(lambda it: it["markers"][0]["marked_range"].pop("duration")), "a time is no number that makes sense"),
        (timeline(lambda it: it["source_range"]["start_time"].update(rate=0)), "a rate that is not above zero"),
        (timeline(lambda it: it["markers"][0]["metadata"]["rushes"]["note"].update(id=7)), "cannot be read"),
    ],
)
def test_what_is_wrong_with_an_otio_file_is_said(data: bytes, said: str) -> None:
    with pytest.raises(InvalidNotesFile) as error:
        otio_reader.read(data, video(FILM))
    assert said in error.value.message


def test_a_file_nested_too_deeply_is_refused() -> None:
    item: Any = {"OTIO_SCHEMA": "Stack.1", "children": []}
    for _ in range(400):
        item = {"OTIO_SCHEMA": "Stack.1", "children": [item]}
    deep = json.dumps({"OTIO_SCHEMA": "Timeline.1", "tracks": item}).encode()
    assert otio_reader.read(deep, video()).items == []
    with pytest.raises(InvalidNotesFile):
        otio_reader.read(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, video())
