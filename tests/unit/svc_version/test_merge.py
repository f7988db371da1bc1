"""Two versions joined: what one side changed is its, and what both changed is the later's, and told."""

import pytest

from rushes.annotation.v1.annotation_pb2 import ANNOTATION_KIND_COMMENT, Annotation, AnnotationState
from rushes.annotation.v1.operation_pb2 import CreateOperation, FieldValue, Operation, SetFieldsOperation
from rushes.document import limit
from rushes.document.inverse import edit_operation
from rushes.document.text import diff
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL
from svc_version.core.content import Content
from svc_version.core.merge import Conflict, Merged, merge
from svc_version.core.plan import Scope, plan
from tests.unit.svc_version.test_world import NAMES, World

NOTE, OTHER = NAMES[:2]
TAGS = [f"{number:02}" for number in range(limit.MAX_TAGS)]
"""As many as there may be."""
SECRET = Operation(
    create=CreateOperation(
        annotation=Annotation(id=NOTE, kind=ANNOTATION_KIND_COMMENT, audience=AUDIENCE_INTERNAL, text="secret")
    )
)


def note(name: bytes = NOTE, text: str = "hello", tags: list[str] | None = None) -> Operation:
    """A note that clients may read."""
    annotation = Annotation(id=name, kind=ANNOTATION_KIND_COMMENT, audience=AUDIENCE_CLIENT, text=text, tags=tags or [])
    return Operation(create=CreateOperation(annotation=annotation))


def fields(*values: FieldValue) -> Operation:
    """Fields of the note."""
    return Operation(set_fields=SetFieldsOperation(id=NOTE, fields=values))


def colour(number: int) -> Operation:
    return fields(FieldValue(field="style/color", number=number))


def tag(name: str, there: bool) -> FieldValue:
    return FieldValue(field=f"tags/{name}", flag=there)


def typed(before: str, after: str) -> Operation:
    return edit_operation(NOTE, diff(before, after))


def content(*steps: Operation) -> Content:
    """The notes after these, a moment after each other."""
    world = World()
    for step in steps:
        assert world.write([step])
    return world.content()


def joined(base: list[Operation], theirs: list[Operation], ours: list[Operation]) -> Merged:
    return merge(content(*base), content(*base, *theirs), content(*base, *ours))


def now(merged: Merged, name: bytes = NOTE) -> Annotation:
    """A note of what became of it."""
    return AnnotationState.FromString(merged.content[name].state).annotation


def test_what_either_side_alone_has_changed_is_all_there() -> None:
    merged = joined([note()], [colour(7), note(OTHER)], [fields(tag("grade", True)), typed("hello", "hello you")])
    assert (now(merged).style.color, list(now(merged).tags), now(merged).text) == (7, ["grade"], "hello you")
    assert set(merged.content) == {NOTE, OTHER}
    assert merged.conflicts == []


@pytest.mark.parametrize(("theirs", "wins"), [([colour(1)], False), ([fields(tag("a", True)), colour(1)], True)])
def test_of_what_both_changed_the_later_stays_and_of_the_same_moment_ours(theirs: list[Operation], wins: bool) -> None:
    merged = joined([note()], theirs, [colour(2)])
    assert now(merged).style.color == (1 if wins else 2)
    assert merged.conflicts == [Conflict(NOTE, "style/color", wins, internal=False)]


def test_what_both_changed_to_the_same_is_no_conflict() -> None:
    merged = joined([note()], [fields(tag("b", True)), colour(3)], [colour(3)])
    assert now(merged).style.color == 3
    assert merged.conflicts == []


def test_texts_that_both_changed_hold_both_changes() -> None:
    merged = joined([note()], [typed("hello", "hello you")], [typed("hello", "oh hello")])
    assert now(merged).text == "oh hello you"
    assert merged.conflicts == [Conflict(NOTE, "text", False, internal=False)]


def test_a_conflict_of_an_internal_note_is_internal() -> None:
    merged = joined([SECRET], [colour(1)], [colour(2)])
    assert merged.conflicts == [Conflict(NOTE, "style/color", False, internal=True)]


@pytest.mark.parametrize("theirs_is_published", [True, False])
def test_a_note_published_on_one_side_is_that_sides_alone(theirs_is_published: bool) -> None:
    published = [typed("secret", "open"), fields(FieldValue(field="audience", audience=AUDIENCE_CLIENT))]
    hidden = [typed("secret", "secret canary")]
    merged = joined([SECRET], *((published, hidden) if theirs_is_published else (hidden, published)))
    assert (now(merged).audience, now(merged).text) == (AUDIENCE_CLIENT, "open")


def test_a_full_list_of_tags_has_room_again_before_others_come() -> None:
    swapped = [fields(tag(TAGS[-1], False)), fields(tag("!", True))]
    merged = joined([note(tags=TAGS)], swapped, [colour(1)])
    assert (list(now(merged).tags), now(merged).style.color) == (["!", *TAGS[:-1]], 1)
    before, after = content(note(tags=TAGS)), content(note(tags=TAGS), *swapped)
    planned = plan(list(after.values()), before.get, 3, Scope(see_internal=True))
    assert [operation.restore.value.field for operation in planned.operations] == ["tags/!", f"tags/{TAGS[-1]}"]
    planned = plan(list(before.values()), after.get, 3, Scope(see_internal=True))
    assert [operation.restore.value.field for operation in planned.operations] == [f"tags/{TAGS[-1]}", "tags/!"]


def test_a_tag_too_many_stays_out() -> None:
    merged = joined([note(tags=TAGS[:-1])], [fields(tag("theirs", True))], [fields(tag("ours", True))])
    assert list(now(merged).tags) == [*TAGS[:-1], "ours"]
