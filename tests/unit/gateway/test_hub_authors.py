"""Whom the numbers of a lane mean: told before the first commit that says one, whichever way a viewer came there."""

import pytest

from gateway.core.authors import MAX_AUTHORS, Authors
from gateway.core.lane import MAX_REVISIONS
from gateway.core.socket import message_frame
from gateway.core.viewer import FULL, MERGED, Send, Viewer
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import relay_service_pb2 as relay
from svc_annotation.core import authors as service_authors
from tests.unit.gateway.hub_rig import NUMBERED, Rig, author, named, said


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.opened()
    return rig


def told(*numbers: int) -> bytes:
    """What a viewer is sent of these authors."""
    committed = service.Committed(authors=list(map(author, numbers)))
    return message_frame(service.CollaborateResponse(committed=committed).SerializeToString())


def wanted(rig: Rig) -> list[relay.Lane]:
    lanes = [each.want.lane for each in rig.upstream if each.WhichOneof("message") == "want"]
    rig.upstream.clear()
    return lanes


def auto(rig: Rig) -> Viewer:
    """A viewer that leaves its lane to the gateway, which is over its budget."""
    viewer = rig.live(0, service.DELIVERY_AUTO, numbers=True)
    rig.say(crowd=relay.RelayCrowd(merging_saves=True))
    rig.do(rig.hub.tick(0.0))
    rig.numbered(1, 1)
    rig.do(rig.hub.tick(1.0))
    rig.attached(viewer, opened=b"")
    return viewer


def test_who_asks_for_numbers_has_a_lane_beside_those_who_do_not(rig: Rig) -> None:
    new, old = rig.live(0, numbers=True), rig.live(0)
    lanes = wanted(rig)
    assert [lane.numbers_authors for lane in lanes] == [True, False]
    brief, whole = rig.numbered(1, 1), rig.commit(1)
    assert (rig.sent[new.session], rig.sent[old.session]) == ([brief], [whole])


def test_who_joins_is_told_of_all_who_were_named_before_what_came_after_the_snapshot(rig: Rig) -> None:
    first = rig.join(numbers=True)
    rig.attached(first)
    parts = rig.snapshot(5, numbered=True)
    rig.names(5, 2, 3)
    sixth = rig.numbered(6, 6)
    assert rig.sent[first.session][1:] == [*parts, told(2, 3), sixth]
    second = rig.join(numbers=True)
    rig.attached(second)
    assert rig.sent[second.session][1:] == [*parts, told(2, 3, 6), sixth]


def test_who_resumes_is_told_of_all_who_were_named(rig: Rig) -> None:
    rig.live(0, numbers=True)
    frames = [rig.numbered(revision, revision) for revision in (1, 2, 3)]
    viewer = rig.join(resume=2, numbers=True)
    rig.attached(viewer)
    assert rig.sent[viewer.session][1:] == [told(1, 2, 3), frames[2]]


def test_who_has_more_than_the_gateway_is_told_of_whom_the_commits_up_to_there_named(rig: Rig) -> None:
    rig.live(0, numbers=True)
    rig.numbered(1, 1)
    viewer = rig.join(resume=4, numbers=True)
    rig.attached(viewer)
    for revision in (2, 3, 4):
        rig.numbered(revision, revision)
    fifth = rig.numbered(5)
    assert rig.sent[viewer.session][-2:] == [told(1, 2, 3, 4), fifth]


def test_who_keeps_up_hears_of_authors_with_their_commits_alone(rig: Rig) -> None:
    viewer = rig.live(0, numbers=True)
    frames = [rig.numbered(1, 1), rig.numbered(2), rig.numbered(3, 3)]
    rig.hub.congested(viewer.session, rig.now)
    frames += [rig.numbered(4, 4), rig.numbered(5)]
    rig.do(rig.hub.left(viewer.session, 0, rig.now))
    assert rig.sent[viewer.session] == frames
    assert [each.number for each in said(frames[3]).committed.authors] == [4]


def test_a_lane_that_begins_anew_elsewhere_names_to_who_is_on_it_whom_they_have_not_heard_of(rig: Rig) -> None:
    quick, slow = rig.live(0, numbers=True), rig.live(0, numbers=True)
    rig.numbered(1, 1)
    rig.hub.congested(slow.session, rig.now)
    second = rig.numbered(2, 2)
    rig.do(rig.hub.lost(rig.now))
    rig.opened()
    for viewer in (quick, slow):
        rig.attached(viewer)
        rig.sent[viewer.session].clear()
    rig.names(2, 1, 2)
    assert rig.sent[quick.session] == [], "the same as before"
    rig.hub.congested(slow.session, rig.now)
    rig.names(2, 1)
    rig.names(2, 9)
    third = rig.numbered(3)
    rig.do(rig.hub.left(slow.session, 0, rig.now))
    assert rig.sent[quick.session] == rig.sent[slow.session] == [told(1, 2, 9), third]
    assert second != third


def test_a_frame_that_is_thrown_away_names_nobody(rig: Rig) -> None:
    viewer = rig.live(0, numbers=True)
    rig.numbered(1, 1)
    rig.say(reset=relay.RelayReset(lane=NUMBERED, reset=service.Reset()))
    rig.numbered(2, 2)
    rig.snapshot(7, numbered=True)
    rig.numbered(9, 9)
    rig.names(7, 4)
    assert rig.sent[viewer.session][-1] == told(4)


def test_a_lane_begun_anew_from_a_snapshot_forgets_whom_it_named(rig: Rig) -> None:
    viewer = rig.live(0, numbers=True)
    rig.numbered(1, 1)
    rig.say(reset=relay.RelayReset(lane=NUMBERED, reset=service.Reset()))
    rig.sent[viewer.session].clear()
    parts = rig.snapshot(7, numbered=True)
    rig.names(7, 4)
    assert rig.sent[viewer.session][-3:] == [*parts, told(4)]


def test_who_comes_over_from_merged_states_is_told_of_all_who_were_named_meanwhile() -> None:
    rig = Rig(merge_bytes_s=10)
    rig.opened()
    viewer = auto(rig)
    merged = rig.commit(2, delivery=MERGED, since=1)
    assert (viewer.serving, rig.sent[viewer.session][-1]) == (MERGED, merged)
    rig.numbered(2, 2)
    for second in range(2, 14):
        rig.do(rig.hub.tick(float(second)))
    rig.attached(viewer, opened=b"")
    third = rig.numbered(3)
    assert (viewer.serving, rig.sent[viewer.session][-3:]) == (FULL, [merged, told(1, 2), third])


def test_whom_a_lane_says_numbers_for_is_one_frame_for_all_who_are_told_at_once(rig: Rig) -> None:
    viewers = tuple(rig.live(0, numbers=True).session for _ in range(3))
    broadcast = relay.RelayBroadcast(lane=NUMBERED, authors=named(4))
    assert rig.hub.receive(relay.RelayResponse(broadcast=broadcast), rig.now) == [Send(viewers, told(4))]


def test_all_who_come_over_from_merged_states_at_once_are_told_in_one_frame() -> None:
    rig = Rig(merge_bytes_s=10)
    rig.opened()
    first = rig.live(0, service.DELIVERY_AUTO, numbers=True)
    second = auto(rig)
    both = first.session, second.session
    rig.attached(first, opened=b"")
    rig.commit(2, delivery=MERGED, since=1)
    rig.numbered(2, 2)
    for tick in range(2, 14):
        rig.do(rig.hub.tick(float(tick)))
    for viewer in (first, second):
        rig.attached(viewer, opened=b"")
    broadcast = relay.RelayBroadcast(lane=NUMBERED, from_revision=2, to_revision=3, response=b"third")
    actions = rig.hub.receive(relay.RelayResponse(broadcast=broadcast), rig.now)
    assert actions == [Send(both, told(1, 2)), Send(both, message_frame(b"third"))]


def test_the_numbered_lane_stays_for_who_may_come_back_to_it() -> None:
    rig = Rig(merge_bytes_s=10)
    rig.opened()
    auto(rig)
    rig.commit(2, delivery=MERGED, since=1)
    rig.asked()
    rig.do(rig.hub.tick(100.0))
    assert "unwant" not in rig.asked()


def test_a_release_that_knows_no_numbers_is_asked_for_none() -> None:
    rig = Rig()
    rig.opened(numbers=False)
    viewer = rig.live(0, numbers=True)
    assert [lane.numbers_authors for lane in wanted(rig)] == [False]
    assert rig.sent[viewer.session] == [rig.commit(1)]


def test_when_a_release_that_knows_no_numbers_takes_over_everybody_goes_on_where_they_were(rig: Rig) -> None:
    quick, slow, joining = rig.live(0, numbers=True), rig.live(0, numbers=True), rig.join(numbers=True)
    rig.numbered(1, 1)
    rig.hub.congested(slow.session, rig.now)
    rig.numbered(2, 2)
    rig.do(rig.hub.lost(rig.now))
    rig.upstream.clear()
    rig.opened(numbers=False)
    assert [lane.numbers_authors for lane in wanted(rig)] == [False]
    for viewer in (quick, slow, joining):
        rig.attached(viewer)
        rig.sent[viewer.session].clear()
    first, second, third = (rig.commit(revision) for revision in (1, 2, 3))
    assert rig.sent[quick.session] == [third]
    assert rig.sent[slow.session] == [second, third]
    assert rig.sent[joining.session] == []
    rig.snapshot(3)
    assert len(rig.sent[joining.session]) == 2
    assert first != second


def test_the_newest_authors_are_kept_and_all_whom_a_cache_may_say_numbers_for() -> None:
    authors = Authors()
    assert authors.frame() == b""
    assert authors.learn(named(*range(1, MAX_AUTHORS + 1)))
    assert not authors.learn(named(1, MAX_AUTHORS))
    assert authors.learn(named(MAX_AUTHORS + 1))
    kept = [each.number for each in said(authors.frame()).committed.authors]
    assert kept == list(range(2, MAX_AUTHORS + 2))
    assert MAX_AUTHORS >= MAX_REVISIONS + service_authors.MAX_AUTHORS
