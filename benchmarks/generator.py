"""Builds and runs the load generator and the peer (Go)."""

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parent / "generator"
BUILT = Path(__file__).parent.parent / ".cache" / "generator"


def build() -> None:
    """Builds both; the first time takes a minute or two."""
    go = shutil.which("go")
    if go is None:
        raise SystemExit("The load generator is written in Go: install Go 1.26 or later.")
    BUILT.mkdir(parents=True, exist_ok=True)
    subprocess.run([go, "build", "-o", str(BUILT), "./cmd/..."], cwd=SOURCE, check=True)


def load(options: Mapping[str, object]) -> dict[str, Any]:
    """Runs a load and gives what it measured."""
    command = [str(BUILT / "load")]
    for name, value in options.items():
        command += [f"-{name}", str(value)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"the generator failed: {done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@contextlib.contextmanager
def peer(port: int) -> Iterator[tuple[str, int]]:
    """The server on the Centrifuge library: its address and pid."""
    process = subprocess.Popen([str(BUILT / "peer"), "-listen", f"127.0.0.1:{port}"])
    time.sleep(1.0)
    try:
        yield f"ws://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(10)
