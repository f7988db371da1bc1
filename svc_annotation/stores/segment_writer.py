"""The writing end of the log, used by one thread at a time: commits, cutting back, repair, new segments. Blocking."""

import errno
import logging
import os
from pathlib import Path
from typing import Final

from svc_annotation.core.segment import MARK_MAGIC, Boundary
from svc_annotation.core.segment_continuity import Continuity, Gap
from svc_annotation.stores.segment_file import (
    Segment,
    Sync,
    create_segment,
    opened,
    scan,
    write_all,
    write_index,
)
from svc_annotation.stores.segment_recovery import MARK_NAME

NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_logger = logging.getLogger(__name__)


class SegmentWriter:
    """Writes groups of records to the newest segment.

    After a failed sync the kernel may hold, as clean, pages that never reached the disk. So what the file holds past
    the last good sync is never used again: it is cut off, the rest is read back from the disk, and writing goes on
    in a new file.
    """

    def __init__(self, folder: Path, segment: Segment, boundary: Boundary, sync: Sync) -> None:
        self._folder = folder
        self._segment = segment
        self._sync = sync
        self._number = segment.number
        self._durable_bytes = segment.size_bytes
        self._trusted = True
        self._descriptor = os.open(segment.path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._mark = os.open(folder / MARK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError:
            os.close(self._descriptor)
            raise
        self._write_mark(boundary)

    def close(self) -> None:
        """Lets go of the files."""
        os.close(self._descriptor)
        os.close(self._mark)

    def commit(self, data: bytes, boundary: Boundary) -> None:
        """Makes `data` durable, after which the log stands at `boundary`; or raises OSError, and it is not there."""
        try:
            write_all(self._descriptor, data, self._durable_bytes)
        except OSError as error:
            self._trusted = error.errno in NO_SPACE
            self._cut_back()
            raise
        try:
            self._sync(self._descriptor)
        except BaseException:
            self._trusted = False
            self._cut_back()
            raise
        self._durable_bytes += len(data)
        self._write_mark(boundary)

    @property
    def trusted(self) -> bool:
        """Whether the newest segment may be written to as it is."""
        return self._trusted

    def verify(self, boundary: Boundary) -> list[Gap]:
        """Reads what should be durable in the newest segment back from the disk; returns what is gone of it."""
        if self._segment.base is None:
            return []
        with opened(self._segment.path) as descriptor:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        continuity = Continuity(len(boundary.ends))
        continuity.reach(self._segment.base)
        known = len(continuity.gaps)
        for record in scan(self._segment, self._durable_bytes):
            if record.sequence >= continuity.sequence:
                continuity.take(record)
        continuity.reach(boundary)
        return continuity.gaps[known:]

    def rotate(self, boundary: Boundary) -> Segment:
        """Seals the newest segment and returns a new one, which starts at `boundary`; or raises OSError."""
        sealed = self._segment
        if not sealed.damaged:
            self._seal(sealed, boundary)
        self._number += 1  # a number is used once, even if making its file fails half-way
        segment, descriptor = create_segment(self._folder, self._number, boundary.sequence, boundary.ends, self._sync)
        os.close(self._descriptor)
        self._segment, self._descriptor = segment, descriptor
        self._durable_bytes, self._trusted = segment.size_bytes, True
        return segment

    def _seal(self, segment: Segment, boundary: Boundary) -> None:
        try:
            write_index(segment, boundary.sequence)
        except OSError as error:  # the index only saves time at the next start
            _logger.warning("log_index_not_written", extra={"segment": segment.path.name, "error": str(error)})

    def _cut_back(self) -> None:
        try:
            os.ftruncate(self._descriptor, self._durable_bytes)
        except OSError as error:
            self._trusted = False
            _logger.warning("log_not_cut_back", extra={"segment": self._segment.path.name, "error": str(error)})

    def _write_mark(self, boundary: Boundary) -> None:
        try:
            write_all(self._mark, boundary.encode(MARK_MAGIC), 0)
        except OSError as error:  # an old mark only says less: what was committed stays committed
            _logger.warning("log_mark_not_written", extra={"error": str(error)})
