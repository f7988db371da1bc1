"""Live media beside LiveKit: what forwarding a packet costs, how late it is, and whether any is lost.

`python -m benchmarks.sfu [--quick]`. The load (Go, pion) is a publisher of VP8 packets and its subscribers, all in one
process on the same machine; it prints its own CPU. A picture's packets come at once (bursts), or at even distances
(paced). CPU is user and system time of the server's process alone. LiveKit is built from its Go module when it is first
needed, which takes minutes.
"""

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import grpc

from benchmarks.measure import cpu_s
from mesh.auth.caller import service_token
from rushes.sfu.v1 import sfu_service_pb2 as sfu
from rushes.sfu.v1.sfu_service_pb2_grpc import SfuServiceStub

CACHE: Final = Path(__file__).parent.parent / ".cache" / "bench"
SOURCE: Final = Path(__file__).parent / "sfu_load"
LIVEKIT: Final = "github.com/livekit/livekit-server/cmd/server@v1.8.4"
ROOM: Final = "load"
PORT: Final = 7880
KEY: Final = "bench"
SHAPES: Final[dict[str, dict[str, object]]] = {
    "burst": {"rate": 600, "burst": 20, "subscribers": 50},
    "paced": {"rate": 300, "burst": 10, "subscribers": 30, "paced": "true"},
}
"""Packets a second, packets of a picture, and people, as docs of forwarders compare them."""


def build() -> None:
    """Builds the load and the peer, if they are not there."""
    go = shutil.which("go") or "/usr/local/go/bin/go"
    if not Path(go).exists():
        raise SystemExit("The load is written in Go: install Go 1.26 or later.")
    CACHE.mkdir(parents=True, exist_ok=True)
    subprocess.run([go, "build", "-o", str(CACHE / "sfu_load"), "."], cwd=SOURCE, check=True)
    if not (CACHE / "go" / "livekit").exists():
        print("building LiveKit: some minutes", file=sys.stderr)
        environ = {**os.environ, "GOBIN": str(CACHE / "go"), "GOFLAGS": "-mod=mod"}
        subprocess.run([go, "install", LIVEKIT], check=True, env=environ)
        (CACHE / "go" / "server").rename(CACHE / "go" / "livekit")


class Load:
    """The load, and what it asks of whoever started it."""

    def __init__(self, *arguments: str) -> None:
        self._command = [str(CACHE / "sfu_load"), *arguments]

    async def run(self, pid: int, stub: SfuServiceStub | None = None, metadata: Any = ()) -> dict[str, Any]:
        """Runs it; what it measured, and the CPU seconds of the server meanwhile."""
        log = CACHE / "sfu_load.log"
        with log.open("wb") as told:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=told, limit=1 << 20
            )
        assert process.stdin is not None
        assert process.stdout is not None
        before = spent = 0.0
        result: dict[str, Any] = {}
        signalling = Signalling(stub, metadata)
        async for line in process.stdout:
            asked = json.loads(line)
            if "do" not in asked:
                result = asked
                continue
            if asked["do"] == "begin":
                before = cpu_s([pid])
            elif asked["do"] == "end":
                spent = cpu_s([pid]) - before
            answer = await signalling.do(asked)
            process.stdin.write(json.dumps(answer).encode() + b"\n")
        if await process.wait() or not result:
            raise SystemExit(f"the load failed: {log.read_text()[-2000:]}")
        packets = max(1, result["received"])
        return result | {"cpu_s": spent, "us_per_packet": 1e6 * spent / packets}


class Signalling:
    """What svc_signaling would do for the people of the load."""

    def __init__(self, stub: SfuServiceStub | None, metadata: Any) -> None:
        self._stub = stub
        self._metadata = metadata
        self._track = ""

    async def do(self, asked: dict[str, str]) -> dict[str, str]:
        """What is asked for."""
        if self._stub is None or asked["do"] in ("begin", "end"):
            return {}
        who = {"room_id": ROOM, "participant_id": asked["who"]}
        if asked["do"] == "publish":
            publish = sfu.PublishRequest(offer=asked["sdp"], **who)
            published = await self._stub.Publish(publish, metadata=self._metadata)
            self._track = published.tracks[0].track_id
            return {"sdp": published.answer}
        if asked["do"] == "subscribe":
            subscribe = sfu.SubscribeRequest(room_id=ROOM, participant_id=asked["who"], video_slots=1)
            return {"sdp": (await self._stub.Subscribe(subscribe, metadata=self._metadata)).offer}
        accept = sfu.AcceptSlotsRequest(answer=asked["sdp"], **who)
        await self._stub.AcceptSlots(accept, metadata=self._metadata)
        show = sfu.Show(mid="v0", track_id=self._track, layer="h", priority=8)
        await self._stub.ShowTracks(sfu.ShowTracksRequest(shows=[show], **who), metadata=self._metadata)
        return {}


@contextlib.contextmanager
def forwarder(folder: Path, secret: str) -> Iterator[tuple[int, str]]:
    """Our forwarder as a process: its pid and its address."""
    address = f"unix:{folder}/sfu.sock"
    environ = {
        **os.environ,
        "RUSHES_MESH__SECRET": secret,
        "RUSHES_MESH__DATA": str(folder),
        "RUSHES_MESH__SERVICES": "{}",
        "RUSHES_SFU__LISTEN": address,
    }
    process = subprocess.Popen([sys.executable, "-m", "svc_sfu"], env=environ, stderr=subprocess.DEVNULL)
    try:
        yield process.pid, address
    finally:
        process.terminate()
        process.wait(20)


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


def options(shape: dict[str, object], seconds: int) -> list[str]:
    """Flags of the load."""
    return [f"-{name}={value}" for name, value in shape.items()] + [f"-seconds={seconds}"]


async def ours(folder: Path, shape: dict[str, object], seconds: int) -> dict[str, Any]:
    """A run of ours."""
    secret = secrets.token_hex(32)
    with forwarder(folder, secret) as (pid, address):
        async with grpc.aio.insecure_channel(address) as channel:
            await asyncio.wait_for(channel.channel_ready(), 20)
            metadata = (("rushes-service", service_token("svc_signaling", secret)),)
            return await Load(*options(shape, seconds)).run(pid, SfuServiceStub(channel), metadata)


async def theirs(folder: Path, shape: dict[str, object], seconds: int) -> dict[str, Any]:
    """A run of LiveKit."""
    secret = secrets.token_hex(32)
    with livekit(folder, secret) as pid:
        for _ in range(100):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", PORT)
                writer.close()
                break
            await asyncio.sleep(0.1)
        flags = ["-kind=livekit", f"-url=ws://127.0.0.1:{PORT}", f"-key={KEY}", f"-secret={secret}"]
        return await Load(*flags, *options(shape, seconds)).run(pid)


def said(name: str, figures: dict[str, Any]) -> str:
    """A line for people."""
    cost = f"{figures['us_per_packet']:6.1f} us a packet, {figures['received']} received, {figures['lost']} lost"
    late = f"p50 {figures['p50_ms']:.2f} ms, p99 {figures['p99_ms']:.2f} ms"
    return f"{name:>16}: {cost}, {late}; the load {figures['generator_cpu_s']:.1f} s of CPU"


async def compare(seconds: int) -> dict[str, Any]:
    """All runs."""
    figures: dict[str, Any] = {}
    for name, shape in SHAPES.items():
        with tempfile.TemporaryDirectory(prefix="rushes-sfu-") as folder:
            own = await ours(Path(folder), shape, seconds)
            print(said(f"Rushes {name}", own), flush=True)
            peer = await theirs(Path(folder), shape, seconds)
            print(said(f"LiveKit {name}", peer), flush=True)
        figures |= {
            f"{name}_us_per_packet": round(own["us_per_packet"], 2),
            f"{name}_ratio_best_peer": round(own["us_per_packet"] / peer["us_per_packet"], 3),
            "added_latency_p99_ms": round(max(own["p99_ms"], figures.get("added_latency_p99_ms", 0.0)), 2),
            "lost_packets": own["lost"] + figures.get("lost_packets", 0),
        }
    return figures


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less than a minute")
    arguments = parser.parse_args()
    build()
    print(json.dumps(asyncio.run(compare(5 if arguments.quick else 30))))


if __name__ == "__main__":
    main()
