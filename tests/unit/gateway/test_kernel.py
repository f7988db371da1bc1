"""Pieces to many descriptors: each takes its own, whatever becomes of the others, and shared or not."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.kernel import SHARED_BY, SHARED_BYTES, write_all

LARGE = os.urandom(SHARED_BYTES + 1)
OTHER = os.urandom(3 * SHARED_BYTES)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[list[int]]:
    """More descriptors than a piece is shared for."""
    opened = [os.open(tmp_path / str(each), os.O_RDWR | os.O_CREAT) for each in range(3 * SHARED_BY)]
    yield opened
    for each in opened:
        os.close(each)


def read(descriptor: int) -> bytes:
    """All that was written."""
    return os.pread(descriptor, 1 << 20, 0)


def pieces_of(files: list[int]) -> list[bytes]:
    """Two large ones that many get, one that few get, and small ones."""
    few = os.urandom(2 * SHARED_BYTES)
    kinds = [LARGE, OTHER] * SHARED_BY + [few] * (SHARED_BY - 2) + [b"small", b"smaller"]
    assert len(kinds) == len(files)
    return kinds


def test_everybody_gets_their_own(files: list[int]) -> None:
    pieces = pieces_of(files)
    before = os.listdir("/proc/self/fd")
    assert write_all(files, pieces) == list(map(len, pieces))
    assert list(map(read, files)) == pieces
    assert os.listdir("/proc/self/fd") == before


def test_large_ones_that_many_get_are_not_written_to_each(files: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    write = os.write

    def noted(descriptor: int, data: bytes) -> int:
        written.append(descriptor)
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", noted)
    write_all(files, pieces_of(files))
    assert written == files[2 * SHARED_BY :]


def test_who_is_broken_or_full_takes_nothing_or_a_part_and_the_others_all(files: list[int]) -> None:
    ours, full = os.pipe()
    os.set_blocking(full, False)
    descriptors = [1 << 20, full, *files[:SHARED_BY], full]
    taken = write_all(descriptors, [OTHER * 2] * len(descriptors))
    assert taken[0] == taken[-1] == 0
    assert 0 < taken[1] < len(OTHER) * 2
    assert taken[2:-1] == [len(OTHER) * 2] * SHARED_BY
    assert all(read(each) == OTHER * 2 for each in files[:SHARED_BY])
    assert os.read(ours, 1 << 20) == (OTHER * 2)[: taken[1]]
    os.close(ours)
    os.close(full)


@pytest.mark.parametrize("call", ["memfd_create", "pwrite"])
def test_without_memory_to_share_all_is_written(files: list[int], monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def refuse(*_: object) -> int:
        raise OSError

    monkeypatch.setattr(os, call, refuse)
    pieces = pieces_of(files)
    assert write_all(files, pieces) == list(map(len, pieces))
    assert list(map(read, files)) == pieces


def test_where_the_kernel_has_no_such_thing_all_is_written(files: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.kernel.sys.platform", "darwin")
    pieces = pieces_of(files)
    assert write_all(files, pieces) == list(map(len, pieces))
    assert list(map(read, files)) == pieces


def test_nobody_is_no_trouble() -> None:
    assert write_all([], []) == []
