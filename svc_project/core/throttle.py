"""Slows down who guesses passwords, without ever locking anybody out for good."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(slots=True)
class _Record:
    failures: int
    open_ms: int
    last_ms: int


class Throttle:
    """Failures by key: after `free` of them each further one doubles the wait, up to `longest_ms`.

    A failure is counted when the attempt begins, so that attempts side by side do not slip through, and taken back
    when the attempt succeeds. Keys that were quiet for `forget_ms` start afresh. At most `capacity` keys are kept:
    beyond it the quietest goes first.
    """

    def __init__(
        self, *, free: int, first_ms: int = 1000, longest_ms: int = 60_000, forget_ms: int = 900_000, capacity: int
    ) -> None:
        self._free = free
        self._first_ms = first_ms
        self._longest_ms = longest_ms
        self._forget_ms = forget_ms
        self._capacity = capacity
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def __len__(self) -> int:
        return len(self._records)

    def wait_ms(self, key: str, now_ms: int) -> int:
        """How long this key must wait before its next attempt; 0: not at all."""
        record = self._present(key, now_ms)
        return max(0, record.open_ms - now_ms) if record else 0

    def begin(self, key: str, now_ms: int) -> None:
        """An attempt begins: a failure until it succeeds."""
        record = self._present(key, now_ms) or _Record(0, now_ms, now_ms)
        record.failures += 1
        record.last_ms = now_ms
        if record.failures >= self._free:
            doubled = self._first_ms << min(record.failures - self._free, 30)
            record.open_ms = now_ms + min(doubled, self._longest_ms)
        self._records[key] = record
        self._records.move_to_end(key)
        if len(self._records) > self._capacity:
            self._records.popitem(last=False)

    def succeed(self, key: str) -> None:
        """The attempt was right: the key starts afresh."""
        self._records.pop(key, None)

    def forgive(self, key: str) -> None:
        """The attempt was right, or was no attempt: this one failure is taken back, and the wait it brought."""
        record = self._records.get(key)
        if record is None:
            return
        record.failures -= 1
        record.open_ms = record.last_ms
        if record.failures <= 0:
            del self._records[key]

    def _present(self, key: str, now_ms: int) -> _Record | None:
        record = self._records.get(key)
        if record is not None and now_ms - max(record.last_ms, record.open_ms) >= self._forget_ms:
            del self._records[key]
            return None
        return record
