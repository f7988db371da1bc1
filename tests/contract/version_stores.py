"""Versions for a store of svc_version, and the engines that it may be on."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from svc_version.core.content import Content, Entry, chained, difference, pack
from svc_version.core.model import Draft, Kind, Once, Packed, State, Version, Work
from svc_version.stores import Store
from svc_version.stores.mongo import open_mongo_store
from svc_version.stores.sql import open_sql_store

ENGINES = ("sqlite", "postgresql", "mongo")
VIDEO = 7
START_MS = 1_700_000_000_000
Open = Callable[[], Awaitable[Store]]


def opener(engine: str, request: pytest.FixtureRequest, folder: Path) -> Open:
    """What opens the same, at first empty, store again and again."""
    if engine == "mongo":
        url = f"{request.getfixturevalue('mongo_url')}versions-{uuid.uuid4().hex}"
        return lambda: open_mongo_store(url)
    address = f"sqlite:///{folder / 'versions.sqlite'}"
    if engine == "postgresql":
        address = request.getfixturevalue("fresh_postgresql")
    return lambda: open_sql_store(address)


def content(*texts: str) -> Packed:
    """Notes, packed."""
    held: Content = {text.encode(): Entry(text.encode(), text.encode(), 1, 0, False) for text in texts}
    return pack(difference({}, held))


def once(request_id: str = "", asked: bytes = b"asked", method: str = "CommitVersion") -> Once:
    """A request."""
    return Once("t", "ann", method, request_id, asked)


_ids = iter(range(1, 1 << 40))


def draft(base: Version | None = None, *texts: str, **changes: Any) -> Draft:
    """A version that follows another."""
    packed = content(*(texts or (f"note {next(_ids)}",)))
    made = Draft(
        version_id=next(_ids),
        tenant_id="t",
        video_id=VIDEO,
        base_id=base.version_id if base is not None else 0,
        merged_id=0,
        revision=5,
        kind=Kind.COMMIT,
        message="said",
        person_id="ann",
        created_ms=START_MS,
        hash=chained(base.hash if base is not None else bytes(32), packed.sha256),
        delta=packed,
        depth=base.depth + 1 if base is not None else 0,
    )
    return replace(made, **changes)


async def line(store: Store, count: int, **changes: Any) -> list[Version]:
    """Versions, each on the one before."""
    made: list[Version] = []
    for _ in range(count):
        made.append(await store.commit(draft(made[-1] if made else None, **changes), None, once()))
    return made


def work(request_id: str = "back", **changes: Any) -> Work:
    """Work in two batches."""
    made = Work(
        work_id=next(_ids),
        tenant_id="t",
        video_id=VIDEO,
        person_id="ann",
        session_id="s",
        request_id=request_id,
        request_hash=b"h" * 32,
        client_id=b"c" * 16,
        kind=Kind.ROLLBACK,
        state=State.RUNNING,
        message="Back",
        from_revision=9,
        target_revision=3,
        annotation_count=2,
        operation_count=4,
        batch_count=2,
        created_ms=START_MS,
        frames=(3, 8),
    )
    return replace(made, **changes)


async def at_once(*waiting: Awaitable[Any]) -> list[Any]:
    """What becomes of calls that are made at once; errors are results."""
    return list(await asyncio.gather(*waiting, return_exceptions=True))
