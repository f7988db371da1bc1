"""Judges what writers were told and watchers saw under faults: pure.

Of writers, as porcupine does: there is one order that agrees with every answer and with real time. Of watchers, the six
promises of etcd's watch: ordered, unique, reliable, atomic, resumable, bookmarkable.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

BatchOf = tuple[bytes, int]
"""Who wrote it, and its number among the writer's."""


@dataclass(frozen=True, slots=True)
class Write:
    """A batch that was acknowledged: sent first at `begun_s`, answered at `ended_s` with its revision."""

    batch: BatchOf
    begun_s: float
    ended_s: float
    revision: int


@dataclass
class Watch:
    """What one watcher saw, over all its streams, and what of it breaks a promise."""

    revision: int = 0
    """Up to here it has everything."""
    seen: list[BatchOf] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def commit(self, revision: int, batch: BatchOf, operations: int, whole: int) -> None:
        """A commit came, with so many operations of a batch that has `whole`."""
        if revision <= self.revision:
            self.broken.append(f"revision {revision} came twice or late: {self.revision} was there")
            return
        if revision > self.revision + 1:
            self.broken.append(f"between {self.revision} and {revision} something is missing")
        if operations != whole:
            self.broken.append(f"revision {revision} came with {operations} of {whole} operations")
        self.revision = revision
        self.seen.append(batch)

    def bookmark(self, revision: int) -> None:
        """It was told that it has everything up to here."""
        if revision > self.revision:
            self.broken.append(f"a bookmark at {revision} while {self.revision} is what came")
        self.revision = max(self.revision, revision)


def order_of(writes: Iterable[Write]) -> list[BatchOf]:
    """The order in which batches landed. Raises AssertionError if no order agrees with all that writers were told."""
    landed = sorted(writes, key=lambda write: write.revision)
    revisions = [write.revision for write in landed]
    assert revisions == list(range(1, len(landed) + 1)), "a revision is missing, or two batches have the same"
    assert len({write.batch for write in landed}) == len(landed), "a batch landed twice"
    last: dict[bytes, int] = {}
    begun_s, later = float("-inf"), 0
    for write in landed:
        writer, number = write.batch
        assert number > last.get(writer, 0), f"batch {number} of a writer is at {write.revision}, behind a later one"
        last[writer] = number
        assert write.ended_s >= begun_s, f"{write.revision} was answered before {later}, an earlier one, was sent"
        if write.begun_s > begun_s:
            begun_s, later = write.begun_s, write.revision
    return [write.batch for write in landed]


def check_watch(watch: Watch, order: Sequence[BatchOf]) -> None:
    """A watcher saw everything, in that order, as promised."""
    assert not watch.broken, watch.broken
    assert watch.seen == list(order), "a watcher saw something else than what writers were told"
