"""svc_media as this service sees it: takes become videos, and one video of all of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from mesh.rpc import Channels
from rushes.media.v1 import import_service_pb2 as media
from rushes.media.v1.import_service_pb2_grpc import ImportServiceStub
from rushes.signaling.v1 import recording_pb2 as pb
from svc_signaling.stores import Owned

CHUNK_BYTES: Final = 512 * 1024
MAX_PARTS: Final = 64
MAX_NAME: Final = 200
IMPORT_S: Final = 3600.0


class Videos:
    """See the module."""

    def __init__(self, channels: Channels) -> None:
        self._stub = channels.stub(ImportServiceStub, "svc_media", as_person=False)

    async def add(self, owned: Owned, import_id: str, file_name: str, path: Path) -> int:
        """The video of a file. Again with the same import_id: the same one."""
        size = await asyncio.to_thread(lambda: path.stat().st_size)
        opening = _open(owned, import_id, file_name, size)

        async def pieces() -> AsyncIterator[media.ImportVideoRequest]:
            yield media.ImportVideoRequest(open=opening)
            with await asyncio.to_thread(path.open, "rb") as file:
                while data := await asyncio.to_thread(file.read, CHUNK_BYTES):
                    yield media.ImportVideoRequest(data=data)

        answer = await self._stub.ImportVideo(pieces(), timeout=IMPORT_S)
        return answer.video_id

    async def compose(self, owned: Owned, import_id: str, file_name: str) -> int:
        """One video of all takes, each participant at a place of their own. Again: the same one."""
        recording = owned.recording
        takes = sorted(recording.takes, key=lambda take: -take.duration_ms)[:MAX_PARTS]
        request = media.ComposeVideoRequest(
            open=_open(owned, import_id, file_name, 0),
            parts=_parts(takes, recording.start_time_ms),
            duration_ms=recording.end_time_ms - recording.start_time_ms,
        )
        answer = await self._stub.ComposeVideo(request)
        return answer.video_id


def _open(owned: Owned, import_id: str, file_name: str, size_bytes: int) -> media.ImportOpen:
    return media.ImportOpen(
        tenant_id=owned.tenant_id,
        person_id=owned.recording.started_by,
        project_id=owned.project_id,
        file_name=file_name,
        size_bytes=size_bytes,
        import_id=import_id,
    )


def _parts(takes: list[pb.Take], start_ms: int) -> list[media.Part]:
    """Whoever was seen first is first."""
    takes.sort(key=lambda take: (take.start_time_ms, take.participant_id))
    tiles: dict[str, int] = {}
    return [
        media.Part(
            video_id=take.video_id,
            start_ms=max(0, take.start_time_ms - start_ms),
            tile=tiles.setdefault(take.participant_id, len(tiles)),
            duration_ms=take.duration_ms,
            has_video=take.has_video,
            has_audio=take.has_audio,
            name=take.name[:MAX_NAME],
        )
        for take in takes
    ]
