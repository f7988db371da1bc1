"""Downloads of originals, as the audit trail is told of them."""

from mesh.clock import Clock
from svc_media.core.model import Video
from svc_media.stores import Store

ONE_MS = 600_000
"""Requests within so long are one download: programs fetch a file in many ranges."""
REMEMBERED = 10_000


class Downloads:
    """Tells of each once."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._noted_ms: dict[tuple[int, str], int] = {}

    async def note(self, video: Video, person_id: str) -> None:
        """Somebody is about to get bytes of an original: it is told before they go out."""
        key, now_ms = (video.video_id, person_id), self._clock.now_ms()
        if now_ms - self._noted_ms.get(key, -ONE_MS) < ONE_MS:
            return
        await self._store.note_download(video, person_id, now_ms)
        self._noted_ms.pop(key, None)
        self._noted_ms[key] = now_ms
        if len(self._noted_ms) > REMEMBERED:
            del self._noted_ms[next(iter(self._noted_ms))]
