"""What was begun in MongoDB is gone on with though whoever asked for it has gone: as a transaction in SQL is."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
S = TypeVar("S", bound="Wholes")
T = TypeVar("T")


class Wholes:
    """Has methods that are `whole`."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[Any]] = set()

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """What work gives. Who is cancelled while waiting for it does not end it."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    async def finished(self) -> None:
        """Returns once all that was begun is done."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._under_way.discard(task)
        # Retrieved here too, for whoever waited may have gone: it would be reported as lost.
        if not task.cancelled():
            task.exception()


def whole(
    method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Makes a method one that is gone on with."""

    @functools.wraps(method)
    async def shielded(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.finish(method(self, *args, **kwargs))

    return shielded
