"""Who waits for news of a video's versions is woken."""

import asyncio
import contextlib
from collections.abc import Iterator


class Bulletin:
    """See the module. News from other instances is found by looking, so a wait ends after a while by itself."""

    def __init__(self) -> None:
        self._waiting: dict[int, set[asyncio.Event]] = {}

    def tell(self, video_id: int) -> None:
        """There is news."""
        for event in self._waiting.get(video_id, ()):
            event.set()

    @contextlib.contextmanager
    def listening(self, video_id: int) -> Iterator[asyncio.Event]:
        """An event that is set by news."""
        event = asyncio.Event()
        self._waiting.setdefault(video_id, set()).add(event)
        try:
            yield event
        finally:
            self._waiting[video_id].discard(event)
            if not self._waiting[video_id]:
                del self._waiting[video_id]
