"""Subtitles of videos: checked when they come, served as WebVTT with their offset."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from mesh.auth import Caller
from mesh.clock import Clock
from rushes.errors import InvalidArgument, NotFound
from svc_media.catalog import Catalog
from svc_media.core.model import Owner
from svc_media.core.subtitle import Subtitle, check_language, check_name, check_offset, parse, read, to_vtt
from svc_media.stores import SubtitleStore
from svc_media.thread import Threads

_NAME = re.compile(r"subtitle-([0-9]{1,15})\.vtt")
_CHECKS: dict[str, Callable[[Any], Any]] = {"language": check_language, "name": check_name, "offset_ms": check_offset}


class Subtitles:
    """What is done with them."""

    def __init__(self, store: SubtitleStore, catalog: Catalog, clock: Clock) -> None:
        self._store = store
        self._catalog = catalog
        self._clock = clock
        # Half a second of reading a large file would be felt by everybody else.
        self._threads = Threads("subtitle", 1)

    async def start(self) -> None:
        """Opens the store."""
        await self._store.prepare()

    def close(self) -> None:
        """Reads no more."""
        self._threads.close()

    async def add(
        self, caller: Caller, video_id: int, language: str, name: str, offset_ms: int, data: bytes, request_id: str
    ) -> Subtitle:
        """Reads a file and keeps it. Raises SubtitleBroken, TooManySubtitles."""
        video = await self._catalog.video(video_id)
        cues = await self._threads.run(read, data)
        subtitle = Subtitle(
            subtitle_id=0,
            owner=Owner(caller.tenant_id, caller.person_id, video.owner.project_id),
            video_id=video_id,
            language=check_language(language),
            name=check_name(name) or language,
            offset_ms=check_offset(offset_ms),
            cue_count=len(cues),
            created_ms=self._clock.now_ms(),
        )
        return await self._store.add(subtitle, to_vtt(cues), request_id)

    async def all(self, video_id: int) -> list[Subtitle]:
        """Those of a video, by language and name."""
        return await self._store.all(video_id)

    async def change(
        self, caller: Caller, video_id: int, subtitle_id: int, fields: Sequence[str], values: Any
    ) -> Subtitle:
        """Changes some fields. Raises NotFound."""
        if not fields or not set(fields) <= _CHECKS.keys():
            raise InvalidArgument(f"Say what changes: {', '.join(sorted(_CHECKS))}.")
        changes = {name: _CHECKS[name](getattr(values, name)) for name in fields}
        if changes.get("name") == "":
            raise InvalidArgument("Subtitles need a name.")
        by = await self._by(caller, video_id)
        return await self._store.change(by, video_id, subtitle_id, changes, self._clock.now_ms())

    async def remove(self, caller: Caller, video_id: int, subtitle_id: int) -> None:
        """Takes some away."""
        by = await self._by(caller, video_id)
        await self._store.remove(by, video_id, subtitle_id, self._clock.now_ms())

    async def _by(self, caller: Caller, video_id: int) -> Owner:
        video = await self._catalog.video(video_id)
        return Owner(caller.tenant_id, caller.person_id, video.owner.project_id)

    async def vtt(self, video_id: int, name: str) -> str:
        """The words by the last part of their address. Raises NotFound."""
        match = _NAME.fullmatch(name)
        found = await self._store.text(video_id, int(match[1])) if match is not None else None
        if found is None:
            raise NotFound("There are no such subtitles; somebody may have taken them away.")
        subtitle, text = found
        if not subtitle.offset_ms:
            return text
        return await self._threads.run(lambda: to_vtt(parse(text), subtitle.offset_ms))
