"""What goes from one forwarder to another, sealed: AES-GCM with keys that svc_signaling tells both of them.

A datagram is a byte that no protocol of browsers begins with (RFC 7983), the relay, a number that is never used again
with that key, and what is sealed. SRTP would have keys for each stream, whose counters a far side that missed the
beginning of one cannot know.
"""

import struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from svc_sfu.core.window import Window

FIRST_BYTE: Final = 0x50
KEY_BYTES: Final = 16
_HEAD: Final = struct.Struct("!BQQ")
_NONCE: Final = struct.Struct("!IQ")
_LEAST_BYTES: Final = _HEAD.size + 16


def relay_of(datagram: bytes) -> int | None:
    """The relay that a datagram says it is of; None: it is none."""
    if len(datagram) <= _LEAST_BYTES:
        return None
    relay: int = _HEAD.unpack_from(datagram)[1]
    return relay


class Envelope:
    """One relay's keys, a key for each direction."""

    def __init__(self, relay: int, seal_key: bytes, open_key: bytes) -> None:
        self._relay = relay
        self._sealing, self._opening = AESGCM(seal_key), AESGCM(open_key)
        self._number = 0
        self._window = Window()

    def seal(self, data: bytes) -> bytes:
        """A datagram."""
        number, self._number = self._number, self._number + 1
        head = _HEAD.pack(FIRST_BYTE, self._relay, number)
        return head + self._sealing.encrypt(_NONCE.pack(0, number), data, head)

    def open(self, datagram: bytes) -> bytes | None:
        """What is in a datagram of this relay (`relay_of`); None: it is forged, or came before."""
        head = datagram[: _HEAD.size]
        number: int = _HEAD.unpack(head)[2]
        if not self._window.fresh(number):
            return None
        try:
            data = self._opening.decrypt(_NONCE.pack(0, number), datagram[_HEAD.size :], head)
        except InvalidTag:
            return None
        self._window.take(number)
        return data
