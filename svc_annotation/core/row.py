"""What history keeps of a record: one row, and one for each annotation that it changed."""

from typing import NamedTuple


class Change(NamedTuple):
    """An annotation's state after a revision."""

    annotation_id: bytes
    state: bytes
    """A serialised AnnotationState."""


class HistoryRow(NamedTuple):
    """One record of a video and what the fold made of it."""

    video_id: int
    ordinal: int
    epoch: int
    """Incarnation of the log that `offset` counts in."""
    offset: int
    tenant_id: str
    person_id: str
    client_id: bytes
    client_seq: int
    hash: int
    rules: int
    time_ms: int
    """Time after the fold made it non-decreasing."""
    revision: int
    """0: not applied."""
    at_revision: int
    """Revision of the document after the record."""
    refusal: bytes
    """A serialised Refusal; empty: not refused."""
    commit: bytes
    """A serialised Commit, the operations as applied; empty: not applied."""
    client_commit: bytes | None
    """What the client audience may read of it: None the same, empty nothing, else another serialised Commit."""
    changes: tuple[Change, ...]
