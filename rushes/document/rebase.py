"""How pending work follows what has landed: edits moved past it, moves restated, what depends on a refusal dropped."""

from collections.abc import Iterable

from rushes.document import text
from rushes.document.change import Change
from rushes.document.pending_item import Item
from rushes.document.refusal import Refuse
from rushes.document.replica import Replica


def move_past(items: Iterable[Item], annotation_id: bytes, landed: text.Edit) -> text.Edit:
    """Moves the pending edits of a text past one that landed before them; gives that one moved past all of them.

    An edit that does not fit the text (its annotation was hidden for a while) stays: the server will refuse it.
    """
    for item in items:
        if item.edit is not None and item.target == annotation_id:
            try:
                landed, item.edit = text.transform(landed, item.edit)
            except text.Mismatch:
                continue
    return landed


def stack_on(first: Iterable[Item], then: Iterable[Item]) -> None:
    """Moves edits made on the same texts as `first` to where they apply after those."""
    below = [(item.target, item.edit) for item in first if item.edit is not None]
    for item in then:
        if item.edit is None:
            continue
        for index, (annotation_id, edit) in enumerate(below):
            if annotation_id == item.target:
                try:
                    moved, item.edit = text.transform(edit, item.edit)
                except text.Mismatch:
                    continue
                below[index] = (annotation_id, moved)


def show(change: Change, items: Iterable[Item]) -> None:
    """Does pending operations to what a person sees. What the server will refuse has no effect."""
    for index, item in enumerate(items):
        show_one(change, item, index)


def show_one(change: Change, item: Item, index: int) -> None:
    """Does one."""
    annotation_id = item.target
    now = change.get(annotation_id)
    try:
        if item.edit is None:
            change.apply(item.operation, index)
        elif now is not None:
            change.edit_text(annotation_id, now, item.edit)
    except Refuse:
        # Such as one tag too many: the answer will say so, and the operation is dropped then.
        return


def restate(change: Change, items: Iterable[Item], confirmed: Replica) -> None:
    """Makes each pending move one to where it would end now, having seen all that is confirmed."""
    for index, item in enumerate(items):
        show_one(change, item, index)
        if item.operation.HasField("move"):
            move = item.operation.move
            state = change.get(move.id)
            if state is not None:
                move.to.CopyFrom(state.annotation.position)
            move.seen_revision = confirmed.revision


def without(items: list[Item], failed: list[Item]) -> tuple[list[Item], list[Item]]:
    """The items without those that failed and what was built on them: what remains, and what is dropped."""
    kept: list[Item] = []
    dropped: list[Item] = []
    gone: set[bytes] = set()
    edits_gone: set[bytes] = set()
    for item in items:
        annotation_id = item.target
        creates = item.operation.HasField("create")
        built_on = (
            annotation_id in gone
            or (item.edit is not None and annotation_id in edits_gone)
            or (creates and item.operation.create.annotation.parent_id in gone)
        )
        if not built_on and not any(item is each for each in failed):
            kept.append(item)
            continue
        dropped.append(item)
        if creates:
            gone.add(annotation_id)
        elif item.edit is not None:
            edits_gone.add(annotation_id)
    return kept, dropped
