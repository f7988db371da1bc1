"""A TCP proxy that cuts connections when it is told to: at once, after so many bytes, or for a while altogether."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

CHUNK_BYTES = 16 * 1024


class CuttingProxy:
    """Listens on a port of its own and passes bytes on. `source`: the address that its connections come from."""

    def __init__(self, host: str, port: int, *, source: str = "") -> None:
        self._to = (host, port)
        self._source = source
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.refusing = False
        """New connections are closed at once."""
        self.cut_after: int | None = None
        """Each connection is cut after so many bytes from the client."""
        self.cuts = 0

    @property
    def address(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Ends every connection now."""
        for writer in list(self._writers):
            self.cuts += 1
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.refusing:
            writer.transport.abort()
            return
        try:
            local = (self._source, 0) if self._source else None
            far_reader, far_writer = await asyncio.open_connection(*self._to, local_addr=local)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, far_writer}
        self._writers |= ends
        try:
            await asyncio.gather(
                self._pass(reader, far_writer, self.cut_after),
                self._pass(far_reader, writer, None),
            )
        finally:
            self._writers -= ends
            for end in ends:
                end.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                passed += len(data)
                if limit is not None and passed > limit:
                    self.cuts += 1
                    break
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
