"""Codecs that a browser does not choose by itself are forwarded, layer by layer: Chromium encodes and decodes them."""

import asyncio

import pytest

from benchmarks.sfu_parts.call import calling

SIZE = (640, 360)
"""Of this Chromium makes two layers, the first two that are offered."""


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
