"""What readers of one kind receive."""

from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.document import Document, wire
from svc_annotation.core import frame, landed, lane
from svc_annotation.core.landed import CLIENT, INTERNAL, Landed, Recent
from svc_annotation.core.lane import Frame, Lanes, full_frames, merged_frames
from svc_annotation.core.row import Change
from tests.unit.svc_annotation.annotation_kit import VIDEO, Writer, create, identity, insert, move, publish


def decode(each: Frame) -> service.CollaborateResponse:
    return service.CollaborateResponse.FromString(each.payload)


def some_batches() -> list[Landed]:
    writer = Writer(Document(VIDEO, 1))
    folded = [
        writer.fold(create("open", text="for all")),
        writer.fold(create("secret", audience=INTERNAL, text="canary")),
        writer.fold(move("secret", 1, 2, 2), move("open", 3, 4, 2)),
        writer.fold(move("secret", 5, 6, 3)),
        writer.fold(publish("secret")),
        writer.fold(move("secret", 7, 8, 5)),
    ]
    return [each.landed for each in folded if each.landed is not None]


def test_the_full_lane_of_internal_readers_holds_every_commit_in_one_frame() -> None:
    [only] = full_frames(0, some_batches(), INTERNAL)
    assert (only.from_revision, only.to_revision) == (0, 6)
    assert [commit.revision for commit in decode(only).committed.commits] == [1, 2, 3, 4, 5, 6]


def test_the_full_lane_of_clients_says_progress_in_the_place_of_what_is_internal() -> None:
    frames = full_frames(0, some_batches(), CLIENT)
    assert [(each.from_revision, each.to_revision) for each in frames] == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 6)]
    kinds = [decode(each).WhichOneof("message") for each in frames]
    assert kinds == ["committed", "progress_revision", "committed", "progress_revision", "committed"]
    assert [len(commit.operations) for commit in decode(frames[2]).committed.commits] == [1]
    assert b"canary" not in b"".join(each.payload for each in frames[:4])


def test_a_publication_reaches_clients_as_the_present_state() -> None:
    *_, last = full_frames(0, some_batches(), CLIENT)
    [published, moved] = decode(last).committed.commits
    assert published.operations[0].present.state.annotation.text == "canary"
    assert published.operations[0].present.state.annotation.position.x == 5
    assert moved.operations[0].move.to.x == 7


def test_the_merged_lane_holds_each_annotation_once_as_it_is() -> None:
    [only] = merged_frames(0, some_batches(), INTERNAL)
    merged = decode(only).merged
    assert (merged.from_revision, merged.to_revision) == (0, 6)
    assert {state.annotation.id: state.annotation.position.x for state in merged.annotations} == {
        identity("open"): 3,
        identity("secret"): 7,
    }


def test_the_merged_lane_of_clients_never_holds_what_is_internal() -> None:
    [only] = merged_frames(0, some_batches()[:4], CLIENT)
    assert [state.annotation.id for state in decode(only).merged.annotations] == [identity("open")]
    [hidden] = merged_frames(3, some_batches()[3:4], CLIENT)
    assert decode(hidden).progress_revision == 4


def test_frames_are_cut_before_they_grow_too_large() -> None:
    big = [Landed(n, bytes(400_000), None, (Change(bytes([n]), bytes(400_000)),)) for n in range(1, 6)]
    for frames in (full_frames(0, big, INTERNAL), merged_frames(0, big, INTERNAL)):
        assert [(each.from_revision, each.to_revision) for each in frames] == [(0, 2), (2, 4), (4, 5)]
        assert all(len(each.payload) <= lane.MAX_FRAME_BYTES + 100 for each in frames)


def test_a_batch_whose_states_fit_into_no_frame_goes_as_a_commit_on_the_merged_lane() -> None:
    states = tuple(Change(bytes([n]), bytes(300_000)) for n in range(5))
    small = Landed(1, b"\x18\x01", None, (Change(b"x", b""),))
    frames = merged_frames(0, [small, Landed(2, b"\x08\x02", None, states), small], INTERNAL)
    assert [decode(each).WhichOneof("message") for each in frames[:2]] == ["merged", "committed"]


def test_frames_are_encoded_once_for_all_who_are_at_the_same_place() -> None:
    recent = Recent(0)
    for each in some_batches():
        recent.add(each)
    lanes = Lanes(recent)
    assert lanes.frames(INTERNAL, False, 2, 5) is lanes.frames(INTERNAL, False, 2, 5)
    assert lanes.frames(CLIENT, False, 5, 5) == []
    assert [(each.from_revision, each.to_revision) for each in lanes.frames(INTERNAL, True, 2, 5)] == [(2, 5)]


def test_frames_that_nobody_has_asked_for_in_a_while_are_not_kept() -> None:
    recent = Recent(0)
    for each in some_batches():
        recent.add(each)
    lanes = Lanes(recent)
    first = lanes.frames(INTERNAL, False, 0, 1)
    for to in range(2, 7):
        for after in range(to):
            lanes.frames(INTERNAL, False, after, to)
            lanes.frames(INTERNAL, True, after, to)
    again = lanes.frames(INTERNAL, False, 0, 1)
    assert again == first
    assert again is not first


def test_the_newest_batches_are_kept_in_bounds_but_never_what_is_still_needed() -> None:
    recent = Recent(0)
    for revision in range(1, landed.MAX_REVISIONS + 11):
        recent.add(Landed(revision, b"", None, ()))
    assert recent.start == 0
    recent.need(5)
    assert recent.start == 5
    recent.need(landed.MAX_REVISIONS)
    assert recent.start == 10
    recent.add(Landed(landed.MAX_REVISIONS + 11, b"", None, ()))
    assert recent.start == 11
    assert recent.holds(11)
    assert not recent.holds(10)
    assert [each.revision for each in recent.since(landed.MAX_REVISIONS + 9)] == [10_010, 10_011]
    assert len(list(recent.since(11))) == landed.MAX_REVISIONS
    for after in (11, 12, 5_000, 5_011, 5_012, 10_000, 10_010, 10_011):
        assert [each.revision for each in recent.since(after)] == list(range(after + 1, 10_012))


def test_frames_put_together_are_what_the_generated_classes_write() -> None:
    writer = Writer(Document(VIDEO, 1))
    writer.fold(create("a", text="x" * 300))
    writer.fold(create("b"), insert("b", "hello"))
    states = writer.document.annotations
    encoded = [state.SerializeToString() for state in states]
    pairs = [
        (
            frame.merged(0, 300, encoded),
            service.CollaborateResponse(merged=service.Merged(to_revision=300, annotations=states)),
        ),
        (
            frame.snapshot_part(2, 1, True, map(wire.delimited, encoded)),
            service.CollaborateResponse(
                snapshot_part=service.SnapshotPart(revision=2, index=1, last=True, annotations=states)
            ),
        ),
        (frame.progress(0), service.CollaborateResponse(progress_revision=0)),
        (frame.progress(1 << 40), service.CollaborateResponse(progress_revision=1 << 40)),
        (frame.presence([], 5), service.CollaborateResponse(presence=service.Presence(more=5))),
    ]
    for put_together, message in pairs:
        assert put_together == message.SerializeToString()
