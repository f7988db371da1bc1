"""What a person sees: the confirmed document, on it what was sent (as it applies now), then what is unsent."""

from collections.abc import Iterable

from rushes.annotation.v1.annotation_pb2 import AnnotationState
from rushes.document import rebase, text
from rushes.document.change import Change
from rushes.document.pending_item import Item, Sent
from rushes.document.replica import Replica


class Screen:
    """Read it by `get` and `annotations`; the messages in it are never modified."""

    def __init__(self, confirmed: Replica) -> None:
        self._confirmed = confirmed
        self._change = self._begin("", b"")
        self._shown = 0

    def get(self, annotation_id: bytes) -> AnnotationState | None:
        """The annotation, or None."""
        return self._change.get(annotation_id)

    @property
    def annotations(self) -> list[AnnotationState]:
        """All, in drawing order: what is pending stands last."""
        change = self._change
        if not change.touched:
            return self._confirmed.annotations
        shown = [change.touched.get(state.annotation.id, state) for state in self._confirmed.annotations]
        shown.extend(change.touched[annotation_id] for annotation_id in change.created)
        return shown

    def rebuild(self, sent: Iterable[Sent], unsent: Iterable[Item], person_id: str, client_id: bytes) -> set[bytes]:
        """Shows the work anew on what is confirmed now. Gives what pending work touched before or touches now."""
        touched = set(self._change.touched)
        change = self._begin(person_id, client_id)
        self._shown = 0
        for batch in sent:
            rebase.show(change, batch.items)
            change.begin(change.revision + 1)
        for item in unsent:
            rebase.show_one(change, item, self._shown)
            self._shown += 1
        self._change = change
        touched.update(change.touched)
        return touched

    def add(self, items: Iterable[Item]) -> set[bytes]:
        """Shows more unsent work. Gives what it touched."""
        self._change.begin(self._change.revision)
        touched: set[bytes] = set()
        for item in items:
            rebase.show_one(self._change, item, self._shown)
            self._shown += 1
            touched.add(item.target)
        return touched

    def edit(self, annotation_id: bytes, typed: text.Edit) -> set[bytes]:
        """Shows an edit of the text on the screen, which is composed into unsent work. Gives what it touched."""
        self._change.begin(self._change.revision)
        now = self._change.get(annotation_id)
        if now is not None:
            self._change.edit_text(annotation_id, now, typed)
        return {annotation_id}

    def _begin(self, person_id: str, client_id: bytes) -> Change:
        confirmed = self._confirmed
        return Change(
            confirmed,
            revision=confirmed.revision + 1,
            person_id=person_id,
            client_id=client_id,
            time_ms=confirmed.time_ms,
        )
