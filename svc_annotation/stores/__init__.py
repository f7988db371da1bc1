"""What svc_annotation keeps, as ports; each adapter is a module beside them."""

from svc_annotation.core.row import Change, HistoryRow
from svc_annotation.stores.history import (
    Head,
    History,
    HistoryDiverged,
    HistoryGap,
    HistoryLost,
    HistoryUnavailable,
    LandedCommit,
)
from svc_annotation.stores.log import (
    MAX_PAYLOAD_BYTES,
    PARTITIONS,
    Log,
    LogClosed,
    LogDamaged,
    LogEntry,
    LogFull,
    LogLocked,
    LogReadOnly,
    LogUnreadable,
    OffsetOutOfRange,
    RecordInvalid,
    partition_of,
)
from svc_annotation.stores.past import START, Criteria, Frames, Moment, Past, Place, StateAt
from svc_annotation.stores.snapshot import Snapshot, Snapshots

__all__ = [
    "MAX_PAYLOAD_BYTES",
    "PARTITIONS",
    "START",
    "Change",
    "Criteria",
    "Frames",
    "Head",
    "History",
    "HistoryDiverged",
    "HistoryGap",
    "HistoryLost",
    "HistoryRow",
    "HistoryUnavailable",
    "LandedCommit",
    "Log",
    "LogClosed",
    "LogDamaged",
    "LogEntry",
    "LogFull",
    "LogLocked",
    "LogReadOnly",
    "LogUnreadable",
    "Moment",
    "OffsetOutOfRange",
    "Past",
    "Place",
    "RecordInvalid",
    "Snapshot",
    "Snapshots",
    "StateAt",
    "partition_of",
]
