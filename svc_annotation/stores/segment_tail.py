"""The newest records of a partition, kept in memory: a follower at the tail never reads the disk."""

from collections.abc import Sequence
from typing import Final

from svc_annotation.stores.log import LogEntry

_ENTRY_BYTES: Final = 120
"""What an entry costs in memory beside its payload, so that small records are bounded too."""


class TailCache:
    """Entries with consecutive offsets up to the partition's end, bounded in bytes."""

    def __init__(self, end: int, limit_bytes: int) -> None:
        self._first = end
        self._entries: list[LogEntry] = []
        self._size_bytes = 0
        self._limit_bytes = limit_bytes

    @property
    def first(self) -> int:
        """The oldest offset that is in here; the partition's end while it is empty."""
        return self._first

    def extend(self, entries: Sequence[LogEntry]) -> None:
        """Adds the next entries; forgets the oldest ones once there are too many bytes."""
        self._entries += entries
        self._size_bytes += sum([len(payload) for _, payload in entries]) + len(entries) * _ENTRY_BYTES
        if self._size_bytes > self._limit_bytes:
            self._forget()

    def _forget(self) -> None:
        """Goes down to half of the limit, so that moving the rest of the list is paid for seldom."""
        dropped = 0
        while dropped < len(self._entries) - 1 and self._size_bytes > self._limit_bytes // 2:
            self._size_bytes -= len(self._entries[dropped].payload) + _ENTRY_BYTES
            dropped += 1
        del self._entries[:dropped]
        self._first += dropped

    def slice(self, offset: int, limit_bytes: int, limit_count: int) -> Sequence[LogEntry]:
        """Entries from `offset` (at or after `first`) on: as many as fit, and at least one if there is one."""
        start = offset - self._first
        entries = self._entries[start : start + limit_count]
        if self._size_bytes <= limit_bytes:
            return entries
        size_bytes = 0
        for count, entry in enumerate(entries):
            size_bytes += len(entry.payload)
            if size_bytes > limit_bytes and count:
                return entries[:count]
        return entries
