"""A TCP proxy that cuts uploads: `python -m benchmarks.cutter PORT CUTS BYTES PIECE`, then its own port on stdout.

It ends with its stdin, and tells how often it cut. Cuts are spread over the bytes to come. A piece that was cut three
times in a row comes through, since clients give up some time.
"""

import asyncio
import json
import random
import sys
from collections import Counter

CHUNK_BYTES = 256 * 1024
IN_A_ROW = 3


class Cutter:
    """The proxy."""

    def __init__(self, port: int, cuts: int, total_bytes: int, piece_bytes: int) -> None:
        self._port = port
        self._left = cuts
        self._span = int(1.6 * total_bytes / max(1, cuts))
        self._piece_bytes = piece_bytes
        self._random = random.Random(total_bytes)
        self._in_a_row: Counter[bytes] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self.cuts = 0
        self.forwarded_bytes = 0

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A client's connection."""
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._port, limit=CHUNK_BYTES)
        except ConnectionError:
            writer.transport.abort()
            return
        back = asyncio.create_task(_copy(inner_reader, writer))
        try:
            await self._forward(reader, inner_writer)
            inner_writer.write_eof()
            await back
        except (OSError, RuntimeError):  # the other side was faster
            pass
        finally:
            back.cancel()
            await asyncio.gather(back, return_exceptions=True)
            writer.transport.abort()
            inner_writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until the client ends, or it is cut."""
        passed, limit, url = 0, self._random.randrange(self._span), b""
        while chunk := await reader.read(CHUNK_BYTES):
            if chunk.startswith(b"PATCH "):
                url = chunk.split(b" ", 2)[1]
                if self._in_a_row[url] >= IN_A_ROW:
                    limit += self._piece_bytes
                    self._in_a_row[url] = 0
            passed += len(chunk)
            self.forwarded_bytes += len(chunk)
            if url and passed > limit and self._left:
                self._left -= 1
                self.cuts += 1
                self._in_a_row[url] += 1
                return
            writer.write(chunk)
            await writer.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()


async def main(port: int, cuts: int, total_bytes: int, piece_bytes: int) -> None:
    """Runs until stdin ends."""
    cutter = Cutter(port, cuts, total_bytes, piece_bytes)
    server = await asyncio.start_server(cutter.accept, "127.0.0.1", 0, limit=CHUNK_BYTES)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps({"cuts": cutter.cuts, "forwarded_bytes": cutter.forwarded_bytes}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*(int(argument) for argument in sys.argv[1:5])))
