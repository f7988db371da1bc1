"""The one UDP socket of a worker: drained at every wake-up, written to directly."""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Final

from svc_sfu.core.ice import Address

BUFFER_BYTES: Final = 8 * 1024 * 1024
AT_ONCE: Final = 512
"""Datagrams that are read before others have a turn."""
DATAGRAM_BYTES: Final = 2_048

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

    def start(self) -> None:
        """Begins to receive."""
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._drain)

    def _drain(self) -> None:
        receive, read = self._receive, self._socket.recvfrom
        for _ in range(AT_ONCE):
            try:
                data, address = read(DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError as error:  # an ICMP answer to something sent before
                _logger.debug("receive_failed", extra={"error": str(error)})
                continue
            if data:
                receive(data, address)

    def send(self, data: bytes, address: Address) -> None:
        """Sends at once; what the kernel has no room for is dropped, as a network does."""
        try:
            self._socket.sendto(data, address)
        except OSError:
            self.dropped += 1

    def close(self) -> None:
        """Receives no more."""
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()
