"""What of a file is new to a video's notes, and the operations that add it.

Importing adds and never changes: a note that is here stays as it is. What was added keeps in its origin where it came
from (its id there, or the hash of what the file showed), so that the same file adds nothing the second time.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from rushes.annotation.v1.annotation_pb2 import Annotation, Origin
from rushes.annotation.v1.operation_pb2 import Batch, CreateOperation, EditTextOperation, Operation
from rushes.document import limit, text
from rushes.document.operation import check_batch
from rushes.document.refusal import REASONS
from rushes.exchange.found import Found, Item
from rushes.exchange.notes import KINDS
from rushes.type.v1.access_pb2 import AUDIENCE_INTERNAL, AUDIENCE_UNSPECIFIED, Audience


@dataclass(slots=True)
class Plan:
    """What importing a file would do."""

    items: list[Item] = field(default_factory=list)
    """What is new, in the file's order, each with the annotation that will be made."""
    operations: list[Operation] = field(default_factory=list)
    """Creations, parents before replies; where a text is too long for one, edits that add the rest."""
    here: int = 0
    """How many are here already, deleted ones too."""
    differs: list[Item] = field(default_factory=list)
    """Of those, the ones that the file shows otherwise; they stay as they are here."""
    left_out: list[str] = field(default_factory=list)
    """What cannot be added, with the reason."""


def plan(
    found: Found,
    here: Sequence[Annotation],
    shown: Sequence[Found],
    *,
    frame_count: int,
    audience: Audience.ValueType,
    new_id: Callable[[], bytes],
) -> Plan:
    """What is new of a file.

    `here`: the video's notes, deleted ones too; `shown`: what files of them in the same format show.
    `audience`: who may read what comes without one; if it is internal, all that comes.
    """
    made = Plan(left_out=list(found.left_out))
    known = _Known(here, shown)
    ids: dict[bytes, bytes] = {}
    for item, key in zip(found.items, _keys(found.items), strict=True):
        if known.has(item, key):
            made.here += 1
            if known.shows_otherwise(item):
                made.differs.append(item)
            continue
        annotation = _arriving(item.annotation, key, found.video_id, audience, new_id())
        refused = _refused(annotation, frame_count)
        if refused:
            made.left_out.append(f"{describe(item)}: {refused}")
            continue
        ids[item.annotation.id or key] = annotation.id
        made.items.append(Item(annotation, item.content, item.author))
    _settle_parents(made, ids, known)
    for item in _parents_first(made.items):
        made.operations += _creation(item.annotation)
    return made


def describe(item: Item) -> str:
    """A note in a line, for people."""
    annotation = item.annotation
    words = " ".join(annotation.text.split())
    return f"frame {annotation.first_frame:>6}  {KINDS.get(annotation.kind, 'note'):<8} {words}".rstrip()


def _keys(items: Iterable[Item]) -> list[bytes]:
    """A key for each: its content, and for the second and later of the same content also which one it is."""
    seen: Counter[bytes] = Counter()
    keys: list[bytes] = []
    for item in items:
        count = seen[item.content]
        seen[item.content] += 1
        again = hashlib.blake2b(item.content + count.to_bytes(4, "big"), digest_size=limit.ID_BYTES).digest()
        keys.append(again if count else item.content)
    return keys


class _Known:
    """What is here."""

    def __init__(self, here: Sequence[Annotation], shown: Sequence[Found]) -> None:
        self.ids = {annotation.id: annotation.id for annotation in here}
        for annotation in here:
            if annotation.origin.annotation_id:
                self.ids.setdefault(annotation.origin.annotation_id, annotation.id)
        self._keys = {key for each in shown for key in _keys(each.items)}
        items = [item for each in shown for item in each.items]
        self._contents = {item.annotation.id: item.content for item in items if item.annotation.id}

    def has(self, item: Item, key: bytes) -> bool:
        """Whether a note of a file is here, by its id there, by where it came from, or by what it shows."""
        annotation = item.annotation
        names = (annotation.id, annotation.origin.annotation_id, key)
        return any(name in self.ids for name in names if name) or (not annotation.id and key in self._keys)

    def shows_otherwise(self, item: Item) -> bool:
        """Whether the file shows a note that is here, and known by its id, other than it is here."""
        content = self._contents.get(self.ids.get(item.annotation.id, b""))
        return content is not None and content != item.content


def _arriving(
    annotation: Annotation, key: bytes, video_id: int, audience: Audience.ValueType, new_id: bytes
) -> Annotation:
    """The annotation to create: what the server sets is empty, and its origin says where it is from."""
    made = Annotation()
    made.CopyFrom(annotation)
    for name in ("author_id", "created_ms", "updated_ms", "deleted", "origin"):
        made.ClearField(name)
    made.id = new_id
    if audience == AUDIENCE_INTERNAL or made.audience == AUDIENCE_UNSPECIFIED:
        made.audience = audience
    linked = [each for each in made.attachments if each.WhichOneof("target") == "link"]
    # A stored blob is where it was stored: here its name says nothing.
    del made.attachments[:]
    made.attachments.extend(linked)
    author_id = annotation.author_id if len(annotation.author_id.encode()) <= limit.MAX_PERSON_ID_BYTES else ""
    made.origin.CopyFrom(Origin(video_id=video_id, annotation_id=annotation.id or key, author_id=author_id))
    return made


def _creation(annotation: Annotation) -> list[Operation]:
    """Creates an annotation; what its text has too much for a creation is typed behind it."""
    parts = _parts(annotation.text)
    made = Annotation()
    made.CopyFrom(annotation)
    made.text = parts[0]
    operations = [Operation(create=CreateOperation(annotation=made))]
    length = len(parts[0])
    for part in parts[1:]:
        edit = EditTextOperation(id=annotation.id, pieces=text.to_pieces([length, part]))
        operations.append(Operation(edit_text=edit))
        length += len(part)
    return operations


def _refused(annotation: Annotation, frame_count: int) -> str:
    """Why an annotation cannot be made; empty: it can."""
    if len(annotation.text.encode()) > limit.MAX_TEXT_BYTES:
        return REASONS["TEXT_TOO_LONG"][1]
    for operation in _creation(annotation):
        refused = check_batch(Batch(operations=[operation]), frame_count=frame_count, service=False)
        if refused is not None:
            return refused.message
    return ""


def _parts(words: str) -> list[str]:
    """A text in parts that fit an operation; no letter is cut."""
    most = limit.MAX_OPERATION_TEXT_BYTES
    if len(words.encode()) <= most:
        return [words]
    parts: list[str] = []
    size = 0
    begin = 0
    for at, letter in enumerate(words):
        size += len(letter.encode())
        if size > most:
            parts.append(words[begin:at])
            begin, size = at, len(letter.encode())
    return [*parts, words[begin:]]


def _settle_parents(made: Plan, ids: dict[bytes, bytes], known: _Known) -> None:
    """Replies reply to what is made of their parents, or is here of them; where there is nothing they stand alone."""
    for item in made.items:
        annotation = item.annotation
        parent_id = annotation.parent_id
        if not parent_id:
            continue
        parent = ids.get(parent_id) or known.ids.get(parent_id, b"")
        annotation.parent_id = parent if parent != annotation.id else b""


def _parents_first(items: Sequence[Item]) -> list[Item]:
    """Parents before their replies. Those that reply to each other in a circle stand alone."""
    waiting = {item.annotation.id: item for item in items}
    order: list[Item] = []
    for item in items:
        thread: list[Item] = []
        at: Item | None = item
        while at is not None and at.annotation.id in waiting:
            thread.append(waiting.pop(at.annotation.id))
            at = waiting.get(at.annotation.parent_id)
            if at is None and thread[-1].annotation.parent_id in {each.annotation.id for each in thread}:
                thread[-1].annotation.parent_id = b""
        order += reversed(thread)
    return order
