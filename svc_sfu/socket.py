"""The one UDP socket of a worker: drained at every wake-up; what is sent meanwhile goes out together.

Packets of one size to one address are one call of the kernel, which takes them apart (UDP_SEGMENT, Linux 4.18): a
picture's packets are of almost one size, and the kernel's way is most of what sending costs.
"""

import asyncio
import errno
import logging
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Final

from svc_sfu.core.ice import Address

BUFFER_BYTES: Final = 8 * 1024 * 1024
AT_ONCE: Final = 512
"""Datagrams that are read before others have a turn."""
DATAGRAM_BYTES: Final = 2_048
TOGETHER: Final = 32
"""Datagrams that are read before what is to be sent for them goes out."""
MAX_SEGMENTS: Final = 64
MAX_RUN_BYTES: Final = 60_000
_SOL_UDP: Final = 17
_UDP_SEGMENT: Final = 103
_NO_SEGMENTS: Final = frozenset((errno.EINVAL, errno.EIO, errno.ENOPROTOOPT, errno.EOPNOTSUPP, errno.EMSGSIZE))

_logger = logging.getLogger(__name__)


class MediaSocket:
    """See the module. `receive` gets each datagram and where it came from."""

    def __init__(self, host: str, port: int, receive: Callable[[bytes, Address], None]) -> None:
        self._receive = receive
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        got = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        if got < BUFFER_BYTES:
            _logger.warning(
                "small_receive_buffer", extra={"bytes": got, "advice": "raise net.core.rmem_max to 8388608"}
            )
        self._socket.bind((host, port))
        self.port: int = self._socket.getsockname()[1]
        self.dropped = 0
        self._draining = False
        self._segments = True
        self._waiting: dict[Address, list[bytes]] = {}

    def start(self) -> None:
        """Begins to receive."""
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._drain)

    def _drain(self) -> None:
        self._draining = True
        try:
            for _ in range(0, AT_ONCE, TOGETHER):
                more = self._read()
                self._flush()
                if not more:
                    return
        finally:
            self._draining = False

    def _read(self) -> bool:
        """Reads some datagrams; whether there may be more."""
        receive, read = self._receive, self._socket.recvfrom
        for _ in range(TOGETHER):
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

    def send(self, data: bytes, address: Address) -> None:
        """Sends at once, or with what else is sent for what is just read. What the kernel has no room for is dropped,
        as a network does.
        """
        if not self._draining:
            self._send_one(data, address)
            return
        waiting = self._waiting.get(address)
        if waiting is None:
            self._waiting[address] = [data]
        else:
            waiting.append(data)

    def _flush(self) -> None:
        waiting = self._waiting
        if not waiting:
            return
        self._waiting = {}
        for address, packets in waiting.items():
            if len(packets) == 1 or not self._segments:
                for data in packets:
                    self._send_one(data, address)
                continue
            for start, end in runs(packets):
                self._send_run(packets[start:end], address)

    def _send_one(self, data: bytes, address: Address) -> None:
        try:
            self._socket.sendto(data, address)
        except OSError:
            self.dropped += 1

    def _send_run(self, packets: Sequence[bytes], address: Address) -> None:
        if len(packets) == 1:
            self._send_one(packets[0], address)
            return
        size = struct.pack("=H", len(packets[0]))
        try:
            self._socket.sendmsg(packets, [(_SOL_UDP, _UDP_SEGMENT, size)], 0, address)
        except OSError as error:
            if error.errno not in _NO_SEGMENTS:
                self.dropped += len(packets)
                return
            # This kernel, or the way to there, does not take them apart: one after the other, from now on.
            self._segments = False
            _logger.warning("no_segments", extra={"error": str(error)})
            for data in packets:
                self._send_one(data, address)

    def close(self) -> None:
        """Receives no more."""
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()


def runs(packets: Sequence[bytes]) -> list[tuple[int, int]]:
    """Where packets lie that can go out together: of one size, but for the last of a run, which may be shorter."""
    found, start, count = list[tuple[int, int]](), 0, len(packets)
    while start < count:
        size = len(packets[start])
        last = min(count, start + min(MAX_SEGMENTS, MAX_RUN_BYTES // size))
        end = start + 1
        while end < last and len(packets[end]) == size:
            end += 1
        if end < last and len(packets[end]) < size:
            end += 1
        found.append((start, end))
        start = end
    return found
