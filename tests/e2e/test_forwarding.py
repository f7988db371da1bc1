"""What a browser sees through the forwarder alone: layers, codecs that it would not choose itself, narrow ways."""

import asyncio
from itertools import pairwise

import pytest

from benchmarks.sfu_parts.call import calling
from benchmarks.sfu_parts.way import way

SIZE = (640, 360)
"""Of this Chromium makes two layers, the first two that are offered."""
NARROW_BPS = 250_000.0


@pytest.mark.parametrize("codec", ["VP9", "AV1"])
def test_pictures_are_seen_in_either_layer(codec: str) -> None:
    async def seen() -> str:
        async with calling() as call:
            await call.publish(codec, "L1T1", SIZE)
            await call.watch("bob", ["m"])
            await call.sees("bob", SIZE[0] // 2)
            await call.worker.show("bob", call.shows(["h"]))
            await call.sees("bob", SIZE[0])
            report = (await call.reports("bob"))["v0"]
            assert report["framesDecoded"] > 0
            return str(report["codecId"])

    # As our offer numbers them.
    assert f"_{ {'VP9': 98, 'AV1': 45}[codec] }_" in asyncio.run(seen())


def test_pictures_that_are_seen_are_those_that_were_sent_in_their_order() -> None:
    async def seen() -> list[tuple[int, int]]:
        async with calling() as call:
            await call.publish(size=SIZE, bars=True)
            await call.watch("bob", ["h"])
            return await call.numbers("bob", 75)

    pictures = [(number, sent) for number, sent in asyncio.run(seen()) if number >= 0]
    assert len(pictures) >= 70, "the others are the first of all, which are blurred"
    assert all(number <= sent for number, sent in pictures)
    assert all(before[0] <= after[0] for before, after in pairwise(pictures))
    assert len({number for number, _ in pictures}) > 50


def test_on_a_narrow_way_pictures_are_smaller_and_on_a_wide_one_large_again() -> None:
    async def seen() -> None:
        async with calling() as call, way() as through:
            await call.publish(size=SIZE)
            await call.watch("bob", ["h"], way=through)
            await call.sees("bob", SIZE[0])
            through.limit_bps = NARROW_BPS
            await call.sees("bob", SIZE[0] // 2)
            through.limit_bps = 0
            await call.sees("bob", SIZE[0])

    asyncio.run(seen())
