"""Locks of processes that share a folder: the kernel lets go of them when their process ends, however it does."""

import asyncio
import errno
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from svc_media.lock import Locks

HOLDER = """
import sys
from pathlib import Path
from svc_media.lock import Locks
locks = Locks(Path(sys.argv[1]))
assert locks.take("alone") and locks.share("together") and locks.share("together")
print("held", flush=True)
sys.stdin.readline()
locks.unshare("together")
print("once", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds two locks, and lets one go for each line, half of what it shares at first."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "locks")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


async def test_what_another_process_holds_is_had_once_that_is_killed(
    holder: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    locks = Locks(tmp_path / "locks")
    assert not locks.take("alone")
    assert not locks.share("alone")
    assert not locks.take("together")
    assert locks.share("together")
    lock = locks.of("alone")
    waiting = asyncio.create_task(lock.acquire())
    await asyncio.sleep(0)
    assert not waiting.done()
    holder.kill()
    await asyncio.wait_for(waiting, 60)
    lock.release()
    locks.unshare("together")
    assert locks.take("together")


async def test_an_attempt_waits_neither_for_another_process_nor_for_somebody_of_this_one(
    holder: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    locks = Locks(tmp_path / "locks")
    assert not await locks.of("alone").attempt()
    assert not locks.of("alone").locked()
    free = locks.of("free")
    assert await free.attempt()
    assert not await free.attempt()
    waiting = asyncio.create_task(free.acquire())
    await asyncio.sleep(0)
    free.release()
    assert not await free.attempt()  # it is the turn of who waited
    await waiting
    free.release()
    assert await free.attempt()
    free.release()


async def test_what_is_shared_twice_is_let_go_twice(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    locks = Locks(tmp_path / "locks")
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdin.write("\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "once\n"
    assert not locks.take("together")


def test_what_one_shares_oneself_one_has_not_alone(tmp_path: Path) -> None:
    locks = Locks(tmp_path / "locks")
    assert locks.share("it")
    assert not locks.take("it")
    locks.unshare("it")
    assert locks.take("it")


async def test_who_waits_and_is_cancelled_leaves_the_lock_to_others(tmp_path: Path) -> None:
    locks = Locks(tmp_path / "locks")
    async with locks.of("it"):
        waiting = asyncio.create_task(locks.of("it").acquire())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert locks.of("it").locked()
    async with locks.of("it"):
        assert locks.of("it").locked()


def test_a_disk_without_locks_is_good_for_one_instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr("svc_media.lock.fcntl.lockf", refused)
    locks = Locks(tmp_path / "locks")
    assert locks.take("it")
    assert locks.share("other")
