"""A large sparse file is uploaded over a connection that is cut a hundred times: it arrives, in little memory.

The file has noise here and there and is zeros otherwise, which take no room on the disk. It goes through a proxy that
cuts, the gateway, and into svc_media, which finds its SHA-256 to be the file's.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import rushes
from benchmarks.stack import Stack, running
from benchmarks.studio import MEDIA, Studio
from rushes.client.upload import LARGE_PART
from rushes.media.v1 import media_service_pb2 as media

GB = 1 << 30
MB = 1 << 20
CUTS = 100
NOISE_EVERY = 97 * MB + 13
MOST_RSS_MB = 100.0
DIGEST_S = 1800.0


def sparse_file(path: Path, size: int) -> Path:
    """Zeros with a little noise, not at round places."""
    noise = random.Random(size)
    with path.open("wb") as file:
        for at in range(5, size - MB, NOISE_EVERY):
            file.seek(at)
            file.write(noise.randbytes(200_000))
        file.truncate(size)
    return path


def sha256_of(path: Path) -> bytes:
    """Of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


@contextlib.contextmanager
def cutting(stack: Stack, size: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Address of a proxy that cuts, and what it did, once it has ended."""
    arguments = [stack.port, CUTS, size, LARGE_PART]
    command = [sys.executable, "-m", "benchmarks.cutter", *map(str, arguments)]
    did: dict[str, Any] = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}", did
        process.stdin.close()
        did |= json.loads(process.stdout.readline())


async def upload(address: str, secret: str, path: Path, project_id: int) -> int:
    """Uploads with the SDK; the video_id."""
    told = 0

    def show(done: int, total: int) -> None:
        nonlocal told
        if done * 10 // total > told:
            told = done * 10 // total
            print(f"  {told * 10} %", flush=True)

    async with rushes.connect(address, session=secret) as client:
        return await client.upload(path, project_id, show)


def finished(stack: Stack, video_id: int, secret: str) -> media.Video:
    """The video once its bytes were read: it is no film, so its job fails."""
    end = time.monotonic() + DIGEST_S
    while time.monotonic() < end:
        request = media.GetVideoRequest(video_id=video_id)
        video: media.Video = stack.rpc(MEDIA, "GetVideo", request, secret).video
        if video.state == media.VIDEO_STATE_FAILED:
            return video
        time.sleep(0.2)
    raise TimeoutError("the upload's bytes were not read in time")


def memory_mb(pid: int) -> dict[str, float]:
    """Peak and present memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines if line.startswith(("VmHWM", "Rss"))}
    return {"peak": found["VmHWM"], "own": found["RssAnon"]}


def disk_mb(folder: Path) -> float:
    """What a folder's files take."""
    return sum(path.stat().st_blocks for path in folder.rglob("*") if path.is_file()) * 512 / MB


def measure(stack: Stack, folder: Path, size: int) -> dict[str, Any]:
    """One run."""
    studio = Studio(stack)
    path = sparse_file(folder / "sparse.mov", size)
    pid = stack.pids()["svc_media"]
    before = memory_mb(pid)
    print(f"{size / GB:.0f} GB in pieces of {LARGE_PART // MB} MB, cut {CUTS} times")
    with cutting(stack, size) as (address, did):
        began = time.perf_counter()
        video_id = asyncio.run(upload(address, studio.secret, path, studio.project_id))
        seconds = time.perf_counter() - began
    after = memory_mb(pid)
    print(f"arrived in {seconds:.0f} s; {did['cuts']} cuts cost {(did['forwarded_bytes'] - size) / MB:.0f} MB more")
    print(f"svc_media: peak RSS {after['peak']:.0f} MB ({before['peak']:.0f} before), own {after['own']:.0f} MB")
    video = finished(stack, video_id, studio.secret)
    if video.sha256 != sha256_of(path):
        raise SystemExit("What arrived is not what was sent.")
    if stack.pids()["svc_media"] != pid:
        raise SystemExit("svc_media did not live through it.")
    return {
        "size_gb": size / GB,
        "cuts": did["cuts"],
        "seconds": round(seconds, 1),
        "mb_s": round(size / MB / seconds, 1),
        "service_rss_mb": round(memory_mb(pid)["peak"], 1),
        "disk_mb": round(disk_mb(stack.data / "media"), 1),
    }


def main() -> None:
    """Runs it and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 GB instead of 50")
    size = (2 if parser.parse_args().quick else 50) * GB
    with tempfile.TemporaryDirectory(prefix="rushes-upload-") as folder, running() as stack:
        figures = measure(stack, Path(folder), size)
    print(json.dumps(figures))
    if figures["cuts"] < CUTS or figures["service_rss_mb"] >= MOST_RSS_MB or figures["disk_mb"] > size / MB / 10:
        sys.exit(1)


if __name__ == "__main__":
    main()
