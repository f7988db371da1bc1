"""Text edits: applied, composed, moved past each other, inverted and found.

An edit is a list that spans a whole text: a positive number keeps so many code points, a string is put in, a negative
number takes so many out. It is canonical: neighbours joined, nothing empty, at one place the insertion before the
deletion. What is counted is code points, never normalised. The transformation is that of ot.js (Baumann, TP1).
"""

from collections.abc import Sequence
from typing import TypeAlias

from rushes.annotation.v1.operation_pb2 import TextPiece
from rushes.document.refusal import Refuse

Edit: TypeAlias = list[int | str]

_NOTHING, _RETAIN, _INSERT, _DELETE = range(4)


class Mismatch(Refuse):
    """An edit does not span the text or the edit that it meets."""

    def __init__(self) -> None:
        super().__init__("TEXT_MISMATCH")


def has_surrogate(text: str) -> bool:
    """Whether it holds half of a pair, which no UTF-8 can carry."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def from_pieces(pieces: Sequence[TextPiece]) -> Edit:
    """The edit in an operation. Refuses what is not canonical."""
    edit: Edit = []
    last = _NOTHING
    for piece in pieces[:]:
        # At most one of them is set, and none may be empty.
        if count := piece.retain:
            kind = _RETAIN
            edit.append(count)
        elif letters := piece.insert:
            kind = _INSERT
            edit.append(letters)
        elif count := piece.delete:
            kind = _DELETE
            edit.append(-count)
        else:
            raise Refuse("INVALID_EDIT")
        if kind == last or (kind == _INSERT and last == _DELETE):
            raise Refuse("INVALID_EDIT")
        last = kind
    return edit


def to_pieces(edit: Edit) -> list[TextPiece]:
    """The edit as an operation holds it."""
    return [
        TextPiece(insert=part)
        if isinstance(part, str)
        else TextPiece(retain=part)
        if part > 0
        else TextPiece(delete=-part)
        for part in edit
    ]


def add(edit: Edit, part: int | str) -> None:
    """Puts a part at the end and keeps the edit canonical."""
    if not part:
        return
    last = edit[-1] if edit else 0
    if isinstance(part, str):
        if isinstance(last, str):
            edit[-1] = last + part
        elif last < 0:
            before = edit[-2] if len(edit) > 1 else 0
            if isinstance(before, str):
                edit[-2] = before + part
            else:
                edit.insert(len(edit) - 1, part)
        else:
            edit.append(part)
    elif not isinstance(last, str) and (part > 0) == (last > 0) and last != 0:
        edit[-1] = last + part
    else:
        edit.append(part)


def length_before(edit: Edit) -> int:
    """Code points of the text that it is made on."""
    return sum(abs(part) for part in edit if not isinstance(part, str))


def length_after(edit: Edit) -> int:
    """Code points of the text that it makes."""
    return sum(len(part) if isinstance(part, str) else max(part, 0) for part in edit)


def changes_nothing(edit: Edit) -> bool:
    """Whether it only keeps."""
    return all(not isinstance(part, str) and part > 0 for part in edit)


def inserted_bytes(edit: Edit) -> int:
    """UTF-8 bytes that it puts in."""
    return sum(len(part.encode()) for part in edit if isinstance(part, str))


def apply(text: str, edit: Edit) -> str:
    """The text after the edit."""
    out: list[str] = []
    at = 0
    for part in edit:
        if isinstance(part, str):
            out.append(part)
            continue
        end = at + abs(part)
        if end > len(text):
            raise Mismatch
        if part > 0:
            out.append(text[at:end])
        at = end
    if at != len(text):
        raise Mismatch
    return "".join(out)


def invert(edit: Edit, text: str) -> Edit:
    """What undoes the edit; `text` is what it was made on."""
    inverse: Edit = []
    at = 0
    for part in edit:
        if isinstance(part, str):
            add(inverse, -len(part))
        elif part > 0:
            add(inverse, part)
            at += part
        else:
            add(inverse, text[at : at - part])
            at -= part
    return inverse


class _Parts:
    """Reads an edit part by part, splitting parts where the other edit ends one."""

    __slots__ = ("at", "edit", "part")

    def __init__(self, edit: Edit) -> None:
        self.edit = edit
        self.at = 0
        self.part: int | str = edit[0] if edit else 0

    def next(self) -> None:
        self.at += 1
        self.part = self.edit[self.at] if self.at < len(self.edit) else 0

    def take(self, count: int) -> None:
        """Uses up `count` code points of a number."""
        part = self.part
        assert not isinstance(part, str)
        if abs(part) == count:
            self.next()
        else:
            self.part = part - count if part > 0 else part + count

    def take_letters(self, letters: str, count: int) -> None:
        """Uses up `count` code points of the insertion `letters`."""
        if len(letters) == count:
            self.next()
        else:
            self.part = letters[count:]


def transform(landed: Edit, later: Edit) -> tuple[Edit, Edit]:
    """Both moved past each other: `later` as it applies after `landed`, and the other way round.

    At one place the text of `landed` stands first. landed then later' gives the same text as later then landed'.
    """
    landed_moved: Edit = []
    later_moved: Edit = []
    a, b = _Parts(landed), _Parts(later)
    while a.part or b.part:
        first, second = a.part, b.part
        if isinstance(first, str):
            add(landed_moved, first)
            add(later_moved, len(first))
            a.next()
        elif isinstance(second, str):
            add(landed_moved, len(second))
            add(later_moved, second)
            b.next()
        elif not first or not second:
            raise Mismatch
        else:
            count = min(abs(first), abs(second))
            if second > 0:
                add(landed_moved, count if first > 0 else -count)
            if first > 0:
                add(later_moved, count if second > 0 else -count)
            a.take(count)
            b.take(count)
    return landed_moved, later_moved


def compose(first: Edit, second: Edit) -> Edit:
    """One edit that does what both do one after the other."""
    out: Edit = []
    a, b = _Parts(first), _Parts(second)
    while a.part or b.part:
        before, after = a.part, b.part
        if not isinstance(before, str) and before < 0:
            add(out, before)
            a.next()
        elif isinstance(after, str):
            add(out, after)
            b.next()
        elif not before or not after:
            raise Mismatch
        elif isinstance(before, str):
            count = min(len(before), abs(after))
            if after > 0:
                add(out, before[:count])
            a.take_letters(before, count)
            b.take(count)
        else:
            count = min(before, abs(after))
            add(out, count if after > 0 else -count)
            a.take(count)
            b.take(count)
    return out


def diff(before: str, after: str) -> Edit:
    """The edit between two texts: what lies between their longest common start and end."""
    shorter = min(len(before), len(after))
    start = 0
    while start < shorter and before[start] == after[start]:
        start += 1
    end = 0
    while end < shorter - start and before[len(before) - 1 - end] == after[len(after) - 1 - end]:
        end += 1
    edit: Edit = []
    add(edit, start)
    add(edit, after[start : len(after) - end])
    add(edit, -(len(before) - end - start))
    add(edit, end)
    return edit


def split(edit: Edit, most_bytes: int, most_parts: int) -> list[Edit]:
    """The edit as several, one made on the other, of which none puts in more bytes or has more parts than so many."""
    edits: list[Edit] = []
    rest = edit
    while inserted_bytes(rest) > most_bytes or len(rest) > most_parts:
        head, rest = _cut(rest, most_bytes, most_parts)
        edits.append(head)
    edits.append(rest)
    return edits


def _cut(edit: Edit, most_bytes: int, most_parts: int) -> tuple[Edit, Edit]:
    """As much of the start as is allowed, and what then remains to be done."""
    head: Edit = []
    rest: Edit = []
    free_bytes = most_bytes
    # Two parts are left for what follows: the text that is not reached yet, and the start of a cut insertion.
    free_parts = most_parts - 2
    for part in edit:
        if rest or free_parts <= 0:
            add(rest, part)
            continue
        free_parts -= 1
        if isinstance(part, str):
            letters = _letters_within(part, free_bytes)
            free_bytes -= len(part[:letters].encode())
            add(head, part[:letters])
            if letters < len(part):
                rest.append(part[letters:])
        else:
            add(head, part)
    then: Edit = []
    add(then, length_after(head))
    for part in rest:
        add(then, part)
    add(head, length_before(rest))
    return head, then


def _letters_within(text: str, most_bytes: int) -> int:
    """How many of its first code points have no more UTF-8 bytes than so many."""
    size = 0
    for count, letter in enumerate(text):
        code = ord(letter)
        size += 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4
        if size > most_bytes:
            return count
    return len(text)
