"""What goes from one forwarder to another, sealed: SRTP's AES-GCM with keys that svc_signaling tells both of them.

A datagram is a byte that no protocol of browsers begins with (RFC 7983), the relay, and an SRTP packet (RFC 7714) whose
payload is what is sealed. A packet's own SRTP would have a counter for each stream, which a far side that missed the
beginning of one cannot know. Here all of a relay is one count: the lower half is the sequence number, the upper the
SSRC, so that no side ever has to guess how often the number began anew.
"""

import struct
from typing import Any, Final

from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi, lib  # type: ignore[import-not-found]

FIRST_BYTE: Final = 0x50
KEY_BYTES: Final = 28
"""A key of AES-128 and its salt."""
WINDOW: Final = 1_024
"""Datagrams of one SSRC that lie further back than these count as seen."""
MAX_BYTES: Final = 1_500
"""Of what is sealed."""
_RELAY: Final = struct.Struct("!BQ")
_HEAD: Final = struct.Struct("!HHII")
_TAG_BYTES: Final = 16
_LEAST_BYTES: Final = _RELAY.size + _HEAD.size + _TAG_BYTES
_VERSION: Final = 0x8000

_buffer: Any = ffi.new("char[]", 2_048)
"""One for all: what is in it is copied before the next datagram."""
_view: Any = ffi.buffer(_buffer)
_length: Any = ffi.new("int *")


def relay_of(datagram: bytes) -> int | None:
    """The relay that a datagram says it is of; None: it is none."""
    if not _LEAST_BYTES < len(datagram) <= _LEAST_BYTES + MAX_BYTES:
        return None
    relay: int = _RELAY.unpack_from(datagram)[1]
    return relay


class Envelope:
    """One relay's keys, a key for each direction."""

    def __init__(self, relay: int, seal_key: bytes, open_key: bytes) -> None:
        self._prefix = _RELAY.pack(FIRST_BYTE, relay)
        self._sealing = _session(seal_key, Policy.SSRC_ANY_OUTBOUND)
        self._opening = _session(open_key, Policy.SSRC_ANY_INBOUND)
        self._number = 0
        self._turn = 0
        """The highest SSRC that came."""

    def seal(self, data: bytes) -> bytes:
        """A datagram of at most MAX_BYTES; what is longer, or the end of a key, raises ValueError."""
        if len(data) > MAX_BYTES:
            raise ValueError(f"nothing of {len(data)} bytes is sealed")
        turn, number = divmod(self._number, 1 << 16)
        self._number += 1
        if not number and turn:
            self._sealing.remove_stream(turn - 1)
        size = _HEAD.size + len(data)
        _view[0:size] = _HEAD.pack(_VERSION, number, 0, turn) + data
        _length[0] = size
        if lib.srtp_protect(self._sealing._srtp[0], _buffer, _length):
            raise ValueError("this key was used up")
        sealed: bytes = self._prefix + _view[0 : _length[0]]
        return sealed

    def open(self, datagram: bytes) -> bytes | None:
        """What is in a datagram of this relay (`relay_of`); None: it is forged, or came before."""
        size = len(datagram) - _RELAY.size
        _, _, _, turn = _HEAD.unpack_from(datagram, _RELAY.size)
        if turn < self._turn - 1:
            return None
        _view[0:size] = datagram[_RELAY.size :]
        _length[0] = size
        if lib.srtp_unprotect(self._opening._srtp[0], _buffer, _length):
            return None
        data: bytes = _view[_HEAD.size : _length[0]]
        if turn > self._turn:
            self._forget(turn)
        return data

    def _forget(self, turn: int) -> None:
        """A new SSRC came: of those before it only the last may still come, late."""
        for old in {self._turn, self._turn - 1} - {turn - 1, -1}:
            lib.srtp_remove_stream(self._opening._srtp[0], int.from_bytes(struct.pack("=I", old), "big"))
        self._turn = turn


def _session(key: bytes, direction: int) -> Session:
    policy = Policy(key, direction, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM)
    policy.window_size = WINDOW
    return Session(policy)
