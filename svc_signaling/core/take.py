"""Takes of one participant: which frames belong into one file, when it begins and ends, and at what time each frame is.

A take has the same kinds of media, coded in the same way, from its beginning to its end; silence of a kind ends it. It
is written in segments, which begin with a keyframe.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from svc_signaling.core.payload import Codec, Frame, size_of

GATHER_US: Final = 700_000
"""At the beginning so much is waited for, so that sound and pictures begin in one file."""
SILENT_US: Final = 4_000_000
"""A kind of which nothing came for so long has ended."""


@dataclass(frozen=True, slots=True)
class Begin:
    """A new segment."""

    start_ms: int
    """Server time at which its take begins."""
    offset_ms: int
    """How far behind that its frames count from; 0: of the first."""
    codecs: tuple[Codec, ...]
    first_key: bytes
    """The first picture, which says how large it is; empty: there are none."""


@dataclass(frozen=True, slots=True)
class Write:
    """A frame, so many microseconds behind the beginning of its segment."""

    codec: Codec
    at_us: int
    data: bytes
    key: bool


@dataclass(frozen=True, slots=True)
class End:
    """The segment that was begun last is complete."""


Step: TypeAlias = Begin | Write | End


@dataclass(slots=True)
class _Kind:
    """Sound, or pictures, of the take that goes on."""

    codec: Codec
    offset_us: int
    """Server time of tick 0."""
    last_us: int = -1
    heard_us: int = 0


@dataclass(slots=True)
class Takes:
    """See the module. `wants_key` is set while a segment waits for a keyframe to begin with."""

    segment_us: int
    wants_key: bool = False
    _gathered: list[Frame] = field(default_factory=list)
    _since_us: int = 0
    _changes: bool = False
    """Something came that the file which goes on has no place for."""
    _kinds: dict[bool, _Kind] = field(default_factory=dict)
    """By whether it is pictures; empty: no take goes on."""
    _start_us: int = 0
    _segment_us: int = 0
    """Server time at which the segment that is written began."""

    def take(self, frame: Frame) -> list[Step]:
        """A frame of either kind, as it came."""
        kind = self._kinds.get(frame.codec.video)
        fits = kind is not None and kind.codec is frame.codec
        begins = frame.codec.video and frame.key
        if kind is not None and fits and not (self._changes and begins):
            kind.heard_us = frame.arrival_us
            return [*self._turned(frame, kind), *self._written(frame, kind)]
        if self._kinds and (True in self._kinds or frame.codec.video) and not begins:
            # Another file has to begin with a keyframe of the pictures: until there is one, the present one goes on.
            self.wants_key = self._changes = True
            return []
        steps = self.end() if self._kinds else []
        if not self._gathered:
            self._since_us = frame.arrival_us
        self._gathered.append(frame)
        return steps

    def tick(self, now_us: int) -> list[Step]:
        """Time passes."""
        if self._gathered and now_us - self._since_us >= GATHER_US:
            return self._begin()
        # Sound may be off for a while; without pictures it is another file, which has none.
        ends = self._kinds.get(True) or self._kinds.get(False)
        return self.end() if ends is not None and now_us - ends.heard_us > SILENT_US else []

    def end(self) -> list[Step]:
        """The take is over; what was gathered for one is one."""
        steps: list[Step] = self._begin() if self._gathered else []
        if self._kinds:
            steps.append(End())
        self._kinds, self.wants_key, self._changes = {}, False, False
        return steps

    def _begin(self) -> list[Step]:
        frames, self._gathered = self._gathered, []
        by_kind: dict[bool, list[Frame]] = {}
        for frame in frames:
            of_kind = by_kind.setdefault(frame.codec.video, [])
            if of_kind and of_kind[0].codec is not frame.codec:
                of_kind.clear()
            if of_kind or frame.key:
                of_kind.append(frame)
        by_kind = {video: of_kind for video, of_kind in by_kind.items() if of_kind}
        if True in by_kind:
            by_kind[True] = _from_largest(by_kind[True])
        if not by_kind:
            return []
        self._kinds = {video: _kind(of_kind) for video, of_kind in by_kind.items()}
        self._start_us = min(_time_us(of_kind[0], self._kinds[video]) for video, of_kind in by_kind.items())
        self._start_us -= self._start_us % 1000
        self._segment_us = self._start_us
        pictures = by_kind.get(True)
        steps: list[Step] = [self._began(pictures[0].data if pictures else b"")]
        rest = sorted(
            (frame for of_kind in by_kind.values() for frame in of_kind),
            key=lambda frame: _time_us(frame, self._kinds[frame.codec.video]),
        )
        for frame in rest:
            steps += self._written(frame, self._kinds[frame.codec.video])
        return steps

    def _began(self, first_key: bytes) -> Begin:
        codecs = tuple(kind.codec for _, kind in sorted(self._kinds.items()))
        offset_us = self._segment_us - self._start_us
        return Begin(self._start_us // 1000, offset_us // 1000, codecs, first_key)

    def _turned(self, frame: Frame, kind: _Kind) -> list[Step]:
        """The next segment, if it is time for one and the frame can begin it."""
        now_us = _time_us(frame, kind)
        if now_us - self._segment_us < self.segment_us:
            return []
        pictures = True in self._kinds
        if pictures and not (frame.codec.video and frame.key):
            self.wants_key = True
            return []
        self.wants_key = False
        self._segment_us = now_us - now_us % 1000
        for each in self._kinds.values():
            each.last_us = -1
        return [End(), self._began(frame.data if frame.codec.video else b"")]

    def _written(self, frame: Frame, kind: _Kind) -> Sequence[Step]:
        at_us = max(_time_us(frame, kind) - self._segment_us, 0)
        if at_us <= kind.last_us:
            return ()
        kind.last_us = at_us
        return (Write(frame.codec, at_us, frame.data, frame.key),)


def _from_largest(pictures: list[Frame]) -> list[Frame]:
    """Those from the largest keyframe on: a camera begins with small pictures, and for players all are like the first.

    AV1's keyframes tell of sizes that do not come yet: there it is the last.
    """
    keys = [at for at, picture in enumerate(pictures) if picture.key]
    if pictures[0].codec is Codec.AV1:
        return pictures[keys[-1] :]
    return pictures[max(keys, key=lambda at: math.prod(size_of(pictures[at].codec, pictures[at].data))) :]


def _kind(frames: Sequence[Frame]) -> _Kind:
    """Where its ticks lie in server time: by the packet that was under way the least."""
    codec = frames[0].codec
    offset_us = min(frame.arrival_us - frame.ticks * 1_000_000 // codec.clock_hz for frame in frames)
    return _Kind(codec, offset_us, heard_us=frames[-1].arrival_us)


def _time_us(frame: Frame, kind: _Kind) -> int:
    return kind.offset_us + frame.ticks * 1_000_000 // kind.codec.clock_hz
