"""When a video's state is worth a snapshot: after many records, but not too often; and a while after any change."""

from typing import Final

RECORDS: Final = 1_000
INTERVAL_S: Final = 10.0
AFTER_CHANGE_S: Final = 60.0


class SnapshotPolicy:
    """Of one video. `ordinal` counts its records."""

    def __init__(self, snapshot_ordinal: int, ordinal: int, now: float) -> None:
        self._taken_ordinal = snapshot_ordinal
        self._taken_at = now - INTERVAL_S
        self._changed_at = now
        self.behind = ordinal > snapshot_ordinal
        """Something changed since the last one."""

    def changed(self, now: float) -> None:
        """A record was folded. While it is behind already it need not be told."""
        if not self.behind:
            self.behind = True
            self._changed_at = now

    def due(self, ordinal: int, now: float) -> bool:
        """Whether it is time for a snapshot."""
        if not self.behind or now - self._taken_at < INTERVAL_S:
            return False
        return ordinal - self._taken_ordinal >= RECORDS or now - self._changed_at >= AFTER_CHANGE_S

    def taken(self, ordinal: int, now: float) -> None:
        """A snapshot of so many records was begun."""
        self._taken_ordinal = ordinal
        self._taken_at = now
        self.behind = False
