"""What bad input of each kind costs everybody else, and the gateway's memory, in the whole product.

`python -m benchmarks.gateway --hostile [KIND ...] [--quick]`; the last line is one JSON object. People's calls go on at
a steady pace all the time, and somebody offends in every second window of it: so both ratios come from the same
moments of the machine. Memory is what the gateway has more after the last such window than after the first, which
brings what is needed once.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
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

LEAD_S = 1.0
"""For the programs to begin in."""
SETTLE_S = 0.2
"""The beginning of each window counts for neither side ..."""
LEAVE_S = 0.05
"""... nor does its end: there all offenders hang up in one moment, which nobody does who is slow."""

GROWN_MB = 8.0
"""All kinds together; up to half of it is what gRPC itself leaves of 5,000 calls at once until the collector looks.
More is a fault, and said so."""

Window = tuple[float, float]


def people(door: Door, seconds: float) -> "subprocess.Popen[str]":
    """Their calls, each over the services behind."""
    command = [
        str(BUILT / "webload"),
        "-address",
        f"{door.host}:{door.port}",
        "-path",
        GET_ME,
        "-size",
        "0",
        "-samples",
    ]
    command += ["-token", door.token, "-conns", "8", "-pace", "10ms", "-seconds", str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def samples_of(working: "subprocess.Popen[str]") -> list[Window]:
    """When each call began, and its milliseconds; fails if one of them was not answered well."""
    output, complaint = working.communicate(timeout=60)
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    if result["failed"] or not result["count"]:
        raise SystemExit(f"Others were not served: {complaint[:500]}")
    return [(began_s, spent_ms) for began_s, spent_ms in result["samples"]]


def offender(door: Door, kind: str, windows: Sequence[Window]) -> "subprocess.Popen[str]":
    """Somebody who sends bad input in these windows."""
    times = [f"{begin_s},{end_s}" for begin_s, end_s in windows]
    command = [sys.executable, "-m", "benchmarks.gateway_offences", kind, str(OFFENCES[kind][1]), *times]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None
    child.stdin.write(json.dumps(asdict(door)) + "\n")
    child.stdin.flush()
    return child


def p99_ms(samples: Sequence[Window], windows: Sequence[Window]) -> float:
    """Of the calls that began in a window; the median of these, since anything else on the machine comes and goes."""
    found = []
    for begin_s, end_s in windows:
        spent = sorted(ms for at_s, ms in samples if begin_s + SETTLE_S <= at_s < end_s - LEAVE_S)
        found.append(spent[len(spent) * 99 // 100])
    return statistics.median(found)


def run(kinds: Sequence[str] = (), *, quick: bool) -> dict[str, Any]:
    """Each kind in turn, with and without."""
    window_s, rounds = (0.8, 2) if quick else (1.2, 5)
    ratios, grown_mb = {}, 0.0
    with running(RUSHES_GATEWAY__BEGIN_S="5") as stack:
        secret = Studio(stack).secret
        token = stack.rpc(
            IDENTITY, "IssueToken", identity_service_pb2.IssueTokenRequest(session_secret=secret), ""
        ).token
        address = urlsplit(stack.address)
        door = Door(address.hostname or "", address.port or 0, secret, token)
        gateway = psutil.Process(stack.pids()["gateway"])
        samples_of(people(door, 1.0))
        asyncio.run(_warm(door))
        before_mb = gateway.memory_info().rss / (1 << 20)
        for kind in kinds or OFFENCES:
            ratios[kind], more_mb = _compare(door, kind, window_s, rounds, gateway)
            grown_mb += more_mb
        more_mb = gateway.memory_info().rss / (1 << 20) - before_mb
    if grown_mb > GROWN_MB:
        raise SystemExit(f"The gateway grew by {grown_mb:.1f} MB, beside {GROWN_MB:g} that it may.")
    return {
        "hostile_p99_ratio_worst": max(ratios.values()),
        "hostile_p99_ratio_median": round(statistics.median(ratios.values()), 2),
        "hostile_p99_ratios": ratios,
        "hostile_grown_mb": round(grown_mb, 1),
        "hostile_grown_mb_with_first": round(more_mb, 1),
    }


async def _warm(door: Door) -> None:
    """What a process needs once is not what bad input costs others."""
    await asyncio.gather(*(offence(door) for kind, (offence, _) in OFFENCES.items() if not kind.startswith("slow")))


def _compare(door: Door, kind: str, window_s: float, rounds: int, gateway: psutil.Process) -> tuple[float, float]:
    """The ratio of both p99, and the megabytes that repeating it brought."""
    first_s = time.time() + LEAD_S
    both = [(first_s + at * window_s, first_s + (at + 1) * window_s) for at in range(2 * rounds)]
    calm, hard = both[::2], both[1::2]
    with people(door, LEAD_S + 2 * rounds * window_s) as working, offender(door, kind, hard) as offending:
        spent_s, held_mb = zip(*(_watched(gateway, window) for window in both), strict=True)
        samples = samples_of(working)
        answers: dict[str, int] = json.loads(offending.communicate(timeout=60)[0])
    before_ms, beside_ms = p99_ms(samples, calm), p99_ms(samples, hard)
    grown_mb = held_mb[-1] - held_mb[1]
    each_ms = 1e3 * max(0.0, sum(spent_s[1::2]) - sum(spent_s[::2])) / sum(answers.values())
    print(
        f"{kind:20} p99 of others {before_ms:6.2f} -> {beside_ms:6.2f} ms ({beside_ms / before_ms:4.2f}x)  "
        f"CPU {each_ms:6.2f} ms each  {held_mb[-1]:5.1f} MB ({grown_mb:+.1f})  "
        f"{', '.join(f'{name}: {count}' for name, count in answers.items())}",
        flush=True,
    )
    return round(beside_ms / before_ms, 2), grown_mb


def _watched(gateway: psutil.Process, window: Window) -> tuple[float, float]:
    """Processor seconds of the gateway in a window that is to come, and the megabytes that it has at its end."""
    begin_s, end_s = window
    time.sleep(max(0.0, begin_s - time.time()))
    before_s = cpu_s([gateway.pid])
    time.sleep(max(0.0, end_s - time.time()))
    return cpu_s([gateway.pid]) - before_s, gateway.memory_info().rss / (1 << 20)
