"""What files of a recording are called: the name says all that has to be known of a file that a crash left."""

import re
from dataclasses import dataclass
from typing import Final

_NAME: Final = re.compile(r"(\d{1,15})-([A-Za-z0-9]{1,64})-(\d{1,12})\.(webm|mp4)")
PART: Final = ".part"
"""Behind the name of a file that is being written."""


@dataclass(frozen=True, slots=True, order=True)
class SegmentName:
    """A segment of a take. The take is whose it is and when it began."""

    start_ms: int
    participant_id: str
    offset_ms: int
    """How far behind the take's beginning its frames count from."""
    suffix: str

    def __str__(self) -> str:
        return f"{self.start_ms}-{self.participant_id}-{self.offset_ms:09d}.{self.suffix}"

    @property
    def take(self) -> tuple[int, str]:
        """What the segments of a take have in common."""
        return self.start_ms, self.participant_id


def read_name(text: str) -> SegmentName | None:
    """The name of a file, also of one that was being written; None: it is none of ours."""
    match = _NAME.fullmatch(text.removesuffix(PART))
    return SegmentName(int(match[1]), match[2], int(match[3]), match[4]) if match else None
