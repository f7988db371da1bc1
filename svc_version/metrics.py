"""What is counted."""

from prometheus_client import Counter

COMMITTED = Counter("rushes_version_committed_total", "Versions committed", ["kind"])
SNAPSHOTS = Counter("rushes_version_snapshots_total", "Versions that got all that they hold in one piece")
WRITTEN = Counter("rushes_version_batches_total", "Batches of roll-backs and carried notes that landed")
MOVED = Counter("rushes_version_moved_total", "Versions whose content moved to the archive")
BROUGHT_BACK = Counter("rushes_version_brought_back_total", "Contents read back from the archive")
SWEPT = Counter("rushes_version_swept_total", "Objects and contents deleted that nothing pointed to")
