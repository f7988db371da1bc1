"""The hub: joins, resumes, fan-out, laggards, lost streams, lanes."""

import pytest
from google.rpc import code_pb2, status_pb2

from gateway.core import hub as hub_module
from gateway.core.lane import Lane, LaneKey
from gateway.core.socket import message_frame
from gateway.core.viewer import FULL, MERGED, State
from rushes.annotation.v1 import annotation_service_pb2 as service
from rushes.annotation.v1 import relay_service_pb2 as relay
from tests.unit.gateway.hub_rig import CLIENT, INTERNAL, Rig, said


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.opened()
    return rig


def test_a_new_viewer_gets_opened_then_the_snapshot_then_what_came_after(rig: Rig) -> None:
    viewer = rig.join()
    rig.attached(viewer, opened=b"hello")
    assert rig.asked() == ["attach", "want"]
    parts = rig.snapshot(5)
    later = rig.commit(6)
    assert rig.sent[viewer.session] == [message_frame(b"hello"), *parts, later]


def test_a_second_viewer_is_served_from_the_cache_alone(rig: Rig) -> None:
    first = rig.join()
    rig.attached(first)
    parts = rig.snapshot(5)
    commits = [rig.commit(6), rig.commit(7)]
    rig.asked()
    second = rig.join()
    rig.attached(second, opened=b"second")
    assert rig.asked() == ["attach"]
    assert rig.sent[second.session] == [message_frame(b"second"), *parts, *commits]


def test_a_resumed_viewer_gets_only_what_it_lacks(rig: Rig) -> None:
    rig.live(0)
    commits = [rig.commit(revision) for revision in range(1, 6)]
    viewer = rig.join(resume=3)
    rig.attached(viewer)
    assert rig.sent[viewer.session][1:] == commits[3:]


def test_a_viewer_ahead_of_this_gateway_waits_for_what_is_new_to_it(rig: Rig) -> None:
    rig.live(0)
    rig.commit(1)
    ahead = rig.join(resume=4)
    rig.attached(ahead)
    rig.sent[ahead.session].clear()
    overlapping = rig.commit(5, since=1)
    assert rig.sent[ahead.session] == [overlapping]


def test_a_resume_older_than_the_cache_is_told_so_and_gets_a_snapshot(rig: Rig) -> None:
    rig.live(1000)
    rig.commit(1001, since=1000)
    viewer = rig.join(resume=3)
    rig.attached(viewer)
    parts = rig.snapshot(1001)
    frames = rig.sent[viewer.session]
    assert said(frames[1]).reset.reason == service.RESET_REASON_COMPACTED
    assert frames[2:] == parts


def test_a_resume_of_another_epoch_counts_for_nothing(rig: Rig) -> None:
    viewer = rig.join(resume=3, epoch=99)
    rig.attached(viewer)
    parts = rig.snapshot(9)
    assert rig.sent[viewer.session][1:] == parts


def test_a_broadcast_goes_to_all_viewers_as_the_same_bytes(rig: Rig) -> None:
    viewers = [rig.live(0) for _ in range(5)]
    frame = rig.commit(1)
    assert all(rig.sent[viewer.session] == [frame] for viewer in viewers)
    assert len({id(rig.sent[viewer.session][0]) for viewer in viewers}) == 1


def test_a_viewer_whose_socket_is_full_costs_a_place_in_the_cache_and_catches_up(rig: Rig) -> None:
    slow, quick = rig.live(0), rig.live(0)
    first = rig.commit(1)
    rig.hub.congested(slow.session, rig.now)
    rest = [rig.commit(revision) for revision in range(2, 6)]
    assert rig.sent[slow.session] == [first]
    assert rig.sent[quick.session] == [first, *rest]
    rig.do(rig.hub.left(slow.session, 0, rig.now))
    assert rig.sent[slow.session] == [first, *rest]
    assert slow.state is State.LIVE


def test_catching_up_goes_in_pieces(rig: Rig) -> None:
    slow = rig.live(0)
    rig.hub.congested(slow.session, rig.now)
    for revision in range(1, 6):
        rig.commit(revision, size=hub_module.CATCH_UP_BYTES // 2)
    rig.do(rig.hub.left(slow.session, 0, rig.now))
    assert len(rig.sent[slow.session]) == 2
    assert list(rig.hub.behind()) == [slow.session]


def test_a_viewer_that_does_not_read_is_cut_with_where_to_resume(rig: Rig) -> None:
    slow = rig.live(0)
    rig.commit(1)
    rig.hub.ack(slow.session, 1, rig.now)
    rig.hub.congested(slow.session, rig.now)
    rig.now += hub_module.SLOW_S + 1
    rig.do(rig.hub.tick(rig.now))
    status = rig.ends[slow.session]
    assert status.code == code_pb2.RESOURCE_EXHAUSTED
    assert b"resume_revision" in status.details[0].value
    assert "detach_session" in rig.asked()


def test_a_viewer_that_reads_slowly_is_not_cut_for_it(rig: Rig) -> None:
    slow = rig.live(0)
    rig.hub.congested(slow.session, rig.now)
    rest = [rig.commit(revision, size=hub_module.CATCH_UP_BYTES) for revision in range(1, 4)]
    left_bytes = 10 * hub_module.CATCH_UP_BYTES
    while slow.state is State.BEHIND:
        left_bytes -= hub_module.LOW_BYTES
        sent = len(rig.sent[slow.session])
        rig.do(rig.hub.left(slow.session, left_bytes, rig.now))
        left_bytes += sum(map(len, rig.sent[slow.session][sent:]))
        rig.now += hub_module.SLOW_S - 1
        rig.do(rig.hub.tick(rig.now))
        assert slow.session not in rig.ends
    assert rig.sent[slow.session] == rest


def test_a_viewer_that_stops_reading_in_the_middle_is_cut(rig: Rig) -> None:
    slow = rig.live(0)
    rig.hub.congested(slow.session, rig.now)
    rig.commit(1)
    for left_bytes in (900_000, 800_000, 800_000):
        rig.do(rig.hub.left(slow.session, left_bytes, rig.now))
        rig.now += hub_module.SLOW_S - 1
        rig.do(rig.hub.tick(rig.now))
        assert slow.session not in rig.ends or left_bytes == 800_000
    assert slow.session in rig.ends


def test_a_viewer_that_the_kernel_reads_for_is_found_by_its_acknowledgements(rig: Rig) -> None:
    viewer = rig.live(0)
    for _ in range(2):
        rig.commit(hub_module.UNACKED_REVISIONS + 1, since=0)
        rig.do(rig.hub.tick(rig.now))
        assert viewer.session not in rig.ends
        rig.now += hub_module.SLOW_S - 10
    rig.do(rig.hub.tick(rig.now))
    assert viewer.session in rig.ends


def test_one_who_acknowledges_is_not_cut(rig: Rig) -> None:
    viewer = rig.live(0)
    rig.commit(hub_module.UNACKED_REVISIONS + 1, since=0)
    rig.hub.ack(viewer.session, hub_module.UNACKED_REVISIONS + 1, rig.now)
    rig.now += 1000
    rig.do(rig.hub.tick(rig.now))
    assert not rig.ends


def test_another_epoch_resets_everybody_to_a_snapshot(rig: Rig) -> None:
    viewer = rig.live(0)
    rig.commit(1)
    rig.do(rig.hub.lost(rig.now))
    rig.opened(epoch=2)
    rig.attached(viewer)
    parts = rig.snapshot(0)
    frames = rig.sent[viewer.session]
    reset = said(frames[-3]).reset
    assert (reset.reason, reset.epoch) == (service.RESET_REASON_EPOCH, 2)
    assert frames[-2:] == parts


def test_who_was_behind_in_another_epoch_is_sent_nothing_of_this_one_before_a_snapshot(rig: Rig) -> None:
    slow = rig.live(0)
    rig.hub.congested(slow.session, rig.now)
    rig.commit(1)
    rig.do(rig.hub.lost(rig.now))
    rig.opened(epoch=2)
    rig.sent[slow.session].clear()
    assert list(rig.hub.behind()) == []
    rig.do(rig.hub.left(slow.session, 0, rig.now))
    assert rig.sent[slow.session] == []
    assert not rig.ends


def test_a_lane_that_cannot_go_on_begins_anew_from_a_snapshot(rig: Rig) -> None:
    viewer = rig.live(5)
    reset = service.Reset(reason=service.RESET_REASON_COMPACTED, epoch=1)
    rig.asked()
    rig.say(reset=relay.RelayReset(lane=relay.Lane(audience=INTERNAL, delivery=FULL), reset=reset))
    assert rig.asked() == ["want"]
    parts = rig.snapshot(900)
    assert said(rig.sent[viewer.session][0]).reset.reason == service.RESET_REASON_COMPACTED
    assert rig.sent[viewer.session][1:] == parts


def test_a_refusal_waits_until_its_revision_was_sent(rig: Rig) -> None:
    viewer = rig.live(0)
    rig.say(addressed=relay.RelayAddressed(sessions=[viewer.session], response=b"refused", after_revision=2))
    first = rig.commit(1)
    assert rig.sent[viewer.session] == [first]
    second = rig.commit(2)
    assert rig.sent[viewer.session] == [first, second, message_frame(b"refused")]


def test_who_is_behind_is_told_of_a_refusal_once_it_has_what_came_before(rig: Rig) -> None:
    slow = rig.live(0)
    first = rig.commit(1)
    rig.hub.congested(slow.session, rig.now)
    for after in (1, 2):
        rig.say(
            addressed=relay.RelayAddressed(
                sessions=[slow.session], response=f"refused {after}".encode(), after_revision=after
            )
        )
    second = rig.commit(2)
    assert rig.sent[slow.session] == [first, message_frame(b"refused 1")]
    rig.do(rig.hub.left(slow.session, 0, rig.now))
    assert rig.sent[slow.session][2:] == [second, message_frame(b"refused 2")]


def test_presence_alone_may_be_left_out_and_is_not_sent_to_who_is_behind(rig: Rig) -> None:
    slow, quick = rig.live(0), rig.live(0)
    rig.commit(1)
    rig.hub.congested(slow.session, rig.now)
    addressed = relay.RelayAddressed(sessions=[slow.session, quick.session], response=b"here", droppable=True)
    rig.say(addressed=addressed)
    assert rig.sent[quick.session][1:] == rig.droppable == [message_frame(b"here")]
    assert len(rig.sent[slow.session]) == 1


def test_a_session_ended_by_the_service_ends(rig: Rig) -> None:
    viewer = rig.live(0)
    rig.say(ended=relay.RelayEnded(session=viewer.session, status=status_pb2.Status(code=16)))
    assert rig.ends[viewer.session].code == 16
    rig.commit(1)
    assert rig.sent[viewer.session] == []


def test_audiences_have_lanes_of_their_own(rig: Rig) -> None:
    inside, guest = rig.live(0), rig.join(resume=0)
    rig.attached(guest, audience=CLIENT)
    rig.sent[guest.session].clear()
    frame = rig.commit(1)
    assert rig.sent[inside.session] == [frame]
    assert rig.sent[guest.session] == []


def test_past_the_budget_auto_viewers_are_served_merged_states_and_come_back(rig: Rig) -> None:
    rig = Rig(merge_bytes_s=1000)
    rig.opened()
    auto, full = rig.join(resume=0, delivery=service.DELIVERY_AUTO), rig.join(resume=0)
    rig.attached(auto)
    rig.attached(full)
    rig.do(rig.hub.tick(0.0))
    rig.commit(1, size=5000)
    rig.asked()
    rig.do(rig.hub.tick(1.0))
    assert rig.asked() == [], "not before it is known that it would be less"
    rig.say(crowd=relay.RelayCrowd(viewers=2, gateways=1, merging_saves=True))
    rig.commit(2, size=5000)
    rig.do(rig.hub.tick(2.0))
    assert rig.asked() == ["want", "serve"]
    rig.commit(3, delivery=MERGED)
    assert auto.serving == FULL
    rig.attached(auto, opened=b"")
    both = rig.commit(3)
    merged = rig.commit(4, delivery=MERGED, since=3)
    assert auto.serving == MERGED
    assert rig.sent[auto.session][-2:] == [both, merged]
    fourth = rig.commit(4)
    assert rig.sent[full.session][-1] == fourth
    assert rig.sent[auto.session][-1] == merged
    for second in range(3, 15):
        rig.do(rig.hub.tick(float(second)))
    assert rig.asked() == ["serve"]
    rig.attached(auto, opened=b"")
    fifth = rig.commit(5)
    assert auto.serving == FULL
    assert rig.sent[auto.session][-1] == fifth


def test_who_is_behind_changes_lanes_only_once_it_has_all_of_its_own() -> None:
    rig = Rig(merge_bytes_s=1000)
    rig.opened()
    auto = rig.join(resume=0, delivery=service.DELIVERY_AUTO)
    rig.attached(auto)
    rig.say(crowd=relay.RelayCrowd(merging_saves=True))
    rig.commit(1, size=5000)
    rig.do(rig.hub.tick(1.0))
    rig.attached(auto, opened=b"")
    rig.hub.congested(auto.session, rig.now)
    second = rig.commit(2)
    rig.commit(2, delivery=MERGED, since=1)
    assert auto.serving == FULL
    rig.do(rig.hub.left(auto.session, 0, rig.now))
    assert rig.sent[auto.session][-1] == second
    third = rig.commit(3, delivery=MERGED, since=2)
    assert (auto.serving, rig.sent[auto.session][-1]) == (MERGED, third)


def test_who_is_served_merged_states_gets_every_commit_again_once_they_are_no_smaller(rig: Rig) -> None:
    rig = Rig(merge_bytes_s=1000)
    rig.opened()
    auto = rig.join(resume=0, delivery=service.DELIVERY_AUTO)
    rig.attached(auto)
    rig.say(crowd=relay.RelayCrowd(merging_saves=True))
    rig.do(rig.hub.tick(0.0))
    rig.commit(1, size=5000)
    rig.do(rig.hub.tick(1.0))
    rig.attached(auto, opened=b"")
    rig.commit(2, delivery=MERGED, since=1)
    assert auto.serving == MERGED
    rig.asked()
    rig.say(crowd=relay.RelayCrowd(merging_saves=False))
    for second in range(2, 14):
        rig.commit(second, size=5000)
        rig.do(rig.hub.tick(float(second)))
    assert rig.asked() == ["serve"]


def test_a_lane_without_viewers_is_given_back(rig: Rig) -> None:
    viewer = rig.live(0)
    rig.do(rig.hub.leave(viewer.session))
    rig.do(rig.hub.tick(1.0))
    rig.asked()
    rig.do(rig.hub.tick(2.0 + hub_module.LANE_IDLE_S))
    assert rig.asked() == ["unwant"]


def test_the_lane_of_every_commit_stays_for_who_may_come_back_to_it_and_for_nobody_else(rig: Rig) -> None:
    merged = rig.join(resume=0, delivery=MERGED)
    rig.attached(merged)
    viewer = rig.live(0)
    auto = rig.join(resume=0, delivery=service.DELIVERY_AUTO)
    rig.attached(auto)
    for leaves, given_back in ((viewer, []), (auto, ["unwant"])):
        rig.do(rig.hub.leave(leaves.session))
        rig.do(rig.hub.tick(rig.now))
        rig.asked()
        rig.now += 2 * hub_module.LANE_IDLE_S
        merged.acked_at = rig.now
        rig.do(rig.hub.tick(rig.now))
        assert rig.asked() == given_back


def test_a_lanes_cache_is_bounded_and_its_old_snapshot_no_longer_used() -> None:
    lane = Lane(LaneKey(INTERNAL, FULL))
    part = relay.RelaySnapshot(revision=0, index=0, last=True, response=b"s")
    assert lane.snapshot_part(part)
    for revision in range(1, 12_001):
        lane.broadcast(relay.RelayBroadcast(from_revision=revision - 1, to_revision=revision, response=b"x"))
    assert lane.usable_snapshot() is None
    assert not lane.resumes(1_999)
    assert lane.resumes(2_000)
    assert len(list(lane.since(2_000))) == 10_000


def test_a_broadcast_with_a_hole_before_it_is_not_taken() -> None:
    lane = Lane(LaneKey(INTERNAL, FULL))
    lane.begin(5)
    assert lane.broadcast(relay.RelayBroadcast(from_revision=7, to_revision=8, response=b"x")) is None


def test_snapshot_parts_out_of_order_are_not_a_snapshot() -> None:
    lane = Lane(LaneKey(INTERNAL, FULL))
    lane.snapshot_part(relay.RelaySnapshot(revision=1, index=0, response=b"a"))
    assert not lane.snapshot_part(relay.RelaySnapshot(revision=2, index=1, last=True, response=b"b"))
    assert lane.usable_snapshot() is None


def test_what_is_said_of_who_has_gone_means_nothing(rig: Rig) -> None:
    stays, gone = rig.live(0), rig.live(0)
    rig.do(rig.hub.leave(gone.session))
    assert rig.asked()[-1] == "detach_session"
    rig.do(rig.hub.leave(gone.session))
    rig.do(rig.hub.token(gone.session, "late"))
    rig.hub.congested(gone.session, rig.now)
    rig.do(rig.hub.left(gone.session, 0, rig.now))
    rig.attached(gone)
    rig.say(ended=relay.RelayEnded(session=gone.session, status=status_pb2.Status(code=code_pb2.UNAVAILABLE)))
    rig.say(addressed=relay.RelayAddressed(sessions=[gone.session, stays.session], response=b"for both"))
    assert rig.asked() == []
    assert not rig.ends
    assert rig.sent[gone.session] == []
    assert rig.sent[stays.session] == [message_frame(b"for both")]


def test_a_slow_reader_whose_place_the_cache_has_moved_past_is_cut(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.core.lane.MAX_REVISIONS", 10)
    slow = rig.live(0)
    rig.hub.congested(slow.session, rig.now)
    for revision in range(1, 40):
        rig.commit(revision)
    rig.do(rig.hub.left(slow.session, 0, rig.now))
    assert rig.ends[slow.session].code == code_pb2.RESOURCE_EXHAUSTED


def test_a_reset_that_names_no_lane_is_of_all(rig: Rig) -> None:
    full, merged = rig.live(3), rig.join(delivery=MERGED)
    rig.attached(merged)
    rig.asked()
    rig.say(reset=relay.RelayReset(reset=service.Reset(reason=service.RESET_REASON_COMPACTED, epoch=1)))
    assert rig.asked() == ["want", "want"]
    for viewer, delivery in ((full, FULL), (merged, MERGED)):
        assert rig.sent[viewer.session][-2:] != (parts := rig.snapshot(9, delivery=delivery))
        assert rig.sent[viewer.session][-2:] == parts
