"""Uploads by tus 1.0: parts side by side, each resumed after a cut, each piece with its checksum."""

import asyncio
import base64
import hashlib
import io
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from rushes.client.connection import Connection
from rushes.errors import (
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    RushesError,
    Unauthenticated,
    Unavailable,
)

MB = 1 << 20
SMALL_PART = 10 * MB
LARGE_PART = 50 * MB
LARGE_FILE = 1 << 30
LEAST_PIECE = MB // 4
SIDE_BY_SIDE = 4
TRIES = 12
MAX_WAIT_S = 10.0

OnProgress = Callable[[int, int], None]

_KINDS: dict[int, type[RushesError]] = {
    400: InvalidArgument,
    401: Unauthenticated,
    403: PermissionDenied,
    404: NotFound,
    412: FailedPrecondition,
    413: ResourceExhausted,
}
_AGAIN = frozenset((408, 409, 423, 429, 460, 502, 503, 504, 507))
"""Answers after which the upload goes on from where the server says it stands."""


class CutOff(Exception):
    """The connection ended, or the server asks to try again and may say why."""


def given_up(error: Exception) -> Unavailable:
    """What is said after as many tries as there are: the server's own words if it had any, such as of a full disk."""
    said = str(error) if isinstance(error, CutOff) else ""
    return Unavailable(said or "The upload was cut too often; run it again.", error=str(error))


@dataclass
class _Part:
    """A stretch of the file and how much of it is safe."""

    begin: int
    length: int
    piece: int
    """Bytes of the next request. A request that is cut brings nothing, so after a cut they are fewer."""
    url: str = ""
    offset: int = 0


async def upload_file(
    connection: Connection, path: Path, project_id: int, on_progress: OnProgress, rate: str = ""
) -> int:
    """Uploads a file and gives its video_id. `rate`: frames a second of a sequence or a sound, such as "24000/1001"."""
    size = (await asyncio.to_thread(path.stat)).st_size
    if size == 0:
        raise InvalidArgument(f"{path.name} is empty.")
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=120)
    connector = aiohttp.TCPConnector(ssl=connection.tls() or True)
    async with aiohttp.ClientSession(connection.address, timeout=timeout, connector=connector) as http:
        return await _Upload(connection, http, path, size, project_id, on_progress, rate).run()


class _Upload:
    """One file on its way."""

    def __init__(
        self,
        connection: Connection,
        http: aiohttp.ClientSession,
        path: Path,
        size: int,
        project_id: int,
        on_progress: OnProgress,
        rate: str,
    ) -> None:
        self._connection = connection
        self._http = http
        self._path = path
        self._size = size
        self._metadata = {"filename": path.name, "project_id": str(project_id)} | ({"rate": rate} if rate else {})
        self._on_progress = on_progress
        self._piece = LARGE_PART if size >= LARGE_FILE else SMALL_PART
        self._parts: list[_Part] = []

    async def run(self) -> int:
        """Uploads; gives the video_id."""
        if self._size <= self._piece:
            part = _Part(0, self._size, self._piece)
            self._parts = [part]
            created = await self._again(lambda: self._create(part, self._metadata))
            await self._send(part)
            return int(created["Rushes-Video-Id"])
        share = -(-self._size // SIDE_BY_SIDE)
        begins = range(0, self._size, share)
        self._parts = [_Part(begin, min(share, self._size - begin), self._piece) for begin in begins]
        group = secrets.token_hex(16)
        try:
            async with asyncio.TaskGroup() as tasks:
                for part in self._parts:
                    tasks.create_task(self._send_part(part, group))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        urls = " ".join(part.url for part in self._parts)
        joined = await self._again(
            lambda: self._post({"Upload-Concat": f"final;{urls}"}, self._metadata), self._complete_parts
        )
        return int(joined["Rushes-Video-Id"])

    async def _send_part(self, part: _Part, group: str) -> None:
        place = {"group": group, "at": str(part.begin), "total": str(self._size)}
        metadata = {**self._metadata, **place}
        await self._again(lambda: self._create(part, metadata, {"Upload-Concat": "partial"}))
        await self._send(part)

    async def _complete_parts(self) -> None:
        """Sends again what the server has lost of parts that were complete."""
        for part in self._parts:
            await self._where(part)
            await self._send(part)

    async def _create(
        self, part: _Part, metadata: dict[str, str], headers: dict[str, str] | None = None
    ) -> dict[str, str]:
        answer = await self._post({"Upload-Length": str(part.length), **(headers or {})}, metadata)
        part.url = answer["Location"]
        return answer

    async def _post(self, headers: dict[str, str], metadata: dict[str, str]) -> dict[str, str]:
        encoded = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in metadata.items())
        return await self._request("POST", "/uploads", {**headers, "Upload-Metadata": encoded})

    async def _send(self, part: _Part) -> None:
        while part.offset < part.length:
            await self._again(lambda: self._send_piece(part), lambda: self._where(part))

    async def _send_piece(self, part: _Part) -> None:
        length = min(part.piece, part.length - part.offset)
        data = await asyncio.to_thread(_read, self._path, part.begin + part.offset, length)
        if len(data) < length:
            raise InvalidArgument(f"{self._path.name} became shorter while it was uploaded.")
        checksum = base64.b64encode(await asyncio.to_thread(_sha256, data)).decode()
        headers = {
            "Upload-Offset": str(part.offset),
            "Content-Type": "application/offset+octet-stream",
            "Upload-Checksum": f"sha256 {checksum}",
        }
        try:
            answer = await self._request("PATCH", part.url, headers, data)
        except (aiohttp.ClientError, TimeoutError, CutOff):
            part.piece = max(part.piece // 2, LEAST_PIECE)
            raise
        part.piece = min(part.piece * 2, self._piece)
        self._moved(part, int(answer["Upload-Offset"]))

    async def _where(self, part: _Part) -> None:
        answer = await self._request("HEAD", part.url, {})
        self._moved(part, int(answer["Upload-Offset"]))

    def _moved(self, part: _Part, offset: int) -> None:
        part.offset = offset
        self._on_progress(sum(each.offset for each in self._parts), self._size)

    async def _again(
        self,
        action: "Callable[[], Awaitable[dict[str, str] | None]]",
        before_again: "Callable[[], Awaitable[None]] | None" = None,
    ) -> dict[str, str]:
        """Does it, again with growing waits after a cut."""
        wait_s = 0.2
        for left in reversed(range(TRIES)):
            try:
                return await action() or {}
            except (aiohttp.ClientError, TimeoutError, CutOff) as error:
                if not left:
                    raise given_up(error) from error
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, MAX_WAIT_S)
            if before_again is not None:
                try:
                    await before_again()
                except (aiohttp.ClientError, TimeoutError, CutOff):
                    continue
        raise AssertionError("the last try raises or returns")

    async def _request(
        self, method: str, url: str, headers: dict[str, str], data: bytes | None = None
    ) -> dict[str, str]:
        headers = {
            **headers,
            "Tus-Resumable": "1.0.0",
            "Authorization": f"Bearer {await self._connection.token()}",
        }
        body = io.BytesIO(data) if data is not None else None
        async with self._http.request(method, url, headers=headers, data=body) as answer:
            if answer.status < 300:
                return dict(answer.headers)
            said = await answer.text()
            if answer.status in _AGAIN:
                raise CutOff(_message(said))
            raise _KINDS.get(answer.status, RushesError)(_message(said) or f"The server answered {answer.status}.")


def _message(body: str) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return ""


def _read(path: Path, begin: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(begin)
        return file.read(length)


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
