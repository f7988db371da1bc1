"""VP9 out of RTP (RFC 9628, 4.2), as files have it, and how large its pictures are."""

from collections.abc import Sequence
from typing import Final

from svc_signaling.core.vp9_header import SLOTS, Header, Size, hidden, read

MAX_LAYERS: Final = 8


def begins(payload: bytes) -> bool:
    """Whether a layer's picture begins here."""
    return bool(payload and payload[0] & 0x08)


def begins_key(payload: bytes) -> bool:
    """Whether it is predicted from nothing (P), and the smallest layer."""
    if not begins(payload) or payload[0] & 0x40:
        return False
    at = _behind_picture(payload)
    return not payload[0] & 0x20 or (len(payload) > at and not payload[at] & 0x0E)


def _behind_picture(payload: bytes) -> int:
    if not payload[0] & 0x80 or len(payload) < 2:
        return 1
    return 3 if payload[1] & 0x80 else 2


def body(payload: bytes) -> bytes:
    """What is behind the descriptor; empty: it is cut short."""
    if not payload:
        return b""
    flags, at = payload[0], _behind_picture(payload)
    if flags & 0x20:
        at += 1 if flags & 0x10 else 2
    if flags & 0x50 == 0x50:  # in flexible mode, up to three references
        for _ in range(3):
            at += 1
            if at > len(payload) or not payload[at - 1] & 1:
                break
    if flags & 0x02:
        at = _behind_structure(payload, at)
    return payload[at:]


def _behind_structure(payload: bytes, at: int) -> int:
    """The scalability structure: sizes of layers, and a group of pictures."""
    head = payload[at] if at < len(payload) else 0
    at += 1
    if head & 0x10:
        at += 4 * ((head >> 5) + 1)
    if head & 0x08:
        pictures = payload[at] if at < len(payload) else 0
        at += 1
        for _ in range(pictures):
            at += 1 + (payload[at] >> 2 & 3 if at < len(payload) else 0)
    return at


class Layers:
    """Layers of one picture, as players take them: each is decoded, the largest is shown."""

    def __init__(self) -> None:
        self._slots: list[Size] = [(0, 0)] * SLOTS
        """The sizes of frames that later ones may be predicted from."""

    def together(self, layers: Sequence[bytes]) -> bytes:
        """With an index behind them (annex B); of one, itself. Empty: of a smaller one, the header cannot be read."""
        parts = []
        for at, layer in enumerate(layers):
            header = self.read(layer)
            if at == len(layers) - 1:
                parts.append(layer)
            elif header is None:
                return b""
            else:
                # A receiver of small pictures alone would show it.
                parts.append(hidden(layer, header))
        return _indexed(parts) if len(parts) > 1 else b"".join(parts)

    def read(self, frame: bytes) -> Header | None:
        """The header of a frame, which is the next."""
        header = read(frame, self._slots)
        if header is not None:
            for slot in range(SLOTS):
                if header.refreshes >> slot & 1:
                    self._slots[slot] = header.size
        return header


def _indexed(frames: Sequence[bytes]) -> bytes:
    marker = bytes((0xC0 | 3 << 3 | len(frames) - 1,))
    sizes = b"".join(len(frame).to_bytes(4, "little") for frame in frames)
    return b"".join(frames) + marker + sizes + marker


def _apart(picture: bytes) -> list[bytes]:
    """The frames of a picture that has an index; of another, itself."""
    marker = picture[-1] if picture else 0
    count, width = (marker & 7) + 1, (marker >> 3 & 3) + 1
    index = len(picture) - 2 - count * width
    if marker & 0xE0 != 0xC0 or index < 0 or picture[index] != marker:
        return [picture]
    frames, at = [], 0
    for each in range(count):
        size = int.from_bytes(picture[index + 1 + each * width :][:width], "little")
        frames.append(picture[at : min(at + size, index)])
        at += size
    return frames


def picture_size(key: bytes) -> Size:
    """Width and height of what a keyframe shows, which is the largest layer; (0, 0): it is none."""
    layers = Layers()
    headers = [layers.read(frame) for frame in _apart(key)]
    if headers[0] is None or not headers[0].key:
        return 0, 0
    return max((header.size for header in headers if header is not None), default=(0, 0))
