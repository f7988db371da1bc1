"""The one UDP socket of a worker: drained at every wake-up, some datagrams at a time.

Packets of one size to one address are one call of the kernel, which takes them apart (UDP_SEGMENT, Linux 4.18): a
picture's packets are of almost one size, and the kernel's way is most of what sending costs.
"""

import asyncio
import errno
import logging
import socket
import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

from svc_sfu.core.ice import Address
from svc_sfu.core.run import MAX_PACKETS, alike
from svc_sfu.near import ALL, ANY, is_loopback, keep_to, loopback

BUFFER_BYTES: Final = 8 * 1024 * 1024
AT_ONCE: Final = 512
"""Datagrams that are read before others have a turn."""
DATAGRAM_BYTES: Final = 2_048
_SOL_UDP: Final = 17
_UDP_SEGMENT: Final = 103
_NO_SEGMENTS: Final = frozenset((errno.ENOPROTOOPT, errno.EOPNOTSUPP))
_NONE_TO_THERE: Final = frozenset((errno.EINVAL, errno.EIO, errno.EMSGSIZE))
"""Of the way to an address: its packets are smaller (udp(7)), or its interface counts no checksums."""
WHOLE: Final = 1_024
"""Addresses without segments that are remembered."""

_logger = logging.getLogger(__name__)


class MediaSocket:
    """See the module. `receive` gets each datagram and where it came from, `received` is called after some of them.

    A host that is this machine's alone is all of its addresses, for nobody else (`near.py`).
    """

    def __init__(
        self, host: str, port: int, receive: Callable[[bytes, Address], None], received: Callable[[], None]
    ) -> None:
        self._receive = receive
        self._received = received
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        got = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        if got < BUFFER_BYTES:
            _logger.warning(
                "small_receive_buffer", extra={"bytes": got, "advice": "raise net.core.rmem_max to 8388608"}
            )
        self._socket.bind((self._listened(host), port))
        self.port: int = self._socket.getsockname()[1]
        self.dropped = 0
        self._segments = True
        self._whole: dict[Address, None] = {}

    def _listened(self, host: str) -> str:
        """The address to listen on, which is one of IPv4."""
        if not is_loopback(host):
            return ALL if host in ANY else host
        try:
            keep_to(self._socket, loopback())
        except OSError as error:
            _logger.warning("loopback_alone", extra={"error": str(error), "advice": "Firefox cannot be called here"})
            return "127.0.0.1"
        return ALL

    def start(self) -> None:
        """Begins to receive."""
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._drain)

    def _drain(self) -> None:
        for _ in range(0, AT_ONCE, MAX_PACKETS):
            try:
                more = self._read()
            finally:
                self._received()
            if not more:
                return

    def _read(self) -> bool:
        """Reads some datagrams; whether there may be more."""
        receive, read = self._receive, self._socket.recvfrom
        for _ in range(MAX_PACKETS):
            try:
                data, address = read(DATAGRAM_BYTES)
            except BlockingIOError:
                return False
            except OSError as error:  # an ICMP answer to something sent before
                _logger.debug("receive_failed", extra={"error": str(error)})
                continue
            if data:
                receive(data, address)
        return True

    def send(self, data: bytes | memoryview, address: Address) -> None:
        """Sends a datagram. What the kernel has no room for is dropped, as a network does."""
        try:
            self._socket.sendto(data, address)
        except OSError:
            self.dropped += 1

    def send_all(self, packets: Sequence[bytes], address: Address) -> None:
        """Sends several."""
        sends: list[tuple[int, int, int]] = []
        at = 0
        for start, end in alike([len(data) for data in packets]):
            size = sum(map(len, packets[start:end]))
            sends.append((at, at + size, len(packets[start])))
            at += size
        self.send_beside(memoryview(b"".join(packets)), sends, address)

    def send_beside(self, view: memoryview, sends: Sequence[tuple[int, int, int]], address: Address) -> None:
        """Sends datagrams that lie beside each other: from where, to where, and the size of each but the last."""
        for start, end, size in sends:
            if end - start <= size:
                self.send(view[start:end], address)
            elif (
                not self._segments or address in self._whole or not self._send_segments(view[start:end], size, address)
            ):
                for at in range(start, end, size):
                    self.send(view[at : min(end, at + size)], address)

    def _send_segments(self, part: memoryview, size: int, address: Address) -> bool:
        """Has the kernel take datagrams apart; False: it cannot."""
        try:
            self._socket.sendmsg((part,), _segmented(size), 0, address)
        except OSError as error:
            if error.errno in _NO_SEGMENTS:
                # This kernel does not: one after the other, from now on.
                self._segments = False
                _logger.warning("no_segments", extra={"error": str(error)})
                return False
            if error.errno in _NONE_TO_THERE:
                if len(self._whole) >= WHOLE:
                    del self._whole[next(iter(self._whole))]
                self._whole[address] = None
                _logger.info("no_segments_to_there", extra={"error": str(error)})
                return False
            self.dropped += -(-len(part) // size)
        return True

    def close(self) -> None:
        """Receives no more."""
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()


@cache
def _segmented(size: int) -> list[tuple[int, int, bytes]]:
    return [(_SOL_UDP, _UDP_SEGMENT, struct.pack("=H", size))]
