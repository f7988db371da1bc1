"""How many of something somebody has at once. Pure."""


class Tally:
    """Counts by key up to `most` of each; 0: any number. Who has none is not kept."""

    __slots__ = ("_counts", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def full(self, key: str) -> bool:
        """Whether this one may have no more."""
        return 0 < self._most <= self._counts.get(key, 0)

    def take(self, key: str) -> bool:
        """One more, to be given back; False: there are too many."""
        if self.full(key):
            return False
        if self._most:
            self._counts[key] = self._counts.get(key, 0) + 1
        return True

    def give(self, key: str) -> None:
        """One less."""
        left = self._counts.get(key, 0) - 1
        if left > 0:
            self._counts[key] = left
        else:
            self._counts.pop(key, None)
