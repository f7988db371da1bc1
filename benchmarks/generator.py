"""Builds and runs the load generator and the peer (Go)."""

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.measure import user_and_system_s

SOURCE = Path(__file__).parent / "generator"
BUILT = Path(__file__).parent.parent / ".cache" / "generator"


def build() -> None:
    """Builds both; the first time takes a minute or two."""
    go = shutil.which("go")
    if go is None:
        raise SystemExit("The load generator is written in Go: install Go 1.26 or later.")
    BUILT.mkdir(parents=True, exist_ok=True)
    subprocess.run([go, "build", "-o", str(BUILT), "./cmd/..."], cwd=SOURCE, check=True)


def load(options: Mapping[str, object], pids: Mapping[str, int]) -> dict[str, Any]:
    """Runs a load and gives what it measured, and what each process of the server spent once all were connected."""
    command = [str(BUILT / "load")]
    for name, value in options.items():
        command.append(f"-{name}={value}")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        before = {name: user_and_system_s(pid) for name, pid in pids.items()}
        output, complaint = process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"the generator failed: {complaint}")
    result: dict[str, Any] = json.loads(output)
    after = {name: user_and_system_s(pid) for name, pid in pids.items()}
    used = {name: (after[name][0] - user, after[name][1] - system) for name, (user, system) in before.items()}
    result["cpu_s_by_process"] = {name: sum(each) for name, each in used.items()}
    result["system_s"] = sum(system for _, system in used.values())
    result["cpu_s"] = sum(result["cpu_s_by_process"].values())
    result["cpu_s_per_million"] = 1e6 * result["cpu_s"] / max(1, result["deliveries"])
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
