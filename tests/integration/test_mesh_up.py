"""`rushes up`: all services on a folder, watched, and stopped in time."""

import contextlib
import fcntl
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import wait_until

PATIENCE_S = 60.0
SERVICES = {"svc_project", "svc_media", "svc_annotation", "svc_version", "svc_signaling", "svc_sfu", "gateway"}


class Up:
    """A running `rushes up`."""

    def __init__(self, folder: Path, *options: str, **environ: str) -> None:
        self.data = folder / "data"
        self.ready_file = folder / "ready.json"
        self._output = folder / f"output-{time.monotonic_ns()}"
        command = [sys.executable, "-m", "rushes.cli", "up", "--data", str(self.data), "--port", "0"]
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, "--ready-file", str(self.ready_file), *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environ},
            )

    @property
    def output(self) -> str:
        """What it printed."""
        return self._output.read_text()

    @property
    def ready(self) -> dict[str, Any]:
        """What the ready file says."""
        found: dict[str, Any] = json.loads(self.ready_file.read_text())
        return found

    def wait_ready(self) -> dict[str, Any]:
        """Waits until everything is healthy."""
        wait_until(lambda: self.ready_file.exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.output
        return self.ready

    def pid(self, name: str) -> int:
        """A service's process."""
        return int(self.ready["services"][name]["pid"])

    def wait_restarted(self, name: str, pid: int) -> None:
        """Waits until a service has another process, and is ready."""
        wait_until(lambda: self.pid(name) != pid)

    def wait_said(self, text: str) -> None:
        """Waits until it has printed this."""
        wait_until(lambda: text in self.output)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Tells it to stop, and gives how long it took."""
        began_s = time.monotonic()
        self.process.send_signal(number)
        assert self.process.wait(PATIENCE_S) == 0, self.output
        return time.monotonic() - began_s


@contextlib.contextmanager
def up(folder: Path, *options: str, **environ: str) -> Iterator[Up]:
    """Starts it; ends it however the test went."""
    running = Up(folder, *options, **environ)
    try:
        yield running
    finally:
        with contextlib.suppress(FileNotFoundError, ValueError):
            for service in running.ready["services"].values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(service["pid"], signal.SIGCONT)
        if running.process.poll() is None:
            running.process.terminate()
        running.process.wait(PATIENCE_S)


def alive(pid: int) -> bool:
    """Whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def fetch(url: str, context: ssl.SSLContext | None = None) -> int:
    """Status of an HTTP answer."""
    with urllib.request.urlopen(url, timeout=20, context=context) as answer:
        return int(answer.status)


@pytest.mark.parametrize("options", [(), ("--exec",)])
def test_it_starts_all_says_where_and_stops_them(tmp_path: Path, options: tuple[str, ...]) -> None:
    with up(tmp_path, *options) as running:
        ready = running.wait_ready()
        assert set(ready["services"]) == SERVICES
        assert fetch(ready["address"] + "/healthz") == 200
        for service in ready["services"].values():
            assert service["grpc"].startswith("unix:/")
            assert fetch(service["metrics"] + "/healthz") == 200
        wait_until(lambda: "Stop with Ctrl+C" in running.output)
        first = json.loads((running.data / "project" / "first-sign-in.json").read_text())
        for part in (ready["address"], first["email"], first["password"], str(running.data)):
            assert part in running.output
        pids = [running.pid(name) for name in SERVICES]
        assert running.stop(signal.SIGINT) < 10
        assert not any(alive(pid) for pid in pids)
        assert not running.ready_file.exists()
        assert not Path(ready["services"]["gateway"]["grpc"].removeprefix("unix:")).parent.exists()


def test_what_it_keeps_is_for_its_owner_alone(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        run = Path(running.wait_ready()["services"]["gateway"]["grpc"].removeprefix("unix:")).parent
        for folder in (running.data, running.data / "logs", run):
            assert folder.stat().st_mode & 0o077 == 0, folder
        for log in (running.data / "logs").iterdir():
            assert log.stat().st_mode & 0o077 == 0, log


def test_a_service_that_is_killed_comes_back_and_it_says_so(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        address = running.wait_ready()["address"]
        for name in sorted(SERVICES):
            pid = running.pid(name)
            os.kill(pid, signal.SIGKILL)
            running.wait_restarted(name, pid)
            assert f"{name} ended (signal 9); starting it again" in running.output
            running.wait_said(f"{name} is back.")
        assert fetch(address + "/healthz") == 200
        assert running.ready["address"] == address


def test_a_folder_in_use_is_refused_and_free_afterwards(tmp_path: Path) -> None:
    with up(tmp_path) as first:
        first.wait_ready()
        (tmp_path / "second").mkdir()
        second = Up(tmp_path / "second", "--data", str(first.data))
        assert second.process.wait(PATIENCE_S) == 1
        assert "Another Rushes" in second.output
        assert str(first.process.pid) in second.output
        assert fetch(first.ready["address"] + "/healthz") == 200
    with up(tmp_path) as third:
        third.wait_ready()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody tells a process that its parent is gone")
def test_services_end_when_their_supervisor_is_killed_and_only_then_the_folder_is_free(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        running.wait_ready()
        pids = [running.pid(name) for name in SERVICES]
        # One cannot end: it still might write.
        os.kill(running.pid("svc_annotation"), signal.SIGSTOP)
        running.process.kill()
        running.process.wait(PATIENCE_S)
        with (running.data / "lock").open("rb+") as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        again = Up(tmp_path)
        try:
            wait_until(lambda: "an earlier run are still ending" in again.output)
            os.kill(running.pid("svc_annotation"), signal.SIGCONT)
            running.ready_file.unlink(missing_ok=True)
            again.wait_ready()
            assert not any(alive(pid) for pid in pids)
        finally:
            again.stop()


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        running = Up(tmp_path, "--port", str(port))
        assert running.process.wait(PATIENCE_S) == 1
        assert f"127.0.0.1:{port} cannot be used" in running.output
        assert "--port" in running.output


def test_what_does_not_start_is_said_with_its_reason(tmp_path: Path) -> None:
    running = Up(tmp_path, RUSHES_MEDIA__WROKERS="3")
    assert running.process.wait(PATIENCE_S) == 1
    assert "svc_media does not start" in running.output
    assert "RUSHES_MEDIA__WROKERS" in running.output
    assert not running.ready_file.exists()


def test_a_data_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    running = Up(tmp_path)
    assert running.process.wait(PATIENCE_S) == 1
    assert "cannot be used" in running.output
    assert "--data FOLDER" in running.output


def test_it_stops_in_time_though_a_service_hangs(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        running.wait_ready()
        pid = running.pid("svc_media")
        os.kill(pid, signal.SIGSTOP)
        # Ten seconds are promised; on a busy machine some more pass until the process is gone.
        assert running.stop() < 20
        assert "svc_media did not end in time and is killed." in running.output
        assert not alive(pid)


def test_away_from_loopback_it_speaks_tls_that_its_authority_vouches_for(tmp_path: Path) -> None:
    with up(tmp_path, "--host", "0.0.0.0") as running:
        ready = running.wait_ready()
        assert ready["address"].startswith("https://127.0.0.1:")
        authority = running.data / "tls" / "authority.pem"
        wait_until(lambda: "Stop with Ctrl+C" in running.output)
        assert str(authority) in running.output
        assert "SHA-256" in running.output
        trusting = ssl.create_default_context(cafile=str(authority))
        assert fetch(ready["address"] + "/healthz", trusting) == 200
        assert fetch(ready["address"].replace("127.0.0.1", "localhost") + "/healthz", trusting) == 200
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            fetch(ready["address"] + "/healthz", ssl.create_default_context())


def test_before_it_forks_it_has_one_thread_and_nothing_of_grpc() -> None:
    code = (
        "import gc, sys\n"
        "from mesh.supervisor.command import preload, threads\n"
        "assert preload()\n"
        "import grpc.aio, sqlalchemy\n"
        "made = [o for o in gc.get_objects() if isinstance(o, (grpc.aio.Channel, grpc.aio.Server, grpc.Channel))]\n"
        "assert not made, made\n"
        "print(threads())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "1\n", done.stderr


def test_the_command_is_light_to_find() -> None:
    code = (
        "import sys, mesh.supervisor.command\nprint([n for n in ('grpc', 'sqlalchemy', 'aiohttp') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "[]\n", done.stderr
