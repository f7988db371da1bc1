"""Tells whoever looks at a project that something else is listed of it now."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, TypeAlias

from mesh.auth.identity import TokenExpired
from svc_project.core.errors import TooManyWatchers
from svc_project.core.model import ProjectId, SessionId, Who

LIMIT: Final = 20_000
OF_ONE: Final = 64
"""So many may one person have open: each tab of theirs has one."""

CALM_S: Final = 0.25
"""What changes within so long is one change."""

Topic: TypeAlias = ProjectId | SessionId | Who
"""What those who look are found by: the project, their session, and who they are."""


class Listings:
    """Those who look."""

    def __init__(self, limit: int = LIMIT, of_one: int = OF_ONE, calm_s: float = CALM_S) -> None:
        self._limit = limit
        self._of_one = of_one
        self._calm_s = calm_s
        self._count = 0
        self._closed = False
        self._wakes: dict[Topic, set[asyncio.Event]] = {}

    def changed(self, topics: Iterable[Topic]) -> None:
        """Of these projects something else is listed, or these sessions have ended."""
        for topic in topics:
            for wake in self._wakes.get(topic, ()):
                wake.set()

    def everything(self) -> None:
        """Nobody knows of which."""
        self.changed(self._wakes)

    def close(self) -> None:
        """Ends every watch."""
        self._closed = True
        self.everything()

    async def watch(
        self, project_id: ProjectId, who: Who, session_id: SessionId, left_s: Callable[[], float]
    ) -> AsyncGenerator[None]:
        """Now, and after each change. Raises TooManyWatchers; TokenExpired once nothing is left of the token's time."""
        if self._closed or self._count >= self._limit or len(self._wakes.get(who, ())) >= self._of_one:
            raise TooManyWatchers
        with self._waking(project_id, who, session_id) as wake:
            while not self._closed:
                if left_s() <= 0:
                    raise TokenExpired("The token has expired: open again with a newer one.")
                wake.clear()
                yield
                with suppress(TimeoutError):
                    async with asyncio.timeout(left_s()):
                        await wake.wait()
                await asyncio.sleep(self._calm_s)

    @contextmanager
    def _waking(self, *topics: Topic) -> Iterator[asyncio.Event]:
        """Set when any of these changes."""
        wake = asyncio.Event()
        self._count += 1
        for topic in topics:
            self._wakes.setdefault(topic, set()).add(wake)
        try:
            yield wake
        finally:
            self._count -= 1
            for topic in topics:
                self._wakes[topic].discard(wake)
                if not self._wakes[topic]:
                    del self._wakes[topic]
