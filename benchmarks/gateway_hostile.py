"""What bad input of each kind costs everybody else, and the gateway's memory, in the whole product.

`python -m benchmarks.gateway --hostile [--quick]`; the last line is one JSON object.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

import psutil

from benchmarks.gateway_offences import GET_ME, OFFENCES, Door
from benchmarks.gateway_process import BUILT
from benchmarks.measure import cpu_s
from benchmarks.stack import running
from benchmarks.studio import IDENTITY, Studio
from rushes.project.v1 import identity_service_pb2

SETTLE_S = 0.3
LEAD_S = 0.8


def others(door: Door, seconds: float) -> dict[str, Any]:
    """People's calls at a steady pace, each over the services behind; fails if one of them is not answered well."""
    command = [str(BUILT / "webload"), "-address", f"{door.host}:{door.port}", "-path", GET_ME, "-size", "0"]
    command += ["-token", door.token, "-conns", "8", "-pace", "10ms", "-seconds", str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if result["failed"] or not result["count"]:
        raise SystemExit(f"Others were not served: {done.stderr[:500]}")
    return result


def beside(door: Door, kind: str, seconds: float) -> tuple[dict[str, Any], dict[str, int]]:
    """The same while somebody sends bad input; and what that was answered with."""
    command = [sys.executable, "-m", "benchmarks.gateway_offences", kind, str(OFFENCES[kind][1]), str(seconds + LEAD_S)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as offender:
        assert offender.stdin is not None
        offender.stdin.write(json.dumps(asdict(door)) + "\n")
        offender.stdin.flush()
        time.sleep(LEAD_S)
        result = others(door, seconds)
        answers, _ = offender.communicate(timeout=60)
    return result, json.loads(answers)


def run(*, quick: bool) -> dict[str, Any]:
    """Each kind in turn, with and without."""
    seconds, rounds = (1.0, 1) if quick else (2.0, 3)
    ratios, before_mb, gateway = {}, 0.0, psutil.Process()
    with running(RUSHES_GATEWAY__BEGIN_S="5") as stack:
        secret = Studio(stack).secret
        token = stack.rpc(
            IDENTITY, "IssueToken", identity_service_pb2.IssueTokenRequest(session_secret=secret), ""
        ).token
        address = urlsplit(stack.address)
        door = Door(address.hostname or "", address.port or 0, secret, token)
        gateway = psutil.Process(stack.pids()["gateway"])
        others(door, 1.0)
        asyncio.run(_warm(door))
        before_mb = gateway.memory_info().rss / (1 << 20)
        for kind in OFFENCES:
            ratios[kind] = _compare(door, kind, seconds, rounds, gateway)
        grown_mb = gateway.memory_info().rss / (1 << 20) - before_mb
    return {
        "hostile_p99_ratio_worst": max(ratios.values()),
        "hostile_p99_ratio_median": round(statistics.median(ratios.values()), 2),
        "hostile_p99_ratios": ratios,
        "hostile_grown_mb": round(grown_mb, 1),
    }


async def _warm(door: Door) -> None:
    """What a process needs once is not what bad input costs."""
    await asyncio.gather(*(offence(door) for kind, (offence, _) in OFFENCES.items() if not kind.startswith("slow")))


def _compare(door: Door, kind: str, seconds: float, rounds: int, gateway: psutil.Process) -> float:
    calm: list[float] = []
    hard: list[float] = []
    answers: dict[str, int] = {}
    more_s = 0.0
    for _ in range(rounds):
        began_s = cpu_s([gateway.pid])
        calm.append(others(door, seconds)["p99_ms"])
        alone_s = cpu_s([gateway.pid]) - began_s
        result, said = beside(door, kind, seconds)
        more_s += cpu_s([gateway.pid]) - began_s - 2 * alone_s
        hard.append(result["p99_ms"])
        answers |= {name: count + answers.get(name, 0) for name, count in said.items()}
        time.sleep(SETTLE_S)
    before_ms, beside_ms = statistics.median(calm), statistics.median(hard)
    ratio = round(beside_ms / before_ms, 2)
    each_ms = max(0.0, 1e3 * more_s / sum(answers.values()))
    memory_mb = gateway.memory_info().rss / (1 << 20)
    print(
        f"{kind:20} p99 of others {before_ms:6.2f} -> {beside_ms:6.2f} ms ({ratio:4.2f}x)  CPU {each_ms:6.2f} ms each  "
        f"{memory_mb:4.0f} MB  {', '.join(f'{name}: {count}' for name, count in answers.items())}",
        flush=True,
    )
    return ratio
