"""A recorder's way into a room: every publisher's packets in the largest layer, without encryption."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from itertools import count
from typing import Final

from rushes.sfu.v1 import sfu_service_pb2 as sfu
from svc_sfu.core.allocator import Estimate
from svc_sfu.core.codec import Codec
from svc_sfu.core.forwarder import Forwarder
from svc_sfu.core.outgoing import Outgoing
from svc_sfu.core.publisher import Track
from svc_sfu.core.subscriber import Slot, Subscriber

MAX_WAITING_BYTES: Final = 32 * 1024 * 1024
"""Of a recorder that does not read: more is dropped, and begins again with keyframes."""
MESSAGE_BYTES: Final = 1024 * 1024
GATHER_S: Final = 0.05
LIFE_S: Final = 1.0
NO_LIMIT_BPS: Final = 1e12
_CODECS: Final = {
    Codec.OPUS: sfu.TAP_CODEC_OPUS,
    Codec.VP8: sfu.TAP_CODEC_VP8,
    Codec.H264: sfu.TAP_CODEC_H264,
    Codec.VP9: sfu.TAP_CODEC_VP9,
    Codec.AV1: sfu.TAP_CODEC_AV1,
}
_KINDS: Final = {"audio": sfu.MEDIA_KIND_AUDIO, "video": sfu.MEDIA_KIND_VIDEO}


class Tap:
    """See the module. Its subscriber has a slot for each participant and kind, made when there is something to show."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.subscriber = Subscriber({}, Estimate(NO_LIMIT_BPS, NO_LIMIT_BPS), whole=True)
        self.dropped = 0
        self._now_ms = now_ms
        self._streams: dict[str, int] = {}
        self._numbers = count(1)
        self._new: list[sfu.TapStream] = []
        self._packets: list[sfu.TapPacket] = []
        self._bytes = 0
        self._more = asyncio.Event()

    def slot_of(self, participant: str, track: Track) -> Slot:
        """The slot that shows what somebody publishes of a kind."""
        mid = f"{participant}.{track.kind}"
        slot = self.subscriber.slots.get(mid)
        if slot is None:
            number = next(self._numbers)
            slot = Slot(mid, track.kind, 2 * number, 2 * number + 1, Forwarder(0, 0, 0), priority=10)
            self.subscriber.slots[mid] = slot
            self._streams[mid] = number
            kind = _KINDS[track.kind]
            self._new.append(sfu.TapStream(stream=number, participant_id=participant, kind=kind))
        return slot

    def took(self, slot: Slot, outgoing: Outgoing, now_s: float) -> None:
        """A packet of a slot."""
        if self._bytes > MAX_WAITING_BYTES:
            self.dropped += 1
            return
        arrival_us = self._now_ms() * 1000 - int((time.monotonic() - now_s) * 1e6)
        self._packets.append(
            sfu.TapPacket(
                stream=self._streams[slot.mid],
                seq=outgoing.seq,
                timestamp=outgoing.timestamp,
                marker=outgoing.packet.marker,
                codec=_CODECS[outgoing.codec],
                arrival_us=arrival_us,
                # With whichever picture ids: nobody who puts pictures together looks at them.
                payload=outgoing.packet.payload,
            )
        )
        self._bytes += len(outgoing.packet.payload)
        self._more.set()

    def ask_keyframes(self) -> None:
        """Whatever is shown begins anew soon."""
        for slot in self.subscriber.slots.values():
            if slot.kind == "video":
                self.subscriber.keyframe(slot)

    async def read(self) -> AsyncIterator[sfu.TapRoomResponse]:
        """What comes, a few times a second; an empty message when nothing does."""
        while True:
            self._more.clear()
            try:
                async with asyncio.timeout(LIFE_S):
                    await self._more.wait()
                await asyncio.sleep(GATHER_S)
            except TimeoutError:
                pass
            for response in self._taken():
                yield response

    def _taken(self) -> list[sfu.TapRoomResponse]:
        packets, self._packets = self._packets, []
        responses = [sfu.TapRoomResponse(streams=self._new)]
        self._new = []
        size = 0
        for packet in packets:
            size += len(packet.payload)
            if size > MESSAGE_BYTES:
                responses.append(sfu.TapRoomResponse())
                size = len(packet.payload)
            responses[-1].packets.append(packet)
        if self._bytes > MAX_WAITING_BYTES:
            self.ask_keyframes()
        self._bytes = 0
        return responses
