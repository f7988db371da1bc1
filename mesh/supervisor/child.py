"""One service's process: forked from this one, or begun anew with --exec."""

import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn


@dataclass
class Child:
    """A running or dead process, and the end of the pipe that it says it is ready on."""

    name: str
    pid: int
    pipe: int
    started_s: float
    deaths: int = 0
    ready: bool = False
    said: bytes = b""
    addresses: dict[str, str] = field(default_factory=dict)


def start(name: str, environment: dict[str, str], log: Path, *, exec_mode: bool) -> tuple[int, int]:
    """Starts a service; gives its pid and the reading end of its readiness pipe.

    Forking is safe only while this process has one thread and has made no gRPC object; the supervisor keeps to that.
    """
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    environment = {**environment, "RUSHES_READY_FD": str(writing)}
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    _become(lambda: _prepare(reading, environment, log), name, exec_mode=exec_mode)


def _prepare(reading: int, environment: dict[str, str], log: Path) -> None:
    os.close(reading)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    os.setsid()
    os.environ.update(environment)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    _die_with_parent()


def _die_with_parent() -> None:
    """On Linux the kernel ends this process when the supervisor is killed."""
    if sys.platform == "linux":
        import ctypes

        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM, 0, 0, 0)


def _become(prepare: Callable[[], None], name: str, *, exec_mode: bool) -> NoReturn:
    code = 1
    try:
        prepare()
        if exec_mode:
            os.execv(sys.executable, [sys.executable, "-m", name])
        sys.argv = [name]
        importlib.import_module(f"{name}.__main__").main()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
