"""The gateway against Envoy, grpcwebproxy and a plain C loop, each with one worker, the same backend and the same run.

`python -m benchmarks.gateway [--quick] [--only KIND ...]`; the last line is one JSON object. With `--sockets N
[--processes P]` idle WebSockets instead; with `--hostile` bad input; with `--soak` ten minutes of coming and going.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import gateway_hostile, gateway_soak, gateway_sockets
from benchmarks.gateway_offences import OFFENCES
from benchmarks.gateway_process import BUILT, build, free_port, process
from benchmarks.measure import cpu_s
from benchmarks.peers import envoy, grpcwebproxy

FAN_OUT = 1_000
"""Sockets of the fan-out."""
CALLS = {
    "unary": ("envoy", ("ours", "ours, guarded"), 32),
    "stream": ("envoy", ("ours",), 4),
    "ws": ("grpcwebproxy", ("ours",), 32),
}
"""Each kind of call: whom ours are compared with, and on how many connections. The last of ours is what counts."""
FAN_OUT_PART = "fanout"


@dataclass
class Server:
    """A gateway under load."""

    name: str
    port: int
    process: "subprocess.Popen[Any]"
    token: str = ""


@dataclass
class Figures:
    """What one gateway did, round by round."""

    per_s: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)

    def median(self, name: str) -> float:
        """Median of the rounds."""
        return float(statistics.median(getattr(self, name)))


def load(server: Server, mode: str, seconds: float, **options: object) -> tuple[dict[str, Any], float]:
    """One load: what it measured, and the CPU seconds of the gateway."""
    command = [str(BUILT / "webload"), "-address", f"127.0.0.1:{server.port}", "-mode", mode, "-seconds", str(seconds)]
    for name, value in {"token": server.token, **options}.items():
        if value:
            command += [f"-{name}", str(value)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        before_s = cpu_s([server.process.pid])
        output, complaint = child.communicate()
    spent_s = cpu_s([server.process.pid]) - before_s
    result: dict[str, Any] = json.loads(output)
    if result["failed"] or not result["count"]:
        raise SystemExit(f"{server.name}, {mode}: {complaint[:500]}")
    return result, spent_s


def compare(servers: Sequence[Server], mode: str, seconds: float, rounds: int, **options: object) -> dict[str, Figures]:
    """All of them in turn, so that the machine's moods fall on each."""
    found = {server.name: Figures() for server in servers}
    for server in servers:
        load(server, mode, min(seconds, 1.0), **options)
    for turn in range(rounds):
        for server in servers if turn % 2 == 0 else reversed(servers):
            result, spent_s = load(server, mode, seconds, **options)
            figures = found[server.name]
            figures.per_s.append(result["per_s"])
            figures.cpu_us.append(1e6 * spent_s / result["count"])
            figures.p99_ms.append(result["p99_ms"])
    for name, figures in found.items():
        print(
            f"{mode:6} {name:16} {figures.median('per_s'):10.0f}/s  CPU {figures.median('cpu_us'):7.2f} us each  "
            f"p99 {figures.median('p99_ms'):8.2f} ms",
            flush=True,
        )
    return found


def fan_out(rounds: int) -> dict[str, float]:
    """CPU of one frame to one viewer, as a multiple of a plain loop's; by the viewers' kind of socket."""
    ours = [sys.executable, "-m", "benchmarks.gateway_fan_out"]
    plain = [str(BUILT / "send")]
    found: dict[str, list[float]] = {"a C loop": [], "grpc-websockets": [], "rushes-streams": []}
    for _ in range(3):
        for name, command, more in (
            ("a C loop", plain, []),
            ("grpc-websockets", ours, []),
            ("rushes-streams", ours, ["streams"]),
        ):
            found[name].append(_fan_out(command, rounds, more))
    medians = {name: statistics.median(each) for name, each in found.items()}
    print("fanout a frame: " + ", ".join(f"{name} {each:.2f} us" for name, each in medians.items()))
    floor = medians.pop("a C loop")
    return {name: round(each / floor, 3) for name, each in medians.items()}


def _fan_out(command: Sequence[str], rounds: int, more: Sequence[str]) -> float:
    """Writer and readers on a core each: where the kernel puts them else decides more than who writes."""
    port = free_port()
    cores = sorted(os.sched_getaffinity(0))
    writer, readers = (["taskset", "-c", str(core)] for core in (cores[-1], cores[0]))
    arguments = [*writer, *command, str(port), str(FAN_OUT), str(rounds), "300", *more]
    sink = [*readers, sys.executable, "-m", "benchmarks.gateway_sink", str(port), str(FAN_OUT)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as server:
        try:
            with process(sink):
                output, _ = server.communicate(timeout=120)
        finally:
            server.kill()
    return float(output)


@contextlib.contextmanager
def gateways() -> Iterator[dict[str, Server]]:
    """Backend and gateways, until all is measured."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        _, address = stack.enter_context(process([str(BUILT / "backend")], first_line=True))
        token, guarded = "", [sys.executable, "-m", "benchmarks.gateway_guarded"]
        commands: dict[str, Callable[[int], list[str]]] = {
            "envoy": lambda port: envoy(folder, port, address),
            "grpcwebproxy": lambda port: grpcwebproxy(port, address),
            "ours": lambda port: [
                sys.executable,
                "-m",
                "gateway",
                "--listen",
                f"127.0.0.1:{port}",
                "--upstream",
                address,
            ],
            "ours, guarded": lambda port: [*guarded, str(port), address],
        }
        found = {}
        for name, command in commands.items():
            port = free_port()
            child, line = stack.enter_context(process(command(port), first_line=name == "ours, guarded"))
            token = line if name == "ours, guarded" else ""
            found[name] = Server(name, port, child, token)
        time.sleep(4.0)
        yield found


def main() -> None:
    """Runs what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short rounds: a smoke test, not a measurement")
    parser.add_argument(
        "--only", nargs="+", choices=[*CALLS, FAN_OUT_PART], metavar="KIND", help="of the comparisons these"
    )
    parser.add_argument("--sockets", type=int, default=0, metavar="N", help="so many idle WebSockets, and nothing else")
    parser.add_argument("--processes", type=int, default=1, metavar="P", help="gateways on the port of those sockets")
    parser.add_argument(
        "--hostile", nargs="*", choices=OFFENCES, metavar="KIND", help="what bad input costs others (of all kinds)"
    )
    parser.add_argument("--soak", action="store_true", help="clients that come and go, and nothing else")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the soak")
    given = parser.parse_args()
    build()
    if given.soak:
        figures = gateway_soak.run(0.5 if given.quick else given.minutes)
    elif given.hostile is not None:
        figures = gateway_hostile.run(given.hostile, quick=given.quick)
    elif given.sockets:
        figures = gateway_sockets.run(given.sockets, given.processes, quick=given.quick)
    else:
        figures = everything(given.only or [*CALLS, FAN_OUT_PART], quick=given.quick)
    print(json.dumps(figures))


def everything(only: Sequence[str], *, quick: bool) -> dict[str, float]:
    """Beside the others: these comparisons, or all."""
    seconds, rounds = (2.0, 1) if quick else (5.0, 5)
    figures: dict[str, float] = {}
    if set(only) & set(CALLS):
        with gateways() as servers:
            for mode in (mode for mode in CALLS if mode in only):
                peer, ours, conns = CALLS[mode]
                found = compare([servers[name] for name in (peer, *ours)], mode, seconds, rounds, conns=conns)
                for name in ours:
                    kind = mode if name == ours[-1] else f"{mode}_plain"
                    for figure, what in (("per_s", ""), ("cpu_us", "_cpu")):
                        ratio = found[name].median(figure) / found[peer].median(figure)
                        figures[f"{kind}{what}_ratio_{peer}"] = round(ratio, 3)
    if FAN_OUT_PART in only:
        ratios = fan_out(10 if quick else 60)
        figures["fanout_cpu_ratio_c_send"] = ratios["grpc-websockets"]
        figures["fanout_streams_cpu_ratio_c_send"] = ratios["rushes-streams"]
    return figures


if __name__ == "__main__":
    main()
