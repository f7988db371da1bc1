"""Each store that svc_version needs is away at each step, once: whoever asks again has it done, once, and whole."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from mesh.blobs import BlobsUnavailable
from mesh.sql import StoreUnavailable
from rushes.errors import Unavailable
from rushes.version.v1 import version_pb2
from rushes.version.v1 import version_service_pb2 as service
from svc_version.config import VersionConfig
from tests.integration.annotation_notes import create, move
from tests.integration.annotation_server import reason
from tests.integration.version_server import Versions, versions

OLD_AT_ONCE = VersionConfig(move_s=3_600.0, hot_days=0.0, cold_days=0.0, cache_bytes=0)
AWAY = {"STORE_UNAVAILABLE", "BLOBS_UNAVAILABLE", "UNAVAILABLE"}
STORE = (
    "begin_work", "work", "save_work", "asked", "batch", "batches", "running", "commit", "done", "head", "get", "chain",
    "contents", "put_snapshot", "older", "cooled", "archived", "brought_back", "shared", "tenants", "archive_keys",
    "reserve", "lease", "sweep", "stored_bytes",
)  # fmt: skip


class Trouble:
    """Counts what is asked of all stores; the call whose turn it is fails, before it is done or after."""

    def __init__(self, at: Versions) -> None:
        self._turn: int | None = None
        self._after = False
        self.count = 0
        store, archive, notes = at.parts.store, at.parts.mover._archive, at.parts._writing._notes
        for owner, error, names in (
            (store, StoreUnavailable, STORE),
            (archive, BlobsUnavailable, ("put_all", "get_all", "delete", "list")),
            (notes, Unavailable, ("append", "read")),
        ):
            for name in names:
                setattr(owner, name, self._call(getattr(owner, name), error))
        archive.read = self._reading(archive.read)  # type: ignore[method-assign]

    def at(self, turn: int, *, after: bool) -> None:
        """From now on it is so."""
        self._turn, self._after, self.count = turn, after, 0

    def over(self) -> bool:
        """Ends it; whether all calls came before the turn."""
        turn, self._turn = self._turn, None
        return turn is not None and self.count <= turn

    def _fails(self) -> bool:
        self.count += 1
        return self._turn is not None and self.count == self._turn + 1

    def _call(self, whole: Callable[..., Awaitable[Any]], error: type[Unavailable]) -> Any:
        async def call(*args: Any, **more: Any) -> Any:
            if not self._fails():
                return await whole(*args, **more)
            if self._after:
                await whole(*args, **more)
            raise error("It is away.")

        return call

    def _reading(self, whole: Any) -> Any:
        async def read(*args: Any) -> AsyncIterator[bytes]:
            if self._fails():
                raise BlobsUnavailable("It is away.")
            async for piece in whole(*args):
                yield piece

        return read


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Versions]:
    """A service whose versions are old at once, and kept in no cache."""
    async with versions(tmp_path, OLD_AT_ONCE) as running:
        yield running


async def insist(ask: Callable[[], Awaitable[Any]]) -> Any:
    """The answer of whoever asks again when told that it cannot be now."""
    for _ in range(5):
        try:
            return await ask()
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE or reason(error) not in AWAY:
                raise
    raise AssertionError("it is never done")


async def listed(at: Versions, video: int) -> list[version_pb2.Version]:
    """The versions, the oldest first."""
    answer = await at.call("ListVersions", service.ListVersionsRequest(video_id=video))
    return list(reversed(answer.versions))


@pytest.mark.parametrize("after", [False, True])
async def test_a_commit_is_one_version_whichever_step_finds_a_store_away(at: Versions, after: bool) -> None:
    trouble = Trouble(at)
    video = 0
    while True:
        video += 1
        await at.write("ann", create("a"), video=video)
        await at.commit(video=video)
        await at.write("ann", create("b"), video=video)
        request = service.CommitVersionRequest(video_id=video, message="once", request_id=f"commit {video}")
        trouble.at(video - 1, after=after)
        made = (await insist(lambda asked=request: at.call("CommitVersion", asked))).version  # type: ignore[misc]
        whole = trouble.over()
        assert [each.version_id for each in await listed(at, video)][1:] == [made.version_id]
        assert await at.document(made.version_id, video=video) == await at.live(video)
        if whole:
            break
    assert video > 3


@pytest.mark.parametrize("after", [False, True])
async def test_a_roll_back_is_written_once_whichever_step_finds_a_store_away(at: Versions, after: bool) -> None:
    trouble = Trouble(at)
    video = 0
    while True:
        video += 1
        for name in ("a", "b"):
            await at.write("ann", create(name, text="x"), video=video)
        then = await at.live(video)
        await at.write("ann", move("a", 5, 5, seen=2), create("c"), video=video)
        revision = await at.revision(video)
        trouble.at(video - 1, after=after)
        done: version_pb2.Rollback = await insist(
            lambda on=video: at.roll_back(video=on, revision=2, request_id=f"back {on}")  # type: ignore[misc]
        )
        while done.state == version_pb2.ROLLBACK_STATE_RUNNING:
            done = await at.roll_back(video=video, revision=2, request_id=f"back {video}")
        whole = trouble.over()
        assert done.state == version_pb2.ROLLBACK_STATE_DONE
        assert await at.revision(video) == revision + done.batch_count
        live = await at.live(video)
        assert {name for name, state in live.items() if not state.annotation.deleted} == set(then)
        assert [each.kind for each in await listed(at, video)] == [version_pb2.VERSION_KIND_ROLLBACK]
        if whole:
            break
    assert video > 6


async def test_versions_move_and_come_back_whichever_step_finds_a_store_away(at: Versions) -> None:
    trouble = Trouble(at)
    video = 0
    while True:
        video += 1
        made = {}
        for number in range(2):
            await at.write("ann", create(f"{number}"), video=video)
            made[(await at.commit(video=video)).version_id] = await at.live(video)
        trouble.at(video - 1, after=video % 2 == 0)
        for _ in range(3):
            try:
                await at.parts.mover.move()
                await at.parts.mover.sweep()
            except Unavailable:
                continue
        whole = trouble.over()
        await at.parts.mover.move()
        assert {each.tier for each in await listed(at, video)} == {version_pb2.VERSION_TIER_COLD}
        trouble.at(video - 1, after=video % 2 == 0)
        for version_id, states in made.items():
            read = await insist(lambda of=version_id, on=video: at.document(of, video=on))  # type: ignore[misc]
            assert read == states
        whole &= trouble.over()
        for version_id, states in made.items():
            assert await at.document(version_id, video=video) == states
        assert {each.tier for each in await listed(at, video)} == {version_pb2.VERSION_TIER_WARM}
        if whole:
            break
        await at.parts.mover.move()
    assert video > 12
