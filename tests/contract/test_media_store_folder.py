"""Bytes on the disk: sparse, joined without a second copy, and true whatever was there before."""

import hashlib
import os
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rushes.errors import NotFound
from svc_media.stores.folder import BLOCK, DiskFull, Folder, PartLost, Piece

MB = 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "media")


def written(folder: Folder, name: str, size: int, *pieces: tuple[int, bytes]) -> Path:
    """A file with pieces at their places."""
    folder.create(name, size)
    descriptor = folder.open(name)
    try:
        for at, data in pieces:
            folder.write(descriptor, at, memoryview(data))
        folder.sync(descriptor)
    finally:
        folder.close(descriptor)
    return folder.upload(name)


def used(path: Path) -> int:
    """Bytes that it takes on the disk."""
    return path.stat().st_blocks * 512


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


pieces = st.lists(
    st.tuples(
        st.integers(0, 6 * BLOCK),
        st.one_of(
            st.binary(max_size=50),
            st.integers(0, 4 * BLOCK).map(bytes),
            st.integers(0, 3 * BLOCK).map(noise),
            st.integers(0, 2 * BLOCK).map(lambda size: bytes(size) + b"x" + bytes(size)),
        ),
    ),
    max_size=8,
)


@given(pieces)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_read_is_what_was_written_last(folder: Folder, pieces: list[tuple[int, bytes]]) -> None:
    size = 20 * BLOCK
    expected = bytearray(size)
    for at, data in pieces:
        expected[at : at + len(data)] = data
    path = written(folder, "a", size, *pieces)
    assert path.read_bytes() == bytes(expected)
    folder.remove_upload("a")


def test_zeros_stay_holes(folder: Folder) -> None:
    path = written(folder, "a", 40 * MB, *((at, bytes(MB + 7)) for at in range(0, 30 * MB, MB + 7)))
    assert used(path) < 2 * MB
    assert path.stat().st_size == 40 * MB


def test_zeros_over_little_data_take_little_room(folder: Folder) -> None:
    """What is sent again after a cut falls on other places than before."""
    path = written(folder, "a", 40 * MB, *((at, b"x") for at in range(3, 40 * MB, MB)), (0, bytes(40 * MB)))
    assert used(path) < MB
    assert not any(path.read_bytes())


def test_a_file_that_is_there_is_not_emptied(folder: Folder) -> None:
    path = written(folder, "a", 100, (0, b"abc"))
    folder.create("a", 100)
    assert path.read_bytes()[:3] == b"abc"


def test_a_join_takes_no_second_copy_and_goes_on_after_a_crash(folder: Folder) -> None:
    parts = [noise(3 * MB), bytes(20 * MB), noise(MB + 5)]
    whole = b"".join(parts)
    for number, data in enumerate(parts):
        written(folder, f"p{number}", len(data), (0, data))
    steps = [Piece(f"p{number}", 0, len(data), False) for number, data in enumerate(parts)]
    # As after a crash behind the first part: it was moved, then removed.
    folder.join("whole", steps[:1])
    assert not folder.upload("p0").exists()
    os.truncate(folder.upload("whole"), len(whole))
    folder.join("whole", steps)
    folder.join("whole", steps)
    assert folder.upload("whole").read_bytes() == whole
    assert used(folder.upload("whole")) < 6 * MB
    folder.keep("whole", "tenant", bytes(32))
    assert not list(folder.upload("whole").parent.iterdir())


@pytest.mark.parametrize("begun", [False, True])
def test_a_part_that_vanished_is_named_and_the_others_stay(folder: Folder, begun: bool) -> None:
    """Its bytes must not become zeros of the whole, neither at once nor after a crash in the middle of joining."""
    parts = [noise(MB), noise(MB + 1), noise(MB + 2)]
    for number, data in enumerate(parts):
        written(folder, f"p{number}", len(data), (0, data))
    steps = [Piece(f"p{number}", 0, len(data), False) for number, data in enumerate(parts)]
    if begun:
        folder.join("whole", steps[:1])
        os.truncate(folder.upload("whole"), sum(map(len, parts)))
    folder.remove_upload("p1")
    for _ in range(2):
        with pytest.raises(PartLost, match="p1") as raised:
            folder.join("whole", steps)
        assert raised.value.files == ("p1",)
        assert folder.has_upload("p2")
    written(folder, "p1", len(parts[1]), (0, parts[1]))
    folder.join("whole", steps)
    assert folder.upload("whole").read_bytes() == b"".join(parts)


def test_parts_that_went_with_a_whole_that_vanished_are_named(folder: Folder) -> None:
    for name in ("p0", "p1"):
        written(folder, name, 5, (0, b"hello"))
    folder.join("whole", [Piece("p0", 0, 5, False)])
    folder.upload("whole").unlink()
    with pytest.raises(PartLost) as raised:
        folder.join("whole", [Piece("p0", 0, 5, False), Piece("p1", 0, 5, False)])
    assert raised.value.files == ("p0",)


def test_a_part_that_was_moved_but_not_removed_is_not_moved_again(folder: Folder) -> None:
    written(folder, "p0", 5, (0, b"hello"))
    folder.join("whole", [Piece("p0", 0, 5, False)])
    written(folder, "p0", 5)
    folder.join("whole", [Piece("p0", 0, 5, False)])
    assert folder.upload("whole").read_bytes() == b"hello"
    assert not folder.has_upload("p0")


def test_pieces_of_a_shared_file_are_copied_from_their_places(folder: Folder) -> None:
    data = noise(100_000)
    written(folder, "group", len(data), (0, data))
    folder.join("whole", [Piece("group", 60_000, 40_000, True), Piece("group", 0, 60_000, True)])
    assert folder.upload("whole").read_bytes() == data[60_000:] + data[:60_000]
    assert folder.upload("group").exists()
    with pytest.raises(PartLost):
        folder.join("other", [Piece("nothing", 0, 5, True)])


def test_a_part_that_became_shorter_is_no_whole(folder: Folder) -> None:
    path = written(folder, "a", 10_000, (0, noise(10_000)))
    os.truncate(path, 5_000)
    with pytest.raises(PartLost):
        folder.join("whole", [Piece("a", 0, 10_000, False)])
    assert path.exists()


def test_an_upload_is_kept_once_under_its_hash(folder: Folder) -> None:
    for name in ("a", "b"):
        written(folder, name, 5, (0, b"hello"))
    told: list[float] = []
    sha256 = folder.digest(folder.upload("a"), told.append)
    assert sha256 == hashlib.sha256(b"hello").digest()
    assert told == [1.0]
    kept = {folder.keep(name, "tenant", sha256) for name in ("a", "a", "b", "")}
    assert len(kept) == 1
    assert kept.pop().read_bytes() == b"hello"
    assert not list(folder.upload("x").parent.iterdir())
    assert not folder.content("other", sha256, "original").exists()


def test_what_is_not_there_is_said_to_be_gone(folder: Folder) -> None:
    with pytest.raises(NotFound):
        folder.open("a")
    with pytest.raises(NotFound):
        folder.digest(folder.upload("a"), lambda share: None)
    for name in ("a", ""):
        with pytest.raises(NotFound):
            folder.keep(name, "tenant", bytes(32))


def test_the_reserve_of_the_disk_is_left_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path, reserve_bytes=1 << 60)
    folder.create("a", 10)
    descriptor = folder.open("a")
    try:
        with pytest.raises(DiskFull):
            folder.write(descriptor, 0, memoryview(b"0123456789"))
    finally:
        folder.close(descriptor)


def test_what_a_killed_process_left_is_removed_and_nothing_else(folder: Folder) -> None:
    for name in ("mine", "orphan"):
        folder.create(name, 5)
    (folder.scratch / "work-x").mkdir()
    (folder.scratch / "work-x" / "half.mp4").write_bytes(b"x")
    folder.upload("mine.moved").write_text("part\n")
    folder.upload("orphan.moved").write_text("part\n")
    folder.tidy({"mine", "not there"})
    assert sorted(path.name for path in folder.upload("x").parent.iterdir()) == ["mine", "mine.moved"]
    assert not list(folder.scratch.iterdir())
