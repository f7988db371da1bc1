"""Waiting for what is to come, instead of for a while."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any

WAIT_S = 60.0
EVERY_S = 0.02


async def until(condition: Callable[[], Any], what: str = "it", wait_s: float = WAIT_S) -> Any:
    """Returns what the condition gives once it holds, awaited if need be; fails after a while."""
    end_s = time.monotonic() + wait_s
    while True:
        holds = condition()
        if inspect.isawaitable(holds):
            holds = await holds
        if holds:
            return holds
        if time.monotonic() > end_s:
            raise AssertionError(f"{what} did not come true in {wait_s:g} s")
        await asyncio.sleep(EVERY_S)


def wait_until(condition: Callable[[], Any], what: str = "it", wait_s: float = WAIT_S) -> Any:
    """The same for code that does not await."""
    end_s = time.monotonic() + wait_s
    while not (holds := condition()):
        if time.monotonic() > end_s:
            raise AssertionError(f"{what} did not come true in {wait_s:g} s")
        time.sleep(EVERY_S)
    return holds
