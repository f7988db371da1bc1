"""Many idle WebSockets on a gateway: what one of them holds, and whether all are answered.

`python -m benchmarks.gateway --sockets N [--processes P]`; the last line is one JSON object.
"""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any

from benchmarks.gateway_process import BUILT, free_port, process
from benchmarks.measure import cpu_s, pss_mb

PER_GENERATOR = 15_000
"""A process has 20,000 descriptors here."""
SETTLE_S = 2.0
ASKED_S = 60.0
"""So that the gateway asks each of them too, which it does after 54 s."""


@dataclass
class Generator:
    """A process that holds sockets."""

    child: "subprocess.Popen[str]"

    @property
    def out(self) -> IO[str]:
        """What it says."""
        assert self.child.stdout is not None
        return self.child.stdout

    def go_on(self) -> None:
        """The next part."""
        assert self.child.stdin is not None
        self.child.stdin.write("\n")
        self.child.stdin.flush()


def generators(stack: contextlib.ExitStack, port: int, count: int, seconds: float, hello: str) -> list[Generator]:
    """Processes that open all of them, one after the other; each waits with its sockets open."""
    found: list[Generator] = []
    while count > 0:
        some = min(count, PER_GENERATOR)
        command = [str(BUILT / "sockets"), "-address", f"127.0.0.1:{port}", "-count", str(some)]
        command += ["-seconds", str(seconds), "-source", str(2 + 3 * len(found))]
        command += ["-hello", hello] if hello else []
        child = stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        stack.callback(child.kill)
        found.append(Generator(child))
        if found[-1].out.readline() != "open\n":
            raise SystemExit(f"The generator ended after {sum(PER_GENERATOR for _ in found[:-1])} sockets.")
        count -= some
    return found


def measure(count: int, processes: int, seconds: float, hello: str = "") -> dict[str, Any]:
    """Opens them, lets them be, asks some of them; gives the figures."""
    with contextlib.ExitStack() as stack:
        _, backend = stack.enter_context(process([str(BUILT / "backend")], first_line=True))
        port = free_port()
        command = [sys.executable, "-m", "gateway", "--listen", f"127.0.0.1:{port}", "--upstream", backend]
        gateways = [stack.enter_context(process([*command, "--reuse-port"]))[0] for _ in range(processes)]
        pids = [gateway.pid for gateway in gateways]
        time.sleep(SETTLE_S)
        _warm(stack, port, hello)
        before_mb = pss_mb(pids)
        found = generators(stack, port, count, seconds, hello)
        time.sleep(SETTLE_S)
        grown_kb = (pss_mb(pids) - before_mb) * 1024
        before_s, began_s = cpu_s(pids), time.monotonic()
        results = _ask(found)
        spent_s, passed_s = cpu_s(pids) - before_s, time.monotonic() - began_s
        for generator in found:
            generator.go_on()
    return {
        "sockets": sum(result["open"] - result["lost"] for result in results),
        "processes": processes,
        "kb_a_socket": round(grown_kb / count, 2),
        "ping_p50_ms": max(result["p50_ms"] for result in results),
        "ping_p99_ms": max(result["p99_ms"] for result in results),
        "pings_lost": sum(result["pings"] - result["pongs"] for result in results),
        "cpu_share": round(spent_s / passed_s, 3),
    }


def _warm(stack: contextlib.ExitStack, port: int, hello: str) -> None:
    """What a process needs once, however many come."""
    for generator in generators(stack, port, 50, 0.2, hello):
        generator.go_on()
        generator.out.readline()
        generator.go_on()
        generator.child.wait()
    time.sleep(1.0)


def _ask(found: Sequence[Generator]) -> list[dict[str, Any]]:
    for generator in found:
        generator.go_on()
    return [json.loads(generator.out.readline()) for generator in found]


def run(count: int, processes: int, *, quick: bool) -> dict[str, Any]:
    """Measures, and says it in words."""
    figures = measure(count, processes, 2.0 if quick else ASKED_S)
    print(
        f"{figures['sockets']:,} idle sockets in {processes} processes: {figures['kb_a_socket']} kB each, ping p50 "
        f"{figures['ping_p50_ms']} ms, p99 {figures['ping_p99_ms']} ms, {figures['cpu_share']:.0%} of a core",
        flush=True,
    )
    return figures
