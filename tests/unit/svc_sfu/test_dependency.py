"""Dependency descriptors as Chromium writes them, and bytes that are none."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc_sfu.core.dependency import FRAMES, Descriptor, DescriptorInvalid, Structure, parse, renumbered
from tests.unit.svc_sfu.captured import NUMBER, packets

DATA = [packet.extensions[NUMBER] for packet in packets("L3T3_KEY")]


def read(mode: str) -> list[Descriptor]:
    structure: Structure | None = None
    found = []
    for packet in packets(mode):
        found.append(parse(packet.extensions[NUMBER], structure))
        structure = found[-1].structure
    return found


def structure_of(mode: str) -> Structure:
    return read(mode)[0].structure


def test_the_structure_says_which_layers_a_decode_target_has_and_how_large_they_are() -> None:
    structure = structure_of("L3T3_KEY")
    assert structure.layers == tuple((spatial, temporal) for spatial in range(3) for temporal in range(3))
    assert structure.sizes == ((320, 180), (640, 360), (1280, 720))
    assert len(structure.templates) == 15
    assert structure.keyed
    assert not structure_of("L3T3").keyed


def test_every_frame_begins_once_and_ends_once_and_needs_frames_before_it() -> None:
    for mode in ("L3T3_KEY", "L3T3"):
        frames = read(mode)
        numbers = [frame.number for frame in frames if frame.first]
        assert len(set(numbers)) == len(numbers)
        assert {frame.number for frame in frames if frame.last} <= {frame.number for frame in frames}
        delta = [frame for frame in frames if not frame.begins and frame.template.spatial == 0]
        assert all(min(frame.template.needs) > 0 and max(frame.template.needs) <= 12 for frame in delta)
        assert all(not frame.template.needs for frame in frames if frame.begins)


def test_the_largest_target_that_fits_is_found_among_those_that_are_sent() -> None:
    structure = structure_of("L3T3_KEY")
    assert structure.layers[structure.fitting(7, 7, 0x1FF)] == (2, 2)
    assert structure.layers[structure.fitting(1, 0, 0x1FF)] == (1, 0)
    assert structure.layers[structure.fitting(7, 7, 0b000111)] == (0, 2), "only the smallest is sent"
    assert structure.layers[structure.fitting(0, 7, 0b111000)] == (1, 0), "or else the least that there is"
    assert structure.fitting(7, 7, 0) == 0


def test_a_frame_number_can_be_another() -> None:
    first = DATA[0]
    assert parse(renumbered(first, 777), None).number == 777
    assert renumbered(first, 777)[3:] == first[3:]


def test_what_names_a_template_without_a_structure_is_refused() -> None:
    with pytest.raises(DescriptorInvalid):
        parse(DATA[1], None)
    with pytest.raises(DescriptorInvalid):
        parse(b"\xff\x00\x01", structure_of("L3T3"))


@pytest.mark.parametrize("size", range(len(DATA[0]) - 2))
def test_a_structure_that_is_cut_is_refused(size: int) -> None:
    with pytest.raises(DescriptorInvalid):
        parse(DATA[0][:size], None)


@given(st.binary(max_size=300), st.booleans())
def test_bytes_of_any_kind_are_read_or_refused(data: bytes, known: bool) -> None:
    with contextlib.suppress(DescriptorInvalid):
        frame = parse(data, structure_of("L3T3_KEY") if known else None)
        assert 0 <= frame.number < FRAMES
        assert len(frame.structure.templates) <= 64
        assert len(frame.template.targets) == len(frame.structure.layers) <= 32


@given(st.integers(0, len(DATA) - 1), st.lists(st.tuples(st.integers(0, 92), st.integers(0, 255)), max_size=4))
def test_descriptors_with_other_bytes_here_and_there_are_read_or_refused(
    which: int, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(DATA[which])
    for at, value in changes:
        data[at % len(data)] = value
    with contextlib.suppress(DescriptorInvalid):
        parse(bytes(data), structure_of("L3T3_KEY"))
