"""One service's process: forked from this one, or begun anew with --exec."""

import gc
import importlib
import json
import os
import signal
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from mesh.config import ConfigError
from mesh.supervisor.plan import service_of


@dataclass
class Child:
    """A running process, and the end of the pipe that it says on how its start went."""

    name: str
    pid: int
    pipe: int
    started_s: float
    ready: bool = False
    error: str = ""
    addresses: dict[str, str] = field(default_factory=dict)
    _said: bytes = b""

    def hear(self) -> None:
        """Reads what came from the pipe; closes it once all is said."""
        data = os.read(self.pipe, 65536)
        self._said += data
        if data and b"\n" not in self._said:
            return
        self.forget_pipe()
        if b"\n" not in self._said:
            return
        said = json.loads(self._said)
        self.ready = said["ready"]
        self.addresses = said.get("addresses", {})
        self.error = said.get("error", "")

    def forget_pipe(self) -> None:
        """Nothing more is heard."""
        if self.pipe >= 0:
            os.close(self.pipe)
            self.pipe = -1


def start(name: str, environment: dict[str, str], log: Path, *, exec_mode: bool) -> tuple[int, int]:
    """Starts a service; gives its pid and the reading end of its readiness pipe.

    Forking is safe only while this process has one thread and has made no gRPC object; the supervisor keeps to that.
    """
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    environment = {**environment, "RUSHES_READY_FD": str(writing)}
    parent = os.getpid()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    _become(name, parent, environment, log, exec_mode=exec_mode)


def _become(name: str, parent: int, environment: dict[str, str], log: Path, *, exec_mode: bool) -> NoReturn:
    """The child's life. It never returns into the supervisor's code."""
    code = 1
    try:
        _prepare(parent, environment, log)
        if exec_mode:
            os.execv(sys.executable, [sys.executable, "-m", service_of(name)])
        gc.unfreeze()
        sys.argv = [name]
        _show_as(name)
        importlib.import_module(f"{service_of(name)}.__main__").main()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except ConfigError as error:
        _tell(str(error))
    except BaseException as error:
        traceback.print_exc()
        _tell(str(error) or type(error).__name__)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _tell(error: str) -> None:
    """Says why there was no start, if the service did not come to say it itself."""
    print(error, file=sys.stderr)
    descriptor = os.environ.pop("RUSHES_READY_FD", "")
    if descriptor:
        with os.fdopen(int(descriptor), "w", encoding="utf-8") as pipe:
            pipe.write(json.dumps({"ready": False, "error": error}) + "\n")


def _prepare(parent: int, environment: dict[str, str], log: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    # Ctrl+C on the terminal is the supervisor's to hear: it ends all in order.
    os.setsid()
    _die_with(parent)
    os.environ.update(environment)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _die_with(parent: int) -> None:
    """On Linux the kernel ends this process, gently, when the supervisor is killed."""
    if sys.platform != "linux":
        return
    import ctypes

    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _show_as(name: str) -> None:
    """A forked process has the supervisor's command line; what ps -o comm and top show is this."""
    path = Path("/proc/self/comm")
    if path.exists():
        path.write_text(name[:15])
