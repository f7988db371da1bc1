"""What two forwarders of a room tell each other beside packets: which tracks there are, and which of them are watched.

Both are states, told again and again: what is lost on the way needs no repair, and whoever is silent is forgotten. A
message is a byte that no RTP packet begins with, and JSON of at most `PART_BYTES`.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from svc_sfu.core.codec import Codec
from svc_sfu.core.rtp import PacketInvalid

DESCRIPTOR_NUMBER: Final = 1
"""Of the dependency descriptor's extension in relayed packets."""
TRACKS: Final = 1
WISHES: Final = 2
PART_BYTES: Final = 1_100
MAX_ITEMS: Final = 64
"""Of one message."""
MAX_LAYERS: Final = 8
MAX_TEXT: Final = 256
_KINDS: Final = ("audio", "video")
_CODECS: Final = {codec.value: codec for codec in Codec}


@dataclass(frozen=True, slots=True)
class LayerTold:
    """A layer of a track as it arrives at the forwarder that tells of it."""

    rid: str
    ssrc: int
    """Of its packets on the way between the two."""
    codec: Codec
    bitrate_bps: int
    comes: bool


@dataclass(frozen=True, slots=True)
class TrackTold:
    """A track that is published at the forwarder that tells of it."""

    track_id: str
    mid: str
    kind: str
    rids: tuple[str, ...]
    muted: bool
    layers: tuple[LayerTold, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is watched of a track at the forwarder that asks."""

    track_id: str
    largest: str
    """The largest layer that is of use there."""
    layers: tuple[str, ...]
    """The layers whose packets shall come. None at all: nobody watches."""


def write_tracks(tracks: Iterable[TrackTold]) -> list[bytes]:
    """Messages that tell of tracks."""
    return _parts(TRACKS, [_track(each) for each in tracks])


def write_wishes(wishes: Iterable[Wish]) -> list[bytes]:
    """Messages that ask for tracks."""
    return _parts(WISHES, [[each.track_id, each.largest, each.layers] for each in wishes])


def read_tracks(message: bytes) -> list[TrackTold]:
    """Reads one of them. Raises PacketInvalid."""
    return [_read_track(each) for each in _items(message)]


def read_wishes(message: bytes) -> list[Wish]:
    """Reads one of them. Raises PacketInvalid."""
    wishes = []
    for each in _items(message):
        track_id, largest, layers = _fields(each, 3)
        wishes.append(Wish(_text(track_id), _text(largest), _texts(layers)))
    return wishes


def _parts(kind: int, items: Sequence[Any]) -> list[bytes]:
    """A message takes as many items as it has room for, and one at least; of nothing there is none."""
    parts: list[bytes] = []
    waiting: list[str] = []
    size = 0
    for item in (json.dumps(each, separators=(",", ":")) for each in items):
        if waiting and (size + len(item) + 1 > PART_BYTES or len(waiting) == MAX_ITEMS):
            parts.append(_message(kind, waiting))
            waiting, size = [], 0
        waiting.append(item)
        size += len(item) + 1
    return [*parts, _message(kind, waiting)] if waiting else parts


def _message(kind: int, items: Sequence[str]) -> bytes:
    return bytes((kind,)) + f"[{','.join(items)}]".encode()


def _track(told: TrackTold) -> list[Any]:
    layers = [[each.rid, each.ssrc, each.codec.value, each.bitrate_bps, int(each.comes)] for each in told.layers]
    return [told.track_id, told.mid, told.kind, told.rids, int(told.muted), layers]


def _read_track(item: Any) -> TrackTold:
    track_id, mid, kind, rids, muted, layers = _fields(item, 6)
    if kind not in _KINDS or not isinstance(layers, list) or len(layers) > MAX_LAYERS:
        raise PacketInvalid("a relayed track is of no kind, or has too many layers")
    return TrackTold(
        _text(track_id),
        _text(mid),
        kind,
        _texts(rids),
        bool(_number(muted)),
        tuple(_read_layer(each) for each in layers),
    )


def _read_layer(item: Any) -> LayerTold:
    rid, ssrc, codec, bitrate_bps, comes = _fields(item, 5)
    if _text(codec) not in _CODECS:
        raise PacketInvalid("a relayed layer has an unknown codec")
    return LayerTold(_text(rid), _number(ssrc), _CODECS[codec], _number(bitrate_bps), bool(_number(comes)))


def _items(message: bytes) -> list[Any]:
    try:
        items = json.loads(message[1:])
    except (ValueError, RecursionError) as error:
        raise PacketInvalid("a message between forwarders cannot be read") from error
    if not isinstance(items, list) or len(items) > MAX_ITEMS:
        raise PacketInvalid("a message between forwarders is no list, or too long")
    return items


def _fields(item: Any, count: int) -> list[Any]:
    """The fields of an item; a later program may tell more."""
    if not isinstance(item, list) or len(item) < count:
        raise PacketInvalid("a message between forwarders has too few fields")
    return item[:count]


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise PacketInvalid("a message between forwarders has a field that is no text, or too long")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_LAYERS:
        raise PacketInvalid("a message between forwarders has a field that is no list, or too long")
    return tuple(_text(each) for each in value)


def _number(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value < 1 << 53:
        raise PacketInvalid("a message between forwarders has a field that is no number, or too large")
    return value
