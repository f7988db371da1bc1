"""What is kept of what callers send, who may be anybody, or of what goes to them: bounded by its bytes."""

from typing import Final, Generic, TypeVar

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_ENTRY_BYTES: Final = 4 * 1024

Key = TypeVar("Key")
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """Entries by key. When there are too many bytes, all are forgotten: whoever comes again brings them anew."""

    def __init__(self, max_bytes: int = MAX_BYTES, max_entry_bytes: int = MAX_ENTRY_BYTES) -> None:
        self._max_bytes = max_bytes
        self._max_entry_bytes = max_entry_bytes
        self._entries: dict[Key, Value] = {}
        self._bytes = 0
        self.get = self._entries.get  # bound once: it is called for each call

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, key: Key, value: Value, size_bytes: int) -> None:
        """Keeps an entry whose key was not there. `size_bytes`: of key and value together."""
        if size_bytes > self._max_entry_bytes:
            return
        if self._bytes + size_bytes > self._max_bytes:
            self._entries.clear()
            self._bytes = 0
        self._entries[key] = value
        self._bytes += size_bytes
