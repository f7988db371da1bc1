"""A client's confirmed document: commits and states exactly as the server sent them."""

from collections.abc import Iterable

from rushes.annotation.v1.annotation_pb2 import AnnotationState
from rushes.annotation.v1.operation_pb2 import Commit
from rushes.document.change import Change
from rushes.document.table import Table


class Replica(Table):
    """Equal to the server's document (as far as one's audience goes) at each revision."""

    def __init__(self) -> None:
        super().__init__()
        self.epoch = 0
        """Incarnation of the log that it is of; 0: it holds nothing yet."""
        self.revision = 0
        self.time_ms = 0
        """Server time of the last commit received."""

    def apply(self, commit: Commit) -> dict[bytes, AnnotationState | None]:
        """Takes the next commit. Gives what it touched as it was before; None: it was not there."""
        change = Change(
            self,
            revision=commit.revision,
            person_id=commit.person_id,
            client_id=commit.client_id,
            time_ms=commit.time_ms,
        )
        for index, operation in enumerate(commit.operations):
            change.apply(operation, index)
        earlier = {annotation_id: self.get(annotation_id) for annotation_id in change.touched}
        presented = [key for key in change.touched if key not in self._states and key not in change.created]
        self.put(change.touched[key] for key in presented)
        self.land(change.touched, change.created)
        self.revision = commit.revision
        self.time_ms = commit.time_ms
        return earlier

    def merge(self, states: Iterable[AnnotationState], revision: int) -> None:
        """Takes states at a revision, in the place of what was known of these annotations."""
        self.put(states)
        self.revision = revision

    def restart(self, states: Iterable[AnnotationState], revision: int, epoch: int) -> None:
        """Takes a snapshot, in the place of everything."""
        Table.__init__(self)
        self.put(states)
        self.revision = revision
        self.epoch = epoch
