"""A client's work on its way: what is confirmed, what was sent, what is unsent, and how each follows what lands.

It knows nothing of streams, numbers and times: that is pending.py.
"""

from collections.abc import Iterable, Mapping

from rushes.annotation.v1.annotation_pb2 import AnnotationState
from rushes.annotation.v1.operation_pb2 import Batch, Commit, Operation
from rushes.document import limit, rebase, text
from rushes.document.change import Change
from rushes.document.inverse import edit_operation, fields_before, restores
from rushes.document.pending_event import Changed, Event, Saved, TextMoved
from rushes.document.pending_item import DO, UNDO, Item, Sent, make_item
from rushes.document.replica import Replica
from rushes.document.screen import Screen
from rushes.document.undo import Entry, Stack


class Work:
    """The confirmed document with one client's pending work on it."""

    def __init__(self, moves_id: bytes) -> None:
        self.confirmed = Replica()
        self.screen = Screen(self.confirmed)
        self.sent: list[Sent] = []
        self.unsent: list[Item] = []
        self.doubt: list[Item] = []
        """What may have been saved or not: shown aside, sent by nobody but the person."""
        self.undo = Stack()
        self.redo = Stack()
        self.person_id = ""
        self.moves_id = moves_id
        """The client_id under which the pending moves were made."""
        self.texts: dict[bytes, str] = {}
        """After a reload, until the document is there: the texts that pending edits are made on."""
        self.action = 0
        self._last_do = 0
        self._cut_action = 0

    # What a person does.

    def add(self, operations: Iterable[Operation], kind: str) -> list[Event]:
        """An action: pending from now on, and on the screen."""
        self.action += 1
        if kind == DO:
            self._last_do = self.action
            self.redo.clear()
        items = [make_item(operation, self.action, kind) for operation in operations]
        for item in items:
            if item.operation.HasField("move"):
                item.operation.move.seen_revision = self.confirmed.revision
        self.unsent.extend(items)
        return [Changed(frozenset(self.screen.add(items)))]

    def type(self, annotation_id: bytes, before: str, after: str) -> list[Event]:
        """The text on the screen becomes another: composed into the last unsent edit of that text, if it fits."""
        typed = text.diff(before, after)
        if text.changes_nothing(typed):
            return []
        last = next((item for item in reversed(self.unsent) if item.edit and item.target == annotation_id), None)
        edit = _composed(last, typed)
        if last is not None and edit is not None:
            last.edit = edit
            self.redo.clear()
            if text.changes_nothing(edit):
                self.unsent = [item for item in self.unsent if item is not last]
            return [Changed(frozenset(self.screen.edit(annotation_id, typed)))]
        parts = text.split(typed, limit.MAX_OPERATION_TEXT_BYTES, limit.MAX_PIECES)
        return self.add([edit_operation(annotation_id, part) for part in parts], DO)

    def take_back(self, kind: str) -> list[Event] | None:
        """Undoes or redoes the last; nothing may be pending. None: others have changed all of it since."""
        entry = (self.undo if kind == UNDO else self.redo).pop()
        operations = entry.operations(self.confirmed) if entry is not None else []
        return self.add(operations, kind) if operations else None

    # What is sent.

    def cut(self, client_seq: int) -> Sent | None:
        """The next batch, made of the first of what is unsent; None: nothing can be sent now."""
        items = self.next_items()
        if not items:
            return None
        del self.unsent[: len(items)]
        self._cut_action = items[-1].action
        batch = Batch(
            client_seq=client_seq,
            base_revision=self.confirmed.revision,
            operations=[item.current() for item in items],
        )
        sent = Sent(client_seq, batch.SerializeToString(deterministic=True), items)
        self.sent.append(sent)
        return sent

    def next_items(self) -> list[Item]:
        """What of the unsent can go into a batch now: of a text one edit at a time is in flight."""
        editing = {item.target for batch in self.sent for item in batch.items if item.edit is not None}
        items: list[Item] = []
        for item in self.unsent[: self._count()]:
            if item.edit is not None:
                if item.target in editing:
                    break
                editing.add(item.target)
            items.append(item)
        return items

    def _count(self) -> int:
        """How many of the first unsent items may go together: whole actions; undo and long ones by themselves."""
        count = 0
        while count < len(self.unsent):
            first = self.unsent[count]
            end = count
            while end < len(self.unsent) and self.unsent[end].action == first.action:
                end += 1
            long = end - count > limit.MAX_OPERATIONS or first.action == self._cut_action
            alone = first.kind != DO or long
            if count and (alone or end > limit.MAX_OPERATIONS):
                break
            count = end
            if alone:
                break
        return min(count, limit.MAX_OPERATIONS)

    # What is received.

    def commit(self, commit: Commit, own: Sent | None) -> list[Event]:
        """The next commit of the full lane; `own`: it is this batch of ours, the first in flight."""
        events: list[Event] = []
        texts = self._texts()
        if own is None:
            for operation in commit.operations:
                if operation.HasField("edit_text"):
                    annotation_id = operation.edit_text.id
                    if annotation_id in texts:
                        edit = text.from_pieces(operation.edit_text.pieces)
                        texts[annotation_id] = text.apply(texts[annotation_id], edit)
                        events.extend(self._move_past(annotation_id, edit))
        earlier = self.confirmed.apply(commit)
        if own is not None:
            own.landed = commit.revision
            own.before = fields_before(commit, earlier)
        events.extend(self._settle(texts))
        events.append(Changed(frozenset(self.rebuild() | set(earlier))))
        return events

    def merge(self, states: Iterable[AnnotationState], revision: int) -> list[Event]:
        """A frame of the merged lane."""
        texts = self._texts()
        touched = {state.annotation.id for state in states}
        self.confirmed.merge(states, revision)
        events = self._settle(texts)
        events.append(Changed(frozenset(self.rebuild() | touched)))
        return events

    def progress(self, revision: int) -> list[Event]:
        """Nothing for this audience up to a revision."""
        texts = self._texts()
        self.confirmed.revision = max(self.confirmed.revision, revision)
        events = self._settle(texts)
        return [*events, Changed(frozenset(self.rebuild()))] if events else []

    def restart(self, states: Iterable[AnnotationState], revision: int, epoch: int) -> list[Event]:
        """A snapshot."""
        texts = self._texts()
        self.confirmed.restart(states, revision, epoch)
        self.texts = {}
        events = self._settle(texts)
        self.rebuild()
        events.append(Changed(None))
        return events

    def _texts(self) -> dict[bytes, str]:
        """The confirmed texts that pending, doubtful and inverse edits are made on."""
        wanted = {item.target for item in self._edits()}
        wanted |= self.undo.texts() | self.redo.texts()
        # A creation of which no answer came may turn out to be there: edits after it are made on its own text.
        unanswered = [*(item for batch in self.sent for item in batch.items), *self.doubt]
        made = [item.operation.create.annotation for item in unanswered if item.operation.HasField("create")]
        texts = {**{annotation.id: annotation.text for annotation in made}, **self.texts}
        for annotation_id in wanted:
            state = self.confirmed.get(annotation_id)
            if state is not None:
                texts[annotation_id] = state.annotation.text
        return {annotation_id: each for annotation_id, each in texts.items() if annotation_id in wanted}

    def _edits(self) -> list[Item]:
        sent = [item for batch in self.sent for item in batch.items]
        return [item for item in (*sent, *self.unsent, *self.doubt) if item.edit is not None]

    def _settle(self, texts: dict[bytes, str]) -> list[Event]:
        """Takes out the batches that what was received holds, and moves the rest past what else changed.

        `texts` are those confirmed before; they become what they are with our own batches alone.
        """
        events: list[Event] = []
        while self.sent and (landed := self.sent[0].landed) is not None and landed <= self.confirmed.revision:
            batch = self.sent.pop(0)
            self._acknowledge(batch, landed, texts)
            events.append(Saved(batch.client_seq, landed))
        for annotation_id, ours in texts.items():
            state = self.confirmed.get(annotation_id)
            if state is not None and state.annotation.text != ours:
                events.extend(self._move_past(annotation_id, text.diff(ours, state.annotation.text)))
        return events

    def _acknowledge(self, batch: Sent, revision: int, texts: dict[bytes, str]) -> None:
        """One of our batches landed: it can be undone, and what was made on the text before it is moved past it."""
        operations = [item.operation for item in batch.items]
        entry = Entry(_action(batch), restores(operations, revision, batch.before or ()))
        for item in batch.items:
            annotation_id = item.target
            if item.operation.HasField("create"):
                texts[annotation_id] = item.operation.create.annotation.text
            before = texts.get(annotation_id)
            if item.edit is None or before is None or text.length_before(item.edit) != len(before):
                continue
            texts[annotation_id] = text.apply(before, item.edit)
            for stack in (self.undo, self.redo):
                stack.move_past(annotation_id, item.edit)
            rebase.move_past(self.doubt, annotation_id, item.edit)
            entry.edits[annotation_id] = text.invert(item.edit, before)
        if batch.before is None and any(item.edit is None for item in batch.items):
            return
        kind = batch.items[0].kind
        if kind != UNDO:
            self.undo.push(entry)
        elif batch.items[0].action > self._last_do:
            self.redo.push(entry)

    def _move_past(self, annotation_id: bytes, landed: text.Edit) -> list[Event]:
        """Moves everything that is made on a text past an edit of somebody else."""
        for stack in (self.undo, self.redo):
            stack.move_past(annotation_id, landed)
        rebase.move_past(self.doubt, annotation_id, landed)
        pending = [item for batch in self.sent for item in batch.items] + self.unsent
        return [TextMoved(annotation_id, rebase.move_past(pending, annotation_id, landed))]

    def rebuild(self) -> set[bytes]:
        """Shows everything anew."""
        return self.screen.rebuild(self.sent, self.unsent, self.person_id, self.moves_id)

    # What was refused, and what begins anew.

    def renew(self, client_id: bytes) -> None:
        """Makes all that is pending new work of another client_id. Batches that landed are none of it."""
        self.unsent = self._take_sent() + self.unsent
        self.restate(client_id)

    def restate(self, client_id: bytes) -> None:
        """Pending moves become moves to where they end now, made by another client_id."""
        confirmed = self.confirmed
        change = Change(
            confirmed,
            revision=confirmed.revision + 1,
            person_id=self.person_id,
            client_id=self.moves_id,
            time_ms=confirmed.time_ms,
        )
        rebase.restate(change, self.unsent, confirmed)
        self.moves_id = client_id

    def drop(self, failed: list[Item]) -> list[Operation]:
        """Takes out unsent items and what was built on them."""
        self.unsent, dropped = rebase.without(self.unsent, failed)
        return [item.current() for item in dropped]

    def put_in_doubt(self, everything: bool) -> list[Operation]:
        """What was sent, and what was built on it (or everything), may have been saved or not."""
        sent = self._take_sent()
        pending = sent + self.unsent
        self.unsent, doubtful = ([], pending) if everything else rebase.without(pending, sent)
        rebase.stack_on(self.doubt, doubtful)
        self.doubt.extend(doubtful)
        return [item.current() for item in doubtful]

    def take_doubt(self) -> list[Operation]:
        """What is in doubt, as new work: without the annotations that turned out to be there."""
        doubt, self.doubt = self.doubt, []
        rebase.stack_on((item for item in self._edits()), doubt)
        return [
            item.current()
            for item in doubt
            if not (item.operation.HasField("create") and self.confirmed.get(item.target) is not None)
        ]

    def _take_sent(self) -> list[Item]:
        taken = [item for batch in self.sent if batch.landed is None for item in batch.items]
        self.sent = [batch for batch in self.sent if batch.landed is not None]
        return taken

    def base_texts(self) -> Mapping[bytes, str]:
        """The texts that pending edits are made on, to be kept with them."""
        wanted = {item.target for item in self._edits()}
        return {annotation_id: each for annotation_id, each in self._texts().items() if annotation_id in wanted}


def _action(batch: Sent) -> int:
    """The action that a batch is of; of several: none that another batch has."""
    actions = {item.action for item in batch.items}
    return actions.pop() if len(actions) == 1 else -batch.client_seq


def _composed(last: Item | None, typed: text.Edit) -> text.Edit | None:
    """The last unsent edit of a text with more typed to it; None: it is better an edit of its own."""
    if (
        last is None
        or last.edit is None
        or last.kind != DO
        or text.length_after(last.edit) != text.length_before(typed)
    ):
        return None
    edit = text.compose(last.edit, typed)
    fits = text.inserted_bytes(edit) <= limit.MAX_OPERATION_TEXT_BYTES and len(edit) <= limit.MAX_PIECES
    return edit if fits else None
