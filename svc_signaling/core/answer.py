"""What somebody's last requests about media were answered: one that is sent again is not done again.

Acts need none of this: their numbers are in the room's record.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from rushes.signaling.v1 import room_service_pb2 as pb

KEPT: Final = 4
"""So many of a participant's: a page has few under way at a time."""


@dataclass(slots=True)
class Answers:
    """See the module. Of one life of a page: the next one counts anew."""

    _kept: dict[int, tuple[bytes, tuple[bytes, ...]]] = field(default_factory=dict)

    def of(self, request: pb.SignalRequest) -> Sequence[bytes] | None:
        """What this very request was answered; None: it was not."""
        digest, answers = self._kept.get(request.number, (b"", ()))
        return answers if digest == _digest(request) else None

    def keep(self, request: pb.SignalRequest, answers: Sequence[bytes]) -> None:
        """It was done, and this was the answer."""
        self._kept[request.number] = (_digest(request), tuple(answers))
        for number in sorted(self._kept)[:-KEPT]:
            del self._kept[number]


def _digest(request: pb.SignalRequest) -> bytes:
    return hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
