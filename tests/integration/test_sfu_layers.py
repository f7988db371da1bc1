"""A camera of several sizes in one stream, as Chromium sends and decodes it."""

from benchmarks.sfu_parts.call import calling


async def test_of_one_stream_in_two_sizes_each_is_sent_the_one_that_is_of_use() -> None:
    async with calling() as call:
        await call.publish("VP9", "L3T3_KEY", (640, 360), one=True)
        await call.watch("ann", ["l"])
        await call.sees("ann", 320)
        await call.worker.show("ann", call.shows(["h"]))
        await call.sees("ann", 640)
