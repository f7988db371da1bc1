"""A UDP socket that only this machine reaches, at whichever of its addresses.

On 127.0.0.1 alone Firefox could not be called: it pairs no address of the machine with the loopback's. So all addresses
are listened on, and the kernel drops whatever did not come by the loopback, as packets of a machine to itself do.
"""

import ctypes
import socket
import struct
from typing import Final

ALL: Final = "0.0.0.0"
ANY: Final = frozenset((ALL, "::", ""))
"""Hosts that are all addresses of a machine."""
_SO_ATTACH_FILTER: Final = 26
_LOAD: Final = 0x20
_JUMP_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_INTERFACE: Final = 0xFFFFF008
"""Where a filter finds the interface that a packet came by (SKF_AD_OFF + SKF_AD_IFINDEX of linux/filter.h)."""
_WHOLE: Final = 1 << 18


def loopback() -> int:
    """The interface by which a machine reaches itself. Raises OSError."""
    return socket.if_nametoindex("lo")


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's alone."""
    try:
        return host == "::1" or socket.gethostbyname(host).startswith("127.")
    except OSError:
        return False


def keep_to(made: socket.socket, interface: int) -> None:
    """The socket, not bound yet, takes only what comes by that interface. Raises OSError."""
    steps = (
        (_LOAD, 0, 0, _INTERFACE),
        (_JUMP_IF_EQUAL, 0, 1, interface),
        (_RETURN, 0, 0, _WHOLE),
        (_RETURN, 0, 0, 0),
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(code))
    made.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
