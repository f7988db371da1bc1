"""Threads for what blocks on the disk: a few for each purpose, so that slow uploads do not keep players waiting."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """Some threads of a name."""

    def __init__(self, name: str, count: int) -> None:
        self._executor = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` returns. It is waited for even when the task is cancelled.

        A descriptor that a thread still writes to is closed by nobody, and its number stands for no other file.
        """
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._executor, lambda: work(*args, **kwargs))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            while not future.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait((future,))
            if not future.cancelled():
                future.exception()  # retrieved: it would be reported as lost
            raise

    def close(self) -> None:
        """Takes no more; what is under way ends by itself."""
        self._executor.shutdown(wait=False)
