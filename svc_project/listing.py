"""Tells whoever looks at a project that something else is listed of it now."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from typing import Final

from svc_project.core.errors import TooManyWatchers
from svc_project.core.model import ProjectId

LIMIT: Final = 20_000
CALM_S: Final = 0.25
"""What changes within so long is one change."""


class Listings:
    """Those who look, by project."""

    def __init__(self, limit: int = LIMIT, calm_s: float = CALM_S) -> None:
        self._limit = limit
        self._calm_s = calm_s
        self._count = 0
        self._closed = False
        self._wakes: dict[ProjectId, set[asyncio.Event]] = {}

    def changed(self, projects: Iterable[ProjectId]) -> None:
        """Of these something else is listed."""
        for project_id in projects:
            for wake in self._wakes.get(project_id, ()):
                wake.set()

    def everything(self) -> None:
        """Nobody knows of which."""
        self.changed(self._wakes)

    def close(self) -> None:
        """Ends every watch."""
        self._closed = True
        self.everything()

    async def watch(self, project_id: ProjectId) -> AsyncGenerator[None]:
        """Now, and after each change. Raises TooManyWatchers."""
        if self._closed or self._count >= self._limit:
            raise TooManyWatchers
        wake = asyncio.Event()
        self._wakes.setdefault(project_id, set()).add(wake)
        self._count += 1
        try:
            while not self._closed:
                wake.clear()
                yield
                await wake.wait()
                await asyncio.sleep(self._calm_s)
        finally:
            self._count -= 1
            self._wakes[project_id].discard(wake)
            if not self._wakes[project_id]:
                del self._wakes[project_id]
