"""svc_annotation in a process of its own, for tests that kill it or run several."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop

from rushes.errors import RushesError
from svc_annotation.config import AnnotationConfig
from tests.integration.annotation_server import People, Server


async def _serve(data: Path, socket: str, media_socket: str, settings: str = "{}") -> None:
    config = AnnotationConfig(**json.loads(settings))
    server = Server(data, os.path.dirname(socket), media_socket, config, People())
    await server.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    checking = asyncio.create_task(_look_after(server))
    await stop.wait()
    checking.cancel()
    await server.stop()


async def _look_after(server: Server) -> None:
    """As whoever runs a service does."""
    while True:
        await asyncio.sleep(0.5)
        with contextlib.suppress(RushesError):
            await server.service.check()


def child_command(data: Path, socket: str, media_socket: str, **settings: Any) -> Sequence[str]:
    """What starts the service in a process of its own."""
    return [sys.executable, "-m", __name__, str(data), socket, media_socket, json.dumps(settings)]


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(Path(sys.argv[1]), *sys.argv[2:5]))
