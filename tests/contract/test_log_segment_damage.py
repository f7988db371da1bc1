"""Bytes of segment files that changed or never arrived: damage is told from a torn tail, never taken for a record."""

import asyncio
import logging
import os
import random
import shutil
from pathlib import Path

import pytest

from svc_annotation.stores.log import PARTITIONS, LogDamaged, LogEntry, LogReadOnly, LogUnreadable
from svc_annotation.stores.segment import SegmentLog, open_segment_log
from svc_annotation.stores.segment_file import HEADER_BYTES
from tests.contract.log_reading import everything, take, take_all

USED = 4
PAYLOAD_BYTES = 60


def payload(partition: int, number: int) -> bytes:
    return f"partition {partition} number {number} ".encode().ljust(PAYLOAD_BYTES, b".")


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.segment"))


def order(count: int) -> list[tuple[int, int]]:
    """(partition, number) of the records that `fill` appends, in the order of the log."""
    chance = random.Random(count)
    numbers = [0] * USED
    found = []
    for _ in range(count):
        partition = chance.randrange(USED)
        found.append((partition, numbers[partition]))
        numbers[partition] += 1
    return found


async def fill(folder: Path, count: int, segment_bytes: int = 1 << 20) -> dict[int, list[bytes]]:
    """A log of `count` records, each made durable on its own, in four partitions."""
    written: dict[int, list[bytes]] = {partition: [] for partition in range(USED)}
    log = await open_segment_log(folder, segment_bytes=segment_bytes)
    for partition, number in order(count):
        await log.append(partition, partition, payload(partition, number))
        written[partition].append(payload(partition, number))
    await log.close()
    return written


def indexes_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.index"))


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x5A
    path.write_bytes(data)


def position_of(path: Path, record: bytes) -> int:
    at = path.read_bytes().index(record)
    assert at > HEADER_BYTES
    return at


async def read_prefix(log: SegmentLog, partition: int) -> tuple[list[bytes], bool]:
    """What can be read of a partition, and whether reading ended with damage."""
    found: list[LogEntry] = []
    end = await log.end(partition)
    lost_at = None
    try:
        while len(found) < end:
            found += await take(log, partition, len(found), 1)
    except LogDamaged as error:
        lost_at = error.metadata["offset"]
    assert lost_at in (None, str(len(found)))
    return [entry.payload for entry in found], lost_at is not None


async def test_a_flipped_byte_makes_its_partition_read_only_and_the_others_go_on(tmp_path: Path) -> None:
    written = await fill(tmp_path, 40)
    flip(segments(tmp_path)[0], position_of(segments(tmp_path)[0], payload(2, 3)))

    for _ in range(2):  # it is found again at each start, as long as it is there
        log = await open_segment_log(tmp_path)
        (report,) = log.damage
        assert (report.partition, report.first_offset, report.next_offset) == (2, 3, 4)
        assert report.segment == segments(tmp_path)[0].name
        assert str(report) == "partition 2 misses offsets 3 to 3"
        assert await read_prefix(log, 2) == (written[2][:3], True)
        assert [entry.payload for entry in await take(log, 2, 4, len(written[2]) - 4)] == written[2][4:]
        with pytest.raises(LogReadOnly) as refusal:
            await log.append(2, 2, b"never")
        assert refusal.value.metadata == {"partition": "2"}
        for partition in (0, 1, 3):
            assert await read_prefix(log, partition) == (written[partition], False)
            await log.append(partition, partition, b"new")
            written[partition].append(b"new")
        await log.close()


async def test_damage_stays_known_after_its_segment_is_sealed(tmp_path: Path) -> None:
    written = await fill(tmp_path, 40)
    (path,) = segments(tmp_path)
    last = {partition: position_of(path, records[-1]) for partition, records in written.items()}
    first_to_end = min(last, key=last.__getitem__)
    flip(path, last[first_to_end])
    (tmp_path / "mark").unlink()
    log = await open_segment_log(tmp_path, segment_bytes=1_000)
    damaged = {report.partition for report in log.damage}
    assert first_to_end in damaged
    other = next(partition for partition in range(USED) if partition not in damaged)
    for _ in range(50):
        await log.append(other, other, bytes(100))
    await log.close()
    assert len(segments(tmp_path)) > 3

    log = await open_segment_log(tmp_path)
    assert {report.partition for report in log.damage} == damaged
    await log.close()


async def test_without_a_mark_partitions_that_may_miss_something_are_read_only_too(tmp_path: Path) -> None:
    log = await open_segment_log(tmp_path)
    for partition in (0, 1, 0):
        await log.append(partition, partition, payload(partition, 0))
    await log.close()
    (path,) = segments(tmp_path)
    flip(path, position_of(path, payload(1, 0)) - 20)  # its header: nothing tells whose it was
    (tmp_path / "mark").unlink()

    log = await open_segment_log(tmp_path)
    assert {report.partition for report in log.damage} == set(range(1, PARTITIONS))
    assert str(log.damage[0]) == "partition 1 may miss records from offset 0 on"
    await log.append(0, 0, b"goes on")
    with pytest.raises(LogReadOnly):
        await log.append(1, 1, b"never")
    await log.close()


async def test_with_a_mark_the_one_that_misses_something_is_known(tmp_path: Path) -> None:
    log = await open_segment_log(tmp_path)
    for partition in (0, 1, 0):
        await log.append(partition, partition, payload(partition, 0))
    await log.close()
    (path,) = segments(tmp_path)
    flip(path, position_of(path, payload(1, 0)) - 20)

    log = await open_segment_log(tmp_path)
    assert [(report.partition, report.first_offset) for report in log.damage] == [(1, 0)]
    assert await log.end(1) == 1
    assert await read_prefix(log, 1) == ([], True)
    await log.append(2, 2, b"goes on")
    await log.close()


async def test_the_newest_group_is_damage_too_once_it_was_acknowledged(tmp_path: Path) -> None:
    log = await open_segment_log(tmp_path)
    tasks = [asyncio.ensure_future(log.append(number % 3, 0, payload(number % 3, number))) for number in range(9)]
    await asyncio.gather(*tasks)  # one group
    await log.close()
    (path,) = segments(tmp_path)
    flip(path, position_of(path, payload(1, 4)))

    log = await open_segment_log(tmp_path)
    assert [(report.partition, report.first_offset) for report in log.damage] == [(1, 1)]
    assert [len(records) for records in (await everything_readable(log)).values()] == [3, 1, 3]
    await log.close()


async def everything_readable(log: SegmentLog) -> dict[int, list[bytes]]:
    found = {partition: (await read_prefix(log, partition))[0] for partition in range(PARTITIONS)}
    return {partition: records for partition, records in found.items() if records}


@pytest.mark.parametrize("cut_bytes", [1, 30, PAYLOAD_BYTES + 39, PAYLOAD_BYTES + 40, PAYLOAD_BYTES + 41])
async def test_a_torn_tail_is_cut_and_said(tmp_path: Path, cut_bytes: int, caplog: pytest.LogCaptureFixture) -> None:
    written = await fill(tmp_path, 20)
    (path,) = segments(tmp_path)
    os.truncate(path, path.stat().st_size - cut_bytes)
    left = 20 - 1 - (cut_bytes > PAYLOAD_BYTES + 40)

    with caplog.at_level(logging.WARNING):
        log = await open_segment_log(tmp_path)
    events = [record.message for record in caplog.records]
    assert ("log_torn_tail_cut" in events) == (cut_bytes != PAYLOAD_BYTES + 40)
    assert "log_acknowledged_tail_lost" in events  # the mark knows that there was more
    found = await everything(log)
    assert sum(map(len, found.values())) == left
    assert all(records == written[partition][: len(records)] for partition, records in found.items())
    assert not log.damage
    for partition in range(USED):
        await log.append(partition, partition, b"new")
    await log.close()
    log = await open_segment_log(tmp_path)
    assert sum(map(len, (await everything(log)).values())) == left + USED
    await log.close()


async def test_garbage_behind_the_last_record_is_cut(tmp_path: Path) -> None:
    written = await fill(tmp_path, 10)
    (path,) = segments(tmp_path)
    size_bytes = path.stat().st_size
    with path.open("ab") as file:
        file.write(random.Random(1).randbytes(5_000))

    log = await open_segment_log(tmp_path)
    assert path.stat().st_size == size_bytes
    assert await everything(log) == written
    assert not log.damage
    await log.close()


async def test_a_power_cut_that_kept_any_pages_of_the_newest_group_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """The disk may keep later pages of an unsynced write and not earlier ones; that is no damage."""
    source = tmp_path / "source"
    copies: list[Path] = []

    def sync(descriptor: int) -> None:
        os.fdatasync(descriptor)
        if copies:
            shutil.copytree(source, copies.pop())  # what a power cut during this sync may find at most

    log = await open_segment_log(source, sync=sync)
    await asyncio.gather(*(log.append(number % USED, 0, payload(number % USED, number)) for number in range(30)))
    durable_bytes = segments(source)[0].stat().st_size
    before = await everything(log)
    old_mark = (source / "mark").read_bytes()
    copies.append(tmp_path / "cut")
    await asyncio.gather(*(log.append(number % USED, 0, payload(number % USED, number)) for number in range(30, 60)))
    await log.close()

    chance = random.Random(5)
    for trial in range(60):
        folder = tmp_path / f"trial{trial}"
        shutil.copytree(tmp_path / "cut", folder)
        (path,) = segments(folder)
        data = bytearray(path.read_bytes())
        for start in range(durable_bytes, len(data), 64):
            if chance.random() < 0.3:
                end = min(start + 64, len(data))
                data[start:end] = bytes(end - start)
        path.write_bytes(data[: chance.randrange(durable_bytes, len(data) + 1)])
        if chance.random() < 0.5:
            (folder / "mark").unlink()
        else:
            (folder / "mark").write_bytes(old_mark)
        log = await open_segment_log(folder)
        assert not log.damage
        found = await everything(log)
        assert all(found[partition][: len(records)] == records for partition, records in before.items())
        assert await log.append(0, 0, b"new") == len(found[0])
        await log.close()
        shutil.rmtree(folder)


@pytest.mark.parametrize("kept", ["all", "no_mark", "no_index", "nothing"])
async def test_whatever_byte_changes_a_partition_reads_whole_or_stops_with_an_error(tmp_path: Path, kept: str) -> None:
    source = tmp_path / "source"
    written = await fill(source, 80, segment_bytes=3_000)
    chance = random.Random(kept)
    for trial in range(40):
        folder = tmp_path / f"trial{trial}"
        shutil.copytree(source, folder)
        for path in folder.iterdir():
            if (path.name == "mark" and kept in ("no_mark", "nothing")) or (
                path.suffix == ".index" and kept in ("no_index", "nothing")
            ):
                path.unlink()
        damage_somewhere(chance, chance.choice(segments(folder)))
        await check_prefixes(folder, written)
        shutil.rmtree(folder)


def damage_somewhere(chance: random.Random, path: Path) -> None:
    data = bytearray(path.read_bytes())
    start = chance.randrange(len(data))
    match chance.randrange(4):
        case 0:
            data[start] ^= chance.randrange(1, 256)
        case 1:
            data[start : start + 512] = bytes(len(data[start : start + 512]))
        case 2:
            del data[start:]
        case 3:
            del data[start : start + chance.randrange(1, 300)]
    path.write_bytes(data)


async def check_prefixes(folder: Path, written: dict[int, list[bytes]]) -> None:
    log = await open_segment_log(folder)
    read: set[tuple[int, int]] = set()
    cut: set[tuple[int, int]] = set()
    for partition, expected in written.items():
        found, damaged = await read_prefix(log, partition)
        assert found == expected[: len(found)]
        read |= {(partition, number) for number in range(len(found))}
        if partition in {report.partition for report in log.damage}:
            with pytest.raises(LogReadOnly):
                await log.append(partition, partition, b"never")
        else:
            assert not damaged
            cut |= {(partition, number) for number in range(len(found), len(expected))}
            assert await log.append(partition, partition, b"new") == len(found)
    await log.close()
    places = {record: place for place, record in enumerate(order(sum(map(len, written.values()))))}
    if cut:  # only as a torn tail, behind which there is nothing good, may anything go without an error
        first = min(places[record] for record in cut)
        assert all(places[record] < first for record in read)


async def test_a_segment_that_is_gone_is_damage_for_those_who_had_records_in_it(tmp_path: Path) -> None:
    written = await fill(tmp_path, 80, segment_bytes=2_000)
    gone = segments(tmp_path)[1]
    data = gone.read_bytes()
    losers = {partition for partition, records in written.items() if any(record in data for record in records)}
    gone.unlink()

    log = await open_segment_log(tmp_path)
    assert {report.partition for report in log.damage} == losers
    for partition, expected in written.items():
        found, damaged = await read_prefix(log, partition)
        assert found == expected[: len(found)]
        assert damaged == (partition in losers)
    await log.close()


async def test_damage_in_a_sealed_segment_is_found_when_it_is_read_and_then_known_at_each_start(tmp_path: Path) -> None:
    written = await fill(tmp_path, 80, segment_bytes=3_000)
    first = segments(tmp_path)[0]
    flip(first, position_of(first, written[0][1]))

    log = await open_segment_log(tmp_path)
    assert not log.damage
    assert await read_prefix(log, 0) == (written[0][:1], True)
    assert [report.partition for report in log.damage] == [0]
    with pytest.raises(LogReadOnly):
        await log.append(0, 0, b"never")
    assert await read_prefix(log, 1) == (written[1], False)
    await log.close()

    log = await open_segment_log(tmp_path)
    assert [(report.partition, report.first_offset) for report in log.damage] == [(0, 1)]
    await log.close()


async def test_a_damaged_segment_header_costs_no_record(tmp_path: Path) -> None:
    written = await fill(tmp_path, 80, segment_bytes=3_000)
    for path in segments(tmp_path):
        flip(path, 20)

    log = await open_segment_log(tmp_path)
    assert not log.damage
    assert await everything(log) == written
    await log.append(0, 0, b"goes on")
    await log.close()


@pytest.mark.parametrize("size_bytes", [0, 100, HEADER_BYTES, 5_000])
async def test_a_segment_whose_making_was_cut_off_is_set_aside(tmp_path: Path, size_bytes: int) -> None:
    written = await fill(tmp_path, 20)
    (tmp_path / "0000000002-00000000000000aa.segment").write_bytes(bytes(size_bytes))

    for _ in range(2):
        log = await open_segment_log(tmp_path)
        assert not log.damage
        assert await everything(log) == written
        await log.append(3, 3, b"new")
        written[3].append(b"new")
        await log.close()


async def test_index_files_are_made_used_and_rebuilt(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    written = await fill(tmp_path, 80, segment_bytes=3_000)
    indexes = indexes_of(tmp_path)
    assert [path.stem for path in indexes] == [path.stem for path in segments(tmp_path)[:-1]]
    before = [path.read_bytes() for path in indexes]
    indexes[0].unlink()
    flip(indexes[1], 50)

    with caplog.at_level(logging.INFO):
        log = await open_segment_log(tmp_path)
    assert [record.message for record in caplog.records] == ["log_index_rebuilt"] * 2
    assert [path.read_bytes() for path in indexes] == before
    assert await everything(log) == written
    await log.close()


async def test_a_start_with_index_files_does_not_read_the_sealed_segments(tmp_path: Path) -> None:
    written = await fill(tmp_path, 80, segment_bytes=3_000)
    first, *_ = segments(tmp_path)
    data = first.read_bytes()
    first.write_bytes(data[:HEADER_BYTES] + bytes(len(data) - HEADER_BYTES))

    log = await open_segment_log(tmp_path)
    assert not log.damage
    assert [await log.end(partition) for partition in range(USED)] == [len(written[n]) for n in range(USED)]
    await log.close()


@pytest.mark.parametrize("data", [b"", b"RUSHMRK1", bytes(296), b"x" * 5_000])
async def test_a_mark_that_is_unreadable_is_only_a_hint_less(tmp_path: Path, data: bytes) -> None:
    written = await fill(tmp_path, 20)
    (tmp_path / "mark").write_bytes(data)

    log = await open_segment_log(tmp_path)
    assert not log.damage
    assert await everything(log) == written
    await log.close()


async def test_a_file_that_vanishes_while_the_log_is_open_is_damage(tmp_path: Path) -> None:
    written = await fill(tmp_path, 20)
    log = await open_segment_log(tmp_path)
    segments(tmp_path)[0].unlink()

    assert await read_prefix(log, 1) == ([], True)
    assert [report.partition for report in log.damage] == [1]
    assert await log.append(0, 0, b"new") == len(written[0])
    await log.close()


async def test_a_disk_that_cannot_be_read_is_not_taken_for_damage(tmp_path: Path) -> None:
    written = await fill(tmp_path, 20)
    log = await open_segment_log(tmp_path)
    (path,) = segments(tmp_path)
    path.replace(tmp_path / "elsewhere")
    path.mkdir()
    with pytest.raises(LogUnreadable):
        await take(log, 1, 0, 1)
    path.rmdir()
    (tmp_path / "elsewhere").replace(path)

    assert await everything(log) == written
    assert not log.damage
    await log.close()


async def test_files_of_others_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    for name in ("notes.txt", "1.segment", "0000000009-xyz.segment", "0000000003-00000000000000aa.segment.bak"):
        (tmp_path / name).write_bytes(b"mine")
    written = await fill(tmp_path, 20)

    log = await open_segment_log(tmp_path)
    assert await everything(log) == written
    assert (tmp_path / "1.segment").read_bytes() == b"mine"
    assert await take_all(log, 31) == []
    await log.close()
