"""What of a file is added: what is new, once."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.annotation.v1 import annotation_pb2 as pb
from rushes.annotation.v1.annotation_pb2 import Annotation
from rushes.annotation.v1.operation_pb2 import Operation
from rushes.document import text
from rushes.document.operation import check_operation
from rushes.exchange import arrival, format
from rushes.exchange.arrival import Plan
from rushes.exchange.notes import Notes, VideoFacts
from rushes.type.v1.access_pb2 import AUDIENCE_CLIENT, AUDIENCE_INTERNAL, Audience
from tests.unit.rushes_exchange.sample import ANN, BEN, NAMES, all_notes, annotations, comment, key, notes, video

READ = ("json", "otio", "otio-markers", "edl", "resolve")


def planned(
    data: bytes,
    name: str,
    here: Sequence[Annotation] = (),
    *,
    audience: Audience.ValueType = AUDIENCE_CLIENT,
    facts: VideoFacts | None = None,
) -> Plan:
    """What importing a file into a video with these notes does."""
    into = facts or video()
    ids = itertools.count(1 << 64)
    shown = format.shown(Notes(into, here, NAMES), name)
    found = format.read(data, name, into)
    return arrival.plan(found, here, shown, frame_count=250, audience=audience, new_id=lambda: key(next(ids)))


def applied(operations: Sequence[Operation], here: Sequence[Annotation] = (), person: str = BEN) -> list[Annotation]:
    """The notes once the operations have landed."""
    made = {annotation.id: annotation for annotation in here}
    for operation in operations:
        check_operation(operation)
        if operation.HasField("create"):
            annotation = Annotation()
            annotation.CopyFrom(operation.create.annotation)
            assert annotation.id not in made
            assert not annotation.parent_id or annotation.parent_id in made
            annotation.author_id = person
            made[annotation.id] = annotation
        else:
            edited = made[operation.edit_text.id]
            edited.text = text.apply(edited.text, text.from_pieces(operation.edit_text.pieces))
    return list(made.values())


@pytest.mark.parametrize("name", READ)
@settings(max_examples=25, deadline=None)
@given(written=all_notes())
def test_what_left_this_video_adds_nothing_to_it(name: str, written: Notes) -> None:
    plan = planned(format.write(written, name), name, written.annotations, facts=written.video)
    assert (plan.items, plan.operations, plan.differs, plan.left_out) == ([], [], [], [])


@pytest.mark.parametrize("name", READ)
@settings(max_examples=25, deadline=None)
@given(written=all_notes())
def test_the_same_file_adds_its_notes_to_another_video_once(name: str, written: Notes) -> None:
    data = format.write(written, name)
    first = planned(data, name, facts=written.video)
    assert first.left_out == []
    added = applied(first.operations)
    again = planned(data, name, added, facts=written.video)
    assert (again.operations, again.here) == ([], len(added))


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_an_export_and_its_import_are_equal_notes(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(("json", "otio", "otio-markers")))
    written = notes(video(), *(data.draw(annotations(video(), number)) for number in range(1, 5)))
    added = applied(planned(format.write(written, name), name).operations)
    origins = {each.origin.annotation_id: each for each in added}
    assert set(origins) == {each.id for each in written.annotations}
    ids = {each.origin.annotation_id: each.id for each in added}
    for before in written.annotations:
        after = origins[before.id]
        expected = Annotation()
        expected.CopyFrom(before)
        expected.id = after.id
        expected.author_id, expected.created_ms = BEN, 0
        expected.parent_id = ids[before.parent_id] if before.parent_id else b""
        expected.origin.CopyFrom(pb.Origin(video_id=7, annotation_id=before.id, author_id=before.author_id))
        assert after == expected


def test_two_equal_notes_of_a_file_are_two_and_stay_two() -> None:
    data = b"TITLE: x\n* LOC: 00:00:01:00 RED ok\n* LOC: 00:00:01:00 RED ok\n"
    first = planned(data, "edl")
    assert len(first.items) == 2
    added = applied(first.operations)
    assert planned(data, "edl", added).operations == []
    assert len(planned(data, "edl", added[:1]).items) == 1


def test_an_edl_that_went_through_a_suite_adds_only_what_was_added_there() -> None:
    here = [comment(1, 24, "Fix\nthis"), comment(2, 48, "ok", resolved=True)]
    data = (
        b"TITLE: x\n* LOC: 00:00:01:00 BLUE Ann: Fix this\n* LOC: 00:00:02:00 RED Ann: ok\n* LOC: 00:00:03:00 RED new\n"
    )
    plan = planned(data, "edl", here)
    assert [(item.annotation.first_frame, item.annotation.text) for item in plan.items] == [(72, "new")]
    assert plan.here == 2


def test_a_note_that_was_deleted_here_does_not_come_back() -> None:
    here = [comment(1, 24, "no", deleted=True)]
    assert planned(format.write(notes(video(), comment(1, 24, "no")), "otio"), "otio", here).operations == []


def test_a_note_that_the_file_shows_otherwise_is_named_and_left_as_it_is() -> None:
    data = format.write(notes(video(), comment(1, 24, "as it was"), comment(2, 24, "same")), "otio")
    plan = planned(data, "otio", [comment(1, 24, "as it is"), comment(2, 24, "same")])
    assert (plan.operations, plan.here) == ([], 2)
    assert [item.annotation.text for item in plan.differs] == ["as it was"]


def test_a_note_carried_back_to_where_it_came_from_is_known() -> None:
    carried = comment(9, 24, "x", origin=pb.Origin(video_id=1, annotation_id=key(1), author_id=ANN))
    assert planned(format.write(notes(video(), carried), "otio"), "otio", [comment(1, 24, "x")]).operations == []


def test_replies_come_after_their_parents_whatever_the_files_order() -> None:
    thread = comment(3, 1, "c", parent_id=key(2)), comment(2, 1, "b", parent_id=key(1)), comment(1, 1, "a")
    added = applied(planned(format.write(notes(video(), *thread), "otio"), "otio").operations)
    by_text = {each.text: each for each in added}
    assert by_text["c"].parent_id == by_text["b"].id
    assert by_text["b"].parent_id == by_text["a"].id


def test_a_reply_to_what_is_here_is_a_reply_and_one_to_nothing_stands_alone() -> None:
    written = notes(video(), comment(5, 1, "yes", parent_id=key(1)), comment(6, 1, "lost", parent_id=key(77)))
    here = [comment(1, 1, "a")]
    added = applied(planned(format.write(written, "json"), "json", here).operations, here)
    assert [each.parent_id for each in added[1:]] == [key(1), b""]


def test_replies_in_a_circle_lose_it() -> None:
    circle = [comment(number, 1, "x", parent_id=key(parent)) for number, parent in ((1, 2), (2, 1), (3, 3))]
    plan = planned(format.write(notes(video(), *circle), "json"), "json")
    assert sorted(bool(each.parent_id) for each in applied(plan.operations)) == [False, False, True]


def test_internal_notes_stay_internal_and_all_can_be_made_so() -> None:
    written = notes(video(), comment(1, 1, "ours", audience=AUDIENCE_INTERNAL), comment(2, 1, "theirs"))
    data = format.write(written, "otio")
    assert [each.annotation.audience for each in planned(data, "otio").items] == [AUDIENCE_INTERNAL, AUDIENCE_CLIENT]
    all_internal = planned(data, "otio", audience=AUDIENCE_INTERNAL)
    assert {each.annotation.audience for each in all_internal.items} == {AUDIENCE_INTERNAL}
    (foreign,) = planned(b"TITLE: x\n* LOC: 00:00:01:00 RED a", "edl", audience=AUDIENCE_INTERNAL).items
    assert foreign.annotation.audience == AUDIENCE_INTERNAL


@settings(max_examples=25, deadline=None)
@given(st.integers(4000, 30_000), st.sampled_from(("a", "ä", "漢", "🎬")))
def test_a_long_text_comes_whole(length: int, letter: str) -> None:
    said = ("word " + letter) * (length // 6 // len(letter.encode()))
    plan = planned(format.write(notes(video(), comment(1, 1, said)), "json"), "json")
    assert [each.text for each in applied(plan.operations)] == [said]


def test_what_no_document_takes_is_left_out_with_the_reason() -> None:
    far = Annotation(id=key(1), kind=pb.ANNOTATION_KIND_RECT, position=pb.Position(x=1 << 21), audience=AUDIENCE_CLIENT)
    plan = planned(format.write(notes(video(), far, comment(2, 3, "fine")), "json"), "json")
    assert [item.annotation.text for item in plan.items] == ["fine"]
    assert plan.left_out == ["frame      0  rect: the position is missing or out of range"]


def test_stored_attachments_stay_where_they_are_and_links_come_along() -> None:
    attachments = [
        pb.Attachment(id="a", blob="secret"),
        pb.Attachment(id="b", link="https://example.com", title="look"),
    ]
    data = format.write(notes(video(), comment(1, 1, "x", attachments=attachments)), "json")
    (item,) = planned(data, "json").items
    assert [each.id for each in item.annotation.attachments] == ["b"]
