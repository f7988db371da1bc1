"""What becomes of a record."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from rushes.annotation.v1.annotation_pb2 import AnnotationState
from rushes.annotation.v1.annotation_service_pb2 import FieldBefore
from rushes.annotation.v1.operation_pb2 import Commit, EditTextOperation, Outcome, Refusal
from rushes.document.document import Kept
from rushes.document.inverse import fields_before


@dataclass
class Applied:
    """The batch landed, whole."""

    ordinal: int
    """Of the record among those that changed the state."""
    kept: Kept
    """What the client's window holds of it."""
    commit_bytes: bytes
    """The commit, serialised."""
    earlier: Mapping[bytes, AnnotationState | None]
    """What the commit touched, as it was before; None: it was not there."""
    states: Mapping[bytes, AnnotationState | bytes]
    """The same as it is now: a message, or serialised."""
    published: Sequence[bytes] = ()
    """What became readable by the client audience."""
    internal: Collection[bytes] = ()
    """Of what the commit touched, what the client audience may not read now."""

    @property
    def revision(self) -> int:
        """The commit's."""
        return self.kept.revision

    @property
    def outcome(self) -> Outcome:
        """What its sender is told."""
        return self.kept.message()

    @cached_property
    def commit(self) -> Commit:
        """What everybody receives. Never modify it."""
        return Commit.FromString(self.commit_bytes)

    @cached_property
    def after(self) -> dict[bytes, AnnotationState]:
        """What it touched, as it is now. Never modify it."""
        return {
            annotation_id: AnnotationState.FromString(state) if isinstance(state, bytes) else state
            for annotation_id, state in self.states.items()
        }

    @property
    def touched(self) -> list[bytes]:
        """Ids of what changed."""
        return list(self.states)

    @cached_property
    def before(self) -> list[FieldBefore]:
        """What the fields were, so that the batch can be undone."""
        return fields_before(self.commit, self.earlier)

    @property
    def edits(self) -> list[EditTextOperation]:
        """Text edits as applied."""
        return [each.edit_text for each in self.commit.operations if each.HasField("edit_text")]


@dataclass
class Refused:
    """Nothing of the batch landed, and nothing more of its client will."""

    ordinal: int
    outcome: Outcome
    refusal: Refusal
    at: int
    """Revision of the document."""


@dataclass
class Duplicate:
    """The number has an outcome already. Nothing changed."""

    outcome: Outcome
    same: bool
    """Whether it was this batch; else the number was used for another one (ALREADY_USED)."""


@dataclass
class Ignored:
    """Not taken, and nothing changed."""

    refusal: Refusal | None
    """Why; None: the number is at or below the client's last."""


Result: TypeAlias = Applied | Refused | Duplicate | Ignored
