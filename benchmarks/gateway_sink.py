"""Sockets that read and forget. usage: PORT SOCKETS."""

import asyncio
import resource
import sys

import uvloop


async def run(port: int, count: int) -> None:
    """Until all were closed."""
    loop = asyncio.get_running_loop()
    connected = 0
    while connected < count:
        try:
            await loop.create_connection(asyncio.Protocol, "127.0.0.1", port)
            connected += 1
        except ConnectionRefusedError:  # not there yet
            await asyncio.sleep(0.1)
    await asyncio.Event().wait()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(int(sys.argv[1]), int(sys.argv[2])))
