"""Waiting for what is to come, instead of for a while."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

WAIT_S = 60.0
EVERY_S = 0.02


async def until(condition: Callable[[], bool | Awaitable[bool]], what: str = "it", wait_s: float = WAIT_S) -> None:
    """Returns once the condition holds; fails after a while."""
    end_s = time.monotonic() + wait_s
    while True:
        holds = condition()
        if await holds if inspect.isawaitable(holds) else holds:
            return
        if time.monotonic() > end_s:
            raise AssertionError(f"{what} did not come true in {wait_s:g} s")
        await asyncio.sleep(EVERY_S)


def wait_until(condition: Callable[[], bool], what: str = "it", wait_s: float = WAIT_S) -> None:
    """The same for code that does not await."""
    end_s = time.monotonic() + wait_s
    while not condition():
        if time.monotonic() > end_s:
            raise AssertionError(f"{what} did not come true in {wait_s:g} s")
        time.sleep(EVERY_S)
