"""The whole of Rushes as a child process, with the few requests that a run needs: for benchmarks and tests."""

import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

START_S = 60.0
TRIES = 10
UNLIMITED = {
    f"RUSHES_GATEWAY__{name}": "0" for name in ("PERSON_CALLS_S", "SIGN_INS_S", "ADDRESS_CONNECTIONS", "PERSON_STREAMS")
}
"""Everybody of a run comes from one address."""


class StackError(Exception):
    """The product did not do what was asked; says what it printed."""


@dataclass
class Stack:
    """`rushes up` on a data folder. Its address is known once it is ready."""

    data: Path
    port: int = 0
    environ: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    """More arguments of `rushes up`."""
    address: str = ""
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Stack":
        """Starts it and waits until all services are healthy."""
        self.data.mkdir(parents=True, exist_ok=True)
        ready = self.data.parent / f"{self.data.name}.ready.json"
        ready.unlink(missing_ok=True)
        output = (self.data.parent / f"{self.data.name}.log").open("ab")
        command = [sys.executable, "-m", "rushes.cli", "up", "--data", str(self.data), "--port", str(self.port)]
        self.process = subprocess.Popen(
            [*command, "--ready-file", str(ready), *self.arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **UNLIMITED, **self.environ},
            start_new_session=True,
        )
        output.close()
        self._wait(ready)
        self.address = self.ready()["address"]
        self.port = int(self.address.rsplit(":", 1)[1])
        return self

    def _wait(self, ready: Path) -> None:
        assert self.process is not None
        end = time.monotonic() + START_S
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise StackError(f"rushes up was not ready:\n{self.output()[-4000:]}")
            time.sleep(0.02)

    def ready(self) -> dict[str, Any]:
        """What the ready file says now."""
        ready: dict[str, Any] = json.loads((self.data.parent / f"{self.data.name}.ready.json").read_text())
        return ready

    def output(self) -> str:
        """What it printed."""
        return (self.data.parent / f"{self.data.name}.log").read_text(errors="replace")

    def pids(self) -> dict[str, int]:
        """Process ids by service."""
        return {name: entry["pid"] for name, entry in self.ready()["services"].items()}

    def kill_service(self, name: str, how: signal.Signals = signal.SIGKILL) -> int:
        """SIGKILL of one service, or SIGTERM; returns the pid that dies of it."""
        pid = self.pids()[name]
        os.kill(pid, how)
        return pid

    def wait_restarted(self, name: str, old_pid: int) -> None:
        """Waits until the ready file names another process."""
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            with contextlib.suppress(ValueError, KeyError):
                if self.pids()[name] != old_pid:
                    return
            time.sleep(0.02)
        raise StackError(f"{name} did not come back:\n{self.output()[-4000:]}")

    def stop(self) -> None:
        """SIGTERM, and waits."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def kill(self) -> None:
        """SIGKILL of everything: the machine loses its power."""
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
        for pid in self._children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _children(self) -> list[int]:
        try:
            return list(self.pids().values())
        except (OSError, ValueError, KeyError):
            return []

    # -- requests --------------------------------------------------------------------------------------------

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None, secret: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        """One HTTP request; errors are answers too."""
        request = urllib.request.Request(self.address + path, data=body, method=method, headers=headers or {})
        if secret:
            request.add_header("Cookie", f"rushes_session={secret}")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, dict(answer.headers.items()), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers.items()), error.read()

    def post_json(self, path: str, body: dict[str, Any], secret: str = "") -> tuple[dict[str, Any], str]:
        """POST of JSON; gives the answer and the session's secret if one was set. Comes again when it is told to."""
        headers = {"Content-Type": "application/json"}
        for _ in range(TRIES):
            status, answered, raw = self.request("POST", path, json.dumps(body).encode(), headers, secret)
            if status != HTTPStatus.TOO_MANY_REQUESTS:
                break
            time.sleep(float(answered["Retry-After"]))
        if status != 200:
            raise StackError(f"{path}: {status} {raw!r}")
        cookie = answered.get("Set-Cookie", "")
        value = cookie.partition("rushes_session=")[2].partition(";")[0]
        return json.loads(raw), value

    def first_sign_in(self) -> dict[str, str]:
        """E-mail and password of the first administrator."""
        sign_in: dict[str, str] = json.loads((self.data / "project" / "first-sign-in.json").read_text())
        return sign_in

    def sign_in(self) -> str:
        """Secret of a new session of the first administrator."""
        return self.post_json("/auth/sign-in", dict(self.first_sign_in()))[1]

    def rpc(self, stub: Any, method: str, request: Any, secret: str) -> Any:
        """A unary call by gRPC-Web, as the page makes it. `stub` is the service's descriptor."""
        descriptor = stub.methods_by_name[method]
        payload = request.SerializeToString()
        body = b"\0" + len(payload).to_bytes(4, "big") + payload
        headers = {"Content-Type": "application/grpc-web+proto", "X-Grpc-Web": "1"}
        status, _, raw = self.request("POST", f"/{stub.full_name}/{method}", body, headers, secret)
        size = int.from_bytes(raw[1:5], "big") if raw else 0
        if status != 200 or not raw or raw[0] != 0:
            raise StackError(f"{method}: {status} {raw!r}")
        return descriptor.output_type._concrete_class.FromString(raw[5 : 5 + size])

    def upload(self, file: Path, project_id: int, secret: str) -> int:
        """Uploads a file by tus in one request and gives its video_id."""
        meta = {"filename": file.name, "project_id": str(project_id)}
        metadata = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in meta.items())
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(file.stat().st_size),
            "Upload-Metadata": metadata,
            "Content-Type": "application/offset+octet-stream",
        }
        status, answered, raw = self.request("POST", "/uploads", file.read_bytes(), headers, secret)
        if status != 201:
            raise StackError(f"upload: {status} {raw!r}")
        return int(answered["Rushes-Video-Id"])


@contextlib.contextmanager
def running(data: Path | None = None, *arguments: str, **environ: str) -> Iterator[Stack]:
    """A stack on a folder of its own, ended afterwards. `arguments`: more of `rushes up`."""
    with tempfile.TemporaryDirectory(prefix="rushes-bench-") as folder:
        stack = Stack(data or Path(folder) / "data", environ=environ, arguments=arguments)
        try:
            yield stack.start()
            stack.stop()
        finally:
            stack.kill()
