"""A process that appends until it is killed. Prints `partition offset payload` of each append that returned."""

import asyncio
import os
import sys
from pathlib import Path

from svc_annotation.stores.segment import open_segment_log

WRITERS = 40


async def main(folder: Path, run: str) -> None:
    """Appends from many tasks with payloads that are never the same, across many small files."""
    log = await open_segment_log(folder, segment_bytes=60_000)
    if log.damage:
        os.write(1, b"damage\n")

    async def write(writer: int) -> None:
        number = 0
        while True:
            payload = f"{run}:{writer}:{number}:".encode().ljust(20 + (writer * 37 + number * 11) % 900, b".")
            offset = await log.append(writer % 5, writer, payload)
            os.write(1, b"%d %d %s\n" % (writer % 5, offset, payload))
            number += 1

    await asyncio.gather(*(write(writer) for writer in range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
