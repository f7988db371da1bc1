"""A batch that was applied, in the encoded pieces that lanes, sessions and history put together, and the newest."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

from rushes.type.v1 import access_pb2
from svc_annotation.core.row import Change

Audience: TypeAlias = "access_pb2.Audience.ValueType"
INTERNAL: Final = access_pb2.AUDIENCE_INTERNAL
CLIENT: Final = access_pb2.AUDIENCE_CLIENT

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_REVISIONS: Final = 10_000
_OVERHEAD_BYTES: Final = 300


@dataclass(slots=True, init=False)
class Landed:
    """See the module. Never changed."""

    revision: int
    commit: bytes
    """A serialised Commit."""
    client_commit: bytes | None
    """What the client audience may read of it: None the same, empty nothing, else another serialised Commit."""
    states: tuple[Change, ...]
    """Every annotation that it touched, as it is after it."""
    internal: Collection[bytes]
    """Of these, what the client audience does not see."""
    size_bytes: int
    """What it takes in memory."""

    def __init__(
        self,
        revision: int,
        commit: bytes,
        client_commit: bytes | None,
        states: tuple[Change, ...],
        internal: Collection[bytes] = (),
    ) -> None:
        self.revision = revision
        self.commit = commit
        self.client_commit = client_commit
        self.states = states
        self.internal = internal
        size_bytes = _OVERHEAD_BYTES + len(commit)
        if client_commit:
            size_bytes += len(client_commit)
        for _, state in states:
            size_bytes += len(state)
        self.size_bytes = size_bytes

    def commit_for(self, audience: Audience) -> bytes:
        """The commit as an audience reads it; empty: nothing of it."""
        if audience == INTERNAL or self.client_commit is None:
            return self.commit
        return self.client_commit

    def states_for(self, audience: Audience) -> Iterable[Change]:
        """The states that an audience sees."""
        if audience == INTERNAL or not self.internal:
            return self.states
        return [change for change in self.states if change.annotation_id not in self.internal]


class Recent:
    """The newest batches of a video, from after `start` to `head` without a hole. Bounded, but for what is needed."""

    def __init__(self, revision: int) -> None:
        self.start = self.head = revision
        self._needed_after = revision
        self._entries: deque[Landed] = deque()
        self._bytes = 0

    def add(self, landed: Landed) -> None:
        """The next one."""
        assert landed.revision == self.head + 1
        self._entries.append(landed)
        self.head = landed.revision
        self._bytes += landed.size_bytes
        if self._bytes > MAX_BYTES or len(self._entries) > MAX_REVISIONS:
            self._trim()

    def need(self, after: int) -> None:
        """What is later than this is still needed and not dropped: not in history yet, or not sent on some lane."""
        self._needed_after = after
        self._trim()

    def _trim(self) -> None:
        entries = self._entries
        while self._bytes > MAX_BYTES or len(entries) > MAX_REVISIONS:
            if entries[0].revision > self._needed_after or len(entries) == 1:
                break
            self._bytes -= entries[0].size_bytes
            self.start = entries.popleft().revision

    def holds(self, revision: int) -> bool:
        """Whether all that came after a revision is here."""
        return self.start <= revision

    def since(self, revision: int) -> Iterator[Landed]:
        """What came after a revision that is held."""
        entries = self._entries
        count = min(self.head - revision, len(entries))
        before = len(entries) - count
        if before < count:
            return islice(entries, before, None)
        # A deque is gone through from one of its ends, and what was sent already may be a hundred thousand.
        return reversed(list(islice(reversed(entries), count)))
