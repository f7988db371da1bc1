"""Real engines for tests: each is started by its script in scripts/engines, on loopback, and ended with the tests."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts" / "engines"
START_S = 60.0
PORTS = range(16_384, 32_768)
"""Below those that whoever connects is given: what is free stays so until its server listens."""
BROKERS = int(os.environ.get("RUSHES_TEST_BROKERS", "1"))
"""Brokers of tests that need some, and how many of them have each record."""

S3 = os.environ.get("RUSHES_TEST_S3", "s3")
"""Which server tests of buckets run on: the light one, or minio."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    found: list[int] = []
    with contextlib.ExitStack() as stack:
        while len(found) < count:
            probe, port = stack.enter_context(socket.socket()), random.choice(PORTS)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(port)
    return found


def listening(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Engine:
    """A server in a process of its own, which can be killed and begun again on the same port and folder."""

    def __init__(self, name: str, folder: Path, *, port: int = 0, arguments: Sequence[str] = ()) -> None:
        self.name = name
        self.port = port or free_ports(1)[0]
        self._folder = folder
        self._command = [str(SCRIPTS / name), "run", str(folder / "data"), *(arguments or (str(self.port),))]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """host:port."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Begins; `wait` for it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, start_new_session=True)

    def wait(self, ready: Callable[[], bool] | None = None) -> None:
        """Returns once it answers."""
        end_s = time.monotonic() + START_S
        while not (ready() if ready is not None else listening(self.port)):
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > end_s:
                raise AssertionError(f"{self.name} does not start: {(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.1)

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to all its processes."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """As when the machine is gone: nothing is finished."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """In order."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self.send(number)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            self._process.wait(20)
        self._process = None


@contextlib.contextmanager
def running(engines: Sequence[Engine], ready: Callable[[], bool] | None = None) -> Iterator[None]:
    """Engines while they are needed."""
    try:
        for engine in engines:
            engine.start()
        for engine in engines:
            engine.wait(ready)
        yield
    finally:
        for engine in engines:
            engine.kill()


def need(name: str) -> None:
    """An engine that cannot be installed here: on a laptop its tests are left out, in CI they fail."""
    made = subprocess.run([str(SCRIPTS / name), "install"], capture_output=True, text=True, check=False)
    if made.returncode == 0:
        return
    why = f"{name} cannot be had here: {made.stderr.strip().splitlines()[-1:]}"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


def kafka(folder: Path, brokers: int = 1) -> list[Engine]:
    """Brokers that know each other, not begun yet."""
    ports = free_ports(2 * brokers)
    pairs = ",".join(f"{ports[2 * each]}:{ports[2 * each + 1]}" for each in range(brokers))
    return [
        Engine("kafka", folder / str(each + 1), port=ports[2 * each], arguments=(str(each + 1), pairs))
        for each in range(brokers)
    ]
