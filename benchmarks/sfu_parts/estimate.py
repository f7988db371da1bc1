"""How soon the forwarder knows that a browser's way became narrower or wider."""

import asyncio
from typing import Final

from benchmarks.sfu_parts.call import Call, calling
from benchmarks.sfu_parts.way import way

LIMITS_BPS: Final = (3_000_000.0, 1_000_000.0, 2_500_000.0, 600_000.0, 1_500_000.0)
KNOWN_S: Final = 10.0
MEAN_S: Final = 3.0
SLOTS: Final = ("h", "h", "h")
"""More than any of the limits takes: three times 1.5 Mb/s."""
GOAL: Final = 0.2


class Told:
    """What the forwarder thinks that somebody's way takes."""

    def __init__(self, call: Call, who: str) -> None:
        self._call = call
        self._who = who
        self._estimates: list[float] = []
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        async for state in self._call.worker.states():
            self._estimates += [each.estimate_bps for each in state.participants if each.participant_id == self._who]

    async def mean(self) -> float:
        """Over some seconds."""
        self._estimates.clear()
        await asyncio.sleep(MEAN_S)
        return sum(self._estimates) / max(1, len(self._estimates))

    def close(self) -> None:
        """Looks no more."""
        self._task.cancel()


async def measure(quick: bool) -> dict[str, float]:
    """The estimate, ten seconds after each change of the limit."""
    worst = 0.0
    async with calling() as call, way(limit_bps=LIMITS_BPS[0]) as narrow:
        await call.publish()
        await call.watch("narrow", SLOTS, way=narrow)
        told = Told(call, "narrow")
        await asyncio.sleep(KNOWN_S)
        for limit_bps in LIMITS_BPS[1:3] if quick else LIMITS_BPS[1:]:
            narrow.limit_bps = limit_bps
            await asyncio.sleep(KNOWN_S - MEAN_S / 2)
            dropped, passed = narrow.dropped, narrow.passed
            mean_bps = await told.mean()
            off = mean_bps / limit_bps - 1
            worst = max(worst, abs(off))
            sent_bps = 8 * (narrow.passed - passed) / MEAN_S
            print(
                f"limit {limit_bps / 1e6:.1f} Mb/s: estimated {mean_bps / 1e6:.2f} ({off:+.0%}, goal 20 %), "
                f"{sent_bps / 1e6:.2f} Mb/s passed, {narrow.dropped - dropped} packets dropped",
                flush=True,
            )
        told.close()
    return {"estimate_off_percent": round(100 * worst)}
