"""What a start makes of the files: indexes, ends, a torn tail that is cut, damage that is reported. Blocking."""

import logging
import os
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

from svc_annotation.core.segment import MARK_MAGIC, Boundary, decode_boundary
from svc_annotation.core.segment_continuity import Continuity, Gap
from svc_annotation.core.segment_index import SegmentIndex
from svc_annotation.stores.log import PARTITIONS
from svc_annotation.stores.segment_file import (
    HEADER_BYTES,
    Segment,
    Sync,
    create_segment,
    list_segments,
    read_index,
    scan,
    sync_folder,
    write_index,
)

MARK_NAME: Final = "mark"
"""Holds what was durable at the last commit: overwritten in place, not synced, a hint that may be old.

It tells a hole in the newest group from a write that a power cut left half done. A backup need not hold it.
"""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Damage:
    """A partition that is read-only, since durable records of it are gone (or may be, when none are named)."""

    partition: int
    first_offset: int
    next_offset: int
    segment: str

    def __str__(self) -> str:
        if self.next_offset > self.first_offset:
            return f"partition {self.partition} misses offsets {self.first_offset} to {self.next_offset - 1}"
        return f"partition {self.partition} may miss records from offset {self.first_offset} on"


@dataclass(slots=True)
class Recovered:
    """The log as found."""

    segments: list[Segment]
    sequence: int
    ends: list[int]
    damage: list[Damage]


@dataclass(slots=True)
class _Scanned:
    end_bytes: int = HEADER_BYTES
    holes: list[tuple[int, int]] = field(default_factory=list)
    """(sequence, position) of holes that no later record proves to have been durable."""


def recover(folder: Path, sync: Sync) -> Recovered:
    """Reads the folder and leaves it so that the last segment can be written to; makes the first if there is none."""
    mark = _read_mark(folder)
    segments = list_segments(folder)
    _set_torn_aside(segments)
    continuity = Continuity(PARTITIONS)
    damage: list[Damage] = []
    for segment, following in pairwise(segments):
        known = len(continuity.gaps)
        _enter(continuity, segment)
        _take_sealed(continuity, segment, following)
        _report(damage, segment, continuity.gaps[known:])
    if segments:
        known = len(continuity.gaps)
        _enter(continuity, segments[-1])
        continuity = _take_last(continuity, segments[-1], mark, sync)
        _conclude(continuity, mark)
        _report(damage, segments[-1], continuity.gaps[known:])
    else:
        segments.append(_first_segment(folder, mark, sync))
    _tell_loss(continuity, mark)
    sync_folder(folder)
    return Recovered(segments, continuity.sequence, continuity.ends, damage)


def _set_torn_aside(segments: list[Segment]) -> None:
    """A last file in which nothing is whole, not even its header: its making was cut off."""
    if segments and segments[-1].base is None and next(scan(segments[-1], _size(segments[-1])), None) is None:
        segment = segments.pop()
        _logger.warning("log_torn_segment_set_aside", extra={"segment": segment.path.name})
        segment.path.replace(segment.path.with_suffix(".torn"))


def _first_segment(folder: Path, mark: Boundary | None, sync: Sync) -> Segment:
    number = mark.number + 1 if mark else 1
    segment, descriptor = create_segment(folder, number, 0, (0,) * PARTITIONS, sync)
    os.close(descriptor)
    return segment


def _read_mark(folder: Path) -> Boundary | None:
    try:
        data = (folder / MARK_NAME).read_bytes()
    except FileNotFoundError:
        return None
    mark = decode_boundary(data, MARK_MAGIC)
    if mark is None or len(mark.ends) != PARTITIONS:
        _logger.warning("log_mark_unreadable")
        return None
    return mark


def _enter(continuity: Continuity, segment: Segment) -> None:
    if segment.base is None:
        _logger.warning("log_segment_header_damaged", extra={"segment": segment.path.name})
    else:
        continuity.reach(segment.base)


def _take_sealed(continuity: Continuity, segment: Segment, following: Segment) -> None:
    """What counts in a sealed segment ends where the next one begins."""
    end_sequence = following.base.sequence if following.base else None
    sealed = read_index(segment, end_sequence) if end_sequence is not None else None
    if sealed is not None:
        segment.index, segment.size_bytes = sealed.index, sealed.size_bytes
        continuity.pass_over(sealed.index, sealed.end_sequence)
        return
    gaps = len(continuity.gaps)
    segment.size_bytes = _scan(continuity, segment, _size(segment), end_sequence).end_bytes
    if following.base:
        segment.damaged = following.base.sequence > continuity.sequence
        continuity.reach(following.base)
    segment.damaged = segment.damaged or len(continuity.gaps) > gaps
    if end_sequence is not None and not segment.damaged:
        _logger.info("log_index_rebuilt", extra={"segment": segment.path.name})
        _try_write_index(segment, end_sequence)


def _try_write_index(segment: Segment, end_sequence: int) -> None:
    try:
        write_index(segment, end_sequence)
    except OSError as error:  # the index only saves time: a full disk must not keep the log from opening
        _logger.warning("log_index_not_written", extra={"segment": segment.path.name, "error": str(error)})


def _scan(continuity: Continuity, segment: Segment, end_bytes: int, end_sequence: int | None = None) -> _Scanned:
    scanned = _Scanned()
    for record in scan(segment, end_bytes):
        if end_sequence is not None and record.sequence >= end_sequence:
            break
        if record.sequence < continuity.sequence:
            _logger.error("log_record_out_of_place", extra={"segment": segment.path.name, "at": record.position})
            continue
        if record.sequence > continuity.sequence:
            scanned.holes.append((continuity.sequence, scanned.end_bytes))
        if scanned.holes:
            scanned.holes = [hole for hole in scanned.holes if hole[0] >= record.batch]
        continuity.take(record)
        segment.index.add(record.partition, record.offset, record.position)
        scanned.end_bytes = record.next_position
    return scanned


def _take_last(continuity: Continuity, segment: Segment, mark: Boundary | None, sync: Sync) -> Continuity:
    """Finds the end of the log, cuts what is torn, and makes what is left durable before anybody reads it."""
    before = continuity.copy()
    scanned = _scan(continuity, segment, _size(segment))
    torn = [hole for hole in scanned.holes if mark is None or mark.sequence <= hole[0]]
    if torn:
        # A hole inside the last group, which nobody was told is durable: a power cut kept later pages only.
        continuity, segment.index = before, SegmentIndex()
        scanned = _scan(continuity, segment, torn[0][1])
    gaps = len(continuity.gaps) - len(before.gaps)
    segment.size_bytes, segment.damaged = scanned.end_bytes, gaps > 0 or continuity.unaccounted > before.unaccounted
    _cut(segment, sync)
    return continuity


def _cut(segment: Segment, sync: Sync) -> None:
    descriptor = os.open(segment.path, os.O_RDWR | os.O_CLOEXEC)
    try:
        excess = os.fstat(descriptor).st_size - segment.size_bytes
        if excess > 0:
            _logger.warning("log_torn_tail_cut", extra={"segment": segment.path.name, "size_bytes": excess})
            os.ftruncate(descriptor, segment.size_bytes)
        sync(descriptor)
    finally:
        os.close(descriptor)


def _conclude(continuity: Continuity, mark: Boundary | None) -> None:
    if mark is not None and (mark.sequence <= continuity.sequence or continuity.unaccounted > 0):
        # Nothing is cut off behind, or some of what is missing lies in a hole: then the mark says whose it was.
        sequence = continuity.sequence
        continuity.reach(Boundary(mark.number, mark.salt, min(mark.sequence, sequence), mark.ends))
    continuity.suspect()


def _tell_loss(continuity: Continuity, mark: Boundary | None) -> None:
    lost = mark.sequence - continuity.sequence if mark else 0
    if lost > 0:
        _logger.error("log_acknowledged_tail_lost", extra={"records": lost})


def _report(damage: list[Damage], segment: Segment, gaps: list[Gap]) -> None:
    for gap in gaps:
        report = Damage(gap.partition, gap.first, gap.next, segment.path.name)
        _logger.error("log_damaged", extra={"segment": report.segment, "damage": str(report)})
        damage.append(report)


def _size(segment: Segment) -> int:
    return segment.path.stat().st_size
