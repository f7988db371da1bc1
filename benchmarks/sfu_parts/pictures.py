"""What somebody sees: how soon, when the layer changes, and when every twentieth packet is lost."""

import asyncio
from itertools import pairwise
from typing import Final

from benchmarks.sfu_parts.call import Call, calling
from benchmarks.sfu_parts.way import way

JOINS: Final = 5
SETTLE_S: Final = 6.0
"""Until a browser sends all layers."""
SWITCHES: Final = ("m", "l", "m", "h", "l", "h")
HOLD_S: Final = 3.0
LOSS: Final = 0.05


def gaps_ms(pictures: list[tuple[float, int, int]]) -> list[float]:
    """Between pictures; where the page missed some that were painted, their mean."""
    return [(after[0] - before[0]) / max(1, after[1] - before[1]) for before, after in pairwise(pictures)]


async def join(call: Call) -> dict[str, float]:
    """From asking for slots to the first picture."""
    times = []
    for number in range(JOINS):
        await call.watch(f"join{number}", ["h"])
        times.append(await call.first_ms(f"join{number}"))
        await call.leave(f"join{number}")
    print(f"first picture after {min(times):.0f} to {max(times):.0f} ms (goal 1000)", flush=True)
    return {"first_picture_ms": round(max(times))}


async def switch(call: Call) -> dict[str, float]:
    """The longest time between two pictures, without and with changes of the layer."""
    await call.watch("switch", ["h"])
    await asyncio.sleep(SETTLE_S)
    await call.pictures("switch")
    await asyncio.sleep(len(SWITCHES) * HOLD_S / 2)
    before = await call.pictures("switch")
    still = gaps_ms(before)
    rate = 1000 * (before[-1][1] - before[0][1]) / (before[-1][0] - before[0][0])
    for layer in SWITCHES:
        await call.worker.show("switch", call.shows([layer]))
        await asyncio.sleep(HOLD_S)
    seen = await call.pictures("switch")
    gaps = gaps_ms(seen)
    widths = [width for width, before in zip((each[2] for each in seen[1:]), seen, strict=False) if width != before[2]]
    await call.leave("switch")
    print(
        f"{len(SWITCHES)} switches, to widths {widths}: longest gap {max(gaps):.0f} ms (goal 150), "
        f"without switches {max(still):.0f} ms and {rate:.1f} pictures/s",
        flush=True,
    )
    return {
        "switch_gap_ms": round(max(gaps)),
        "still_gap_ms": round(max(still)),
        "switched": len(widths),
        "still_pictures_s": round(rate, 1),
    }


async def loss(call: Call, seconds: float) -> dict[str, float]:
    """Pictures a second, and the share of sound that was made up, where 5 % of the packets are lost."""
    async with way(loss=LOSS) as lossy:
        await call.watch("loss", ["h"], way=lossy, sound=True)
        await asyncio.sleep(SETTLE_S)
        before = await call.reports("loss")
        await asyncio.sleep(seconds)
        after = await call.reports("loss")
        await call.leave("loss")

    def more(mid: str, name: str) -> float:
        return float(after[mid].get(name, 0)) - float(before[mid].get(name, 0))

    rate = more("v0", "framesDecoded") / ((after["v0"]["timestamp"] - before["v0"]["timestamp"]) / 1000)
    concealed = (more("a0", "concealedSamples") - more("a0", "silentConcealedSamples")) / more(
        "a0", "totalSamplesReceived"
    )
    frozen = more("v0", "freezeCount")
    print(
        f"{LOSS:.0%} lost ({lossy.dropped} packets): {rate:.1f} pictures/s of width {after['v0'].get('frameWidth')} "
        f"(goal 20), {frozen:.0f} freezes, {concealed:.2%} of the sound concealed (goal 1 %)",
        flush=True,
    )
    return {"lossy_pictures_s": round(rate, 1), "concealed_percent": round(100 * concealed, 2)}


async def measure(quick: bool) -> dict[str, float]:
    """All three."""
    async with calling() as call:
        await call.publish()
        await asyncio.sleep(SETTLE_S)
        return await join(call) | await switch(call) | await loss(call, 5 if quick else 20)
