"""What a version holds, as differences: encoded, compressed, addressed by their hash, and put together again."""

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeAlias

import snappy
from google.protobuf.message import DecodeError

from rushes.annotation.v1.annotation_pb2 import AnnotationState
from rushes.document.table import drawing_order
from rushes.errors import ResourceExhausted, Unavailable
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT
from rushes.version.v1.stored_pb2 import StoredDelta
from svc_version.core.model import Hash, Packed

MAX_RAW_BYTES: Final = 1 << 29
"""The largest content, before compression: 200,000 annotations of 2.6 KB."""

SNAPSHOT_EVERY: Final = 32
"""Deltas after which a version gets a snapshot of its own."""

MAX_DEPTH: Final = 2 * SNAPSHOT_EVERY
"""Deltas after which a commit waits for a snapshot: what bounds the reads of any version."""

AT_ONCE: Final = 500
"""Entries that are encoded or read before others get their turn."""

_VARINT_BYTES: Final = 5


class ContentDamaged(Unavailable):
    """What is stored of a version is not what was stored: an operator has to look at it."""

    reason = "CONTENT_DAMAGED"


class ContentTooLarge(ResourceExhausted):
    """The notes are too many for one version."""

    reason = "CONTENT_TOO_LARGE"


class Entry(NamedTuple):
    """An annotation in a version."""

    annotation_id: bytes
    state: bytes
    """A serialised AnnotationState."""
    order_revision: int
    order_index: int
    internal: bool

    @property
    def place(self) -> tuple[int, int, bytes]:
        """What versions are sorted by: the drawing order, then the id (states that never were live may tie)."""
        return (self.order_revision, self.order_index, self.annotation_id)


_NAME: Final = attrgetter("annotation_id")
_PLACE: Final = attrgetter("order_revision", "order_index", "annotation_id")

Content: TypeAlias = dict[bytes, Entry]


@dataclass(slots=True)
class Delta:
    """A difference."""

    entries: list[Entry] = field(default_factory=list)
    removed: list[bytes] = field(default_factory=list)


def entry_of(state: AnnotationState) -> Entry:
    """The entry that keeps a state."""
    annotation = state.annotation
    order_revision, order_index = drawing_order(state)
    internal = annotation.audience != AUDIENCE_CLIENT
    return Entry(annotation.id, state.SerializeToString(deterministic=True), order_revision, order_index, internal)


def difference(before: Mapping[bytes, Entry], after: Mapping[bytes, Entry]) -> Delta:
    """What makes the one the other."""
    changed = [entry for name, entry in after.items() if before.get(name) != entry]
    return Delta(changed, [name for name in before if name not in after])


def apply(content: Content, delta: Delta) -> None:
    """Makes the difference."""
    for entry in delta.entries:
        content[entry.annotation_id] = entry
    for name in delta.removed:
        content.pop(name, None)


def no_pause() -> None:
    """For whoever keeps nobody waiting."""


def in_order(content: Content, pause: Callable[[], None] = no_pause) -> Content:
    """The same, in drawing order."""
    return {entry.annotation_id: entry for entry in _sorted(list(content.values()), _PLACE, pause)}


def _sorted(entries: list[Entry], key: Callable[[Entry], Any], pause: Callable[[], None]) -> Iterator[Entry]:
    """As `sorted`, which of many would let nobody else have a turn for long."""
    parts = []
    for at in range(0, len(entries), AT_ONCE):
        parts.append(sorted(entries[at : at + AT_ONCE], key=key))
        pause()
    for number, entry in enumerate(heapq.merge(*parts, key=key)):
        yield entry
        if number % AT_ONCE == 0:
            pause()


def pack(delta: Delta, pause: Callable[[], None] = no_pause) -> Packed:
    """A difference as it is stored; equal ones have equal addresses. Now and then `pause` gives others their turn.
    Raises ContentTooLarge.
    """
    raw = b"".join(_encoded(delta, pause))
    if len(raw) > MAX_RAW_BYTES:
        raise ContentTooLarge("the notes of this video are too large for a version")
    data = snappy.compress(raw)
    return Packed(address(data), data, len(raw))


def _encoded(delta: Delta, pause: Callable[[], None]) -> Iterator[bytes]:
    """A StoredDelta in parts: one after the other they are the whole."""
    entries = _sorted(delta.entries, _NAME, pause)
    while some := list(islice(entries, AT_ONCE)):
        stored = StoredDelta()
        add = stored.entries.add
        for name, state, order_revision, order_index, internal in some:
            add(
                annotation_id=name,
                state=state,
                order_revision=order_revision,
                order_index=order_index,
                internal=internal,
            )
        yield stored.SerializeToString(deterministic=True)
        pause()
    yield StoredDelta(removed=sorted(delta.removed)).SerializeToString(deterministic=True)


def pack_all(content: Content, pause: Callable[[], None] = no_pause) -> Packed:
    """Everything, as a difference to nothing."""
    return pack(Delta(list(content.values())), pause)


def unpack(sha256: Hash, data: bytes, pause: Callable[[], None] = no_pause) -> Delta:
    """The difference that is stored at an address. Raises ContentDamaged, before it takes any memory."""
    if address(data) != sha256:
        raise ContentDamaged("the bytes are not those of their address", sha256=sha256.hex())
    if claimed_bytes(data) > MAX_RAW_BYTES:
        raise ContentDamaged("the content claims to be larger than any", sha256=sha256.hex())
    try:
        stored = StoredDelta.FromString(snappy.decompress(data))
    except (snappy.UncompressError, DecodeError) as error:
        raise ContentDamaged("the content cannot be read", sha256=sha256.hex()) from error
    entries: list[Entry] = []
    for at in range(0, len(stored.entries), AT_ONCE):
        entries += [
            Entry(e.annotation_id, e.state, e.order_revision, e.order_index, e.internal)
            for e in stored.entries[at : at + AT_ONCE]
        ]
        pause()
    return Delta(entries, list(stored.removed))


def claimed_bytes(data: bytes) -> int:
    """The size that a snappy block says it has: a varint at its beginning. Larger than any where there is none."""
    size = 0
    for at, byte in enumerate(data[:_VARINT_BYTES]):
        size |= (byte & 0x7F) << (7 * at)
        if byte < 0x80:
            return size
    return MAX_RAW_BYTES + 1


def address(data: bytes) -> Hash:
    """The address of stored bytes."""
    return hashlib.sha256(data).digest()


def chained(base: Hash, delta: Hash) -> Hash:
    """The hash of a version: of its difference and of all that it is built on."""
    return hashlib.sha256(base + delta).digest()


def replay(deltas: Iterable[Delta]) -> Content:
    """A content, from its snapshot and the differences after it, in order."""
    content: Content = {}
    for delta in deltas:
        apply(content, delta)
    return content
