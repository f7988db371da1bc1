"""Hashing in threads."""

import asyncio
from collections.abc import Iterator

import pytest

from svc_project.core.errors import SignInBusy
from svc_project.password import Passwords


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords(memory_kib=64, passes=1, threads=1, waiting=1)
    yield made
    made.close()


async def test_a_password_is_verified_against_its_hash(passwords: Passwords) -> None:
    hash_ = await passwords.hash("right")
    assert hash_.startswith("$argon2id$")
    assert await passwords.verify(hash_, "right")
    assert not await passwords.verify(hash_, "wrong")


async def test_nobodys_password_is_never_right(passwords: Passwords) -> None:
    assert not await passwords.verify("", "nobody has this password")


async def test_hashes_of_other_settings_are_outdated(passwords: Passwords) -> None:
    hash_ = await passwords.hash("right")
    assert not passwords.outdated(hash_)
    stronger = Passwords(memory_kib=128, passes=1, threads=1, waiting=1)
    assert stronger.outdated(hash_)
    stronger.close()


async def test_more_hashes_than_may_wait_are_refused_and_nobody_else_is(passwords: Passwords) -> None:
    answers = await asyncio.gather(*(passwords.hash("x") for _ in range(5)), return_exceptions=True)
    assert [isinstance(answer, SignInBusy) for answer in answers] == [False, False, True, True, True]
    await passwords.hash("x")


async def test_who_goes_away_gives_the_place_back_once_the_thread_is_done(passwords: Passwords) -> None:
    leaving = asyncio.ensure_future(passwords.hash("x"))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await passwords.hash("y")
    answers = await asyncio.gather(*(passwords.hash("x") for _ in range(3)), return_exceptions=True)
    assert [isinstance(answer, SignInBusy) for answer in answers] == [False, False, True]
