"""The first start of several instances at once, in one folder and on one store: one administrator, and its password."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mesh.clock import Clock
from mesh.sql import Database
from svc_project.bulletin import Bulletin
from svc_project.context import Context
from svc_project.first_start import FILE_NAME, FirstSignIn, prepare
from svc_project.password import Passwords
from svc_project.stores.sql import SqlStore

EMAIL = "admin@rushes.local"


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    made = Passwords(memory_kib=64, passes=1, threads=1, waiting=8)
    yield made
    made.close()


@pytest.fixture
async def contexts(fresh_postgresql: str) -> AsyncIterator[list[Context]]:
    """Of three instances."""
    stores = [SqlStore(Database(fresh_postgresql, one_writer=True)) for _ in range(3)]
    for store in stores:
        await store.prepare()
    clock = Clock()
    bulletin = Bulletin(clock, token_ms=1_000, heartbeat_s=3_600, watchers=9, pending=100)
    yield [Context(store, clock, bulletin, str(number)) for number, store in enumerate(stores)]
    for store in stores:
        await store.close()


async def right(context: Context, passwords: Passwords, known: tuple[str, str] | None) -> bool:
    """Whether one may sign in with it."""
    assert known is not None
    person = await context.run(lambda work: work.unit.people.by_email(known[0]))
    return person is not None and await passwords.verify(person.password_hash, known[1])


async def test_several_that_start_at_once_make_one_administrator_and_tell_the_password(
    contexts: list[Context], passwords: Passwords, tmp_path: Path
) -> None:
    first = FirstSignIn(tmp_path)
    await asyncio.gather(*(prepare(each, passwords, first, tenant_name="Studio", email=EMAIL) for each in contexts))
    assert await right(contexts[0], passwords, first.read())
    assert os.listdir(tmp_path) == [FILE_NAME]


async def test_a_password_that_was_written_but_not_told_is_told_at_the_next_start(
    contexts: list[Context], passwords: Passwords, tmp_path: Path
) -> None:
    first = FirstSignIn(tmp_path)
    await prepare(contexts[0], passwords, first, tenant_name="Studio", email=EMAIL)
    # As if killed between the two; and somebody was slower, and killed before it knew.
    (tmp_path / FILE_NAME).rename(tmp_path / f"{FILE_NAME}.0")
    first.write(EMAIL, "of an administrator who never was")
    await prepare(contexts[1], passwords, first, tenant_name="Studio", email=EMAIL)
    assert await right(contexts[1], passwords, first.read())
    assert os.listdir(tmp_path) == [FILE_NAME]
