"""The embedded log on disks that are full, that fail, or that belong to somebody else."""

import asyncio
import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from svc_annotation.stores.log import Log, LogFull, LogLocked, LogReadOnly
from svc_annotation.stores.segment import SegmentLog, SegmentOptions, open_segment_log
from tests.contract.log_reading import everything, take_all

AT_ONCE = SegmentOptions(probe_interval_s=0)
NEVER = SegmentOptions(probe_interval_s=1e9)


class Disk:
    """Syncs like the real one until it is told to fail."""

    def __init__(self) -> None:
        self.error: int | None = None
        self.count = 0

    def sync(self, descriptor: int) -> None:
        self.count += 1
        if self.error is not None:
            raise OSError(self.error, os.strerror(self.error))
        os.fdatasync(descriptor)


async def append_all(log: Log, payloads: list[bytes]) -> list[BaseException | int]:
    return await asyncio.gather(*(log.append(0, 0, payload) for payload in payloads), return_exceptions=True)


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.segment"))


def fill_disk(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


async def reopened(folder: Path) -> dict[int, list[bytes]]:
    log = await open_segment_log(folder)
    assert not log.damage
    found = await everything(log)
    await log.close()
    return found


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root can mount; the test with a limit of the file size does the same")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_full_disk_refuses_clearly_keeps_what_was_acknowledged_and_recovers_by_itself(
    small_disk: Path,
) -> None:
    log = await open_segment_log(small_disk / "log", options=AT_ONCE)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(100_000))
    kept: list[bytes] = []
    number = 0
    while log.read_only is None:
        payloads = [b"%d." % (number + more) * 100 for more in range(10)]
        number += 10
        results = await append_all(log, payloads)
        kept += [payload for payload, result in zip(payloads, results, strict=True) if isinstance(result, int)]
        refused = [result for result in results if not isinstance(result, int)]
        assert all(isinstance(result, LogFull) for result in refused)
    assert log.read_only == "the log's disk is full: No space left on device"
    with pytest.raises(LogFull, match="the log's disk is full"):
        await log.append(1, 1, bytes(100_000))
    assert [entry.payload for entry in await take_all(log, 0)] == kept

    ballast.unlink()
    assert await log.append(0, 0, b"again") == len(kept)
    assert log.read_only is None
    await log.close()
    assert await reopened(small_disk / "log") == {0: [*kept, b"again"]}


async def test_a_log_opens_on_a_disk_that_is_full_and_can_be_read(small_disk: Path) -> None:
    log = await open_segment_log(small_disk / "log")
    await log.append(0, 0, b"before")
    await log.close()
    with pytest.raises(OSError, match="No space"):
        fill_disk(small_disk / "ballast")

    log = await open_segment_log(small_disk / "log", options=AT_ONCE)
    assert await everything(log) == {0: [b"before"]}
    with pytest.raises(LogFull):
        await log.append(0, 0, bytes(20_000))
    (small_disk / "ballast").unlink()
    await log.append(0, 0, b"after")
    await log.close()
    assert await reopened(small_disk / "log") == {0: [b"before", b"after"]}


async def test_a_new_log_on_a_full_disk_is_refused_and_leaves_the_folder_usable(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space"):
        fill_disk(ballast)
    with pytest.raises(LogFull):
        await open_segment_log(small_disk / "log")

    ballast.unlink()
    log = await open_segment_log(small_disk / "log")
    await log.append(0, 0, b"works")
    await log.close()


@pytest.fixture
def file_size_limit() -> Iterator[None]:
    """Restores the limit of this process after a test has lowered it."""
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, before)


async def test_a_limit_of_the_file_size_is_a_full_disk_and_half_a_record_is_cut_back(
    tmp_path: Path, file_size_limit: None
) -> None:
    log = await open_segment_log(tmp_path, options=AT_ONCE)
    await log.append(0, 0, b"before")
    (path,) = segments(tmp_path)
    size_bytes = path.stat().st_size
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes + 100, hard))
    for _ in range(3):
        results = await append_all(log, [bytes(500), bytes(600)])
        assert [type(result) for result in results] == [LogFull, LogFull]
        assert path.stat().st_size == size_bytes
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

    await log.append(0, 0, b"after")
    await log.close()
    assert await reopened(tmp_path) == {0: [b"before", b"after"]}


@pytest.mark.parametrize(("code", "refusal"), [(errno.EIO, LogReadOnly), (errno.ENOSPC, LogFull)])
async def test_after_a_failed_sync_nothing_of_it_is_trusted_and_a_new_file_is_begun(
    tmp_path: Path, code: int, refusal: type[Exception]
) -> None:
    disk = Disk()
    log = await open_segment_log(tmp_path, sync=disk.sync, options=AT_ONCE)
    await append_all(log, [b"one", b"two"])
    (first,) = segments(tmp_path)
    size_bytes = first.stat().st_size
    disk.error = code
    for _ in range(3):
        results = await append_all(log, [b"lost", b"lost too", b"and lost"])
        assert [type(result) for result in results] == [refusal] * 3
    assert first.stat().st_size == size_bytes
    assert segments(tmp_path) == [first]
    assert await log.end(0) == 2
    assert log.read_only is not None

    disk.error = None
    assert await log.append(0, 0, b"three") == 2
    assert log.read_only is None
    assert first.stat().st_size == size_bytes
    assert len(segments(tmp_path)) == 2
    assert await everything(log) == {0: [b"one", b"two", b"three"]}
    await log.close()
    assert await reopened(tmp_path) == {0: [b"one", b"two", b"three"]}


async def test_a_new_file_that_cannot_be_made_refuses_appends_until_it_can(tmp_path: Path) -> None:
    disk = Disk()
    log = await open_segment_log(tmp_path, segment_bytes=1_000, sync=disk.sync, options=AT_ONCE)
    await log.append(0, 0, bytes(1_000))
    disk.error = errno.EDQUOT
    for _ in range(3):
        with pytest.raises(LogFull):
            await log.append(0, 0, b"lost")
    assert len(segments(tmp_path)) == 1

    disk.error = None
    assert await log.append(0, 0, b"kept") == 1
    assert len(segments(tmp_path)) == 2
    await log.close()
    assert await reopened(tmp_path) == {0: [bytes(1_000), b"kept"]}


async def test_a_fault_that_nobody_foresaw_refuses_appends_and_is_got_over(tmp_path: Path) -> None:
    faults = [RuntimeError("a bug")]

    def sync(descriptor: int) -> None:
        if faults and os.fstat(descriptor).st_size > 1_000:
            raise faults.pop()
        os.fdatasync(descriptor)

    log = await open_segment_log(tmp_path, sync=sync, options=AT_ONCE)
    results = await append_all(log, [bytes(500), bytes(600)])
    assert [str(result) for result in results] == ["the log failed: RuntimeError"] * 2
    assert await log.append(0, 0, b"kept") == 0
    await log.close()
    assert await reopened(tmp_path) == {0: [b"kept"]}


async def test_what_a_failed_sync_took_with_it_is_noticed_before_writing_goes_on(tmp_path: Path) -> None:
    disk = Disk()
    log = await open_segment_log(tmp_path, sync=disk.sync, options=AT_ONCE)
    for partition in range(3):
        await log.append(partition, partition, b"record of %d" % partition)
    (first,) = segments(tmp_path)
    disk.error = errno.EIO
    with pytest.raises(LogReadOnly):
        await log.append(0, 0, b"lost")
    data = first.read_bytes()
    first.write_bytes(data.replace(b"record of 1", b"record of ?"))
    disk.error = None

    await log.append(0, 0, b"goes on")
    assert [(report.partition, report.first_offset) for report in log.damage] == [(1, 0)]
    with pytest.raises(LogReadOnly, match="partition 1 is read-only"):
        await log.append(1, 1, b"never")
    await log.close()
    log = await open_segment_log(tmp_path)
    assert [(report.partition, report.first_offset) for report in log.damage] == [(1, 0)]
    await log.close()


async def test_while_the_disk_fails_only_one_append_an_interval_tries_it(tmp_path: Path) -> None:
    disk = Disk()
    log = await open_segment_log(tmp_path, sync=disk.sync, options=NEVER)
    disk.error = errno.EIO
    with pytest.raises(LogReadOnly):
        await log.append(0, 0, b"")
    tries = disk.count
    for _ in range(20):
        with pytest.raises(LogReadOnly, match="the log's disk fails: Input/output error"):
            await log.append(0, 0, b"")
    assert disk.count == tries
    await log.close()


async def test_everybody_who_waits_for_a_failing_disk_is_told_also_who_waits_for_room(tmp_path: Path) -> None:
    disk = Disk()
    options = SegmentOptions(queue_bytes=1_000, group_bytes=300, probe_interval_s=1e9)
    log = await open_segment_log(tmp_path, sync=disk.sync, options=options)
    disk.error = errno.EIO
    results = await append_all(log, [bytes(100)] * 200)

    assert [type(result) for result in results] == [LogReadOnly] * 200
    assert len({id(result) for result in results}) == 200
    await log.close()


async def test_back_pressure_delays_appends_and_loses_none(tmp_path: Path) -> None:
    options = SegmentOptions(queue_bytes=500, group_bytes=300, tail_bytes=400)
    log = await open_segment_log(tmp_path, options=options)
    payloads = [b"%d." % number * (number % 30) for number in range(500)]
    assert await append_all(log, payloads) == list(range(500))
    assert [entry.payload for entry in await take_all(log, 0)] == payloads
    await log.close()


async def test_closing_finishes_also_who_waits_for_room(tmp_path: Path) -> None:
    log = await open_segment_log(tmp_path, options=SegmentOptions(queue_bytes=500, group_bytes=300))
    tasks = [asyncio.ensure_future(log.append(0, 0, bytes(100))) for _ in range(100)]
    await asyncio.sleep(0)
    for task in tasks[1::7]:
        task.cancel()
    await log.close()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    acknowledged = [result for result in results if isinstance(result, int)]

    assert len(acknowledged) == 100 - len(tasks[1::7])
    assert acknowledged == sorted(acknowledged)
    assert len((await reopened(tmp_path))[0]) >= len(acknowledged)


async def test_what_waits_together_is_made_durable_together(tmp_path: Path) -> None:
    disk = Disk()
    log = await open_segment_log(tmp_path, sync=disk.sync)
    before = disk.count
    await asyncio.gather(*(log.append(number % 32, 0, bytes(100)) for number in range(1_000)))
    assert disk.count - before <= 2
    await log.close()


async def test_with_fsync_off_nothing_is_synced(tmp_path: Path) -> None:
    disk = Disk()
    log = await open_segment_log(tmp_path, fsync=False, sync=disk.sync)
    await log.append(0, 0, b"fast")
    await log.close()
    assert disk.count == 0
    assert await reopened(tmp_path) == {0: [b"fast"]}


async def test_a_second_process_is_refused_while_the_first_has_the_folder(tmp_path: Path) -> None:
    log = await open_segment_log(tmp_path)
    with pytest.raises(LogLocked, match="in use by another process"):
        await open_segment_log(tmp_path)
    script = (
        "import asyncio, pathlib, sys; from svc_annotation.stores.segment import open_segment_log;"
        "asyncio.run(open_segment_log(pathlib.Path(sys.argv[1])))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(tmp_path), env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await other.communicate()
    assert b"LogLocked" in errors
    await log.append(0, 0, b"undisturbed")
    await log.close()
    assert await reopened(tmp_path) == {0: [b"undisturbed"]}


async def test_opening_that_is_cancelled_does_not_keep_the_folder(tmp_path: Path) -> None:
    opening = asyncio.ensure_future(open_segment_log(tmp_path))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening

    log = await until_unlocked(tmp_path)
    await log.append(0, 0, b"works")
    await log.close()


async def until_unlocked(folder: Path) -> SegmentLog:
    while True:
        try:
            return await open_segment_log(folder)
        except LogLocked:
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("payload", [bytearray(b"x"), memoryview(b"x"), "x", None])
async def test_what_is_not_bytes_is_refused_and_costs_nobody_else_anything(tmp_path: Path, payload: object) -> None:
    log = await open_segment_log(tmp_path)
    results = await asyncio.gather(
        log.append(0, 0, b"good"),
        log.append(0, 0, payload),  # type: ignore[arg-type]
        return_exceptions=True,
    )
    assert results[0] == 0
    assert getattr(results[1], "reason", None) == "LOG_RECORD_INVALID"
    await log.close()
