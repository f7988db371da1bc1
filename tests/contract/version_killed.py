"""A process that does one step of svc_version on its files and is killed at a statement or a file of it: every one in
turn. Run by `test_version_store_killed.py`; says how often it was killed, or what was wrong afterwards.
"""

import asyncio
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from mesh.blobs import FolderBlobs
from mesh.clock import Clock
from rushes.project.v1.project_service_pb2 import PurgedVideo
from svc_version.bulletin import Bulletin
from svc_version.core.content import Delta, Entry, chained, pack
from svc_version.core.model import Draft, Kind, Once, Packed, State, Tier, Version, Work
from svc_version.documents import Documents
from svc_version.mover import Mover
from svc_version.removal import Removals
from svc_version.stores.hot import NoHot
from svc_version.stores.sql import SqlStore, open_sql_store

VIDEO = 7
LATE_S = 4e9
"""A clock by which every version is old."""
LATER_S = LATE_S + 3_600
"""When what the killed one had for itself is anybody's again."""


class Nothing:
    """Was purged."""

    async def after(self, number: int) -> Sequence[PurgedVideo]:
        """See `PurgedVideos`."""
        return ()


class Place:
    """A store and an archive in a folder."""

    def __init__(self, store: SqlStore, folder: Path, late_s: float) -> None:
        self.store = store
        self.archive = FolderBlobs(folder / "archive")
        clock = Clock(wall=lambda: late_s)
        self.documents = Documents(store, self.archive, NoHot(), clock, 0)
        removals = Removals(Nothing(), store, self.archive, NoHot(), clock, days=1.0)
        self.mover = Mover(
            store, self.archive, NoHot(), clock, Bulletin(), removals, hot_days=0.0, cold_days=1.0, every_s=60.0
        )

    async def versions(self) -> list[Version]:
        """All, the oldest first."""
        return list(reversed(await self.store.newest("t", VIDEO, 1 << 62, 100)))

    async def commit(self, number: int) -> Version:
        """The version of a number, on the one before; asked for again it is the same."""
        before = [each for each in await self.versions() if each.number < number]
        base = before[-1] if before else None
        packed = content(number)
        draft = Draft(
            version_id=1_000 + number,
            tenant_id="t",
            video_id=VIDEO,
            base_id=base.version_id if base is not None else 0,
            merged_id=0,
            revision=number,
            kind=Kind.COMMIT,
            message=f"{number}",
            person_id="ann",
            created_ms=1_700_000_000_000 + number,
            hash=chained(base.hash if base is not None else bytes(32), packed.sha256),
            delta=packed,
            depth=number - 1,
        )
        return await self.store.commit(draft, None, Once("t", "ann", "CommitVersion", f"{number}", b"asked"))


def content(number: int) -> Packed:
    """What the version of a number adds."""
    name = number.to_bytes(16, "big")
    return pack(Delta([Entry(name, b"state" * 100 + name, number, 0, False)]))


async def commit(place: Place) -> None:
    await place.commit(3)


async def tag(place: Place) -> None:
    await place.store.tag("t", VIDEO, 1_002, "final", False, Once("t", "ann", "TagVersion", "tag", b"asked"))


async def work(place: Place) -> None:
    asked = Work(
        5, "t", VIDEO, "ann", "s", "back", b"h" * 32, b"c" * 16, Kind.ROLLBACK, State.RUNNING, "Back", 3, 1, 1, 2, 2, 1
    )
    begun = await place.store.begin_work(asked, [b"one", b"two"])
    await place.store.save_work(begun.with_(done_count=2, state=State.DONE))


async def snapshot(place: Place) -> None:
    version = (await place.versions())[1]
    if version.snapshot is None:
        await place.documents.snapshot(version)


async def move(place: Place) -> None:
    await place.mover.move()


async def bring_back(place: Place) -> None:
    for version in reversed(await place.versions()):
        if version.tier is Tier.COLD:
            await place.documents.read(version)


STEPS: dict[str, Callable[[Place], Awaitable[None]]] = {
    each.__name__: each for each in (commit, tag, work, snapshot, move, bring_back)
}


async def check(place: Place, *, done: str = "") -> None:
    """Every version holds what it was committed with; what was done is so."""
    versions = await place.versions()
    assert [each.number for each in versions] == list(range(1, len(versions) + 1))
    tiers = {each.tier for each in versions}
    for version in versions:
        held = await place.documents.read(version)
        assert sorted(held) == [number.to_bytes(16, "big") for number in range(1, version.number + 1)]
    assert sum("final" in each.tags for each in versions) == 1
    if done == "commit":
        assert len(versions) == 3
    elif done == "tag":
        assert "final" in versions[1].tags
    elif done == "work":
        found = await place.store.work("t", VIDEO, 5)
        assert found is not None
        assert (found.state, await place.store.batches(5)) == (State.DONE, [b"one", b"two"])
    elif done == "snapshot":
        assert len(await place.store.chain(VIDEO, versions[1].version_id)) == 1
    elif done == "move":
        assert tiers == {Tier.COLD}
    elif done == "bring_back":
        assert tiers == {Tier.WARM}
    assert set(await place.store.archive_keys()) <= {each.key for each in await place.archive.list("t/")}


async def on(folder: Path, do: Callable[[Place], Awaitable[None]], late_s: float = LATE_S) -> None:
    """Does something on what is in a folder, at a time."""
    store = await open_sql_store(f"sqlite:///{folder / 'versions.sqlite'}")
    try:
        await do(Place(store, folder, late_s))
    finally:
        await store.close()


async def prepare(place: Place, step: str) -> None:
    for number in (1, 2):
        await place.commit(number)
    await place.store.tag("t", VIDEO, 1_001, "final", False, Once("t", "ann", "TagVersion", "", b""))
    if step == "bring_back":
        await place.mover.move()


def die_at(turn: int, step: str) -> Callable[[Place], Awaitable[None]]:
    """The step, in a process that is killed when as many statements and files have been."""
    left = turn

    def count(*args: Any) -> None:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    async def do(place: Place) -> None:
        event.listen(Engine, "after_cursor_execute", count)
        event.listen(Engine, "commit", count)
        replace = os.replace

        def counted(*args: Any, **more: Any) -> None:
            count()
            replace(*args, **more)
            count()

        os.replace = counted
        await STEPS[step](place)

    return do


def forked(do: Callable[[], Any]) -> int:
    """How a process of its own that does something ended."""
    pid = os.fork()
    if not pid:
        try:
            do()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main() -> int:
    """Kills at each turn until the step is done before it comes."""
    folder, step = Path(sys.argv[1]), sys.argv[2]

    async def again(place: Place) -> None:
        if step != "move":  # reading would bring back what is to be moved
            await check(place)
        await STEPS[step](place)
        await check(place, done=step)

    base = folder / "base"
    base.mkdir()
    assert forked(lambda: asyncio.run(on(base, lambda place: prepare(place, step)))) == 0
    for turn in range(1_000):
        at = folder / str(turn)
        shutil.copytree(base, at)
        ended = forked(lambda at=at, turn=turn: asyncio.run(on(at, die_at(turn, step))))  # type: ignore[misc]
        if ended == 0:
            sys.stdout.write(f"{turn}\n")
            return 0
        assert ended == -signal.SIGKILL, ended
        if step == "move":
            shutil.copytree(at, folder / "read")
            assert forked(lambda: asyncio.run(on(folder / "read", check))) == 0, turn
            shutil.rmtree(folder / "read")
        assert forked(lambda at=at: asyncio.run(on(at, again, LATER_S))) == 0, turn  # type: ignore[misc]
        shutil.rmtree(at)
    return 1


if __name__ == "__main__":
    sys.exit(main())
