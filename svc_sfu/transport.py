"""One person's transport in one direction: its ICE session, its keys, and what it publishes or is shown."""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Final

from aiortc.rtcdtlstransport import RTCCertificate

from svc_sfu.core.feedback import Arrivals
from svc_sfu.core.ice import Session
from svc_sfu.core.publisher import Publisher
from svc_sfu.core.subscriber import Subscriber
from svc_sfu.wire import Sender, Wire

FIRST_CHECK_S: Final = 15.0


class Transport:
    """See the module. `publisher` or `subscriber` is there, never both."""

    def __init__(
        self,
        participant: str,
        certificate: RTCCertificate,
        sender: Sender,
        *,
        publisher: Publisher | None = None,
        subscriber: Subscriber | None = None,
    ) -> None:
        self.participant = participant
        self.transport_id = secrets.token_hex(8)
        self.publisher = publisher
        self.subscriber = subscriber
        self.session = Session(secrets.token_hex(4), secrets.token_hex(16), heard_s=time.monotonic())
        self.ssrc = secrets.randbits(32)
        self.arrivals = Arrivals()
        self.arrivals_ssrc = 0
        self._sender = sender
        self.wire = Wire(certificate, self.send)
        self._checked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def send(self, data: bytes) -> None:
        """Sends a datagram that is ready for the wire."""
        if self.session.nominated is not None:
            self._sender.send(data, self.session.nominated)

    def send_all(self, packets: Sequence[bytes]) -> None:
        """Sends several."""
        if self.session.nominated is not None:
            self._sender.send_all(packets, self.session.nominated)

    def checked(self) -> None:
        """The first check of the other side came."""
        self._checked.set()

    def begin(
        self, fingerprints: Sequence[tuple[str, str]], *, client: bool, then: Callable[["Transport", bool], None]
    ) -> None:
        """Agrees on keys in the background; `then` is told whether it did."""

        async def agree() -> None:
            agreed = False
            try:
                if client:  # a client hello before there is an address would be lost
                    async with asyncio.timeout(FIRST_CHECK_S):
                        await self._checked.wait()
                agreed = await self.wire.handshake(fingerprints, client=client)
            except TimeoutError:
                pass
            finally:
                then(self, agreed)

        self._task = asyncio.create_task(agree())

    def report(self, *packets: bytes) -> None:
        """Sends RTCP."""
        sealed = self.wire.seal_report(b"".join(packets))
        if sealed is not None:
            self.send(sealed)

    def reports(self, packets: Sequence[bytes]) -> None:
        """Sends RTCP, each packet in a datagram of its own, as some receivers look at the first of several only."""
        sealed = (self.wire.seal_report(packet) for packet in packets)
        self.send_all([each for each in sealed if each is not None])

    async def close(self) -> None:
        """Ends it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.wire.close()
