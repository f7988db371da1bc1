"""Every way in which a record is taken or refused, each once: the unit tests and the vectors run them."""

from collections.abc import Iterator
from dataclasses import dataclass

from rushes.annotation.v1.annotation_pb2 import (
    ANNOTATION_KIND_LINE,
    ANNOTATION_KIND_STROKE,
    AnnotationState,
    Attachment,
    Box,
    Origin,
    Position,
    Style,
    View,
)
from rushes.annotation.v1.operation_pb2 import (
    Batch,
    CreateOperation,
    EditTextOperation,
    FieldValue,
    MoveOperation,
    Operation,
    PresentOperation,
    ResizeOperation,
    SetFieldsOperation,
    TextPiece,
)
from rushes.annotation.v1.record_pb2 import Record
from rushes.document.refusal import refusal
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL
from tests.unit.rushes.builder import (
    ANN,
    BOB,
    DAY_MS,
    FRAMES,
    GIL,
    GUEST,
    NOW_MS,
    OWN_ONLY,
    VIEWER,
    A,
    B,
    C,
    audience,
    color,
    create,
    deleted,
    edit,
    fields,
    frames,
    internal,
    key,
    link,
    move,
    note,
    record,
    reply,
    resize,
    resolved,
    restore,
    tag,
)

APPLIED = "applied"
DUPLICATE = "duplicate"
IGNORED = "ignored"


@dataclass(frozen=True)
class Case:
    """Records, and what becomes of the last: applied, duplicate, ignored, or the reason of a refusal."""

    name: str
    records: list[Record]
    becomes: str


TOO_LONG = "x" * 4097
FAR = (1 << 20) + 1


def _one(name: str, operation: Operation, becomes: str, *, permissions: int = 0, text: str = "hello") -> Case:
    """An operation of bob on a note of ann."""
    first = record(ANN, 1, 0, create(A, text=text), internal(B, text="secret"))
    second = record(BOB, 1, 1, operation, permissions=permissions) if permissions else record(BOB, 1, 1, operation)
    return Case(name, [first, second], becomes)


def creations() -> Iterator[Case]:
    """Annotations that can be made, and such that cannot."""
    yield _one("a stroke", _stroke(b"\x01\x80\xff"), APPLIED)
    yield _unknown()
    yield _one("what the server decides is left to it", create(C, deleted=True, author_id="eve", created_ms=5), APPLIED)
    yield _one("an id that exists", create(A), "ALREADY_EXISTS")
    yield _one("an id that exists and is hidden", create(B), "ALREADY_EXISTS", permissions=GUEST)
    yield _one("an id too short", create(b"short"), "INVALID_ID")
    yield _one("no annotation", Operation(create=CreateOperation()), "INVALID_ID")
    yield _one("an unknown kind", create(C, kind=99), "INVALID_KIND")
    yield _one("frames backwards", create(C, first_frame=21), "INVALID_FRAMES")
    yield _one("a frame outside", create(C, last_frame=FRAMES), "FRAME_OUTSIDE")
    yield _one("a place outside", create(C, position=Position(x=FAR)), "INVALID_POSITION")
    yield _one("a box outside", create(C, box=Box(top=-FAR)), "INVALID_BOX")
    yield _one("a point outside", create(C, kind=ANNOTATION_KIND_STROKE, points=[FAR - 1, 0, 1, 0]), "INVALID_POINTS")
    yield _one("far and back", create(C, kind=ANNOTATION_KIND_STROKE, points=[1 << 20, 0, -(1 << 20), 9]), APPLIED)
    yield _one("half a point", create(C, kind=ANNOTATION_KIND_STROKE, points=[1, 2, 3]), "INVALID_POINTS")
    yield _one("too many points", create(C, kind=ANNOTATION_KIND_STROKE, points=[0] * 4002), "INVALID_POINTS")
    yield _one("a line of three", create(C, kind=ANNOTATION_KIND_LINE, points=[0] * 6), "INVALID_POINTS")
    yield _one("points of a rectangle", create(C, points=[1, 2]), "INVALID_POINTS")
    yield _one("a pressure missing", _stroke(b"\x01"), "INVALID_PRESSURE")
    yield _one("a colour too large", create(C, style=Style(color=1 << 24)), "INVALID_STYLE")
    yield _one("an unknown mode", create(C, mode=7), "INVALID_STYLE")
    yield _one("a text too long", create(C, text=TOO_LONG), "TEXT_TOO_LONG")
    yield _one("a text of wide letters too long", create(C, text="漢" * 1366), "TEXT_TOO_LONG")
    yield _one("an unknown audience", create(C, audience=9), "INVALID_AUDIENCE")
    yield _one("internal, by who may not", internal(C), "MAY_NOT_WRITE_INTERNAL", permissions=GUEST)


def lists() -> Iterator[Case]:
    """Tags, attachments, origins and replies of what is created."""
    yield _one("tags unsorted", create(C, tags=["b", "a"]), "INVALID_TAGS")
    yield _one("a tag twice", create(C, tags=["a", "a"]), "INVALID_TAGS")
    yield _one("a tag too long", create(C, tags=["a" * 65]), "INVALID_TAGS")
    yield _one("tags by code points", create(C, tags=["\uffee", "🎬"]), APPLIED)
    yield _one("too many tags", create(C, tags=[f"{i:02}" for i in range(33)]), "TOO_MANY_TAGS")
    yield _one("an attachment without target", create(C, attachments=[Attachment(id="a")]), "INVALID_ATTACHMENTS")
    nameless = Attachment(link="https://example.org/")
    yield _one("an attachment without name", create(C, attachments=[nameless]), "INVALID_ATTACHMENTS")
    yield _one("attachments", create(C, attachments=_attachments(16)), APPLIED)
    yield _one("attachments unsorted", create(C, attachments=_attachments(2)[::-1]), "INVALID_ATTACHMENTS")
    yield _one("too many attachments", create(C, attachments=_attachments(17)), "TOO_MANY_ATTACHMENTS")
    yield _one("an origin", create(C, origin=Origin(video_id=3, annotation_id=key(9), author_id="eve")), APPLIED)
    close = View(zoom_permille=4000, center=Position(x=-300, y=200))
    yield _one("a view", create(C, view=close), APPLIED)
    yield _one("a view without a centre", create(C, view=View(zoom_permille=100)), APPLIED)
    yield _one("a view from too far", create(C, view=View(zoom_permille=99)), "INVALID_VIEW")
    yield _one("a view too close", create(C, view=View(zoom_permille=100_001)), "INVALID_VIEW")
    yield _one("a view beside all", create(C, view=View(zoom_permille=2000, center=Position(y=FAR))), "INVALID_VIEW")
    yield _one("an origin that is none", create(C, origin=Origin(video_id=-1)), "INVALID_ORIGIN")
    yield _one("a reply", reply(C, A), APPLIED)
    yield _one("a reply of who may not edit others", reply(C, A), APPLIED, permissions=GUEST)
    yield _one("a reply to an internal note", reply(C, B), APPLIED)
    yield _one("a reply to a hidden note", reply(C, B), "NOT_FOUND", permissions=GUEST)
    yield _one("a reply to nothing", reply(C, key(9)), "NOT_FOUND")
    yield _one("a reply to half an id", reply(C, b"x"), "INVALID_ID")


def _stroke(pressure: bytes) -> Operation:
    return create(C, kind=ANNOTATION_KIND_STROKE, points=[5, 5, 1, -1, 2, 2], pressure=pressure)


def _attachments(count: int) -> list[Attachment]:
    return [Attachment(id=f"a{i:02}", blob=f"blob{i}", title="title") for i in range(count)]


def _unknown() -> Case:
    newer = record(BOB, 1, 1, create(C))
    for part in (newer, newer.batch, newer.batch.operations[0], newer.batch.operations[0].create.annotation):
        # Field 1000, and in the batch a field that a commit has: it must not get into the commit.
        part.MergeFromString(b"\xc2\x3e\x01x" + (b"\x12\x02\xff\xfe" if part is newer.batch else b""))
    return Case("unknown fields are dropped", [record(ANN, 1, 0, create(A)), newer], APPLIED)


def changes() -> Iterator[Case]:
    """Changes of a note of somebody else."""
    yield _one("a move", move(A, 5, 6, seen=1), APPLIED)
    yield _one("a move to nowhere", Operation(move=MoveOperation(id=A)), "INVALID_POSITION")
    yield _one("a move far out", move(A, 0, FAR), "INVALID_POSITION")
    yield _one("a move that saw the future", move(A, 0, 0, seen=2), "INVALID_SEEN")
    yield _one("a move that saw less than nothing", move(A, 0, 0, seen=-1), "INVALID_SEEN")
    yield _one("a move of no id", move(b"x", 0, 0), "INVALID_ID")
    yield _one("a move of nothing", move(C, 0, 0), "NOT_FOUND")
    yield _one("a move of what is hidden", move(B, 0, 0), "NOT_FOUND", permissions=GUEST)
    yield _one("a move by who may not", move(A, 0, 0), "NOT_YOURS", permissions=OWN_ONLY)
    yield _one("an edge", resize(A, left=-5), APPLIED)
    yield _one("all edges", resize(A, left=-5, top=0, right=3, bottom=9), APPLIED)
    yield _one("no edge", Operation(resize=ResizeOperation(id=A)), "NOTHING_SET")
    yield _one("an edge far out", resize(A, right=FAR), "INVALID_BOX")
    yield _one("a resize by who may not", resize(A, left=0), "NOT_YOURS", permissions=GUEST)


def settings() -> Iterator[Case]:
    """Fields of a note of somebody else."""
    yield _one("fields", fields(A, color(3), frames(0, 5), tag("x"), link("a1"), resolved()), APPLIED)
    yield _one("a tag taken off that is not there", fields(A, tag("x", there=False)), APPLIED)
    yield _one("an attachment taken off", fields(A, FieldValue(field="attachments/a1")), APPLIED)
    yield _one("no field", Operation(set_fields=SetFieldsOperation(id=A)), "NOTHING_SET")
    yield _one("a field twice", fields(A, color(1), color(2)), "INVALID_FIELD")
    yield _one("an unknown field", fields(A, FieldValue(field="style/weight", number=1)), "INVALID_FIELD")
    yield _one("a field of another operation", fields(A, FieldValue(field="deleted", flag=True)), "INVALID_FIELD")
    yield _one("a value of another type", fields(A, FieldValue(field="style/color", flag=True)), "INVALID_VALUE")
    yield _one("a value missing", fields(A, FieldValue(field="resolved")), "INVALID_VALUE")
    yield _one("a tag that is a number", fields(A, FieldValue(field="tags/x", number=1)), "INVALID_VALUE")
    yield _tagged(32, APPLIED)
    yield _tagged(33, "TOO_MANY_TAGS")
    yield _attached(17)
    yield _one("a tag without name", fields(A, tag("")), "INVALID_TAGS")
    yield _one("a colour out of range", fields(A, color(-1)), "INVALID_STYLE")
    yield _one("a range backwards", fields(A, frames(5, 4)), "INVALID_FRAMES")
    yield _one("a range outside", fields(A, frames(5, FRAMES)), "FRAME_OUTSIDE")
    yield _one("an attachment of another name", fields(A, _misnamed()), "INVALID_ATTACHMENTS")
    yield _one("an attachment of a bad name", fields(A, link("A B")), "INVALID_ATTACHMENTS")
    yield _one("an attachment that is a flag", fields(A, FieldValue(field="attachments/a", flag=True)), "INVALID_VALUE")
    yield _one("taking back an audience", fields(A, audience(AUDIENCE_INTERNAL)), "INVALID_AUDIENCE")
    yield _one("publishing what is public", fields(A, audience()), APPLIED)
    yield _one("publishing", fields(B, audience()), APPLIED)
    yield _one("publishing what is hidden", fields(B, audience()), "NOT_FOUND", permissions=GUEST)
    yield _one("publishing by who may not", fields(B, audience()), "NOT_YOURS", permissions=OWN_ONLY)
    yield _one("resolving by who may not", fields(A, resolved()), "NOT_YOURS", permissions=GUEST)
    yield _one("deleting", deleted(A), APPLIED)
    yield _one("no operation", Operation(), "UNKNOWN_OPERATION")
    yield _one("a present", _present(), "SERVER_ONLY")


def _tagged(count: int, becomes: str) -> Case:
    first = record(ANN, 1, 0, create(A, tags=["b"]))
    values = [tag(f"a{number:02}") for number in range(count - 1)]
    return Case(f"{count} tags", [first, record(ANN, 2, 1, fields(A, *values))], becomes)


def _attached(count: int) -> Case:
    first = record(ANN, 1, 0, create(A, attachments=_attachments(2)))
    values = [link(f"b{number}") for number in range(count - 2)]
    return Case(f"{count} attachments", [first, record(ANN, 2, 1, fields(A, *values))], "TOO_MANY_ATTACHMENTS")


def _misnamed() -> FieldValue:
    value = link("a1")
    value.field = "attachments/a2"
    return value


def _present() -> Operation:
    return Operation(present=PresentOperation(state=AnnotationState(annotation=note(C))))


def texts() -> Iterator[Case]:
    """Text edits."""
    yield _one("an insertion", edit(A, [5, " you"]), APPLIED)
    yield _one("a replacement", edit(A, ["Hi", -5]), APPLIED)
    yield _one("an edit that changes nothing", edit(A, [5]), APPLIED)
    yield _one("an edit of another length", edit(A, [4, "x"]), "TEXT_MISMATCH")
    yield _one("an empty edit of a text", edit(A, []), "TEXT_MISMATCH")
    yield _one("an empty edit of no text", edit(A, []), APPLIED, text="")
    yield _one("an insertion too long", edit(A, [5, TOO_LONG]), "TEXT_TOO_LONG")
    yield _one("an edit by who may not", edit(A, [5, "x"]), "NOT_YOURS", permissions=OWN_ONLY)
    yield _one("an unset piece", _pieces(TextPiece()), "INVALID_EDIT")
    yield _one("an empty piece", _pieces(TextPiece(retain=0)), "INVALID_EDIT")
    yield _one("neighbours not joined", _pieces(TextPiece(retain=2), TextPiece(retain=3)), "INVALID_EDIT")
    yield _one("insertion after deletion", _pieces(TextPiece(delete=5), TextPiece(insert="x")), "INVALID_EDIT")
    yield _one("too many pieces", _pieces(*[TextPiece(insert="x"), TextPiece(delete=1)] * 501), "TEXT_TOO_LONG")
    long = [record(ANN, 1, 0, create(A, text="x" * 4096))]
    long += [record(ANN, 1 + n, n, edit(A, [4096 * n, "y" * 4096])) for n in range(1, 16)]
    yield Case("a text as long as it may be", long, APPLIED)
    yield Case("a text too long", [*long, record(ANN, 17, 16, edit(A, [65536, "z"]))], "TEXT_TOO_LONG")
    start = [record(ANN, 1, 0, create(A, text="hello")), record(BOB, 1, 1, edit(A, [1, "u", -1, 3]))]
    yield Case("edits at one place", [*start, record(ANN, 2, 1, edit(A, [1, "ä", 4]))], APPLIED)
    yield Case("edits of what was taken out", [*start, record(ANN, 2, 1, edit(A, [1, -1, 3]))], APPLIED)
    stale = [*start, record(BOB, 2, 1, edit(A, [5, "!"]))]
    yield Case("an edit before one's own last", stale, "STALE_TEXT")
    wide = [record(ANN, 1, 0, create(A, text="🎬漢")), record(BOB, 1, 1, edit(A, [1, "e\u0301", 1]))]
    yield Case("code points, not units", [*wide, record(ANN, 2, 1, edit(A, [2, "!"]))], APPLIED)
    twice = record(BOB, 1, 1, edit(A, [5, "a"]), edit(A, [6, "b"]))
    yield Case("two edits of a text in a batch", [start[0], twice], "INVALID_BATCH")


def _pieces(*pieces: TextPiece) -> Operation:
    return Operation(edit_text=EditTextOperation(id=A, pieces=pieces))


def restores() -> Iterator[Case]:
    """Undo of fields."""
    start = [record(ANN, 1, 0, create(A), internal(B)), record(ANN, 2, 1, fields(A, color(7)), move(A, 1, 1, seen=1))]
    yield Case("an undo", [*start, record(ANN, 3, 2, restore(A, color(0xFF0000), 2, 1))], APPLIED)
    there = FieldValue(field="position", position=Position(x=100, y=-200))
    yield Case("an undo of a move", [*start, record(ANN, 3, 2, restore(A, there, 2, 1))], APPLIED)
    yield Case("an undo of a creation", [*start, record(ANN, 3, 2, restore(A, _gone(), 1, 1))], APPLIED)
    changed = [*start, record(BOB, 1, 2, fields(A, color(9)))]
    void = record(ANN, 3, 3, restore(A, color(1), 2, 1), create(C), restore(A, there, 2, 1))
    yield Case("an undo that others made void", [*changed, void], APPLIED)
    again = record(BOB, 2, 3, restore(A, color(7), 3, 2))
    yield Case("an undo by somebody else than the author", [*changed, again], APPLIED)
    yield Case("an undo of an audience", [*start, record(ANN, 3, 2, restore(B, audience(), 1, 1))], APPLIED)
    early = record(ANN, 3, 2, restore(A, color(1), 2, 0))
    yield Case("a stamp before the creation", [*start, early], "INVALID_STAMP")
    future = record(ANN, 3, 2, restore(A, color(1), 3, 1))
    yield Case("a stamp from the future", [*start, future], "INVALID_STAMP")
    text = record(ANN, 3, 2, restore(A, FieldValue(field="text", flag=True), 2, 1))
    yield Case("an undo of a text", [*start, text], "INVALID_FIELD")
    wrong = restore(A, audience(7), 2, 1)  # type: ignore[arg-type]
    yield Case("an undo to no audience", [*start, record(ANN, 3, 2, wrong)], "INVALID_AUDIENCE")
    far = restore(A, FieldValue(field="left", number=FAR), 2, 1)
    yield Case("an undo to an edge far out", [*start, record(ANN, 3, 2, far)], "INVALID_BOX")
    yield Case("an undo by who may not", [*start, _by_gil(restore(A, color(1), 2, 1))], "NOT_YOURS")


def _gone() -> FieldValue:
    return FieldValue(field="deleted", flag=True)


def _by_gil(operation: Operation) -> Record:
    return record(GIL, 1, 2, operation, permissions=GUEST)


def numbers() -> Iterator[Case]:
    """Exactly once."""
    first = record(ANN, 1, 0, create(A))
    other = record(ANN, 1, 0, create(B))
    yield Case("the same again", [first, first], DUPLICATE)
    yield Case("the number with other content", [first, other], DUPLICATE)
    yield Case("the number of somebody else's client", [first, record(ANN, 1, 1, move(A, 0, 0), person="eve")], APPLIED)
    refused = record(ANN, 2, 1, move(C, 0, 0))
    yield Case("a refusal again", [first, refused, refused], DUPLICATE)
    yield Case("after a refusal", [first, refused, record(ANN, 3, 1, move(A, 0, 0))], "ABORTED")
    yield Case("a gap", [first, record(ANN, 3, 1, move(A, 0, 0))], "OUT_OF_ORDER")
    yield Case("an unknown client in the middle", [record(ANN, 2, 0, create(A))], "OUT_OF_ORDER")
    yield Case("number nought", [record(ANN, 0, 0, create(A))], IGNORED)
    many = [first, *(record(ANN, n, n - 1, move(A, n, n)) for n in range(2, 12))]
    yield Case("a number that left the window", [*many, first], IGNORED)
    yield Case("a number still in the window", [*many, many[3]], DUPLICATE)
    yield Case("a client_id too short", [record(b"ann", 1, 0, create(A), person="ann")], "INVALID_CLIENT")
    yield Case("no operations", [record(ANN, 1, 0)], "INVALID_BATCH")
    yield Case("too many operations", [record(ANN, 1, 0, *[create(key(n)) for n in range(1001)])], "INVALID_BATCH")
    yield Case("who may not write", [record(ANN, 1, 0, create(A), permissions=VIEWER)], "MAY_NOT_ANNOTATE")
    yield Case("refused before it was appended", [_refused()], "OPERATION_TOO_LARGE")
    half = record(ANN, 2, 1, move(A, 1, 1), deleted(A), fields(A, color(-1)), move(A, 2, 2))
    yield Case("all or nothing", [first, half], "INVALID_STYLE")
    late = record(ANN, 2, 1, move(A, 1, 1), deleted(A), move(C, 2, 2))
    yield Case("all or nothing, on the document", [first, late], "NOT_FOUND")
    yield Case(
        "made in the same batch", [record(ANN, 1, 0, create(A), reply(B, A), move(A, 1, 1), edit(A, ["x"]))], APPLIED
    )


def _refused() -> Record:
    large = record(ANN, 1, 0, create(A))
    large.batch.CopyFrom(Batch(client_seq=1))
    large.refused.CopyFrom(refusal("OPERATION_TOO_LARGE", 0))
    return large


def bases() -> Iterator[Case]:
    """Old, future and foreign bases."""
    first = record(ANN, 1, 0, create(A))
    second = record(ANN, 2, 1, move(A, 1, 1, seen=1))
    yield Case("a base in the future", [first, record(ANN, 2, 2, move(A, 0, 0))], "STALE_BASE")
    yield Case("a base below nothing", [first, record(ANN, 2, -1, move(A, 0, 0))], "STALE_BASE")
    yield Case("another epoch", [first, record(ANN, 2, 1, move(A, 0, 0), epoch=2)], "STALE_BASE")
    yield Case("any epoch", [first, record(ANN, 2, 1, move(A, 0, 0), epoch=0)], APPLIED)
    yield Case(
        "an unknown client of another epoch", [first, record(BOB, 1, 1, move(A, 0, 0), epoch=2)], "UNKNOWN_CLIENT"
    )
    month = NOW_MS + 31 * DAY_MS
    yield Case("a month later", [first, record(BOB, 1, 1, move(A, 0, 0), time_ms=month)], APPLIED)
    yield Case("a base of last month", [first, record(BOB, 1, 0, create(B), time_ms=month)], "UNKNOWN_CLIENT")
    awake = [first, second, record(BOB, 1, 2, move(A, 0, 0, seen=2), time_ms=month - 5 * DAY_MS)]
    behind = record(BOB, 2, 1, move(A, 0, 0), time_ms=month)
    yield Case("a known client with a base of last month", [*awake, behind], "STALE_BASE")
    yield Case("a client forgotten", [first, record(ANN, 2, 1, move(A, 0, 0), time_ms=month)], "OUT_OF_ORDER")
    yield Case("a client forgotten that begins anew", [first, record(ANN, 1, 1, create(B), time_ms=month)], APPLIED)
    back = record(BOB, 1, 1, move(A, 0, 0), time_ms=NOW_MS - 5000)
    yield Case("a clock that went back", [first, back], APPLIED)
    yield Case("a time out of range", [first, record(BOB, 1, 1, move(A, 0, 0), time_ms=-(1 << 60))], APPLIED)


def moves() -> Iterator[Case]:
    """Concurrent moves end at their mean."""
    first = record(ANN, 1, 0, create(A))
    two = [first, record(ANN, 2, 1, move(A, 10, -11, seen=1)), record(BOB, 1, 1, move(A, 21, -20, seen=1))]
    yield Case("the mean of two", two, APPLIED)
    yield Case("and of three", [*two, record(GIL, 1, 1, move(A, -50, 3, seen=1))], APPLIED)
    yield Case("having seen one", [*two, record(GIL, 1, 2, move(A, -50, 3, seen=2))], APPLIED)
    yield Case("having seen all", [*two, record(GIL, 1, 3, move(A, -50, 3, seen=3))], APPLIED)
    yield Case("one's own again", [*two, record(ANN, 3, 1, move(A, 100, 100, seen=1))], APPLIED)
    many = [record(key(200 + n), 1, 1, move(A, n * 10, n, seen=1), person=f"p{n}") for n in range(18)]
    yield Case("no more than sixteen", [first, *many], APPLIED)
    undone = restore(A, FieldValue(field="position", position=Position(x=10, y=-11)), 3, 2)
    yield Case("undone, the other's stays", [*two, record(BOB, 2, 3, undone)], APPLIED)


def threads() -> Iterator[Case]:
    """Threads and audiences."""
    thread = [record(ANN, 1, 0, internal(A, text="secret")), record(BOB, 1, 1, reply(B, A), reply(C, B))]
    yield Case("a reply has its thread's audience", thread, APPLIED)
    yield Case("a reply is not published", [*thread, record(ANN, 2, 2, fields(B, audience()))], "AUDIENCE_OF_REPLY")
    publication = record(ANN, 2, 2, move(A, 1, 1), fields(A, audience()), reply(key(9), A), create(key(10)))
    yield Case("a thread is published", [*thread, publication], APPLIED)
    mixed = record(BOB, 2, 2, move(A, 1, 1), create(key(9)), deleted(B))
    yield Case("hidden and not", [*thread, mixed], APPLIED)
    mine = [record(GIL, 1, 0, create(A), permissions=GUEST), record(ANN, 1, 1, reply(B, A))]
    settle = record(GIL, 2, 2, fields(B, resolved()), fields(A, resolved()), permissions=GUEST)
    yield Case("settled by who started the thread", [*mine, settle], APPLIED)
    more = record(GIL, 2, 2, fields(B, resolved(), color(1)), permissions=GUEST)
    yield Case("but no more than settled", [*mine, more], "NOT_YOURS")
    back = FieldValue(field="resolved", flag=False)
    undo = record(GIL, 3, 3, restore(B, back, 3, 2), permissions=GUEST)
    yield Case("and that undone", [*mine, settle, undo], APPLIED)
    given = record(ANN, 2, 2, reply(key(9), A, audience=AUDIENCE_CLIENT))
    yield Case("whatever a reply says", [*thread, given], APPLIED)


def cases() -> list[Case]:
    """All of them."""
    groups = (creations, lists, changes, settings, texts, restores, numbers, bases, moves, threads)
    return [case for group in groups for case in group()]
