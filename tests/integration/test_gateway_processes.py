"""Several processes on one port: the kernel gives each connection to one of them; who dies takes only its own."""

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence

import psutil
import pytest

from gateway.core import grpcweb
from tests.integration.echo_server import BOTH, ECHO, EchoServer
from tests.waiting import until
from tests.web_client import Browser, Call

PROCESSES = 3
SOCKETS = 60
"""That all of them go to one process is as likely as one in 10^28."""


@contextlib.contextmanager
def running(command: Sequence[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A process while it is needed."""
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as child:
        try:
            yield child
        finally:
            child.kill()


@pytest.fixture
async def gateways() -> AsyncIterator[tuple[int, list["subprocess.Popen[bytes]"]]]:
    """A port, and the gateways that listen there."""
    with socket.socket() as reserved, contextlib.ExitStack() as stack:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind(("127.0.0.1", 0))  # it does not listen: nothing is given to it
        port: int = reserved.getsockname()[1]
        async with EchoServer() as server:
            command = [sys.executable, "-m", "gateway", "--listen", f"127.0.0.1:{port}", "--reuse-port"]
            command += ["--upstream", f"127.0.0.1:{server.port}"]
            children = [stack.enter_context(running(command)) for _ in range(PROCESSES)]
            await until(lambda: all(listens(child, port) for child in children), "all of them listen")
            yield port, children


def listens(child: "subprocess.Popen[bytes]", port: int) -> bool:
    """Whether a process waits for connections at a port."""
    found = psutil.Process(child.pid).net_connections("tcp")
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in found)


def peers(child: "subprocess.Popen[bytes]", port: int) -> set[int]:
    """Ports of those who are connected to a process."""
    found = psutil.Process(child.pid).net_connections("tcp")
    return {one.raddr.port for one in found if one.status == psutil.CONN_ESTABLISHED and one.laddr.port == port}


async def echo(call: Call) -> bytes | None:
    """What comes for a word."""
    await call.ws.send_bytes(b"\0" + grpcweb.data_frame(b"abc"))
    return await call.receive()


async def test_connections_are_spread_and_who_dies_takes_only_its_own(
    gateways: tuple[int, Sequence["subprocess.Popen[bytes]"]],
) -> None:
    port, children = gateways
    async with Browser(f"http://127.0.0.1:{port}") as browser:
        calls = [await browser.connect(BOTH) for _ in range(SOCKETS)]
        for call in calls:
            await call.begin()
        assert [await echo(call) for call in calls] == [b"cba"] * SOCKETS
        spread = [len(peers(child, port)) for child in children]
        assert sum(spread) == SOCKETS
        assert min(spread) > 0, spread
        children[0].kill()
        await asyncio.to_thread(children[0].wait)
        heard = await asyncio.gather(*(echo(call) for call in calls), return_exceptions=True)
        assert heard.count(b"cba") == SOCKETS - spread[0]
        for _ in range(10):
            async with Browser(f"http://127.0.0.1:{port}") as another:
                assert (await another.post(ECHO, grpcweb.data_frame(b"x"))).messages == [b"x"]
