"""What forwarding a packet costs, beside LiveKit and Janus: one publisher of VP8 packets and many who watch.

A picture's packets come at once (bursts), or at even distances (paced). CPU is user and system time of the server's
process alone. LiveKit is built from its Go module when it is first needed, which takes minutes; Janus is
run where it is installed (Debian's package `janus`).
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.sfu_parts.worker import CACHE, Load, Span, Worker, go, working
from rushes.sfu.v1 import sfu_service_pb2 as sfu

LIVEKIT: Final = "github.com/livekit/livekit-server/cmd/server@v1.8.4"
PORT: Final = 7880
KEY: Final = "bench"
SHAPES: Final[dict[str, dict[str, object]]] = {
    "burst": {"rate": 600, "burst": 20, "subscribers": 50},
    "paced": {"rate": 300, "burst": 10, "subscribers": 30, "paced": "true"},
}
"""Packets a second, packets of a picture, and people, as docs of forwarders compare them."""


def build_livekit() -> None:
    """Builds LiveKit, if it is not there."""
    if not (CACHE / "go" / "livekit").exists():
        print("building LiveKit: some minutes", file=sys.stderr)
        environ = {**os.environ, "GOBIN": str(CACHE / "go"), "GOFLAGS": "-mod=mod"}
        subprocess.run([go(), "install", LIVEKIT], check=True, env=environ)
        (CACHE / "go" / "server").rename(CACHE / "go" / "livekit")


@contextlib.contextmanager
def livekit(folder: Path, secret: str) -> Iterator[int]:
    """LiveKit as a process: its pid."""
    config = folder / "livekit.yaml"
    lines = (
        f"port: {PORT}",
        "bind_addresses: [127.0.0.1]",
        "rtc: {udp_port: 7882, tcp_port: 7881, node_ip: 127.0.0.1, enable_loopback_candidate: true}",
        f"keys: {{{KEY}: {secret}}}",
        "logging: {level: error}",
    )
    config.write_text("\n".join(lines) + "\n")
    process = subprocess.Popen([str(CACHE / "go" / "livekit"), "--config", str(config)], stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.kill()  # told to end, it waits for those who are in rooms
        process.wait(20)


@contextlib.contextmanager
def janus(folder: Path) -> Iterator[int]:
    """Janus as a process, with nothing but rooms for video: its pid."""
    (folder / "plugins").mkdir()
    (folder / "transports").mkdir()
    for kind, name in (("plugins", "videoroom"), ("transports", "http")):
        library = next(Path("/usr/lib").glob(f"*/janus/{kind}/libjanus_{name}.so*"))
        (folder / kind / f"libjanus_{name}.so").symlink_to(library)
    folders = "\n".join(f'{kind}_folder = "{folder}/{kind}"' for kind in ("plugins", "transports"))
    (folder / "janus.jcfg").write_text(f"general: {{\n{folders}\ndebug_level = 1\n}}\n")
    http = f'general: {{ base_path = "/janus"\nhttp = true\nport = {PORT}\nip = "127.0.0.1"\nhttps = false }}\n'
    (folder / "janus.transport.http.jcfg").write_text(http)
    (folder / "janus.plugin.videoroom.jcfg").write_text("general: { }\n")
    with (CACHE / "janus.log").open("wb") as log:
        process = subprocess.Popen(["janus", "-F", str(folder)], stdout=log, stderr=log)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait(20)


def options(shape: dict[str, object], seconds: int) -> list[str]:
    """Flags of the load."""
    return [f"-{name}={value}" for name, value in shape.items()] + [f"-seconds={seconds}"]


async def ours(shape: dict[str, object], seconds: int) -> dict[str, Any]:
    """A run of ours."""
    async with working() as worker:
        return await Load(*options(shape, seconds)).run([worker.pid], worker, (0, 1), _show_one)


def _show_one(worker: Worker | Span, who: str) -> list[sfu.Show]:
    track = worker.tracks["publisher"][0]
    return [sfu.Show(mid="v0", track_id=track.track_id, layer="h", priority=8)]


async def _reachable() -> None:
    for _ in range(200):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", PORT)
            writer.close()
            return
        await asyncio.sleep(0.1)


async def theirs(shape: dict[str, object], seconds: int) -> dict[str, Any]:
    """A run of LiveKit."""
    secret = secrets.token_hex(32)
    with tempfile.TemporaryDirectory(prefix="rushes-sfu-") as folder, livekit(Path(folder), secret) as pid:
        await _reachable()
        flags = ["-kind=livekit", f"-url=ws://127.0.0.1:{PORT}", f"-key={KEY}", f"-secret={secret}"]
        return await Load(*flags, *options(shape, seconds)).run([pid], None, (0, 0), _show_one)


async def another(shape: dict[str, object], seconds: int) -> dict[str, Any]:
    """A run of Janus."""
    with tempfile.TemporaryDirectory(prefix="rushes-sfu-") as folder, janus(Path(folder)) as pid:
        await _reachable()
        flags = ["-kind=janus", f"-url=http://127.0.0.1:{PORT}/janus"]
        return await Load(*flags, *options(shape, seconds)).run([pid], None, (0, 0), _show_one)


def said(name: str, figures: dict[str, Any]) -> str:
    """A line for people."""
    cost = f"{figures['us_per_packet']:6.1f} us a packet, {figures['received']} received, {figures['lost']} lost"
    late = f"p50 {figures['p50_ms']:.2f} ms, p99 {figures['p99_ms']:.2f} ms"
    return f"{name:>16}: {cost}, {late}; the load {figures['generator_cpu_s']:.1f} s of CPU"


async def measure(quick: bool) -> dict[str, float]:
    """All runs."""
    build_livekit()
    seconds = 3 if quick else 30
    figures: dict[str, Any] = {}
    for name, shape in SHAPES.items():
        own = await ours(shape, seconds)
        print(said(f"Rushes {name}", own), flush=True)
        peers = [await theirs(shape, seconds)]
        print(said(f"LiveKit {name}", peers[0]), flush=True)
        if shutil.which("janus") and not quick:
            peers.append(await another(shape, seconds))
            print(said(f"Janus {name}", peers[1]), flush=True)
        best = min(each["us_per_packet"] for each in peers)
        figures |= {
            f"{name}_us_per_packet": round(own["us_per_packet"], 2),
            f"{name}_ratio_best_peer": round(own["us_per_packet"] / best, 3),
            "added_latency_p99_ms": round(max(own["p99_ms"], figures.get("added_latency_p99_ms", 0.0)), 2),
            "lost_packets": own["lost"] + figures.get("lost_packets", 0),
        }
    return figures
