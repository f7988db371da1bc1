"""How far the bytes of a program that speaks HTTP/2 may be passed on at once, by the calls that it begins. Pure."""

from typing import Final

HEAD_BYTES: Final = 9
_HEADERS: Final = 1


class CallPace:
    """Follows the frames of one connection (RFC 9113, 4.1), whatever they say. `skip`: bytes before the first."""

    __slots__ = ("_head", "_left", "calls")

    def __init__(self, skip: int) -> None:
        self._left = skip
        """Of the frame at hand."""
        self._head = b""
        """Of the next, as far as it is here."""
        self.calls = 0
        """That were begun in what was passed on last."""

    def take(self, data: bytes, most: int) -> int:
        """How many of these bytes may go, for `most` calls; the others are to come again."""
        at, size, self.calls = 0, len(data), 0
        while True:
            step = min(self._left, size - at)
            self._left -= step
            at += step
            if at == size:
                return at
            missing = HEAD_BYTES - len(self._head)
            head = self._head + data[at : at + missing]
            if len(head) < HEAD_BYTES:
                self._head = head
                return size
            if head[3] == _HEADERS:
                if self.calls >= most:
                    return at
                self.calls += 1
            self._left, self._head = int.from_bytes(head[:3], "big"), b""
            at += missing
