"""What svc_annotation keeps, as ports; each adapter is a module beside them."""

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

__all__ = [
    "MAX_PAYLOAD_BYTES",
    "PARTITIONS",
    "Log",
    "LogClosed",
    "LogDamaged",
    "LogEntry",
    "LogFull",
    "LogLocked",
    "LogReadOnly",
    "LogUnreadable",
    "OffsetOutOfRange",
    "RecordInvalid",
    "partition_of",
]
