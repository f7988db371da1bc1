"""What the gateway's benchmarks are made of: their programs, built, and processes that end with them."""

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

SOURCE = Path(__file__).parent / "gateway_load"
BUILT = Path(__file__).parent.parent / ".cache" / "bench" / "load"


def build() -> None:
    """Builds backend, load and loop."""
    go, cc = shutil.which("go") or shutil.which("/usr/local/go/bin/go"), shutil.which("cc")
    if go is None or cc is None:
        raise SystemExit("The peers need Go and a C compiler.")
    BUILT.mkdir(parents=True, exist_ok=True)
    subprocess.run([go, "build", "-o", str(BUILT), "./cmd/..."], cwd=SOURCE, check=True)
    subprocess.run([cc, "-O2", "-o", str(BUILT / "send"), str(SOURCE / "send.c")], check=True)


@contextlib.contextmanager
def process(command: Sequence[str], *, first_line: bool = False) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A child while it is needed, and the first line that it prints if it is waited for."""
    out = subprocess.PIPE if first_line else subprocess.DEVNULL
    with subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, text=True) as child:
        try:
            line = child.stdout.readline().strip() if child.stdout is not None else ""
            yield child, line
        finally:
            child.terminate()
            child.wait(15)


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
